// validate, plan, status, force-unlock: the verbs that change neither ledger nor graphs.

#include "cluster/verbs.h"

#include "cluster/catalog_blobs.h"
#include "cluster/leftovers.h"
#include "cluster/operation_record.h"
#include "cluster/preview.h"

namespace omnigraph::cluster {

Declaration validate(const std::filesystem::path& directory) {
  Declaration declaration = read_declaration(directory);
  if (!declaration.ok()) return declaration;
  for (const auto& [id, graph] : declaration.graphs) {
    if (!graph.blobs.empty()) continue;
    add_warning(declaration.diagnostics, "external_blob_ingress_default_deny", "graphs." + id + ".external_blobs",
                "new external Blob URIs are refused; list allowed bases under external_blobs.allow to admit some");
  }
  return declaration;
}

namespace {

void warn_of_pending_records(const StorageRoot& root, Diagnostics& diagnostics) {
  for (const PendingRecord& pending : read_operation_records(root)) {
    add_warning(diagnostics, std::string(kRecoveryPending), pending.location,
                "an operation was interrupted; `omnigraph cluster apply` settles it");
  }
}

}  // namespace

PlanReport plan(const std::filesystem::path& directory, const PlanOptions& options) {
  PlanReport report;
  report.declaration = read_declaration(directory);
  report.diagnostics = report.declaration.diagnostics;
  const ClusterConfig& config = report.declaration.config;
  StorageRoot::name_paths(config, report.state);
  if (!report.ok()) return report;
  const auto root = StorageRoot::open(config, config.locking() ? Access::kWrite : Access::kRead, report.diagnostics);
  if (!root) return report;
  const auto lock = StateLock::acquire(*root, config.locking(), "plan", report.state, report.diagnostics);
  const auto ledger = root->read_state(report.state, report.diagnostics);
  if (!lock || !report.ok()) return report;
  warn_of_pending_records(*root, report.diagnostics);
  report.changes = make_plan(*root, report.declaration, ledger.value_or(Ledger{}), {}, report.diagnostics).changes;
  report.blast_radius = blast_radius(report.declaration, report.changes);
  report.approvals_required = approval_gates(report.changes);
  preview(*root, options, report);
  return report;
}

StateReport status(const std::filesystem::path& directory) {
  StateReport report;
  const ClusterConfig config = read_config(directory, report.diagnostics);
  if (!report.ok()) return report;
  const auto root = StorageRoot::open(config, Access::kRead, report.diagnostics);
  if (!root) return report;
  const auto ledger = root->read_state(report.state, report.diagnostics);
  root->observe_lock(report.state, report.diagnostics);
  if (!report.ok()) return report;
  if (!ledger) {
    add_warning(report.diagnostics, "state_missing", std::string(kStateKey),
                "there is no ledger yet; run `omnigraph cluster import`");
    return report;
  }
  warn_of_pending_records(*root, report.diagnostics);
  name_leftovers(*root, report.diagnostics);
  for (const auto& finding : check_catalog_blobs(*root, *ledger)) {
    report.diagnostics.push_back(finding.diagnostic);
  }
  report.resource_digests = ledger->digests();
  report.resource_statuses = ledger->statuses;
  report.observations = ledger->observations;
  return report;
}

UnlockReport force_unlock(const std::filesystem::path& directory, const std::string& lock_id) {
  UnlockReport report;
  const ClusterConfig config = read_config(directory, report.diagnostics);
  if (has_errors(report.diagnostics)) return report;
  const auto root = StorageRoot::open(config, Access::kRead, report.diagnostics);
  if (!root) return report;
  Diagnostics ledger_findings;  // the ledger's health does not matter here
  (void)root->read_state(report.state, ledger_findings);
  report.lock_removed = force_unlock(*root, lock_id, report.state, report.diagnostics);
  return report;
}

}  // namespace omnigraph::cluster
