#include "cluster/plan.h"

#include <algorithm>

namespace omnigraph::cluster {

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kCreate: return "create";
    case Operation::kUpdate: return "update";
    case Operation::kDelete: return "delete";
  }
  return "";
}

std::string_view disposition_name(Disposition disposition) {
  switch (disposition) {
    case Disposition::kApplied: return "applied";
    case Disposition::kDerived: return "derived";
    case Disposition::kDeferred: return "deferred";
    case Disposition::kBlocked: return "blocked";
  }
  return "";
}

std::string kind_of(const std::string& address) { return address.substr(0, address.find('.')); }

std::string graph_of(const std::string& address) {
  const std::string kind = kind_of(address);
  if (kind == "graph" || kind == "schema") return address.substr(kind.size() + 1);
  if (kind != "query") return {};
  const std::size_t begin = kind.size() + 1;
  return address.substr(begin, address.find('.', begin) - begin);
}

namespace {

// Metadata of an unchanged file: bindings of a policy, profile of a provider.
void compare_metadata(const Declaration& declaration, const LedgerEntry& entry, Change& change) {
  const std::string kind = kind_of(change.resource);
  if (kind == "policy") {
    const auto policy = declaration.policies.find(change.resource.substr(7));
    if (policy != declaration.policies.end() && entry.applies_to != policy->second.applies_to) {
      change.binding_change = true;
      change.metadata_change = "policy_bindings";
    }
  } else if (kind == "provider") {
    const auto profile = declaration.config.providers.find(change.resource.substr(std::string("provider.embedding.").size()));
    if (profile != declaration.config.providers.end() && entry.embedding_profile != profile->second) {
      change.metadata_change = "embedding_profile";
    }
  }
}

std::map<std::string, Change> differences(const Declaration& declaration, const Ledger& ledger) {
  std::map<std::string, Change> changes;
  for (const auto& [address, resource] : declaration.resources) {
    Change change;
    change.resource = address;
    change.after_digest = resource.digest;
    const auto recorded = ledger.resources.find(address);
    if (recorded == ledger.resources.end()) {
      changes.emplace(address, std::move(change));
      continue;
    }
    change.operation = Operation::kUpdate;
    change.before_digest = recorded->second.digest;
    compare_metadata(declaration, recorded->second, change);
    if (change.before_digest != change.after_digest || !change.metadata_change.empty()) {
      changes.emplace(address, std::move(change));
    }
  }
  for (const auto& [address, entry] : ledger.resources) {
    if (declaration.resources.contains(address)) continue;
    Change change;
    change.resource = address;
    change.operation = Operation::kDelete;
    change.before_digest = entry.digest;
    changes.emplace(address, std::move(change));
  }
  return changes;
}

class Classifier {
 public:
  Classifier(const Declaration& declaration, std::map<std::string, Change>& changes, const PlanInputs& inputs)
      : declaration_(declaration), changes_(changes), inputs_(inputs) {}

  void run() {
    // Graphs and schemas first: what depends on them looks at their disposition.
    for (const char* kind : {"graph", "schema", "graph", "query", "policy", "provider"}) {
      for (auto& [address, change] : changes_) {
        if (kind_of(address) == kind) classify(change, kind);
      }
    }
  }

 private:
  static void set(Change& change, Disposition disposition, std::string reason = {}) {
    change.disposition = disposition;
    change.reason = std::move(reason);
  }

  const Change* find(const std::string& address) const {
    const auto at = changes_.find(address);
    return at == changes_.end() ? nullptr : &at->second;
  }
  bool is(const std::string& address, Operation operation) const {
    const Change* change = find(address);
    return change != nullptr && change->operation == operation;
  }
  bool deferred(const std::string& address) const {
    const Change* change = find(address);
    return change != nullptr && change->disposition == Disposition::kDeferred;
  }

  void classify(Change& change, const std::string& kind) {
    const std::string graph = graph_of(change.resource);
    const bool recovering = !graph.empty() && inputs_.in_recovery.contains(graph);
    const bool with_graph_delete = is("graph." + graph, Operation::kDelete);
    if (kind == "graph" || kind == "schema") {
      classify_graph_or_schema(change, kind, graph, recovering);
    } else if (kind == "query" && change.operation == Operation::kDelete && with_graph_delete) {
      set(change, Disposition::kBlocked, recovering ? "cluster_recovery_pending" : "approval_required");
    } else if (kind == "query" && change.operation != Operation::kDelete) {
      if (recovering) {
        set(change, Disposition::kBlocked, "cluster_recovery_pending");
      } else if (deferred("graph." + graph) || deferred("schema." + graph)) {
        set(change, Disposition::kBlocked, "dependency_not_applied");
      }
    } else if (kind == "policy" && change.operation != Operation::kDelete) {
      classify_policy(change);
    } else if (kind != "query" && kind != "policy" && kind != "provider") {
      set(change, Disposition::kDeferred, "apply_unsupported_kind");
    }
  }

  void classify_graph_or_schema(Change& change, const std::string& kind, const std::string& graph, bool recovering) {
    if (change.operation == Operation::kDelete) {
      if (kind == "schema" && !is("graph." + graph, Operation::kDelete)) {
        set(change, Disposition::kDeferred, "apply_unsupported_kind");
      } else {
        set(change, Disposition::kBlocked, recovering ? "cluster_recovery_pending" : "approval_required");
      }
    } else if (kind == "graph" && change.operation == Operation::kUpdate) {
      const Change* schema = find("schema." + graph);
      if (schema != nullptr && schema->disposition == Disposition::kDeferred) {
        set(change, Disposition::kDeferred, schema->reason);
      } else {
        set(change, Disposition::kDerived);
      }
    } else if (kind == "schema" && change.operation == Operation::kCreate && !is("graph." + graph, Operation::kCreate)) {
      set(change, Disposition::kDeferred, "apply_unsupported_kind");
    } else if (recovering) {
      set(change, Disposition::kBlocked, "cluster_recovery_pending");
    }
  }

  void classify_policy(Change& change) {
    const auto policy = declaration_.policies.find(change.resource.substr(7));
    if (policy == declaration_.policies.end()) return;
    for (const std::string& scope : policy->second.applies_to) {
      if (scope == "cluster") continue;
      if (inputs_.in_recovery.contains(scope.substr(6))) {
        set(change, Disposition::kBlocked, "cluster_recovery_pending");
        return;
      }
      if (is(scope, Operation::kCreate) && deferred(scope)) set(change, Disposition::kBlocked, "dependency_not_applied");
    }
  }

  const Declaration& declaration_;
  std::map<std::string, Change>& changes_;
  const PlanInputs& inputs_;
};

}  // namespace

std::vector<Change> diff(const Declaration& declaration, const Ledger& ledger, const PlanInputs& inputs) {
  auto changes = differences(declaration, ledger);
  Classifier(declaration, changes, inputs).run();
  std::vector<Change> sorted;
  sorted.reserve(changes.size());
  for (auto& [address, change] : changes) sorted.push_back(std::move(change));
  return sorted;
}

std::vector<BlastRadius> blast_radius(const Declaration& declaration, const std::vector<Change>& changes) {
  std::vector<BlastRadius> radius;
  for (const Change& change : changes) {
    BlastRadius entry{change.resource, {}};
    for (const auto& [from, to] : declaration.dependencies) {
      if (to == change.resource) entry.affected.push_back(from);
    }
    if (!entry.affected.empty()) radius.push_back(std::move(entry));
  }
  return radius;
}

std::vector<ApprovalGate> approval_gates(const std::vector<Change>& changes) {
  std::vector<ApprovalGate> gates;
  for (const Change& change : changes) {
    const std::string kind = kind_of(change.resource);
    const bool graph_delete = kind == "graph" && change.operation == Operation::kDelete;
    const bool orphan_schema = kind == "schema" && change.operation == Operation::kDelete &&
                               change.disposition == Disposition::kDeferred;
    if (graph_delete || orphan_schema) gates.push_back({change.resource, "approval_required", false});
  }
  return gates;
}

}  // namespace omnigraph::cluster
