// The root of one graph of a cluster, `graphs/<id>.omni`, as the control plane sees it: what schema lives there,
// whether anything is there, and its removal. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

struct LiveSchema {
  std::string digest;         // of main's schema text
  std::uint64_t version = 0;  // graph_manifest_version of main
};

// nullopt: no graph there (also: one whose creation did not reach its commit). Error: the root does not open.
[[nodiscard]] Result<std::optional<LiveSchema>> read_live_schema(const std::string& graph_uri);

// Whether any object, or on a disk any folder, is left of the root.
[[nodiscard]] Result<bool> graph_root_exists(const StorageRoot& root, const std::string& graph_id);

// Removes everything under the root, whatever it is; durable on return. What makes it a graph goes first, so that an
// interrupted removal leaves none that opens. Idempotent.
[[nodiscard]] Result<void> remove_graph_root(const StorageRoot& root, const std::string& graph_id);

}  // namespace omnigraph::cluster
