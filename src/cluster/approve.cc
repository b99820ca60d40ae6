// approve: opens the gate of one pending change, for exactly the state of declaration and ledger that was planned.

#include <algorithm>

#include "base/ulid.h"
#include "cluster/ledger_edit.h"
#include "cluster/verbs.h"

namespace omnigraph::cluster {

namespace {

// What to say about a resource that has no gate.
std::string no_gate(const std::string& resource, const std::vector<Change>& changes) {
  const auto graph = "graph." + graph_of(resource);
  std::vector<std::string> gated;
  for (const Change& change : changes) {
    if (change.gate.empty()) continue;
    if (change.resource == graph && resource != graph) return "it goes with " + graph + "; approve that";
    gated.push_back(change.resource);
  }
  std::string message = "no pending change of '" + resource + "' asks for an approval";
  for (std::size_t i = 0; i < gated.size(); ++i) message += (i == 0 ? "; these do: " : ", ") + gated[i];
  return message;
}

void approve_on(const StorageRoot& root, const Declaration& declaration, const Ledger& ledger,
                const std::string& resource, const std::string& actor, ApproveReport& report) {
  const auto planned = make_plan(root, declaration, ledger, {}, report.diagnostics);
  const auto change =
      std::ranges::find_if(planned.changes, [&](const Change& c) { return c.resource == resource && !c.gate.empty(); });
  if (change == planned.changes.end()) {
    add_error(report.diagnostics, "approval_not_required", resource, no_gate(resource, planned.changes));
    return;
  }
  Approval approval;
  approval.approval_id = base::new_ulid();
  approval.resource = resource;
  approval.operation = operation_name(change->operation);
  approval.reason = change->gate;
  approval.config_digest = declaration.config_digest;
  approval.before_digest = change->before_digest;
  approval.after_digest = change->after_digest;
  approval.approved_by = actor;
  approval.created_at = now_text();
  if (!write_approval(root, approval, report.diagnostics)) return;
  report.approval_id = approval.approval_id;
  report.resource = resource;
  report.operation = approval.operation;
  report.approved_by = actor;
}

}  // namespace

ApproveReport approve(const std::filesystem::path& directory, const std::string& resource, const std::string& actor) {
  ApproveReport report;
  const Declaration declaration = read_declaration(directory);
  report.diagnostics = declaration.diagnostics;
  if (!report.ok()) return report;
  const auto root = StorageRoot::open(declaration.config, Access::kWrite, report.diagnostics);
  if (!root) return report;
  StateObservations seen;
  const auto lock = StateLock::acquire(*root, declaration.config.locking(), "approve", seen, report.diagnostics);
  const auto ledger = root->read_state(seen, report.diagnostics);
  if (!lock || !report.ok()) return report;
  if (!ledger) {
    add_error(report.diagnostics, "state_missing", std::string(kStateKey),
              "there is no ledger; run `omnigraph cluster import` first");
    return report;
  }
  approve_on(*root, declaration, *ledger, resource, actor, report);
  return report;
}

}  // namespace omnigraph::cluster
