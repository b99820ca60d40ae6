#include "cluster/boot.h"

#include "base/hash.h"
#include "cluster/catalog_blobs.h"
#include "cluster/operation_record.h"
#include "cluster/plan.h"

namespace omnigraph::cluster {

namespace {

class BootReader {
 public:
  BootReader(const StorageRoot& root, Ledger ledger, Diagnostics& diagnostics)
      : root_(root),
        ledger_(std::move(ledger)),
        diagnostics_(diagnostics),
        environment_(embed::process_environment()) {}

  std::optional<ServingPlan> read() {
    plan_.applied_config_digest = ledger_.config_digest;
    check_composites(ledger_, diagnostics_);
    read_records();
    for (const auto& [address, entry] : ledger_.resources) {
      if (kind_of(address) == "graph") add_graph(graph_of(address), entry);
    }
    for (const auto& [address, entry] : ledger_.resources) {
      if (kind_of(address) == "query") add_query(address, entry);
      if (kind_of(address) == "policy") add_policy(address, entry);
    }
    if (!has_errors(diagnostics_) && graphs_.empty() && plan_.quarantined.empty()) {
      error("cluster_empty", std::string(kStateKey), "no graph has been applied; run `omnigraph cluster apply`");
    }
    if (has_errors(diagnostics_)) return std::nullopt;
    for (auto& [id, graph] : graphs_) plan_.graphs.push_back(std::move(graph));
    if (plan_.graphs.empty()) {
      for (const auto& graph : plan_.quarantined) error(graph.code, "graph." + graph.id, graph.reason);
      error("cluster_no_healthy_graphs", std::string(kStateKey), "every graph is quarantined");
      return std::nullopt;
    }
    return std::move(plan_);
  }

 private:
  void error(std::string code, std::string path, std::string message) {
    add_error(diagnostics_, std::move(code), std::move(path), std::move(message));
  }

  void read_records() {
    for (const PendingRecord& pending : read_operation_records(root_)) {
      if (!pending.record) {
        error(pending.code, pending.location, pending.message);
      } else if (pending.record->graph_id.empty()) {
        error("cluster_recovery_unattributed", pending.location, "the operation record names no graph");
      } else {
        in_recovery_.insert(pending.record->graph_id);
      }
    }
  }

  void quarantine(const std::string& id, std::string code, std::string reason) {
    plan_.quarantined.push_back({id, std::move(code), std::move(reason), false});
  }

  void add_graph(const std::string& id, const LedgerEntry& entry) {
    if (!is_graph_id(id)) {
      quarantine(id, "invalid_resource_id", "'" + id + "' is no graph id; the ledger was edited");
      return;
    }
    if (in_recovery_.contains(id)) {
      quarantine(id, "cluster_recovery_pending",
                 "an operation on this graph was interrupted; run `omnigraph cluster apply`");
      return;
    }
    ServedGraph graph;
    graph.id = id;
    graph.uri = root_.graph_uri(id);
    for (const NormalizedBlobBase& base : entry.external_blob_policy) {
      if (base.scope == "server_safe") graph.external_blob_bases.push_back(base.uri);
    }
    if (entry.embedding_provider && !resolve_provider(id, *entry.embedding_provider, graph)) return;
    graphs_.emplace(id, std::move(graph));
  }

  // False: quarantined (the key is not set). A cluster-wide finding refuses the boot anyway.
  bool resolve_provider(const std::string& id, const std::string& address, ServedGraph& graph) {
    const std::string where = "graph." + id;
    if (!address.starts_with("provider.embedding.")) {
      error("wrong_kind_reference", where, "'" + address + "' is not an embedding provider");
      return true;
    }
    const auto provider = ledger_.resources.find(address);
    if (provider == ledger_.resources.end()) {
      error("embedding_provider_missing", where, "'" + address + "' is not applied");
      return true;
    }
    if (!provider->second.embedding_profile) {
      error("embedding_provider_profile_missing", address,
            "the ledger holds no profile; run `omnigraph cluster apply`");
      return true;
    }
    const EmbeddingProfile& profile = *provider->second.embedding_profile;
    if (profile_digest(profile) != provider->second.digest) {
      error("embedding_provider_profile_digest_mismatch", address, "the recorded profile was edited");
      return true;
    }
    embed::ProviderConfig config{profile.kind, profile.base_url.value_or(""), profile.model.value_or(""), ""};
    if (profile.api_key) {
      const std::string name = profile.api_key->substr(2, profile.api_key->size() - 3);
      config.api_key = environment_(name).value_or("");
      if (config.api_key.empty()) {
        quarantine(id, "embedding_api_key_unresolved", "environment variable " + name + " is not set");
        return false;
      }
    }
    if (profile.kind == "mock" && config.model.empty())
      config.model = environment_("OMNIGRAPH_EMBED_MODEL").value_or("");
    graph.embedding = std::move(config);
    return true;
  }

  std::optional<std::string> payload(const std::string& address, const LedgerEntry& entry) {
    const std::string key = *blob_key(address, entry.digest);
    const auto bytes = root_.store().get(key);
    if (!bytes) {
      error("catalog_payload_missing", address,
            "'" + root_.location(key) + "' cannot be read: " + bytes.error().message);
      return std::nullopt;
    }
    if (base::sha256_hex(bytes->text()) != entry.digest) {
      error("catalog_payload_digest_mismatch", address, "'" + root_.location(key) + "' is not what was applied");
      return std::nullopt;
    }
    return std::string(bytes->text());
  }

  void add_query(const std::string& address, const LedgerEntry& entry) {
    const std::string id = graph_of(address);
    const auto graph = graphs_.find(id);
    // A payload fault of a quarantined graph concerns nobody else.
    if (graph == graphs_.end()) return;
    if (auto text = payload(address, entry)) {
      graph->second.queries[name_of(address)] = std::move(*text);
    }
  }

  void add_policy(const std::string& address, const LedgerEntry& entry) {
    const std::string name = name_of(address);
    if (!entry.applies_to) {
      error("policy_bindings_missing", address, "the ledger holds no bindings; run `omnigraph cluster apply`");
      return;
    }
    const auto text = payload(address, entry);
    if (!text) return;
    for (const std::string& scope : *entry.applies_to) {
      if (const auto [holder, first] = scopes_.emplace(scope, name); !first) {
        error("duplicate_policy_binding", address,
              "policies '" + holder->second + "' and '" + name + "' both apply to '" + scope + "'");
      } else if (scope == "cluster") {
        bind_server_policy(address, *text);
      } else {
        bind_graph_policy(address, scope, name, *text);
      }
    }
  }

  void bind_server_policy(const std::string& address, const std::string& text) {
    auto bundle = policy::Bundle::parse(text, policy::BundleKind::kServer);
    if (!bundle) {
      error("policy_invalid", address, bundle.error().message);
      return;
    }
    plan_.server_policy = *bundle;
  }

  void bind_graph_policy(const std::string& address, const std::string& scope, const std::string& name,
                         const std::string& text) {
    const std::string id = scope.starts_with("graph.") ? scope.substr(6) : scope;
    if (const auto graph = graphs_.find(id); graph != graphs_.end()) {
      graph->second.policy_source = text;
      graph->second.policy_name = name;
      return;
    }
    for (QuarantinedGraph& graph : plan_.quarantined) {
      if (graph.id == id) {
        graph.has_policy = true;
        return;
      }
    }
    error("dangling_graph_reference", address, "the policy is bound to '" + scope + "', which is not applied");
  }

  const StorageRoot& root_;
  const Ledger ledger_;
  Diagnostics& diagnostics_;
  const embed::Environment environment_;
  std::set<std::string> in_recovery_;
  std::map<std::string, ServedGraph> graphs_;
  std::map<std::string, std::string> scopes_;  // scope -> policy
  ServingPlan plan_;
};

}  // namespace

std::optional<ServingPlan> read_serving_plan(const std::string& source, Diagnostics& diagnostics) {
  const auto root = StorageRoot::open_for_serving(source, diagnostics);
  if (!root) return std::nullopt;
  StateObservations seen;
  auto ledger = root->read_state(seen, diagnostics);
  if (!ledger) {
    if (!has_errors(diagnostics)) {
      add_error(diagnostics, "cluster_state_missing", root->location(kStateKey),
                "nothing has been applied here; run `omnigraph cluster import` and `omnigraph cluster apply`");
    }
    return std::nullopt;
  }
  return BootReader(*root, std::move(*ledger), diagnostics).read();
}

}  // namespace omnigraph::cluster
