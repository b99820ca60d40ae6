// Writes that bring nothing but new rows, prepared at once on one base though each becomes a commit of its own: they
// are checked together, against one view, and small fragments are folded once, into the last one's file. What is right
// for all of them together is right for each on top of those before it, for such writes only add: no key or unique
// value twice among all is none twice among some, counts of edges only grow, and whether an edge leans on a node that
// another one of them brings is looked at. Thread safety: free function.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "graph/prepare.h"

namespace omnigraph::graph {

struct GroupedWrite {
  const WriteSet* writes = nullptr;    // no reads; puts alone, none with known replaced rows or vectors to fill in
  PreparedFileCache* files = nullptr;  // of this write
};

// In the order of `writes`, each on top of the ones before it. nullopt: they have to be prepared one after another, for
// one of them replaces a row, or leans on another. Errors: those of prepare_write(), of any of them.
[[nodiscard]] Result<std::optional<std::vector<PreparedWrite>>> prepare_group(const Snapshot& base,
                                                                              std::span<const GroupedWrite> writes,
                                                                              objectstore::ObjectStore& store);

}  // namespace omnigraph::graph
