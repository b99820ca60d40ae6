// Opening a graph for one operation, as a command does: what opening finds out serves the operation, so that a cold
// start on a bucket costs one round trip less. Not for graphs that stay open.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "graph/store.h"

namespace omnigraph::graph {

struct OpenedOnce {
  std::shared_ptr<GraphStore> store;
  bool has_main = false;  // main has a record; without one the graph's creation did not finish
};

// Asks for graph.json and the newest records of main and of `branch` at once. Errors: those of GraphStore::open.
[[nodiscard]] Result<OpenedOnce> open_once(std::shared_ptr<objectstore::ObjectStore> store, std::string_view branch,
                                           const StoreOptions& options = {});

}  // namespace omnigraph::graph
