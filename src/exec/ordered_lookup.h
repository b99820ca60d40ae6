// Recognizes comparisons that few rows pass by the ordered index of a property, and lists these rows instead of
// scanning the table (index/ordered_index.h).
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "exec/runtime.h"

namespace omnigraph::exec {

// A row found by an index costs about as much as testing so many rows of a scan: it is sorted and gathered.
inline constexpr std::size_t kRowsScannedPerFound = 64;

// The live rows of `variable` that pass the comparisons of one of its properties with constants, ascending: of the
// property that leaves fewest. Rows of files without an index are tested. nullopt if there is no such comparison, if
// most rows have no index, or if so many pass that a scan is as good. `conditions`: on `variable` alone, all of which
// hold for the rows that are wanted; REQUIRES: a node that is never null.
[[nodiscard]] Result<std::optional<std::vector<Ordinal>>> find_by_order(
    VariableId variable, const std::vector<const query::Expr*>& conditions, Runtime& runtime);

}  // namespace omnigraph::exec
