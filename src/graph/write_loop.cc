#include "graph/write_loop.h"

#include <exception>
#include <optional>
#include <set>

#include "graph/layout.h"
#include "graph/race.h"
#include "graph/write_set.h"

namespace omnigraph::graph {
namespace {

constexpr std::size_t kGroupMax = 32;

class Transaction final : public WriteTransaction {
 public:
  explicit Transaction(SnapshotPtr base) : base_(std::move(base)) {}
  const SnapshotPtr& base() const override { return base_; }

  void put(std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids) override {
    if (rows->row_count() == 0) return;
    const schema::TypeRef type = rows->type();
    writes_.tables[type].puts.push_back({std::move(rows), mode, generated_ids});
  }
  void replace_all(schema::TypeRef type) override { writes_.tables[type].replace_all = true; }
  void remove(schema::TypeRef type, std::span<const Ordinal> ordinals) override {
    if (ordinals.empty()) return;
    auto& removed = writes_.tables[type].removed;
    removed.insert(removed.end(), ordinals.begin(), ordinals.end());
  }
  void note_read(schema::TypeRef type) override { writes_.reads.insert(type); }

  [[nodiscard]] const WriteSet& writes() const { return writes_; }

 private:
  const SnapshotPtr base_;
  WriteSet writes_;
};

}  // namespace

struct WriteLoop::Member {
  const WriteOptions& options;
  const WriteBody& body;
  std::shared_ptr<PreparedFileCache> files = make_prepared_file_cache();

  // Of the latest attempt.
  std::optional<PreparedWrite> prepared{};  // set when it makes a commit
  std::set<schema::TypeRef> footprint{};
  std::size_t commit_index = 0;
  std::optional<Error> refused{};

  std::optional<Result<WriteOutcome>> outcome{};  // the answer
  bool answered = false;                          // guarded by the queue's mutex

  void begin_attempt() {
    prepared.reset();
    footprint.clear();
    refused.reset();
  }
};

// One group from its first attempt to its answers.
class WriteLoop::GroupRun {
 public:
  GroupRun(StoreParts& parts, std::vector<Member*> members)
      : parts_(parts),
        members_(std::move(members)),
        branch_(members_.front()->options.branch),
        started_(parts.log->now()) {}

  // Gives every member its outcome.
  void run() {
    const std::shared_ptr<std::mutex> turn = parts_.branch_turn(branch_);
    while (true) {
      ++attempt_;
      std::unique_lock<std::mutex> lock(*turn, std::defer_lock);
      if (attempt_ >= kTryWithTurn) lock.lock();
      Result<bool> done = one_attempt(lock);
      if (!done) return answer_all(done.error());
      if (*done) return;
      if (lock.owns_lock()) lock.unlock();
      if (gives_up(attempt_, started_, parts_.log->now())) {
        return answer_all(read_set_conflict(branch_, expected_head_, actual_head_));
      }
      pause_before_try(attempt_);
    }
  }

 private:
  // True: every member has its outcome. False: the head has moved. Errors go to every member.
  Result<bool> one_attempt(std::unique_lock<std::mutex>& lock) {
    const bool may_replay = base_.record() != nullptr;
    const WriteBase before = base_;
    OG_ASSIGN_OR_RETURN(base_, take_base());
    expected_head_ = base_.record()->record.head_id;
    OG_ASSIGN_OR_RETURN(RecordDraft draft, RecordDraft::start(parts_, branch_, base_));
    if (may_replay && outcome_stays(before)) {
      OG_RETURN_IF_ERROR(replay(draft));
    } else {
      OG_RETURN_IF_ERROR(run_bodies(draft));
    }
    if (draft.record().commits.empty()) return answer_without_publish();
    if (!lock.owns_lock()) {
      lock.lock();
      OG_ASSIGN_OR_RETURN(const bool moved, has_moved(/*ask=*/false));
      if (moved) return false;
    }
    parts_.prepare_follow_up(draft.record());
    OG_ASSIGN_OR_RETURN(
        const Published published,
        parts_.publisher->publish(draft.finish(), draft.objects(),
                                  {.source = base_.record(), .confirmed = base_.confirmed(), .uploads = &uploads_}));
    if (published.outcome == PublishOutcome::kWon) {
      parts_.follow_up(published.record);
      answer_published(published.record->record);
      return true;
    }
    if (published.outcome == PublishOutcome::kLost) OG_RETURN_IF_ERROR(has_moved(/*ask=*/true));
    return false;
  }

  Result<WriteBase> take_base() {
    const std::optional<std::string>& fork_from = members_.front()->options.fork_from;
    WriteBase base;
    // What ends in a publish may rest on the cache: the publish proves it.
    OG_ASSIGN_OR_RETURN(base.head, parts_.log->recent_head(branch_));
    if (base.head.live()) return base;
    OG_ASSIGN_OR_RETURN(base.head, parts_.log->confirmed_head(branch_));
    base.confirmed_now = true;
    if (base.head.live()) return base;
    if (!fork_from || branch_ == kMainBranch) return std::unexpected(branch_not_found(branch_));
    OG_ASSIGN_OR_RETURN(base.source, parts_.log->confirmed_head(*fork_from));
    if (!base.source->live()) return std::unexpected(branch_not_found(*fork_from));
    return base;
  }

  // Whether nothing that the last attempt's outcome depends on has changed since.
  bool outcome_stays(const WriteBase& before) const {
    if (before.source || base_.source) return false;
    const CommitRecord& a = before.record()->record;
    const CommitRecord& b = base_.record()->record;
    if (a.incarnation != b.incarnation || a.schema.digest != b.schema.digest) return false;
    for (const Member* member : members_) {
      if (!member->prepared || member->options.if_head) return false;
      for (const schema::TypeRef type : member->footprint) {
        const std::string key = catalog_->table_key(type);
        const auto x = a.tables.find(key), y = b.tables.find(key);
        if (x == a.tables.end() || y == b.tables.end() || x->second != y->second) return false;
      }
    }
    return true;
  }

  Result<void> replay(RecordDraft& draft) {
    for (Member* member : members_) {
      OG_ASSIGN_OR_RETURN(member->commit_index, draft.append(facts_of(*member), *member->prepared));
    }
    return {};
  }

  Result<void> run_bodies(RecordDraft& draft) {
    for (Member* member : members_) {
      member->begin_attempt();
      OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, draft.snapshot());
      catalog_ = snapshot->catalog();
      Result<bool> effective = run_body(*member, snapshot);
      if (!effective) {
        member->refused = std::move(effective).error();
      } else if (*effective) {
        OG_ASSIGN_OR_RETURN(member->commit_index, draft.append(facts_of(*member), *member->prepared));
      }
    }
    return {};
  }

  // True: it makes a commit.
  Result<bool> run_body(Member& member, const SnapshotPtr& snapshot) {
    const WriteOptions& options = member.options;
    if (options.if_head && *options.if_head != snapshot->commit_id()) {
      return std::unexpected(precondition_failed(branch_, *options.if_head, snapshot->commit_id()));
    }
    const Moment began = parts_.log->now();
    Transaction transaction(snapshot);
    OG_RETURN_IF_ERROR(member.body(transaction));
    const WriteSet& writes = transaction.writes();
    PreparedWrite prepared;
    if (!writes.tables.empty()) {
      OG_ASSIGN_OR_RETURN(prepared, prepare_write(*snapshot, writes, *parts_.store, *member.files));
    }
    if (prepared.tables.empty() && !options.commit_when_empty) return false;
    member.footprint = prepared.footprint;
    member.footprint.insert(writes.reads.begin(), writes.reads.end());
    for (const auto& [type, table] : writes.tables) member.footprint.insert(type);
    if (!prepared.uploaded.empty() && !uploads_.started) uploads_.started = began;
    member.prepared = std::move(prepared);
    return true;
  }

  // Refusals and writes without effect: told only from a head confirmed after the requests came.
  Result<bool> answer_without_publish() {
    bool settled = base_.confirmed_now;
    if (!settled) {
      bool refusal = false;
      for (const Member* member : members_) refusal = refusal || !member->refused || is_refusal(*member->refused);
      if (refusal) {
        OG_ASSIGN_OR_RETURN(const bool moved, has_moved(/*ask=*/true));
        if (moved) return false;
      }
    }
    for (Member* member : members_) answer(*member, nullptr);
    return true;
  }

  void answer_published(const CommitRecord& record) {
    for (Member* member : members_) answer(*member, &record);
  }

  void answer(Member& member, const CommitRecord* record) {
    if (member.refused) {
      member.outcome = std::unexpected(*member.refused);
      return;
    }
    WriteOutcome outcome{.commit = std::nullopt, .branch = branch_, .branch_created = false, .attempts = attempt_};
    if (member.prepared && record != nullptr) {
      outcome.commit = record->commits[member.commit_index];
      outcome.branch_created = base_.source.has_value();
    }
    member.outcome = std::move(outcome);
  }

  void answer_all(const Error& error) {
    for (Member* member : members_) member->outcome = std::unexpected(error);
  }

  // Whether the branch has left the base of this attempt. Without `ask` only what this process knows counts.
  Result<bool> has_moved(bool ask) {
    OG_ASSIGN_OR_RETURN(const Head head, ask ? parts_.log->confirmed_head(branch_) : parts_.log->recent_head(branch_));
    if (head.record != nullptr) actual_head_ = head.record->record.head_id;
    const std::uint64_t based_on = base_.head.record ? base_.head.record->record.seq : 0;
    return head.record != nullptr && head.record->record.seq != based_on;
  }

  static CommitFacts facts_of(const Member& member) {
    return {.kind = member.options.kind, .actor = member.options.actor};
  }

  StoreParts& parts_;
  const std::vector<Member*> members_;
  const std::string branch_;
  const Moment started_;
  std::uint32_t attempt_ = 0;
  WriteBase base_;
  std::shared_ptr<const schema::Catalog> catalog_;
  Uploads uploads_;
  std::string expected_head_;
  std::string actual_head_;
};

Result<WriteOutcome> WriteLoop::write(const WriteOptions& options, const WriteBody& body) {
  OG_ASSIGN_OR_RETURN(const std::string branch, checked_branch_name(options.branch));
  WriteOptions checked = options;
  checked.branch = branch;
  if (checked.fork_from) {
    OG_ASSIGN_OR_RETURN(checked.fork_from, checked_branch_name(*checked.fork_from));
  }
  Member member{.options = checked, .body = body};
  // A load may take long and would hold up the others of its group.
  if (checked.kind == CommitKind::kMutate && !checked.fork_from) return write_in_group(member);
  run_group(parts_, {&member});
  return std::move(*member.outcome);
}

// Every member gets an answer, whatever is thrown below (no memory, say): the branch must not stay led for ever.
void WriteLoop::run_group(StoreParts& parts, const std::vector<Member*>& members) {
  try {
    GroupRun(parts, members).run();
  } catch (const std::exception& error) {
    for (Member* member : members) {
      member->outcome = std::unexpected(internal_error(
          std::string("the write ended early (").append(error.what()).append("); look at the branch's head before trying again")));
    }
  }
}

Result<WriteOutcome> WriteLoop::write_in_group(Member& member) {
  const std::shared_ptr<Queue> queue = queue_of(member.options.branch);
  std::unique_lock lock(queue->mutex);
  queue->waiting.push_back(&member);
  queue->changed.wait(lock, [&] { return member.answered || !queue->led; });
  if (member.answered) return std::move(*member.outcome);
  // This caller leads: one group, its own write among it, then the next waiting caller takes over.
  queue->led = true;
  std::vector<Member*> group{&member};
  std::erase(queue->waiting, &member);
  while (group.size() < kGroupMax && !queue->waiting.empty()) {
    group.push_back(queue->waiting.front());
    queue->waiting.pop_front();
  }
  lock.unlock();
  run_group(parts_, group);
  lock.lock();
  for (Member* served : group) served->answered = true;
  queue->led = false;
  queue->changed.notify_all();
  return std::move(*member.outcome);
}

std::shared_ptr<WriteLoop::Queue> WriteLoop::queue_of(const std::string& branch) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Queue>& queue = queues_[branch];
  if (queue == nullptr) queue = std::make_shared<Queue>();
  return queue;
}

}  // namespace omnigraph::graph
