// Opening a graph for one operation, as a command does (graph/open_once.h). Not for graphs that stay open.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

// `branch`: where the operation will look first. Errors: those of Graph::open.
[[nodiscard]] Result<std::shared_ptr<Graph>> open_once(const std::string& uri, std::string_view branch);
[[nodiscard]] Result<std::shared_ptr<Graph>> open_once_on(std::shared_ptr<objectstore::ObjectStore> store,
                                                          const std::string& uri, std::string_view branch,
                                                          const OpenOptions& options = {});

}  // namespace omnigraph::engine
