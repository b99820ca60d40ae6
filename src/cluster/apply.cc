// apply: converges storage and ledger to the declaration (chapter 06 section 7). Every step before the ledger write can
// be repeated; the ledger write is the one moment that counts.

#include <algorithm>

#include "base/file.h"
#include "cluster/catalog_blobs.h"
#include "cluster/graph_work.h"
#include "cluster/ledger_edit.h"
#include "cluster/leftovers.h"
#include "cluster/operation_record.h"
#include "cluster/saved_plan.h"
#include "cluster/verbs.h"

namespace omnigraph::cluster {

namespace {

class Apply {
 public:
  Apply(const std::filesystem::path& directory, const ApplyOptions& options)
      : options_(options), declaration_(read_declaration(directory)) {
    report_.actor = options.actor;
    report_.diagnostics = declaration_.diagnostics;
    report_.config_digest = declaration_.config_digest;
    StorageRoot::name_paths(declaration_.config, report_.state);
  }

  ApplyReport run() {
    if (options_.plan_file) plan_ = read_saved_plan(*options_.plan_file, report_.diagnostics);
    if (!report_.ok()) return std::move(report_);
    root_ = StorageRoot::open(declaration_.config, Access::kWrite, report_.diagnostics);
    if (!root_) return std::move(report_);
    const auto lock =
        StateLock::acquire(*root_, declaration_.config.locking(), "apply", report_.state, report_.diagnostics);
    auto ledger = root_->read_state(report_.state, report_.diagnostics);
    if (lock && report_.ok()) converge(std::move(ledger));
    return std::move(report_);
  }

 private:
  void converge(std::optional<Ledger> ledger) {
    if (!ledger) {
      add_error(report_.diagnostics, "state_missing", std::string(kStateKey),
                "there is no ledger; run `omnigraph cluster import` first");
      return;
    }
    check_composites(*ledger, report_.diagnostics);
    if (plan_) check_saved_plan(*plan_, declaration_, report_.state, report_.diagnostics);
    if (!report_.ok()) return;
    remove_leftovers(*root_, report_.diagnostics);
    recorded_ = *ledger;
    ledger_ = std::move(*ledger);
    settled_ = settle_operation_records(*root_, ledger_, report_.actor, report_.diagnostics);
    Planned planned = make_plan(*root_, declaration_, ledger_, settled_.in_recovery, report_.diagnostics);
    report_.changes = std::move(planned.changes);
    approvals_ = std::move(planned.approvals);
    warn_of_waiting_changes();
    work_.emplace(*root_, declaration_,
                  GraphWorkOptions{report_.actor, report_.state.state_cas, options_.allow_validated},
                  report_.diagnostics);
    bool failed = false;
    create_and_migrate(failed);
    if (write_catalog()) {
      delete_graphs(failed);
      record();
    } else {
      report_.resource_statuses = recorded_.statuses;
    }
  }

  void warn_of_waiting_changes() {
    for (const Change& change : report_.changes) {
      if (change.disposition == Disposition::kDeferred) {
        add_warning(report_.diagnostics, "apply_unsupported_change", change.resource,
                    "apply leaves this change alone: " + change.reason);
      } else if (change.disposition == Disposition::kBlocked) {
        add_warning(report_.diagnostics, "apply_dependency_blocked", change.resource, "waits: " + change.reason);
      }
    }
  }

  bool depends_on(const Change& change, const std::string& graph) const {
    if (graph_of(change.resource) == graph) return true;
    const auto policy = kind_of(change.resource) == "policy" ? declaration_.policies.find(name_of(change.resource))
                                                             : declaration_.policies.end();
    if (policy == declaration_.policies.end()) return false;
    return std::ranges::find(policy->second.applies_to, "graph." + graph) != policy->second.applies_to.end();
  }

  // What `failed` (or skipped) graph work leaves undone, and all that hangs on the graph.
  void block(const Change& undone, std::string_view reason) {
    const std::string address = undone.resource;
    const std::string graph = graph_of(address);
    for (Change& change : report_.changes) {
      if (change.waits() || !depends_on(change, graph)) continue;
      change.disposition = Disposition::kBlocked;
      change.reason = change.resource == address ? reason : kDependencyNotApplied;
    }
  }

  // One kind of graph work over all changes that ask for it; after a failure the rest is skipped.
  template <class Work>
  void each_graph(std::string_view kind, Operation operation, const std::string& code_prefix, bool& failed,
                  const Work& work) {
    for (Change& change : report_.changes) {
      if (kind_of(change.resource) != kind || change.operation != operation) continue;
      if (change.disposition != Disposition::kApplied) continue;
      if (failed) {
        add_warning(report_.diagnostics, code_prefix + "_skipped", change.resource,
                    "skipped because earlier graph work failed");
        block(change, kDependencyNotApplied);
      } else if (const Result<void> done = work(change); !done) {
        failed = true;
        add_error(report_.diagnostics, code_prefix + "_failed", change.resource, done.error().render());
        block(change, code_prefix + "_failed");
      }
    }
  }

  void create_and_migrate(bool& failed) {
    each_graph("graph", Operation::kCreate, "graph_create", failed,
               [&](Change& change) { return work_->create(change); });
    each_graph("schema", Operation::kUpdate, "schema_apply", failed,
               [&](Change& change) { return work_->update_schema(change); });
  }

  void delete_graphs(bool& failed) {
    each_graph("graph", Operation::kDelete, "graph_delete", failed,
               [&](Change& change) { return work_->remove(change); });
  }

  // False: the run ends, the ledger stays as it is.
  bool write_catalog() {
    for (const Change& change : report_.changes) {
      if (change.disposition != Disposition::kApplied || change.operation == Operation::kDelete) continue;
      const auto key = blob_key(change.resource, change.after_digest.value_or(""));
      if (!key) continue;
      const std::string& text = text_of(change.resource);
      const std::string file = declaration_.resources.at(change.resource).path.value_or("");
      if (const auto now = base::read_file(file); !now || *now != text) {
        add_error(report_.diagnostics, "resource_content_changed", change.resource,
                  "'" + file + "' changed during apply; run it again");
        return false;
      }
      if (const auto written = write_blob(*root_, *key, text); !written) {
        add_error(report_.diagnostics, "resource_payload_write_error", change.resource, written.error().message);
        return false;
      }
    }
    return true;
  }

  const std::string& text_of(const std::string& address) const {
    if (kind_of(address) == "policy") return declaration_.policies.at(name_of(address)).source;
    return declaration_.graphs.at(graph_of(address)).queries.at(name_of(address)).source;
  }

  void record() {
    for (const Change& change : report_.changes) {
      if (change.disposition == Disposition::kApplied) {
        ++report_.applied_count;
        record_applied(change);
      } else if (change.waits()) {
        ++report_.deferred_count;
        if (change.disposition == Disposition::kBlocked && change.reason != kRecoveryPending) {
          ledger_.statuses[change.resource] = {"blocked", {change.reason}, {}};
        }
      }
    }
    for (const FinishedWork& work : work_->finished()) {
      consume_approval(ledger_, work.approval_id, work.operation_id);
      if (work.operation == Operation::kDelete) bury_graph(ledger_, work.graph_id, work.approval_id, report_.actor);
    }
    record_graph_metadata();
    ledger_.recompute_composites();
    const auto residual = differences(declaration_, ledger_);
    clear_settled_statuses(residual);
    report_.converged = residual.empty() && settled_.in_recovery.empty();
    ledger_.config_digest = report_.converged ? declaration_.config_digest : recorded_.config_digest;
    publish();
  }

  // The one moment that counts; what the ledger now says is then cleaned up after.
  void publish() {
    const bool changed = serialize_ledger(ledger_) != serialize_ledger(recorded_);
    if (changed) {
      ledger_.state_revision += 1;
      report_.state_written = root_->write_state(ledger_, report_.state, report_.diagnostics);
    }
    const bool recorded = report_.state_written || !changed;
    report_.resource_statuses = recorded ? ledger_.statuses : recorded_.statuses;
    report_.converged = report_.converged && recorded;
    if (!recorded) return;
    for (const std::string& name : settled_.finished) remove_operation_record(*root_, name);
    for (const FinishedWork& work : work_->finished()) remove_operation_record(*root_, work.operation_id);
    approvals_.mark_consumed(*root_, ledger_);
  }

  void record_applied(const Change& change) {
    if (change.operation == Operation::kDelete) {
      ledger_.resources.erase(change.resource);
      ledger_.statuses.erase(change.resource);
      return;
    }
    LedgerEntry& entry = ledger_.resources[change.resource];
    entry.digest = *change.after_digest;
    const std::string kind = kind_of(change.resource);
    if (kind == "policy") entry.applies_to = declaration_.policies.at(name_of(change.resource)).applies_to;
    if (kind == "provider") entry.embedding_profile = declaration_.config.providers.at(name_of(change.resource));
    ledger_.statuses[change.resource] = {"applied", {}, {}};
  }

  // Provider and blob settings follow the declaration unless the graph's own change waits.
  void record_graph_metadata() {
    const auto waits = [&](const std::string& address) {
      const auto at = std::ranges::find(report_.changes, address, &Change::resource);
      return at != report_.changes.end() && at->waits();
    };
    for (const auto& [id, graph] : declaration_.graphs) {
      const auto recorded = ledger_.resources.find("graph." + id);
      if (recorded == ledger_.resources.end() || settled_.in_recovery.contains(id)) continue;
      if (waits("graph." + id) || waits("schema." + id)) continue;
      recorded->second.embedding_provider = graph.provider_address;
      recorded->second.external_blob_policy = graph.blobs;
    }
  }

  // What nothing is left to do for is applied; what is neither declared nor recorded has no status.
  void clear_settled_statuses(const std::vector<Change>& residual) {
    std::erase_if(ledger_.statuses, [&](const auto& entry) {
      return !declaration_.resources.contains(entry.first) && !ledger_.resources.contains(entry.first);
    });
    for (auto& [address, status] : ledger_.statuses) {
      const bool waiting = std::ranges::find(residual, address, &Change::resource) != residual.end();
      const bool mismatch = status.status == "drifted" &&
                            std::ranges::find(status.conditions, "schema_mismatch") != status.conditions.end();
      if (!waiting && (status.status == "blocked" || mismatch)) status = {"applied", {}, {}};
    }
  }

  const ApplyOptions& options_;
  const Declaration declaration_;
  ApplyReport report_;
  std::optional<SavedPlan> plan_;
  std::optional<StorageRoot> root_;
  Ledger recorded_;  // as read
  Ledger ledger_;    // as it will be written
  Settled settled_;
  ApprovalBook approvals_;
  std::optional<GraphWork> work_;
};

}  // namespace

ApplyReport apply(const std::filesystem::path& directory, const ApplyOptions& options) {
  return Apply(directory, options).run();
}

}  // namespace omnigraph::cluster
