// One graph as a cluster's applied state has it. Reads the ledger alone, without lock, also on a degraded cluster.
// Errors: kBadRequest, with diagnostic codes in front where the cluster has one. Thread safety: values.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "cli/scope.h"
#include "cluster/root.h"

namespace omnigraph::cli {

struct AppliedGraph {
  cluster::StorageRoot root;
  cluster::Ledger ledger;
  std::string id;
};

// `scope.graph`, else the sole applied graph: `has no applied graphs`, `N graphs: [a, b]`, `is not applied in cluster`.
// REQUIRES: kCluster.
[[nodiscard]] Result<AppliedGraph> applied_graph(const Scope& scope);

// Texts of the graph's stored queries by name, as applied. Errors: a text that is missing or is not what was applied.
[[nodiscard]] Result<std::map<std::string, std::string>> applied_queries(const AppliedGraph& graph);

}  // namespace omnigraph::cli
