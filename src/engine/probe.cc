#include "engine/probe.h"

#include "graph/layout.h"

namespace omnigraph::engine {

Result<void> probe_storage(Graph& graph) {
  OG_RETURN_IF_ERROR(graph.storage().store().head(graph::kGraphFile));
  return {};
}

}  // namespace omnigraph::engine
