// Removal of history that is no longer wanted, for the front ends (graph/cleanup.h says what stays).
// Thread safety: as Graph.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "engine/graph.h"
#include "graph/cleanup.h"

namespace omnigraph::engine {

// An integer and one of s m h d w, none = s; in seconds. kBadRequest: `invalid duration`, `unknown duration unit`.
[[nodiscard]] Result<std::uint64_t> parse_duration(std::string_view text);

struct CleanupRequest {
  std::optional<std::uint64_t> keep{};
  std::optional<std::uint64_t> older_than_secs{};
};

// Errors: as graph::cleanup.
[[nodiscard]] Result<graph::CleanupReport> cleanup_graph(Graph& graph, const CleanupRequest& request);

}  // namespace omnigraph::engine
