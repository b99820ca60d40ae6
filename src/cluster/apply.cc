// apply: converges storage and ledger to the declaration (chapter 06 section 7). Every step before the ledger write can
// be repeated; the ledger write is the one moment that counts.

#include <algorithm>

#include "base/clock.h"
#include "base/date_time.h"
#include "base/file.h"
#include "base/ulid.h"
#include "cluster/catalog_blobs.h"
#include "cluster/operation_record.h"
#include "cluster/verbs.h"
#include "engine/graph.h"

namespace omnigraph::cluster {

namespace {

class Apply {
 public:
  Apply(const std::filesystem::path& directory, const std::optional<std::string>& actor)
      : declaration_(read_declaration(directory)) {
    report_.actor = actor;
    report_.diagnostics = declaration_.diagnostics;
    report_.config_digest = declaration_.config_digest;
  }

  ApplyReport run() {
    if (!report_.ok()) return std::move(report_);
    root_ = StorageRoot::open(declaration_.config, report_.diagnostics);
    if (!root_) return std::move(report_);
    const auto lock = StateLock::acquire(*root_, declaration_.config.locking(), "apply", report_.state, report_.diagnostics);
    if (lock) converge();
    return std::move(report_);
  }

 private:
  void converge() {
    auto ledger = root_->read_state(report_.state, report_.diagnostics);
    if (!report_.ok()) return;
    if (!ledger) {
      add_error(report_.diagnostics, "state_missing", std::string(kStateKey),
                "there is no ledger; run `omnigraph cluster import` first");
      return;
    }
    check_composites(*ledger, report_.diagnostics);
    if (!report_.ok()) return;
    recorded_ = *ledger;
    ledger_ = std::move(*ledger);
    settled_ = settle_operation_records(*root_, ledger_, report_.actor, report_.diagnostics);
    report_.changes = diff(declaration_, ledger_, {settled_.in_recovery});
    warn_of_waiting_changes();
    run_graph_work();
    const bool catalog_ok = write_catalog();
    if (catalog_ok) {
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

  Change* find(const std::string& address) {
    const auto at = std::ranges::find(report_.changes, address, &Change::resource);
    return at == report_.changes.end() ? nullptr : &*at;
  }

  // The failed address waits with the failure code, what hangs on the graph with `dependency_not_applied`.
  void block(const std::string& graph, const std::string& address, const std::string& code) {
    for (Change& change : report_.changes) {
      if (change.disposition != Disposition::kApplied && change.disposition != Disposition::kDerived) continue;
      if (change.resource == address) {
        change.disposition = Disposition::kBlocked;
        change.reason = code;
        continue;
      }
      bool depends = graph_of(change.resource) == graph;
      if (const auto policy = kind_of(change.resource) == "policy" ? declaration_.policies.find(change.resource.substr(7))
                                                                   : declaration_.policies.end();
          policy != declaration_.policies.end()) {
        depends = std::ranges::find(policy->second.applies_to, "graph." + graph) != policy->second.applies_to.end();
      }
      if (!depends) continue;
      change.disposition = Disposition::kBlocked;
      change.reason = "dependency_not_applied";
    }
  }

  void run_graph_work() {
    bool failed = false;
    for (const Change& planned : std::vector<Change>(report_.changes)) {
      if (kind_of(planned.resource) != "graph" || planned.operation != Operation::kCreate) continue;
      run_one(planned, failed, "graph_create_skipped", "graph_create_failed",
              [&](const std::string& id) { return create_graph(id); });
    }
    for (const Change& planned : std::vector<Change>(report_.changes)) {
      if (kind_of(planned.resource) != "schema" || planned.operation != Operation::kUpdate) continue;
      run_one(planned, failed, "schema_apply_skipped", "schema_apply_failed", [&](const std::string& id) -> Result<void> {
        return std::unexpected(bad_request("schema migration of live graphs is not available in this build; graph '" + id +
                                           "' keeps its schema"));
      });
    }
  }

  template <class Work>
  void run_one(const Change& planned, bool& failed, const char* skipped_code, const char* failed_code, const Work& work) {
    const Change* change = find(planned.resource);
    if (change == nullptr || change->disposition != Disposition::kApplied) return;
    const std::string id = graph_of(planned.resource);
    if (failed) {
      add_warning(report_.diagnostics, skipped_code, planned.resource, "skipped because earlier graph work failed");
      block(id, planned.resource, failed_code);
      return;
    }
    if (const Result<void> done = work(id); !done) {
      failed = true;
      add_error(report_.diagnostics, failed_code, planned.resource, done.error().render());
      block(id, planned.resource, failed_code);
    }
  }

  // The schema file is read again: what was validated is what is applied.
  Result<void> check_schema_unmoved(const std::string& id) {
    const DeclaredGraph& graph = declaration_.graphs.at(id);
    OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(graph.schema_file));
    if (text == graph.schema_source) return {};
    add_error(report_.diagnostics, "resource_content_changed", "schema." + id, "the file changed during apply; run it again");
    return std::unexpected(bad_request("'" + graph.schema_file.string() + "' changed during apply"));
  }

  Result<void> create_graph(const std::string& id) {
    OG_RETURN_IF_ERROR(check_schema_unmoved(id));
    const DeclaredGraph& graph = declaration_.graphs.at(id);
    const std::string uri = root_->graph_uri(id);
    OperationRecord record;
    record.operation_id = base::new_ulid();
    record.started_at = base::format_seconds(system_clock().now_us());
    record.actor = report_.actor;
    record.kind = "graph_create";
    record.graph_id = id;
    record.graph_uri = uri;
    record.expected_manifest_version = 1;
    record.desired_schema_digest = graph.schema_digest;
    record.state_cas_base = report_.state.state_cas;
    if (!write_operation_record(*root_, record, report_.diagnostics)) {
      return std::unexpected(internal_error("the operation record could not be written, so the graph was not touched"));
    }
    auto created = engine::Graph::init(uri, graph.schema_source, report_.actor);
    if (!created) {
      // A graph of this very schema is what an earlier, unrecorded create left: nothing is overwritten by taking it.
      const auto live = live_schema_digest(uri);
      if (!live || *live != graph.schema_digest) {
        // Only a clear answer ends the operation; an unclear one is settled by the next apply.
        if (live) remove_operation_record(*root_, record.operation_id);
        return std::unexpected(std::move(created).error());
      }
    }
    settled_.finished.push_back(record.operation_id);
    return {};
  }

  // False: the run ends, the ledger stays as it is.
  bool write_catalog() {
    for (const Change& change : report_.changes) {
      if (change.disposition != Disposition::kApplied || change.operation == Operation::kDelete) continue;
      const auto key = blob_key(change.resource, change.after_digest.value_or(""));
      if (!key) continue;
      if (const auto written = write_blob(*root_, *key, text_of(change.resource)); !written) {
        add_error(report_.diagnostics, "resource_payload_write_error", change.resource, written.error().message);
        return false;
      }
    }
    return true;
  }

  const std::string& text_of(const std::string& address) const {
    if (kind_of(address) == "policy") return declaration_.policies.at(address.substr(7)).source;
    const std::string graph = graph_of(address);
    const std::string name = address.substr(std::string("query.").size() + graph.size() + 1);
    return declaration_.graphs.at(graph).queries.at(name).source;
  }

  void record() {
    for (const Change& change : report_.changes) {
      if (change.disposition == Disposition::kApplied) {
        ++report_.applied_count;
        record_applied(change);
      } else if (change.disposition != Disposition::kDerived) {
        ++report_.deferred_count;
        if (change.disposition == Disposition::kBlocked && change.reason != "cluster_recovery_pending") {
          ledger_.statuses[change.resource] = {"blocked", {change.reason}, {}};
        }
      }
    }
    record_graph_metadata();
    ledger_.recompute_composites();
    const auto residual = diff(declaration_, ledger_, {settled_.in_recovery});
    clear_settled_statuses(residual);
    report_.converged = residual.empty() && settled_.in_recovery.empty();
    ledger_.config_digest = report_.converged ? declaration_.config_digest : recorded_.config_digest;
    if (serialize_ledger(ledger_) != serialize_ledger(recorded_)) {
      ledger_.state_revision += 1;
      report_.state_written = root_->write_state(ledger_, report_.state, report_.diagnostics);
    }
    const bool safe = report_.ok() || report_.state_written;
    report_.resource_statuses = report_.state_written || safe ? ledger_.statuses : recorded_.statuses;
    if (!safe) return;
    for (const std::string& id : settled_.finished) remove_operation_record(*root_, id);
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
    if (kind == "policy") entry.applies_to = declaration_.policies.at(change.resource.substr(7)).applies_to;
    if (kind == "provider") {
      entry.embedding_profile =
          declaration_.config.providers.at(change.resource.substr(std::string("provider.embedding.").size()));
    }
    ledger_.statuses[change.resource] = {"applied", {}, {}};
  }

  // Provider and blob settings follow the declaration unless the graph's own change waits.
  void record_graph_metadata() {
    for (const auto& [id, graph] : declaration_.graphs) {
      const auto recorded = ledger_.resources.find("graph." + id);
      if (recorded == ledger_.resources.end()) continue;
      const auto waits = [&](const std::string& address) {
        const Change* change = find(address);
        return change != nullptr && (change->disposition == Disposition::kBlocked || change->disposition == Disposition::kDeferred);
      };
      if (waits("graph." + id) || waits("schema." + id)) continue;
      recorded->second.embedding_provider = graph.provider_address;
      recorded->second.external_blob_policy = graph.blobs;
    }
  }

  void clear_settled_statuses(const std::vector<Change>& residual) {
    for (auto& [address, status] : ledger_.statuses) {
      const bool waiting = std::ranges::find(residual, address, &Change::resource) != residual.end();
      const bool mismatch = status.status == "drifted" &&
                            std::ranges::find(status.conditions, "schema_mismatch") != status.conditions.end();
      if (!waiting && (status.status == "blocked" || mismatch)) status = {"applied", {}, {}};
    }
  }

  const Declaration declaration_;
  ApplyReport report_;
  std::optional<StorageRoot> root_;
  Ledger recorded_;  // as read
  Ledger ledger_;    // as it will be written
  Settled settled_;
};

}  // namespace

ApplyReport apply(const std::filesystem::path& directory, const std::optional<std::string>& actor) {
  return Apply(directory, actor).run();
}

}  // namespace omnigraph::cluster
