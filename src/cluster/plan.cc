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

namespace {

// Empty where the address ends before: a ledger edited by hand may hold any.
std::string from(const std::string& address, std::size_t at) { return at < address.size() ? address.substr(at) : ""; }

}  // namespace

std::string graph_of(const std::string& address) {
  const std::string kind = kind_of(address);
  if (kind == "graph" || kind == "schema") return from(address, kind.size() + 1);
  if (kind != "query") return {};
  const std::string rest = from(address, kind.size() + 1);
  return rest.substr(0, rest.find('.'));
}

std::string name_of(const std::string& address) {
  const std::string kind = kind_of(address);
  if (kind == "query") return from(address, kind.size() + graph_of(address).size() + 2);
  constexpr std::string_view kProvider = "provider.embedding.";
  return from(address, address.starts_with(kProvider) ? kProvider.size() : kind.size() + 1);
}

namespace {

// Metadata of an unchanged file: bindings of a policy, profile of a provider.
void compare_metadata(const Declaration& declaration, const LedgerEntry& entry, Change& change) {
  const std::string kind = kind_of(change.resource);
  if (kind == "policy") {
    const auto policy = declaration.policies.find(name_of(change.resource));
    if (policy != declaration.policies.end() && entry.applies_to != policy->second.applies_to) {
      change.binding_change = true;
      change.metadata_change = "policy_bindings";
    }
  } else if (kind == "provider") {
    const auto profile = declaration.config.providers.find(name_of(change.resource));
    if (profile != declaration.config.providers.end() && entry.embedding_profile != profile->second) {
      change.metadata_change = "embedding_profile";
    }
  }
}

}  // namespace

std::vector<Change> differences(const Declaration& declaration, const Ledger& ledger) {
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
    if (!change.gate.empty()) gates.push_back({change.resource, change.gate, change.approval_id.has_value()});
  }
  return gates;
}

bool previously_applied(const StorageRoot& root, const Ledger& ledger, const std::string& graph_id) {
  if (ledger.resources.contains("schema." + graph_id)) return true;
  const auto seen = ledger.observations.find("graph." + graph_id);
  if (seen != ledger.observations.end()) return seen->second.find("\"previously_applied\":true") != std::string::npos;
  const std::string prefix = "__cluster/resources/query/" + graph_id + "/";
  const auto payloads = root.store().list(prefix, {.start_after = {}, .limit = 1});
  return payloads && !payloads->objects.empty();
}

Planned make_plan(const StorageRoot& root, const Declaration& declaration, const Ledger& ledger,
                  std::set<std::string> in_recovery, Diagnostics& diagnostics) {
  Planned planned{{}, ApprovalBook::read(root, diagnostics)};
  PlanInputs inputs{std::move(in_recovery), {}, &planned.approvals};
  for (const auto& [id, graph] : declaration.graphs) {
    if (!ledger.resources.contains("graph." + id) && previously_applied(root, ledger, id)) {
      inputs.previously_applied.insert(id);
    }
  }
  planned.changes = classify(declaration, ledger, inputs);
  for (const Change& change : planned.changes) {
    if (!change.gate.empty()) {
      planned.approvals.warn_of_stale(change, ledger, declaration.config_digest, diagnostics);
    }
    if (change.corrects_drift && change.disposition == Disposition::kApplied) {
      add_warning(diagnostics, "drift_correction", change.resource,
                  change.operation == Operation::kCreate
                      ? "the graph was there once and is gone; it is created again, empty"
                      : "the live schema was changed outside the cluster; it is migrated back to the declared one");
    } else if (change.reason == kDriftGated && !change.gate.empty()) {
      add_warning(
          diagnostics, std::string(kDriftGated), change.resource,
          std::string(change.operation == Operation::kCreate ? "the graph is gone and would be created again, empty"
                                                             : "the live schema was changed outside the cluster") +
              "; to let apply do it: omnigraph cluster approve " + change.resource);
    }
  }
  return planned;
}

}  // namespace omnigraph::cluster
