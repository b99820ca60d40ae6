// What a plan would do to live graphs, found out by reading them: migration steps of schema updates, and the data that
// deletes and drops concern. Thread safety: free function.
#pragma once

#include "cluster/verbs.h"

namespace omnigraph::cluster {

// Fills in the migrations of `report.changes` (impossible: `schema_preview_unavailable`) and, if asked for, the
// effects.
void preview(const StorageRoot& root, const PlanOptions& options, PlanReport& report);

}  // namespace omnigraph::cluster
