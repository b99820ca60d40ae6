// Does the storage of a graph answer? One request to it, past every cache. Thread safety: free function.
#pragma once

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

// Errors: those of the store; kNotFound: it answers, and the graph is gone.
[[nodiscard]] Result<void> probe_storage(Graph& graph);

}  // namespace omnigraph::engine
