// The state a read addresses. Inner to this room. Thread safety: a free function.
#pragma once

#include "base/result.h"
#include "engine/graph.h"
#include "graph/snapshot.h"
#include "graph/store.h"

namespace omnigraph::engine {

// Errors: kBadRequest for a branch and a snapshot; those of finding either.
[[nodiscard]] Result<graph::SnapshotPtr> snapshot_of(graph::GraphStore& store, const ReadTarget& target);

}  // namespace omnigraph::engine
