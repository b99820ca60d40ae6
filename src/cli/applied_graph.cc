#include "cli/applied_graph.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "cli/names.h"
#include "cluster/catalog_blobs.h"

namespace omnigraph::cli {

namespace {

Error first_error(const cluster::Diagnostics& diagnostics, std::string otherwise) {
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.severity == cluster::Severity::kError)
      return bad_request(diagnostic.code + ": " + diagnostic.message);
  }
  return bad_request(std::move(otherwise));
}

// The graph meant, of those that are applied.
Result<std::string> chosen_graph(const Scope& scope, const std::vector<std::string>& ids) {
  if (ids.empty()) {
    return std::unexpected(
        bad_request("cluster '" + scope.address + "' has no applied graphs; run `omnigraph cluster apply`"));
  }
  if (scope.graph) {
    if (std::ranges::find(ids, *scope.graph) != ids.end()) return *scope.graph;
    return std::unexpected(bad_request("graph_not_applied: graph `" + *scope.graph + "` is not applied in cluster `" +
                                       scope.address + "`; applied: " + joined(ids) +
                                       "; `omnigraph cluster apply` applies what is declared"));
  }
  if (ids.size() == 1) return ids.front();
  return std::unexpected(bad_request("cluster '" + scope.address + "' has " + std::to_string(ids.size()) +
                                     " graphs: [" + joined(ids) + "]; pass --graph <id> to select one"));
}

}  // namespace

Result<AppliedGraph> applied_graph(const Scope& scope) {
  cluster::Diagnostics diagnostics;
  auto root = cluster::StorageRoot::open_for_serving(scope.address, diagnostics);
  if (!root) return std::unexpected(first_error(diagnostics, "the cluster's storage root cannot be opened"));
  cluster::StateObservations seen;
  auto ledger = root->read_state(seen, diagnostics);
  if (!ledger && seen.state_found)
    return std::unexpected(first_error(diagnostics, "the cluster's state cannot be read"));
  if (!ledger && cluster::has_errors(diagnostics)) return std::unexpected(first_error(diagnostics, ""));
  if (!ledger) {
    return std::unexpected(bad_request(
        "cluster_state_missing: cluster '" + scope.address + "' has no applied graphs, for there is no ledger at '" +
        root->location(cluster::kStateKey) + "'; run `omnigraph cluster import` and `omnigraph cluster apply` first"));
  }
  std::vector<std::string> ids;
  for (const auto& [address, entry] : ledger->resources) {
    if (address.starts_with("graph.")) ids.push_back(address.substr(6));
  }
  OG_ASSIGN_OR_RETURN(std::string id, chosen_graph(scope, ids));
  return AppliedGraph{std::move(*root), std::move(*ledger), std::move(id)};
}

Result<std::map<std::string, std::string>> applied_queries(const AppliedGraph& graph) {
  std::map<std::string, std::string> texts;
  const std::string prefix = "query." + graph.id + ".";
  for (const auto& [address, entry] : graph.ledger.resources) {
    if (!address.starts_with(prefix)) continue;
    const std::string key = *cluster::blob_key(address, entry.digest);
    const auto bytes = graph.root.store().get(key);
    if (!bytes) {
      return std::unexpected(bad_request("catalog_payload_missing: '" + graph.root.location(key) +
                                         "' cannot be read: " + bytes.error().message));
    }
    if (base::sha256_hex(bytes->text()) != entry.digest) {
      return std::unexpected(bad_request("catalog_payload_digest_mismatch: '" + graph.root.location(key) +
                                         "' is not what was applied; run `omnigraph cluster apply`"));
    }
    texts[address.substr(prefix.size())] = std::string(bytes->text());
  }
  return texts;
}

}  // namespace omnigraph::cli
