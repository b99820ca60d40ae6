// The Lance tables of one state of a graph: what a reader of that format needs to open them (chapter 13 section 4).
// Thread safety: as Graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

struct TableInfo {
  std::string type_key;  // `node:Ship`
  std::string path;      // of the dataset, below the graph's root
  std::uint64_t lance_version = 0;
  std::uint64_t entity_count = 0;
};

// Edges first, then by name. Errors: kBadRequest for a branch and a snapshot; those of finding either.
[[nodiscard]] Result<std::vector<TableInfo>> tables_of(Graph& graph, const ReadTarget& target);

}  // namespace omnigraph::engine
