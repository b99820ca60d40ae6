#include "graph/optimize.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/carry_over.h"
#include "graph/foreign.h"
#include "graph/fragment_view.h"
#include "graph/layout.h"
#include "graph/optimize_files.h"
#include "graph/publish_loop.h"
#include "graph/race.h"
#include "graph/store_indexes.h"

namespace omnigraph::graph {
namespace {

// Runs from the start, for branches whose tables were replaced while they were written anew.
constexpr int kRoundsMax = 4;

Result<RecordPtr> live_record(StoreParts& parts, const std::string& branch) {
  OG_ASSIGN_OR_RETURN(Head head, parts.log->confirmed_head(branch));
  if (!head.live()) return std::unexpected(branch_not_found(branch));
  return std::move(head.record);
}

class Optimization {
 public:
  Optimization(StoreParts& parts, const std::string& branch, const FragmentTarget& target)
      : parts_(parts), branch_(branch), target_(target) {}

  Result<OptimizeOutcome> run() {
    OG_RETURN_IF_ERROR(materialize(parts_, branch_));
    for (int round = 0;; ++round) {
      tables_.clear();
      uploads_since_ = parts_.log->now();
      OG_ASSIGN_OR_RETURN(const RecordPtr head, live_record(parts_, branch_));
      OG_RETURN_IF_ERROR(write_files(head));
      if (tables_.empty()) break;
      OG_RETURN_IF_ERROR(publish());
      if (outcome_.published != nullptr) break;
      if (round + 1 == kRoundsMax) {
        OG_ASSIGN_OR_RETURN(const RecordPtr now, live_record(parts_, branch_));
        return std::unexpected(read_set_conflict(branch_, head->record.head_id, now->record.head_id));
      }
    }
    if (outcome_.published != nullptr) OG_RETURN_IF_ERROR(materialize(parts_, branch_));
    OG_RETURN_IF_ERROR(describe());
    return std::move(outcome_);
  }

 private:
  struct Table {
    RewrittenTable rewrite;
    std::vector<std::string> uploaded;
  };

  Result<void> write_files(const RecordPtr& head) {
    OG_ASSIGN_OR_RETURN(const LoadedSchemaPtr schema, parts_.snapshots->schema(*head));
    drifted_.clear();
    for (const auto& [key, entry] : head->record.tables) {
      OG_ASSIGN_OR_RETURN(const bool drifted, has_drift(entry));
      if (drifted) {
        drifted_.insert(entry.id);
        continue;
      }
      OptimizeSource source{.record = head,
                            .type = type_of_table(*schema->catalog, key),
                            .catalog = schema->catalog,
                            .table_key = key,
                            .manifest = nullptr};
      OG_ASSIGN_OR_RETURN(source.manifest, parts_.tables->manifest(*head, entry.manifest));
      const FragmentGroups groups = plan_rewrite(*source.manifest, target_);
      if (!groups.empty()) OG_RETURN_IF_ERROR(write_table(source, groups));
      OG_RETURN_IF_ERROR(index_files(source, groups));
    }
    return {};
  }

  // Of the fragments that stay and, if some were written anew, those of the table written last.
  Result<void> index_files(const OptimizeSource& source, const FragmentGroups& groups) {
    auto after = std::make_shared<lance::Manifest>(*source.manifest);
    std::set<std::size_t> removed;
    for (const std::vector<std::size_t>& group : groups) removed.insert(group.begin(), group.end());
    after->fragments.clear();
    const auto add = [&](const lance::Fragment& fragment) {
      if (fragment.physical_rows < kIndexedRowsMin) return;
      after->fragments.push_back(fragment);
      after->fragments.back().deletion_file.reset();  // indexes know all rows of their file
    };
    for (std::size_t i = 0; i < source.manifest->fragments.size(); ++i) {
      if (!removed.contains(i)) add(source.manifest->fragments[i]);
    }
    if (!groups.empty()) {
      for (const FragmentRows& rows : tables_.back().rewrite.added) add(rows.fragment);
    }
    if (after->fragments.empty()) return {};
    const TypeIdentity* identity = source.record->record.schema.find(source.table_key);
    if (identity == nullptr) {
      return std::unexpected(corrupt_object(source.entry().manifest, "the record has no identity for its type"));
    }
    TableCache cache(parts_.tables->objects(), parts_.tables->remote());  // nothing of a large table stays
    OG_ASSIGN_OR_RETURN(const TableViewPtr view,
                        make_fragment_view(cache, source.record, *identity, source.catalog, source.type,
                                           source.entry().manifest, std::move(after)));
    OG_ASSIGN_OR_RETURN(StoredIndexes stored, store_indexes(*parts_.store, *source.catalog, *view));
    for (const std::string& key : stored) parts_.tables->derived()->note_stored(key);
    outcome_.indexes.merge(stored);
    return {};
  }

  // Only main has an ordinary chain.
  Result<bool> has_drift(const TableEntry& entry) {
    if (branch_ != kMainBranch) return false;
    OG_ASSIGN_OR_RETURN(const RegularVersion newest, newest_regular(*parts_.store, table_root_of(entry.manifest)));
    return is_drifted(newest, entry);
  }

  Result<void> write_table(const OptimizeSource& source, const FragmentGroups& groups) {
    const std::string root = table_root_of(source.entry().manifest);
    Table table;
    table.rewrite.table_id = source.entry().id;
    table.rewrite.fields = source.manifest->fields;
    RewrittenFiles files;
    for (const std::vector<std::size_t>& group : groups) {
      for (const std::size_t i : group) {
        FragmentRows rows{.fragment = source.manifest->fragments[i]};
        if (rows.fragment.deletion_file) {
          OG_ASSIGN_OR_RETURN(rows.deleted, parts_.tables->deletions(*source.record, root, rows.fragment));
        }
        table.rewrite.removed.push_back(std::move(rows));
      }
      OG_RETURN_IF_ERROR(rewrite_fragments(parts_, source, group, target_, files));
    }
    for (lance::Fragment& fragment : files.added) table.rewrite.added.push_back({.fragment = std::move(fragment)});
    table.uploaded = std::move(files.uploaded);
    tables_.push_back(std::move(table));
    return {};
  }

  Result<void> publish() {
    const auto body = [&](DraftAttempt& attempt) -> Result<bool> {
      attempt.uploads_since = uploads_since_;
      OG_ASSIGN_OR_RETURN(const LoadedSchemaPtr schema, parts_.snapshots->schema(*attempt.head.record));
      PreparedWrite write;
      changed_.clear();
      for (const Table& table : tables_) {
        const std::string key = key_of_table(attempt.head.record->record.tables, table.rewrite.table_id);
        if (key.empty()) continue;
        OG_ASSIGN_OR_RETURN(std::optional<PreparedTable> prepared,
                            carry_over(*parts_.tables, *attempt.head.record, key, table.rewrite));
        if (!prepared) continue;
        prepared->type = type_of_table(*schema->catalog, key);
        changed_[table.rewrite.table_id] = {prepared->removed_fragments.size(), prepared->added.size()};
        write.uploaded.insert(write.uploaded.end(), table.uploaded.begin(), table.uploaded.end());
        write.tables.push_back(std::move(*prepared));
      }
      if (write.tables.empty()) return false;
      std::ranges::sort(write.tables, {}, &PreparedTable::type);
      const CommitFacts facts{.kind = CommitKind::kOptimize, .content_preserving = true};
      OG_RETURN_IF_ERROR(attempt.draft.append(facts, write));
      return true;
    };
    OG_ASSIGN_OR_RETURN(outcome_.published, publish_draft(parts_, branch_, body, Patience::kMaintenance));
    return {};
  }

  Result<void> describe() {
    OG_ASSIGN_OR_RETURN(const RecordPtr head, live_record(parts_, branch_));
    for (const auto& [key, entry] : head->record.tables) {
      OptimizedTable table{.table_key = key, .head_version = entry.head_version};
      if (const auto changed = changed_.find(entry.id); changed != changed_.end() && outcome_.published != nullptr) {
        table.fragments_removed = changed->second.first;
        table.fragments_added = changed->second.second;
        table.committed = true;
      }
      table.drifted = drifted_.contains(entry.id);
      OG_ASSIGN_OR_RETURN(const RegularVersion newest, newest_regular(*parts_.store, table_root_of(entry.manifest)));
      table.regular_version = newest.version;
      outcome_.tables.push_back(std::move(table));
    }
    return {};
  }

  StoreParts& parts_;
  const std::string branch_;
  const FragmentTarget target_;
  Moment uploads_since_;
  std::vector<Table> tables_;
  std::set<std::string> drifted_;                                           // table ids
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> changed_;  // by table id: fragments removed, added
  OptimizeOutcome outcome_;
};

}  // namespace

Result<OptimizeOutcome> optimize(StoreParts& parts, const std::string& branch, const FragmentTarget& target) {
  return Optimization(parts, branch, target).run();
}

Result<void> materialize(StoreParts& parts, const std::string& branch) {
  OG_ASSIGN_OR_RETURN(const RecordPtr head, live_record(parts, branch));
  OG_RETURN_IF_ERROR(parts.keeper->settle(*head));
  if (branch != kMainBranch) return {};
  parts.head_chain.note_all(head);
  // The chain has one thread: the background one.
  parts.background.request();
  parts.background.drain();
  return {};
}

}  // namespace omnigraph::graph
