#include "cluster/applied_policies.h"

#include <algorithm>

#include "base/hash.h"
#include "cluster/catalog_blobs.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

namespace {

constexpr std::string_view kPolicyPrefix = "policy.";
constexpr std::string_view kGraphPrefix = "graph.";

Error first_finding(const Diagnostics& diagnostics, std::string otherwise) {
  const auto found = std::ranges::find(diagnostics, Severity::kError, &Diagnostic::severity);
  return bad_request(found == diagnostics.end() ? std::move(otherwise) : found->code + ": " + found->message);
}

template <class Names>
std::string listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

std::string scope_of_graph(const std::string& graph) { return std::string(kGraphPrefix) + graph; }

const AppliedPolicy* bound_to(const std::vector<AppliedPolicy>& policies, const std::string& scope) {
  const auto found = std::ranges::find_if(policies, [&scope](const AppliedPolicy& policy) {
    return std::ranges::find(policy.applies_to, scope) != policy.applies_to.end();
  });
  return found == policies.end() ? nullptr : &*found;
}

}  // namespace

Result<AppliedPolicy> AppliedPolicies::choose(const std::optional<std::string>& name,
                                              const std::optional<std::string>& graph) const {
  std::vector<std::string> names;
  for (const AppliedPolicy& policy : all) names.push_back(policy.name);
  const std::string here = "cluster '" + cluster + "'";
  const std::string known = " policy bundles ([" + listed(names) + "])";
  if (graph && !graphs.contains(*graph)) {
    return std::unexpected(bad_request("graph '" + *graph + "' is not applied in " + here +
                                       "; applied: " + (graphs.empty() ? "none" : listed(graphs))));
  }
  if (name) {
    const auto found = std::ranges::find(all, *name, &AppliedPolicy::name);
    if (found != all.end()) return *found;
    return std::unexpected(bad_request(here + " has no policy bundle '" + *name + "'" +
                                       (graph ? " for graph '" + *graph + "'" : std::string()) + "; it has " +
                                       std::to_string(all.size()) + known));
  }
  if (graph) {
    const AppliedPolicy* own = bound_to(all, scope_of_graph(*graph));
    if (own == nullptr) own = bound_to(all, "cluster");
    if (own != nullptr) return *own;
    return std::unexpected(bad_request(here + " has no policy bundle for graph '" + *graph +
                                       "'; bind one with `applies_to` in cluster.yaml and apply"));
  }
  if (all.size() == 1) return all.front();
  if (all.empty()) {
    return std::unexpected(bad_request(here + " has no policy bundles; declare one in cluster.yaml and apply"));
  }
  return std::unexpected(
      bad_request(here + " has " + std::to_string(all.size()) + known + "; pass --graph <id> to select one"));
}

Result<AppliedPolicies> read_applied_policies(const std::string& source) {
  Diagnostics diagnostics;
  const auto root = StorageRoot::open_for_serving(source, diagnostics);
  if (!root) {
    return std::unexpected(first_finding(diagnostics, "the storage root of cluster '" + source + "' cannot be opened"));
  }
  StateObservations seen;
  const auto ledger = root->read_state(seen, diagnostics);
  if (!ledger) {
    return std::unexpected(
        first_finding(diagnostics, "cluster_state_missing: cluster '" + source +
                                       "' has no state; run `omnigraph cluster import` and `omnigraph cluster apply`"));
  }
  AppliedPolicies out;
  out.cluster = source;
  for (const auto& [address, entry] : ledger->resources) {
    if (address.starts_with(kGraphPrefix)) out.graphs.insert(address.substr(kGraphPrefix.size()));
    if (!address.starts_with(kPolicyPrefix)) continue;
    AppliedPolicy policy{address.substr(kPolicyPrefix.size()), {}, entry.digest};
    for (const std::string& scope : entry.applies_to.value_or(std::vector<std::string>())) {
      const bool bare = scope != "cluster" && !scope.starts_with(kGraphPrefix);
      policy.applies_to.push_back(bare ? scope_of_graph(scope) : scope);
    }
    out.all.push_back(std::move(policy));
  }
  return out;
}

Result<std::shared_ptr<const policy::Bundle>> open_applied_policy(const std::string& source,
                                                                  const AppliedPolicy& applied,
                                                                  const std::optional<std::string>& graph) {
  Diagnostics diagnostics;
  const auto root = StorageRoot::open_for_serving(source, diagnostics);
  if (!root) {
    return std::unexpected(first_finding(diagnostics, "the storage root of cluster '" + source + "' cannot be opened"));
  }
  const std::string address = std::string(kPolicyPrefix) + applied.name;
  if (applied.applies_to.empty()) {
    return std::unexpected(bad_request("policy_bindings_missing: the ledger holds no bindings of '" + applied.name +
                                       "'; run `omnigraph cluster apply`"));
  }
  const std::string key = *blob_key(address, applied.digest);
  const auto bytes = root->store().get(key);
  if (!bytes) {
    return std::unexpected(
        bad_request("catalog_payload_missing: '" + root->location(key) + "' cannot be read: " + bytes.error().message));
  }
  if (base::sha256_hex(bytes->text()) != applied.digest) {
    return std::unexpected(
        bad_request("catalog_payload_digest_mismatch: '" + root->location(key) + "' is not what was applied"));
  }
  const bool server = std::ranges::find(applied.applies_to, "cluster") != applied.applies_to.end();
  const std::string judged =
      graph.value_or(server ? std::string() : applied.applies_to.front().substr(kGraphPrefix.size()));
  return policy::Bundle::parse(bytes->text(), server ? policy::BundleKind::kServer : policy::BundleKind::kGraph,
                               judged);
}

}  // namespace omnigraph::cluster
