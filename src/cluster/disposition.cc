// What apply does with each change: the table of chapter 06 section 6, row by row.

#include <algorithm>

#include "cluster/plan.h"

namespace omnigraph::cluster {

namespace {

class Classifier {
 public:
  Classifier(const Declaration& declaration, const Ledger& ledger, const PlanInputs& inputs)
      : declaration_(declaration), ledger_(ledger), inputs_(inputs) {
    for (Change& change : differences(declaration, ledger)) {
      std::string address = change.resource;
      changes_.emplace(std::move(address), std::move(change));
    }
  }

  std::vector<Change> run() {
    // Graphs and schemas first: what depends on them looks at their disposition. A schema follows the create or delete
    // of its graph, the update of a graph its schema.
    each("graph", [&](Change& change, const std::string& graph) { create_or_delete_graph(change, graph); });
    each("schema", [&](Change& change, const std::string& graph) { classify_schema(change, graph); });
    each("graph", [&](Change& change, const std::string& graph) { update_graph(change, graph); });
    each("query", [&](Change& change, const std::string& graph) { classify_query(change, graph); });
    each("policy", [&](Change& change, const std::string&) { classify_policy(change); });
    std::vector<Change> sorted;
    for (auto& [address, change] : changes_) {
      if (!known(address)) set(change, Disposition::kDeferred, kUnsupportedKind);
      sorted.push_back(std::move(change));
    }
    return sorted;
  }

 private:
  // A ledger edited by hand may hold anything; an id that is none never becomes a path.
  static bool known(const std::string& address) {
    const std::string kind = kind_of(address);
    if (name_of(address).empty()) return false;
    if (kind == "graph" || kind == "schema" || kind == "query") return is_graph_id(graph_of(address));
    return kind == "policy" || address.starts_with("provider.embedding.");
  }

  static void set(Change& change, Disposition disposition, std::string_view reason = {}) {
    change.disposition = disposition;
    change.reason = reason;
  }

  template <class Body>
  void each(std::string_view kind, const Body& body) {
    for (auto& [address, change] : changes_) {
      if (kind_of(address) == kind && known(address)) body(change, graph_of(address));
    }
  }

  const Change* find(const std::string& address) const {
    const auto at = changes_.find(address);
    return at == changes_.end() ? nullptr : &at->second;
  }
  const Change* find(const std::string& address, Operation operation) const {
    const Change* change = find(address);
    return change != nullptr && change->operation == operation ? change : nullptr;
  }
  bool deferred(const std::string& address) const {
    const Change* change = find(address);
    return change != nullptr && change->disposition == Disposition::kDeferred;
  }
  bool recovering(const std::string& graph) const { return inputs_.in_recovery.contains(graph); }
  bool has_condition(const std::string& address, std::string_view condition) const {
    const auto status = ledger_.statuses.find(address);
    return status != ledger_.statuses.end() && status->second.status == "drifted" &&
           std::ranges::find(status->second.conditions, condition) != status->second.conditions.end();
  }

  // The change asks for an approval; whether there is one.
  bool gate(Change& change, std::string_view why) {
    change.gate = why;
    if (inputs_.approvals != nullptr) {
      change.approval_id = inputs_.approvals->authorizing(change, ledger_, declaration_.config_digest);
    }
    return change.approval_id.has_value();
  }

  void create_or_delete_graph(Change& change, const std::string& graph) {
    if (change.operation == Operation::kDelete) {
      if (recovering(graph)) {
        set(change, Disposition::kBlocked, kRecoveryPending);
        change.gate = kApprovalRequired;
      } else if (!gate(change, kApprovalRequired)) {
        set(change, Disposition::kBlocked, kApprovalRequired);
      }
      return;
    }
    if (change.operation != Operation::kCreate) return;
    const DriftMode mode = declaration_.config.drift();
    change.corrects_drift = inputs_.previously_applied.contains(graph);
    const bool gated = (mode != DriftMode::kConverge && change.corrects_drift) ||
                       (mode == DriftMode::kStrict && has_condition(change.resource, "graph_missing"));
    if (recovering(graph)) {
      set(change, Disposition::kBlocked, kRecoveryPending);
    } else if (gated && !gate(change, kDriftGated)) {
      set(change, Disposition::kDeferred, kDriftGated);
    }
  }

  void classify_schema(Change& change, const std::string& graph) {
    if (change.operation != Operation::kUpdate) {
      const Change* with = find("graph." + graph, change.operation);
      if (with != nullptr) {
        set(change, with->disposition, with->reason);
        return;
      }
      set(change, Disposition::kDeferred, kUnsupportedKind);
      if (change.operation == Operation::kDelete) gate(change, kApprovalRequired);
      return;
    }
    change.corrects_drift = has_condition(change.resource, "schema_mismatch");
    if (recovering(graph)) {
      set(change, Disposition::kBlocked, kRecoveryPending);
    } else if (change.corrects_drift && declaration_.config.drift() != DriftMode::kConverge &&
               !gate(change, kDriftGated)) {
      set(change, Disposition::kDeferred, kDriftGated);
    }
  }

  void update_graph(Change& change, const std::string& graph) {
    if (change.operation != Operation::kUpdate) return;
    const Change* schema = find("schema." + graph);
    if (schema != nullptr && schema->disposition == Disposition::kDeferred) {
      set(change, Disposition::kDeferred, schema->reason);
    } else {
      set(change, Disposition::kDerived);
    }
  }

  void classify_query(Change& change, const std::string& graph) {
    if (change.operation == Operation::kDelete) {
      if (const Change* with = find("graph." + graph, Operation::kDelete)) set(change, with->disposition, with->reason);
    } else if (recovering(graph)) {
      set(change, Disposition::kBlocked, kRecoveryPending);
    } else if (deferred("graph." + graph) || deferred("schema." + graph)) {
      set(change, Disposition::kBlocked, kDependencyNotApplied);
    }
  }

  void classify_policy(Change& change) {
    const auto policy = declaration_.policies.find(name_of(change.resource));
    if (change.operation == Operation::kDelete || policy == declaration_.policies.end()) return;
    const auto graphs = [&](const auto& test) {
      return std::ranges::any_of(policy->second.applies_to,
                                 [&](const std::string& scope) { return scope != "cluster" && test(scope); });
    };
    if (graphs([&](const std::string& scope) { return recovering(graph_of(scope)); })) {
      set(change, Disposition::kBlocked, kRecoveryPending);
    } else if (graphs([&](const std::string& scope) {
                 return find(scope, Operation::kCreate) != nullptr && deferred(scope);
               })) {
      set(change, Disposition::kBlocked, kDependencyNotApplied);
    }
  }

  const Declaration& declaration_;
  const Ledger& ledger_;
  const PlanInputs& inputs_;
  std::map<std::string, Change> changes_;
};

}  // namespace

std::vector<Change> classify(const Declaration& declaration, const Ledger& ledger, const PlanInputs& inputs) {
  return Classifier(declaration, ledger, inputs).run();
}

}  // namespace omnigraph::cluster
