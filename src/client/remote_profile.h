// Plans and profiles of ad hoc reads on a server (POST x/profile). Thread safety: as RemoteGraph.
#pragma once

#include <string>

#include "client/remote_graph.h"

namespace omnigraph::client {

// The answer as compact JSON. `explain`: only planned. Errors: as RemoteGraph::query; kBadRequest for a stored query,
// whose text the route does not know.
[[nodiscard]] Result<std::string> profile_query(RemoteGraph& graph, const RemoteQuery& query,
                                                const engine::ReadTarget& target, bool explain);

}  // namespace omnigraph::client
