#include "engine/graph_verify.h"

namespace omnigraph::engine {

Result<graph::VerifyReport> verify_graph(Graph& graph, const graph::VerifyOptions& options) {
  return graph::verify(graph.storage().parts(), options);
}

}  // namespace omnigraph::engine
