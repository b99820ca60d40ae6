#include "graph/merge.h"

#include <algorithm>
#include <set>
#include <utility>

#include "graph/ancestry.h"
#include "graph/carry.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "graph/publish_loop.h"
#include "graph/race.h"
#include "graph/table_diff.h"
#include "graph/warm_tables.h"

namespace omnigraph::graph {
namespace {

// A head that rests longer is confirmed again before it is published on: well inside the hour it counts for.
constexpr std::int64_t kSourceConfirmedForUs = kMicrosPerHour / 2;

constexpr std::string_view kConflictsText = "merge conflicts";

Error head_moved(const CommitRecord& head, const std::string& expected) {
  return precondition_failed(head.branch, expected, head.head_id);
}

Result<Head> live_head(StoreParts& parts, const std::string& branch) {
  OG_ASSIGN_OR_RETURN(Head head, parts.log->confirmed_head(branch));
  if (!head.live()) return std::unexpected(branch_not_found(branch));
  return head;
}

Result<MergeRequest> checked(MergeRequest request) {
  OG_ASSIGN_OR_RETURN(request.source, checked_branch_name(request.source));
  OG_ASSIGN_OR_RETURN(request.target, checked_branch_name(request.target));
  if (request.source == request.target) {
    return std::unexpected(bad_request("branch_merge requires distinct source and target branches"));
  }
  return request;
}

// What comparing these states takes: their tables, but for those in which none differs.
void warm_differing(StoreParts& parts, const std::vector<std::pair<RecordPtr, const TableMap*>>& states) {
  if (!parts.tables->remote()) return;
  std::set<std::string_view> keys;
  for (const auto& [record, tables] : states) {
    for (const auto& [key, entry] : *tables) keys.insert(key);
  }
  std::vector<TableWanted> wanted;
  for (const std::string_view key : keys) {
    std::vector<TableWanted> versions;
    for (const auto& [record, tables] : states) {
      const auto found = tables->find(std::string(key));
      if (found != tables->end()) versions.push_back({record, found->second});
    }
    const auto as_first = [&](const TableWanted& other) { return other.entry.manifest == versions[0].entry.manifest; };
    if (versions.size() == states.size() && std::ranges::all_of(versions, as_first)) continue;
    for (const TableWanted& version : versions) wanted.push_back(version);
  }
  warm_tables(*parts.tables, wanted);
}

// Compares the heads of two branches and what both came from.
class Comparison {
 public:
  Comparison(StoreParts& parts, RecordPtr source, RecordPtr target)
      : parts_(parts), source_(std::move(source)), target_(std::move(target)) {}

  // How the heads are related, and their states.
  Result<MergeResult> relate() {
    OG_ASSIGN_OR_RETURN(const MergeBase base, find_merge_base(*parts_.log, source_, target_));
    MergeResult result;
    result.base_commit_id = base.commit_id;
    OG_ASSIGN_OR_RETURN(result.states.source, parts_.snapshots->at_head(source_));
    switch (base.relation) {
      case Relation::kUpToDate: result.outcome = MergeOutcome::kUpToDate; break;
      case Relation::kFastForward: result.outcome = MergeOutcome::kFastForward; break;
      case Relation::kDiverged: {
        result.outcome = MergeOutcome::kMerged;
        OG_ASSIGN_OR_RETURN(result.states.base, parts_.snapshots->at_commit(base.record, base.index));
        base_ = base.record;
        break;
      }
    }
    return result;
  }

  // Asks a far store for what comparing the heads will take, while the base is still being looked for.
  void warm_heads() const {
    const CommitRecord& source = source_->record;
    const CommitRecord& target = target_->record;
    if (source.forked_from && source.forked_from->id == target.head_id) return;  // a fast-forward reads no rows
    warm_differing(parts_, {{source_, &source.tables}, {target_, &target.tables}});
  }
  // REQUIRES: relate() found the heads diverged.
  void warm_all(const MergeResult& result) const {
    warm_differing(parts_, {{source_, &source_->record.tables},
                            {target_, &target_->record.tables},
                            {base_, &result.states.base->record().tables}});
  }

  // Puts the three states under one schema: main brings its own to the target, with tables migrated in the draft's next
  // commit; else the target's holds, and the others are seen through it. `look_only`: nothing goes to the store.
  Result<void> meet_schemas(MergeResult& result, RecordDraft& draft, const CommitFacts& facts, bool look_only) {
    const BranchNames names{source_->record.branch, target_->record.branch};
    MergeStates& states = result.states;
    if (names.source == kMainBranch) {
      OG_RETURN_IF_ERROR(bring_to_schema(parts_, draft, facts, *states.source, names, look_only));
      OG_ASSIGN_OR_RETURN(states.target, draft.snapshot());
    }
    carries_ = !same_schema(*states.source, *states.target);
    OG_ASSIGN_OR_RETURN(states.source, carried_snapshot(states.source, states.target, names.source, names.target));
    OG_ASSIGN_OR_RETURN(states.base, carried_snapshot(states.base, states.target, names.source, names.target));
    return {};
  }

  // Values that a row of another schema cannot bring along: the schemas do not meet.
  Result<void> check_carried(const std::vector<Violation>& violations) const {
    for (const Violation& violation : violations) {
      if (!carries_ || violation.kind != ViolationKind::kValue) continue;
      return std::unexpected(schemas_cannot_merge(source_->record.branch, target_->record.branch, violation.message));
    }
    return {};
  }

  // Three-way: the write on `target` and its conflicts. Constraints are looked at only if no entity conflicts.
  // REQUIRES: meet_schemas() ran.
  Result<WriteSet> plan(MergeResult& result, MergePlan& plan, bool merge_properties) const {
    const MergeStates& states = result.states;
    OG_ASSIGN_OR_RETURN(plan, plan_merge(states, merge_properties));
    OG_ASSIGN_OR_RETURN(WriteSet writes, merge_writes(states, plan));
    note_conflicts(result, plan.conflicts);
    return writes;
  }

  static void note_conflicts(MergeResult& result, std::vector<MergeConflict> conflicts) {
    if (conflicts.empty()) return;
    sort_conflicts(*result.states.target, conflicts);
    result.conflicts = std::move(conflicts);
    result.outcome = MergeOutcome::kConflicts;
  }

 private:
  StoreParts& parts_;
  const RecordPtr source_, target_;
  RecordPtr base_;        // once the heads are found to have diverged
  bool carries_ = false;  // rows come from another schema
};

// One merge, over all its attempts.
class MergeRun {
 public:
  MergeRun(StoreParts& parts, MergeRequest request)
      : parts_(parts), request_(std::move(request)), files_(make_prepared_file_cache()) {}

  Result<MergeResult> run() {
    OG_RETURN_IF_ERROR(pin_heads());
    const Result<RecordPtr> published =
        publish_draft(parts_, request_.target, [this](DraftAttempt& attempt) { return attempt_merge(attempt); });
    // Conflicts are a refusal to the loop, which believes it on a confirmed head only, and an outcome to the caller.
    const bool conflicts = result_.outcome == MergeOutcome::kConflicts;
    if (!published && !(conflicts && published.error().message == kConflictsText)) {
      return std::unexpected(published.error());
    }
    return std::move(result_);
  }

 private:
  // A cold process reads both heads at once, and with them what the search for the base will ask for. The target's is
  // looked at when the draft is begun.
  Result<void> pin_heads() {
    if (!parts_.tables->remote()) return pin_source();
    std::vector<std::pair<std::string, std::uint64_t>> below;
    for (const std::string& branch : {request_.source, request_.target}) {
      const std::optional<std::uint64_t> head = parts_.log->listed_seq(branch);
      for (std::uint64_t i = 1; head && i <= kReadAheadFirst && *head >= parts_.log->first_seq() + i; ++i) {
        below.emplace_back(branch, *head - i);
      }
    }
    return parallel_io(2 + below.size(), [&](std::size_t i) -> Result<void> {
      if (i == 0) return pin_source();
      if (i == 1) {
        (void)parts_.log->recent_head(request_.target);
      } else {
        (void)parts_.log->read(below[i - 2].first, below[i - 2].second);
      }
      return {};
    });
  }

  // The source stays as it was found: one that moves on is not picked up.
  Result<void> pin_source() {
    OG_ASSIGN_OR_RETURN(source_, live_head(parts_, request_.source));
    const CommitRecord& head = source_.record->record;
    if (request_.expect_source && *request_.expect_source != head.head_id) {
      return std::unexpected(head_moved(head, *request_.expect_source));
    }
    return {};
  }

  Result<bool> attempt_merge(DraftAttempt& attempt) {
    result_ = MergeResult{};
    if (elapsed_us(source_.confirmed, parts_.log->now()) > kSourceConfirmedForUs) OG_RETURN_IF_ERROR(pin_source());
    const CommitRecord& target = attempt.head.record->record;
    if (request_.expect_target && *request_.expect_target != target.head_id) {
      return std::unexpected(head_moved(target, *request_.expect_target));
    }
    attempt.also_confirmed = {source_.confirmed};
    Comparison comparison(parts_, source_.record, attempt.head.record);
    SnapshotPtr state;
    // A cold process reads the target's schema and the rows while it looks for the base.
    OG_RETURN_IF_ERROR(parallel_io(parts_.tables->remote() ? 3 : 2, [&](std::size_t i) -> Result<void> {
      if (i == 0) {
        OG_ASSIGN_OR_RETURN(result_, comparison.relate());
      } else if (i == 1) {
        OG_ASSIGN_OR_RETURN(state, attempt.draft.snapshot());
      } else {
        comparison.warm_heads();
      }
      return {};
    }));
    result_.states.target = std::move(state);
    const CommitRecord& source = source_.record->record;
    const CommitFacts facts{.kind = CommitKind::kMerge,
                            .actor = request_.actor,
                            .content_preserving = false,
                            .merged = RecordPosition{.branch = source.branch, .seq = source.seq, .id = source.head_id}};
    if (result_.outcome == MergeOutcome::kUpToDate) return false;
    if (result_.outcome == MergeOutcome::kFastForward) {
      attempt.draft.fast_forward(facts, source_.record);
      attempt.attachments_of = source_.record;
      return true;
    }
    return three_way(attempt, comparison, facts);
  }

  Result<bool> three_way(DraftAttempt& attempt, Comparison& comparison, const CommitFacts& facts) {
    MergePlan plan;
    comparison.warm_all(result_);
    OG_RETURN_IF_ERROR(comparison.meet_schemas(result_, attempt.draft, facts, false));
    OG_ASSIGN_OR_RETURN(const WriteSet writes, comparison.plan(result_, plan, request_.merge_properties));
    if (result_.outcome == MergeOutcome::kConflicts) return std::unexpected(conflict(std::string(kConflictsText)));
    std::vector<Violation> violations;
    OG_ASSIGN_OR_RETURN(const PreparedWrite prepared,
                        prepare_write(*result_.states.target, writes, *parts_.store, *files_,
                                      {.violations = &violations, .check_only = false}));
    OG_RETURN_IF_ERROR(comparison.check_carried(violations));
    if (!violations.empty()) {
      OG_ASSIGN_OR_RETURN(auto conflicts, violation_conflicts(result_.states, violations));
      Comparison::note_conflicts(result_, std::move(conflicts));
      return std::unexpected(conflict(std::string(kConflictsText)));
    }
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, prepared));
    return true;
  }

  StoreParts& parts_;
  const MergeRequest request_;
  const std::shared_ptr<PreparedFileCache> files_;
  Head source_;
  MergeResult result_;
};

// What a fast-forward changes: everything in which the two heads differ.
Result<std::vector<MergedType>> fast_forward_types(const MergeStates& states) {
  std::vector<MergedType> types;
  for (const TypePair& pair : pair_types(*states.target, *states.source, true)) {
    OG_ASSIGN_OR_RETURN(const std::vector<EntityChange> changes, diff_type(*states.target, *states.source, pair));
    if (changes.empty()) continue;
    MergedType& type = types.emplace_back();
    type.table_id = pair.table_id;
    type.source = pair.after;
    type.target = pair.before;
    for (const EntityChange& change : changes) {
      type.actions.push_back({.id = change.id, .source = change.after, .target = change.before, .from_source = {}});
    }
  }
  return types;
}

void drop_conflicting(std::vector<MergedType>& types, const std::vector<MergeConflict>& conflicts) {
  std::set<std::pair<schema::TypeRef, std::string>> conflicting;
  for (const MergeConflict& conflict : conflicts) {
    if (conflict.entity_id) conflicting.emplace(conflict.type, *conflict.entity_id);
  }
  for (MergedType& type : types) {
    std::erase_if(type.actions,
                  [&](const MergeAction& action) { return conflicting.contains({*type.target, action.id}); });
  }
  std::erase_if(types, [](const MergedType& type) { return type.actions.empty(); });
}

}  // namespace

std::string_view merge_outcome_name(MergeOutcome outcome) {
  switch (outcome) {
    case MergeOutcome::kUpToDate: return "already_up_to_date";
    case MergeOutcome::kFastForward: return "fast_forward";
    case MergeOutcome::kMerged: return "merged";
    case MergeOutcome::kConflicts: return "conflicts";
  }
  return "";
}

Result<MergeResult> merge_branches(StoreParts& parts, const MergeRequest& request) {
  OG_ASSIGN_OR_RETURN(MergeRequest wanted, checked(request));
  return MergeRun(parts, std::move(wanted)).run();
}

Result<MergeHeads> merge_heads(StoreParts& parts, const MergeRequest& request) {
  OG_ASSIGN_OR_RETURN(const MergeRequest wanted, checked(request));
  OG_ASSIGN_OR_RETURN(const Head source, live_head(parts, wanted.source));
  OG_ASSIGN_OR_RETURN(const Head target, live_head(parts, wanted.target));
  for (const auto& [head, expected] : {std::pair(&source, &wanted.expect_source), {&target, &wanted.expect_target}}) {
    const CommitRecord& record = head->record->record;
    if (*expected && **expected != record.head_id) return std::unexpected(head_moved(record, **expected));
  }
  return MergeHeads{.source = source.record, .target = target.record};
}

Result<MergeResult> preview_merge(StoreParts& parts, const MergeHeads& heads, bool merge_properties) {
  Comparison comparison(parts, heads.source, heads.target);
  OG_ASSIGN_OR_RETURN(MergeResult result, comparison.relate());
  OG_ASSIGN_OR_RETURN(result.states.target, parts.snapshots->at_head(heads.target));
  if (result.outcome == MergeOutcome::kUpToDate) return result;
  if (result.outcome == MergeOutcome::kFastForward) {
    OG_ASSIGN_OR_RETURN(result.types, fast_forward_types(result.states));
    return result;
  }
  WriteBase base;
  base.head = Head{heads.target, parts.log->now()};
  OG_ASSIGN_OR_RETURN(RecordDraft draft, RecordDraft::start(parts, heads.target->record.branch, base));
  OG_RETURN_IF_ERROR(comparison.meet_schemas(result, draft, {.kind = CommitKind::kMerge}, true));
  MergePlan plan;
  OG_ASSIGN_OR_RETURN(const WriteSet writes, comparison.plan(result, plan, merge_properties));
  if (result.outcome != MergeOutcome::kConflicts) {
    std::vector<Violation> violations;
    const auto files = make_prepared_file_cache();
    OG_RETURN_IF_ERROR(prepare_write(*result.states.target, writes, *parts.store, *files,
                                     {.violations = &violations, .check_only = true}));
    OG_RETURN_IF_ERROR(comparison.check_carried(violations));
    OG_ASSIGN_OR_RETURN(auto conflicts, violation_conflicts(result.states, violations));
    Comparison::note_conflicts(result, std::move(conflicts));
  }
  result.types = std::move(plan.types);
  drop_conflicting(result.types, result.conflicts);
  return result;
}

}  // namespace omnigraph::graph
