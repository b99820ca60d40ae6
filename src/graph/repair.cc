#include "graph/repair.h"

#include <algorithm>
#include <map>

#include "graph/foreign_rows.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"
#include "graph/optimize.h"
#include "graph/prepare.h"
#include "graph/publish_loop.h"
#include "graph/race.h"
#include "graph/repair_deletions.h"

namespace omnigraph::graph {
namespace {

constexpr const char* kRestoreOperation = "restore_deletion_file";
// Another tool may commit between the look and the put.
constexpr int kRestoreTriesMax = 8;

class Repair {
 public:
  Repair(StoreParts& parts, const RepairOptions& options) : parts_(parts), options_(options) {}

  Result<RepairOutcome> run() {
    const std::string main(kMainBranch);
    OG_ASSIGN_OR_RETURN(Head head, parts_.log->confirmed_head(main));
    if (!head.live()) return std::unexpected(branch_not_found(main));
    std::map<std::string, std::vector<LostDeletion>> lost;  // by folder; settling may bring some back already
    for (const auto& [key, entry] : head.record->record.tables) {
      const std::string root = table_root_of(entry.manifest);
      OG_ASSIGN_OR_RETURN(lost[root], lost_deletions(*parts_.store, root));
    }
    if (options_.confirm) {
      OG_RETURN_IF_ERROR(materialize(parts_, main));
      OG_ASSIGN_OR_RETURN(head, parts_.log->confirmed_head(main));
      if (!head.live()) return std::unexpected(branch_not_found(main));
    }
    for (const auto& [key, entry] : head.record->record.tables) {
      Table table{.key = key, .id = entry.id, .root = table_root_of(entry.manifest), .drift = {}, .lost = {}};
      OG_ASSIGN_OR_RETURN(table.drift, find_drift(parts_, head.record, key));
      table.lost = lost[table.root];
      tables_.push_back(std::move(table));
    }
    if (options_.confirm) {
      for (const Table& table : tables_) OG_RETURN_IF_ERROR(restore_deletions(*parts_.store, table.lost));
      OG_RETURN_IF_ERROR(adopt(main));
      if (options_.restore) OG_RETURN_IF_ERROR(restore_refused(main));
      OG_RETURN_IF_ERROR(materialize(parts_, main));
    }
    OG_RETURN_IF_ERROR(describe(main));
    return std::move(outcome_);
  }

 private:
  struct Table {
    std::string key, id, root;
    TableDrift drift;
    std::vector<LostDeletion> lost;
    RepairAction action = RepairAction::kNoOp;
    std::string refusal{};
  };

  // One commit for what other tools maintained, and one for what they changed.
  Result<void> adopt(const std::string& main) {
    const auto body = [&](DraftAttempt& attempt) -> Result<bool> {
      for (Table& table : tables_) {
        table.action = RepairAction::kNoOp;
        table.refusal.clear();
      }
      OG_ASSIGN_OR_RETURN(const bool heals, heal(attempt));
      OG_ASSIGN_OR_RETURN(const bool forces, force(attempt));
      return heals || forces;
    };
    OG_ASSIGN_OR_RETURN(outcome_.published, publish_draft(parts_, main, body));
    return {};
  }

  Result<bool> heal(DraftAttempt& attempt) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr head, attempt.draft.snapshot());
    PreparedWrite write;
    for (Table& table : tables_) {
      if (table.drift.kind != DriftKind::kVerifiedMaintenance) continue;
      const std::string key = key_of_table(head->record().tables, table.id);
      if (key.empty()) continue;
      std::optional<PreparedTable> prepared;
      if (table.drift.rewrite) {
        OG_ASSIGN_OR_RETURN(prepared, carry_over(*parts_.tables, *attempt.head.record, key, *table.drift.rewrite));
      }
      const schema::TypeRef type = type_of_table(*head->catalog(), key);
      if (!prepared) {
        OG_ASSIGN_OR_RETURN(prepared, unchanged(*head, type));
      }
      prepared->type = type;
      prepared->adopted = table.drift.newest.version;
      write.tables.push_back(std::move(*prepared));
      table.action = RepairAction::kHealed;
    }
    if (write.tables.empty()) return false;
    std::ranges::sort(write.tables, {}, &PreparedTable::type);
    const CommitFacts facts{.kind = CommitKind::kRepair, .actor = options_.actor, .content_preserving = true};
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, write));
    return true;
  }

  static Result<PreparedTable> unchanged(const Snapshot& head, schema::TypeRef type) {
    OG_ASSIGN_OR_RETURN(const TableViewPtr view, head.table(type));
    PreparedTable table;
    table.type = type;
    table.next_row_id = view->manifest().next_row_id;
    table.live_rows = view->live_rows();
    return table;
  }

  Result<bool> force(DraftAttempt& attempt) {
    std::vector<Table*> wanted;
    for (Table& table : tables_) {
      if (table.drift.kind == DriftKind::kUnverifiable) {
        refuse(table, table.drift.obstacle);
      } else if (table.drift.kind == DriftKind::kSuspicious && !table.drift.obstacle.empty()) {
        refuse(table, table.drift.obstacle);
      } else if (table.drift.kind == DriftKind::kSuspicious && !options_.force) {
        refuse(table, "rows were changed: pass --force to take the changes over, or --restore to put our content back");
      } else if (table.drift.kind == DriftKind::kSuspicious) {
        wanted.push_back(&table);
      }
    }
    OG_ASSIGN_OR_RETURN(const SnapshotPtr head, attempt.draft.snapshot());
    PreparedWrite write;
    while (!wanted.empty()) {
      Result<PreparedWrite> prepared = prepare(*head, wanted);
      if (prepared) {
        write = std::move(*prepared);
        break;
      }
      if (!is_refusal(prepared.error())) return std::unexpected(std::move(prepared).error());
      OG_ASSIGN_OR_RETURN(const std::size_t culprit, find_culprit(*head, wanted));
      refuse(*wanted[culprit], prepared.error().message);
      wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(culprit));
    }
    if (wanted.empty()) return false;
    for (Table* table : wanted) {
      OG_RETURN_IF_ERROR(mark_adopted(*head, *table, write));
      table->action = RepairAction::kForced;
    }
    std::ranges::sort(write.tables, {}, &PreparedTable::type);
    const CommitFacts facts{.kind = CommitKind::kRepair, .actor = options_.actor};
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, write));
    return true;
  }

  static void refuse(Table& table, std::string why) {
    table.action = RepairAction::kRefused;
    table.refusal = std::move(why);
  }

  Result<PreparedWrite> prepare(const Snapshot& head, const std::vector<Table*>& tables) {
    WriteSet writes;
    for (const Table* table : tables) {
      const std::string key = key_of_table(head.record().tables, table->id);
      if (key.empty()) return std::unexpected(conflict("the type '" + table->key + "' is gone"));
      OG_RETURN_IF_ERROR(add_foreign_changes(table->drift, key, head, writes));
    }
    return prepare_write(head, writes, *parts_.store, *make_prepared_file_cache());
  }

  // The table without which the others pass, if there is one; else the last: edges come first, and need their nodes.
  Result<std::size_t> find_culprit(const Snapshot& head, const std::vector<Table*>& tables) {
    for (std::size_t i = 0; i < tables.size() && tables.size() > 1; ++i) {
      std::vector<Table*> others = tables;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const Result<PreparedWrite> prepared = prepare(head, others);
      if (prepared) return i;
      if (!is_refusal(prepared.error())) return std::unexpected(prepared.error());
    }
    return tables.size() - 1;
  }

  static Result<void> mark_adopted(const Snapshot& head, const Table& table, PreparedWrite& write) {
    const schema::TypeRef type = type_of_table(*head.catalog(), key_of_table(head.record().tables, table.id));
    auto prepared = std::ranges::find(write.tables, type, &PreparedTable::type);
    if (prepared == write.tables.end()) {  // our commits came to the same rows
      OG_ASSIGN_OR_RETURN(PreparedTable same, unchanged(head, type));
      prepared = write.tables.insert(write.tables.end(), std::move(same));
    }
    prepared->adopted = table.drift.newest.version;
    return {};
  }

  // Our content as the next regular version, above the foreign ones.
  Result<void> restore_refused(const std::string& main) {
    OG_ASSIGN_OR_RETURN(const Head head, parts_.log->confirmed_head(main));
    if (!head.live()) return std::unexpected(branch_not_found(main));
    OG_RETURN_IF_ERROR(parts_.keeper->settle(*head.record));
    for (Table& table : tables_) {
      if (table.action != RepairAction::kRefused) continue;
      const std::string key = key_of_table(head.record->record.tables, table.id);
      if (!key.empty()) OG_RETURN_IF_ERROR(put_back(head.record, key, table));
    }
    return {};
  }

  Result<void> put_back(const RecordPtr& head, const std::string& key, Table& table) {
    const TableEntry& entry = head->record.tables.at(key);
    OG_ASSIGN_OR_RETURN(const ManifestPtr content, parts_.tables->manifest(*head, entry.manifest));
    for (int attempt = 0; attempt < kRestoreTriesMax; ++attempt) {
      OG_ASSIGN_OR_RETURN(const RegularVersion newest, newest_regular(*parts_.store, table.root));
      if (!is_drifted(newest, entry)) return {};
      const std::uint64_t version = newest.version + 1;
      lance::Manifest copy =
          regular_copy(*content, newest.manifest.get(), version,
                       {.table_key = key, .commit_id = head->record.head_id, .at_us = parts_.clock.now_us()});
      copy.transaction->read_version = newest.version;
      const std::string bytes = lance::serialize_manifest(copy);
      OG_ASSIGN_OR_RETURN(const objectstore::PutOutcome outcome,
                          parts_.store->put_if_absent(table.root + "/_versions/" + lance::manifest_name(version),
                                                      std::as_bytes(std::span(bytes))));
      if (outcome == objectstore::PutOutcome::kAlreadyExists) continue;
      table.action = RepairAction::kRestored;
      table.refusal.clear();
      return {};
    }
    table.refusal = "another tool keeps committing to the table; stop it and try again";
    return {};
  }

  Result<void> describe(const std::string& main) {
    OG_ASSIGN_OR_RETURN(const Head head, parts_.log->confirmed_head(main));
    if (!head.live()) return std::unexpected(branch_not_found(main));
    for (const Table& table : tables_) {
      const std::string key = key_of_table(head.record->record.tables, table.id);
      RepairedTable repaired{.table_key = key.empty() ? table.key : key,
                             .drift = table.drift.kind,
                             .action = table.action,
                             .operations = table.drift.operations,
                             .refusal = table.refusal};
      repaired.operations.insert(repaired.operations.end(), table.lost.size(), kRestoreOperation);
      const bool something = table.drift.kind != DriftKind::kNoDrift || !table.lost.empty();
      if (something && !options_.confirm) repaired.action = RepairAction::kPreview;
      if (repaired.action == RepairAction::kNoOp && !table.lost.empty()) repaired.action = RepairAction::kHealed;
      if (!key.empty()) repaired.head_version = head.record->record.tables.at(key).head_version;
      OG_ASSIGN_OR_RETURN(const RegularVersion newest, newest_regular(*parts_.store, table.root));
      repaired.regular_version = newest.version;
      outcome_.tables.push_back(std::move(repaired));
    }
    return {};
  }

  StoreParts& parts_;
  const RepairOptions& options_;
  std::vector<Table> tables_;
  RepairOutcome outcome_;
};

}  // namespace

std::string_view repair_action_name(RepairAction action) {
  switch (action) {
    case RepairAction::kNoOp: return "no_op";
    case RepairAction::kPreview: return "preview";
    case RepairAction::kHealed: return "healed";
    case RepairAction::kForced: return "forced";
    case RepairAction::kRefused: return "refused";
    case RepairAction::kRestored: return "restored";
  }
  return "";
}

Result<RepairOutcome> repair(StoreParts& parts, const RepairOptions& options) { return Repair(parts, options).run(); }

}  // namespace omnigraph::graph
