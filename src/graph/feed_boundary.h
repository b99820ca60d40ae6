// Where the schema of two neighbouring commits differs so much that their entities cannot be compared value by value
// (chapter 03 section 7.2). Thread safety: free functions; no I/O.
#pragma once

#include <optional>
#include <string>

#include "graph/snapshot.h"

namespace omnigraph::graph {

// The first type, nodes before edges, then by table id, with a property added, removed or of another storage type, or
// that came or went together with entities; its name in `after`, else in `before`. Renames are no boundary, nor is
// what changes no stored value: nullability, enum members.
[[nodiscard]] std::optional<std::string> schema_boundary(const Snapshot& before, const Snapshot& after);

}  // namespace omnigraph::graph
