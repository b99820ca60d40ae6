// Rows that another tool changed, as a write of ours on the newest head: so they pass every check of a write, endpoints
// are resolved again, and what was committed here meanwhile stays.
// Thread safety: free functions on values.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "graph/foreign_drift.h"
#include "graph/write_set.h"

namespace omnigraph::graph {

// The changes of `drift` to the type `key` of `head`, added to `writes`. REQUIRES: a drift without an obstacle.
// Refusals (kBadRequest, kConflict): an id that does not fit its key or is missing, and rows that were changed on both
// sides. Other errors: of reading.
[[nodiscard]] Result<void> add_foreign_changes(const TableDrift& drift, const std::string& key, const Snapshot& head,
                                               WriteSet& writes);

}  // namespace omnigraph::graph
