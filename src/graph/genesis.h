// The first commit of a graph: its schema, and one empty table per type. Thread safety: free function.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// Publishes the first record of main. Errors: kBadRequest for a bad schema (before anything is written), kConflict when
// another init was first.
[[nodiscard]] Result<void> publish_genesis(StoreParts& parts, const LoadedSchemaPtr& schema,
                                           const std::optional<std::string>& actor);

[[nodiscard]] Error graph_exists();

}  // namespace omnigraph::graph
