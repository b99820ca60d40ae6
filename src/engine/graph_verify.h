// The check of a stored graph, for the front ends (graph/verify.h says what is checked).
// Thread safety: as Graph.
#pragma once

#include "base/result.h"
#include "engine/graph.h"
#include "graph/verify.h"

namespace omnigraph::engine {

// Errors: of the store. Damage is in the report.
[[nodiscard]] Result<graph::VerifyReport> verify_graph(Graph& graph, const graph::VerifyOptions& options = {});

}  // namespace omnigraph::engine
