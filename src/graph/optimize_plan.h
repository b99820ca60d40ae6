// Which fragments of a table are worth writing anew (chapter 09 section 9): small ones together, those with many
// deleted rows, and those that another tool wrote or left without what ours have.
// Thread safety: free functions on values.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/record.h"
#include "lance/file_writer.h"
#include "lance/manifest.h"

namespace omnigraph::graph {

// The size of a fragment that is large enough.
struct FragmentTarget {
  std::uint64_t rows = lance::kFileRowsMax;
  std::uint64_t bytes = lance::kFileBytesMax;  // as they lie in memory
};

// Fragments by index in the manifest, ascending within a group; each group becomes one fragment, or none when no row
// of it is live. Planned again on the outcome, nothing is left to do unless packing shrank a group a lot.
using FragmentGroups = std::vector<std::vector<std::size_t>>;
[[nodiscard]] FragmentGroups plan_rewrite(const lance::Manifest& manifest, const FragmentTarget& target);

}  // namespace omnigraph::graph
