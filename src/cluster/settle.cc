// Settling what dead processes left: forward only, never deleting data (chapter 06 section 9, its table). The graph
// itself says what became of the operation; the record only says which one it was.

#include "cluster/graph_root.h"
#include "cluster/ledger_edit.h"
#include "cluster/operation_record.h"
#include "cluster/plan.h"

namespace omnigraph::cluster {

namespace {

class Settler {
 public:
  Settler(const StorageRoot& root, Ledger& ledger, const std::optional<std::string>& actor, Diagnostics& diagnostics)
      : root_(root), ledger_(ledger), actor_(actor), diagnostics_(diagnostics) {}

  Settled run() {
    for (const PendingRecord& pending : read_operation_records(root_)) {
      if (!pending.record) {
        warn(pending.code, pending.location, pending.message);
      } else if (!is_graph_id(pending.record->graph_id)) {
        warn("invalid_recovery_sidecar", pending.location, "'" + pending.record->graph_id + "' is no graph id");
      } else if (pending.record->kind == "graph_create" || pending.record->kind == "schema_apply") {
        settle_schema(pending);
      } else if (pending.record->kind == "graph_delete") {
        settle_delete(pending);
      } else {
        settled_.in_recovery.insert(pending.record->graph_id);
        warn(std::string(kRecoveryPending), pending.location,
             "this build does not settle operations of kind '" + pending.record->kind + "'");
      }
    }
    ledger_.recompute_composites();
    return std::move(settled_);
  }

 private:
  void warn(std::string code, std::string path, std::string message) {
    add_warning(diagnostics_, std::move(code), std::move(path), std::move(message));
  }
  void drop(const PendingRecord& pending) { settled_.finished.push_back(pending.name); }
  void keep(const PendingRecord& pending) { settled_.in_recovery.insert(pending.record->graph_id); }

  void roll_forward(const PendingRecord& pending) {
    const OperationRecord& record = *pending.record;
    consume_approval(ledger_, record.approval_id, record.operation_id);
    note_recovery(ledger_, record, actor_);
    drop(pending);
    warn("cluster_recovery_rolled_forward", "graph." + record.graph_id,
         "an interrupted " + record.kind + " had finished; the ledger now records it");
  }

  void settle_schema(const PendingRecord& pending) {
    const OperationRecord& record = *pending.record;
    const std::string graph = "graph." + record.graph_id;
    const std::string schema = "schema." + record.graph_id;
    // Not the record's own URI: the whole root may have been moved or copied since.
    const auto live = read_live_schema(root_.graph_uri(record.graph_id));
    if (!live) {
      keep(pending);
      if (record.kind == "graph_create") {
        ledger_.statuses[graph] = {"error", {"graph_create_incomplete"}, live.error().message};
        add_error(diagnostics_, "graph_create_incomplete", graph,
                  "'" + root_.graph_uri(record.graph_id) + "' does not open (" + live.error().message +
                      "); remove it and run again");
      } else {
        warn(std::string(kRecoveryPending), pending.location, live.error().message);
      }
      return;
    }
    const auto recorded = ledger_.resources.find(schema);
    const bool known = recorded != ledger_.resources.end() && *live && recorded->second.digest == (*live)->digest;
    if (!*live || known) {
      drop(pending);
    } else if ((*live)->digest == record.desired_schema_digest) {
      ledger_.resources[schema].digest = (*live)->digest;
      ledger_.resources.try_emplace(graph);
      ledger_.statuses[graph] = ledger_.statuses[schema] = {"applied", {}, {}};
      roll_forward(pending);
    } else {
      keep(pending);
      ledger_.statuses[graph] = {"drifted", {"actual_applied_state_pending"}, {}};
      warn(std::string(kRecoveryPending), pending.location,
           "the live schema of " + graph +
               " is neither the recorded nor the desired one; `omnigraph cluster refresh` records what is there");
    }
  }

  void settle_delete(const PendingRecord& pending) {
    const OperationRecord& record = *pending.record;
    const std::string graph = "graph." + record.graph_id;
    const auto there = graph_root_exists(root_, record.graph_id);
    if (!there) {
      keep(pending);
      warn(std::string(kRecoveryPending), pending.location, there.error().message);
    } else if (*there) {
      drop(pending);
      warn("graph_delete_incomplete", graph,
           "an interrupted delete left a part of '" + root_.graph_uri(record.graph_id) +
               "'; while its approval stands, apply removes the rest");
    } else if (ledger_.resources.contains(graph) || ledger_.resources.contains("schema." + record.graph_id)) {
      bury_graph(ledger_, record.graph_id, record.approval_id, record.actor);
      roll_forward(pending);
    } else {
      drop(pending);
    }
  }

  const StorageRoot& root_;
  Ledger& ledger_;
  const std::optional<std::string>& actor_;
  Diagnostics& diagnostics_;
  Settled settled_;
};

}  // namespace

Settled settle_operation_records(const StorageRoot& root, Ledger& ledger, const std::optional<std::string>& actor,
                                 Diagnostics& diagnostics) {
  return Settler(root, ledger, actor, diagnostics).run();
}

}  // namespace omnigraph::cluster
