#include "graph/write_loop.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "graph/collecting_transaction.h"
#include "graph/early_write.h"
#include "graph/layout.h"
#include "graph/prepare_files.h"
#include "graph/prepare_group.h"
#include "graph/race.h"
#include "graph/vector_fill.h"

namespace omnigraph::graph {
namespace {

constexpr std::size_t kGroupMax = 32;
// How long a leader waits for the callers of the last group. Below a sync of any disk; they come within it unless they
// have something else to do.
constexpr std::chrono::microseconds kGatherUs{300};
// After a write that could not be used as it was run early, so many are not tried: they are likely to be alike.
constexpr int kEarlyPause = 64;
// A group that ended longer ago says nothing about who comes now.
constexpr std::chrono::milliseconds kLastGroupMs{5};

Error ended_early(const std::exception& error) {
  return internal_error(std::string("the write ended early (")
                            .append(error.what())
                            .append("); look at the branch's head before trying again"));
}

}  // namespace

struct WriteLoop::Member {
  enum class Turn : int { kWaits, kLeads, kServed };

  Member(const WriteOptions& write_options, const WriteBody& write_body) : options(write_options), body(write_body) {}

  const WriteOptions& options;
  const WriteBody& body;
  std::shared_ptr<PreparedFileCache> files = make_prepared_file_cache();
  std::optional<EarlyWrite> early{};  // for the first attempt

  // Of the latest attempt.
  std::optional<PreparedWrite> prepared{};  // set when it makes a commit
  std::set<schema::TypeRef> footprint{};
  std::size_t commit_index = 0;
  std::string commit_id{};  // once it was about to be sent
  std::optional<Error> refused{};

  std::optional<Result<WriteOutcome>> outcome{};  // the answer
  std::atomic<Turn> turn{Turn::kWaits};

  void set_turn(Turn next) {
    turn = next;
    turn.notify_one();
  }
  // What its turn is once it no longer waits.
  Turn wait() {
    turn.wait(Turn::kWaits);
    return turn;
  }

  void begin_attempt() {
    prepared.reset();
    footprint.clear();
    refused.reset();
  }
};

// One group from its first attempt to its answers.
class WriteLoop::GroupRun {
 public:
  GroupRun(StoreParts& parts, Group members)
      : parts_(parts),
        members_(std::move(members)),
        branch_(members_.front()->options.branch),
        started_(parts.log->now()) {}

  // Gives every member its outcome, but for deferred().
  void run() {
    const std::shared_ptr<std::mutex> turn = parts_.branch_turn(branch_);
    while (true) {
      ++attempt_;
      std::unique_lock<std::mutex> lock(*turn, std::defer_lock);
      if (attempt_ >= kTryWithTurn) lock.lock();
      Result<bool> done = one_attempt(lock);
      if (!done) {
        if (lock.owns_lock()) lock.unlock();
        return answer_failed(done.error());
      }
      if (*done) return;
      if (lock.owns_lock()) lock.unlock();
      if (gives_up(Patience::kWriter, attempt_, started_, parts_.log->now())) {
        return answer_all(read_set_conflict(branch_, expected_head_, actual_head_));
      }
      pause_before_try(attempt_);
    }
  }

  // Members, in order, for whom the record had no room.
  [[nodiscard]] const Group& deferred() const { return deferred_; }

 private:
  // True: every member has its outcome. False: the head has moved.
  Result<bool> one_attempt(std::unique_lock<std::mutex>& lock) {
    sent_ = false;
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
    OG_ASSIGN_OR_RETURN(CommitRecord record, draft.finish());
    parts_.prepare_follow_up(draft.record());
    sent_ = true;
    for (const MemberPtr& member : members_) {
      member->commit_id = member->prepared ? draft.record().commits[member->commit_index].id : std::string();
    }
    OG_ASSIGN_OR_RETURN(
        const Published published,
        parts_.publisher->publish(std::move(record), draft.objects(),
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
    for (const MemberPtr& member : members_) {
      if (!member->prepared || member->options.if_head) return false;
      for (const schema::TypeRef type : member->footprint) {
        const std::string key = catalog_->table_key(type);
        const auto x = a.tables.find(key), y = b.tables.find(key);
        if (x == a.tables.end() || y == b.tables.end() || x->second != y->second) return false;
      }
    }
    return true;
  }

  // Each lies on the ones before it, so that one that fails now fails all.
  Result<void> replay(RecordDraft& draft) {
    for (const MemberPtr& member : members_) {
      append(draft, *member);
      if (member->refused) return std::unexpected(*member->refused);
    }
    return {};
  }

  Result<void> run_bodies(RecordDraft& draft) {
    for (const MemberPtr& member : members_) member->begin_attempt();
    OG_ASSIGN_OR_RETURN(const std::size_t together, append_together(draft));
    for (std::size_t i = together; i < members_.size(); ++i) {
      Member& member = *members_[i];
      OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, draft.snapshot());
      catalog_ = snapshot->catalog();
      const Result<bool> effective = run_guarded(member, snapshot);
      if (!effective) {
        member.refused = effective.error();
      } else if (*effective) {
        if (!has_room(draft, *member.prepared)) {
          defer_from(i);
          break;
        }
        append(draft, member);
      }
    }
    return {};
  }

  // Begins with those that were run early and can be prepared together (prepare_group.h); how many they are. The others
  // come after them: nobody knows yet in which order they will have been.
  Result<std::size_t> append_together(RecordDraft& draft) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, draft.snapshot());
    catalog_ = snapshot->catalog();
    const auto end = std::stable_partition(members_.begin(), members_.end(), [&](const MemberPtr& member) {
      return member->early && member->early->fits(snapshot->record());
    });
    const auto count = static_cast<std::size_t>(end - members_.begin());
    if (count < 2) return 0;
    std::vector<GroupedWrite> writes;
    for (auto at = members_.begin(); at != end; ++at) {
      (*at)->files->begin_attempt(parts_.log->now());
      writes.push_back({.writes = &(*at)->early->writes, .files = (*at)->files.get()});
    }
    auto prepared = prepare_guarded(*snapshot, writes);
    if (!prepared) return 0;  // one after another, then: each gets its own error
    for (std::size_t i = 0; i < count; ++i) {
      Member& member = *members_[i];
      note_prepared(member, std::move((*prepared)[i]), member.early->writes);
      if (!has_room(draft, *member.prepared)) {
        defer_from(i);
        return i;
      }
      append(draft, member);
      // Those after it were prepared on top of it.
      if (member.refused) return std::unexpected(*member.refused);
    }
    return count;
  }

  std::optional<std::vector<PreparedWrite>> prepare_guarded(const Snapshot& base,
                                                            const std::vector<GroupedWrite>& writes) {
    try {
      auto prepared = prepare_group(base, writes, *parts_.store);
      return prepared ? *std::move(prepared) : std::nullopt;
    } catch (const std::exception&) {  // no memory, say: each of them needs less
      return std::nullopt;
    }
  }

  // Adds the member's commit; what does not fit is its own failure, and the draft is as it was.
  static void append(RecordDraft& draft, Member& member) {
    Result<std::size_t> index = draft.append(facts_of(member), *member.prepared);
    if (index) {
      member.commit_index = *index;
    } else {
      member.prepared.reset();
      member.refused = std::move(index).error();
    }
  }

  // Whether the record stays small enough to carry all its objects: a larger one costs the others uploads first.
  static bool has_room(const RecordDraft& draft, const PreparedWrite& prepared) {
    const std::size_t commits = draft.record().commits.size();
    if (commits == 0) return true;
    std::uint64_t bytes = 0;
    for (const NewObject& object : prepared.small) bytes += object.bytes.size();
    // Its manifests are not made yet; those before it tell how large they will be.
    return draft.new_bytes() + std::max(bytes, draft.new_bytes() / commits) <= kAttachBytesMax;
  }

  void defer_from(std::size_t first) {
    const auto begin = members_.begin() + static_cast<std::ptrdiff_t>(first);
    deferred_.insert(deferred_.begin(), begin, members_.end());
    members_.erase(begin, members_.end());
    for (const MemberPtr& member : deferred_) member->begin_attempt();
  }

  Result<bool> run_guarded(Member& member, const SnapshotPtr& snapshot) {
    try {
      return run_body(member, snapshot);
    } catch (const std::exception& error) {  // no memory, say: the others may need less
      member.prepared.reset();
      return std::unexpected(ended_early(error));
    }
  }

  // True: it makes a commit.
  Result<bool> run_body(Member& member, const SnapshotPtr& snapshot) {
    const WriteOptions& options = member.options;
    if (options.if_head && *options.if_head != snapshot->commit_id()) {
      return std::unexpected(precondition_failed(branch_, *options.if_head, snapshot->commit_id()));
    }
    member.files->begin_attempt(parts_.log->now());
    if (const std::optional<EarlyWrite> early = std::exchange(member.early, std::nullopt)) {
      if (auto prepared = prepare_early(*early, *snapshot, *parts_.store, *member.files)) {
        note_prepared(member, *std::move(prepared), early->writes);
        return true;
      }
    }
    CollectingTransaction transaction(snapshot);
    OG_RETURN_IF_ERROR(member.body(transaction));
    const WriteSet& writes = transaction.writes();
    PreparedWrite prepared;
    if (!writes.tables.empty()) {
      OG_ASSIGN_OR_RETURN(prepared, prepare_write(*snapshot, writes, *parts_.store, *member.files));
    }
    if (prepared.tables.empty() && !options.commit_when_empty) return false;
    note_prepared(member, std::move(prepared), writes);
    return true;
  }

  void note_prepared(Member& member, PreparedWrite prepared, const WriteSet& writes) {
    member.footprint = prepared.footprint;
    member.footprint.insert(writes.reads.begin(), writes.reads.end());
    for (const auto& [type, table] : writes.tables) member.footprint.insert(type);
    if (!prepared.uploaded.empty()) note_uploads_since(member.files->began());
    if (writes.uploads_since) note_uploads_since(*writes.uploads_since);
    member.prepared = std::move(prepared);
  }

  // The earliest one counts.
  void note_uploads_since(const Moment& began) {
    if (!uploads_.started || elapsed_us(began, *uploads_.started) > 0) uploads_.started = began;
  }

  // Refusals and writes without effect: told only from a head confirmed after the requests came.
  Result<bool> answer_without_publish() {
    bool settled = base_.confirmed_now;
    if (!settled) {
      bool refusal = false;
      for (const MemberPtr& member : members_) refusal = refusal || !member->refused || is_refusal(*member->refused);
      if (refusal) {
        OG_ASSIGN_OR_RETURN(const bool moved, has_moved(/*ask=*/true));
        if (moved) return false;
      }
    }
    for (const MemberPtr& member : members_) answer(*member, nullptr);
    return true;
  }

  void answer_published(const CommitRecord& record) {
    for (const MemberPtr& member : members_) answer(*member, &record);
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
    for (const MemberPtr& member : members_) member->outcome = std::unexpected(error);
  }

  // The attempt as a whole failed. What one of several brought about (a limit, a file too many) is not the others':
  // each is run again by itself. But nothing is sent twice whose fate is unknown.
  void answer_failed(const Error& error) {
    if (members_.size() == 1) return answer_all(error);
    const bool undecided = sent_ && error.code == Code::kInternal;
    for (const MemberPtr& member : members_) {
      if (undecided && member->prepared) {
        member->outcome = std::unexpected(naming(error, member->commit_id));
      } else {
        GroupRun(parts_, {member}).run();
      }
    }
  }

  // The publisher names the record's last commit; each caller is to ask for his own.
  Error naming(Error error, const std::string& commit_id) const {
    std::string last;
    for (const MemberPtr& member : members_) last = std::max(last, member->commit_id);
    if (const std::size_t at = error.message.find(last); at != std::string::npos) {
      error.message.replace(at, last.size(), commit_id);
    }
    return error;
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
  Group members_;
  Group deferred_;
  const std::string branch_;
  const Moment started_;
  std::uint32_t attempt_ = 0;
  WriteBase base_;
  std::shared_ptr<const schema::Catalog> catalog_;
  Uploads uploads_;
  std::string expected_head_;
  std::string actual_head_;
  bool sent_ = false;  // the attempt came to its publish
};

Result<WriteOutcome> WriteLoop::write(const WriteOptions& options, const WriteBody& body) {
  OG_ASSIGN_OR_RETURN(const std::string branch, checked_branch_name(options.branch));
  WriteOptions checked = options;
  checked.branch = branch;
  if (checked.fork_from) {
    OG_ASSIGN_OR_RETURN(checked.fork_from, checked_branch_name(*checked.fork_from));
  }
  const Background::Write under_way(parts_.background);
  const auto member = std::make_shared<Member>(checked, body);
  // A load may take long and would hold up the others of its group.
  if (checked.kind == CommitKind::kMutate && !checked.fork_from) return write_in_group(member);
  (void)run_group(parts_, {member});
  return std::move(*member->outcome);
}

// Every member gets an answer, whatever is thrown below (no memory, say): the branch must not stay led for ever.
WriteLoop::Group WriteLoop::run_group(StoreParts& parts, const Group& group) {
  try {
    GroupRun run(parts, group);
    run.run();
    return run.deferred();
  } catch (const std::exception& error) {
    for (const MemberPtr& member : group) {
      if (!member->outcome) member->outcome = std::unexpected(ended_early(error));
    }
    return {};
  }
}

Result<WriteOutcome> WriteLoop::write_in_group(const MemberPtr& member) {
  const std::shared_ptr<Queue> queue = queue_of(member->options.branch);
  if (wants_early(*queue, member->options)) {
    member->early = run_early(parts_, member->options, member->body, *member->files);
    if (!member->early) {
      const std::lock_guard lock(queue->mutex);
      queue->early_pause = kEarlyPause;
    }
  }
  bool leads = false;
  {
    const std::lock_guard lock(queue->mutex);
    leads = !std::exchange(queue->led, true);
    if (!leads) {
      queue->waiting.push_back(member);
      if (queue->waiting.size() == queue->gathered_at) queue->gathered.notify_one();
    }
  }
  Member::Turn turn = leads ? Member::Turn::kLeads : member->wait();
  while (turn == Member::Turn::kLeads && !lead(*queue, member)) turn = member->wait();
  return std::move(*member->outcome);
}

bool WriteLoop::lead(Queue& queue, const MemberPtr& member) {
  Group group{member};
  std::unique_lock lock(queue.mutex);
  gather(queue, lock);
  while (group.size() < kGroupMax && !queue.waiting.empty()) {
    group.push_back(std::move(queue.waiting.front()));
    queue.waiting.pop_front();
  }
  lock.unlock();
  const Group deferred = run_group(parts_, group);
  std::erase_if(group, [](const MemberPtr& one) { return !one->outcome; });
  const bool served_itself = member->outcome.has_value();
  lock.lock();
  if (!served_itself) member->turn = Member::Turn::kWaits;
  queue.waiting.insert(queue.waiting.begin(), deferred.begin(), deferred.end());
  queue.last_group = group.size();
  queue.last_ended = std::chrono::steady_clock::now();
  MemberPtr next;
  if (queue.waiting.empty()) {
    queue.led = false;
  } else {
    next = std::move(queue.waiting.front());
    queue.waiting.pop_front();
  }
  lock.unlock();
  if (next) next->set_turn(Member::Turn::kLeads);
  for (const MemberPtr& served : group) {
    if (served != member) served->set_turn(Member::Turn::kServed);
  }
  return served_itself;
}

// Whether somebody leads and nothing speaks against running the write meanwhile.
bool WriteLoop::wants_early(Queue& queue, const WriteOptions& options) {
  if (options.if_head) return false;
  const std::lock_guard lock(queue.mutex);
  if (!queue.led) return false;
  if (queue.early_pause == 0) return true;
  --queue.early_pause;
  return false;
}

void WriteLoop::gather(Queue& queue, std::unique_lock<std::mutex>& lock) {
  const std::size_t others = queue.last_group - 1;
  if (others == 0 || std::chrono::steady_clock::now() - queue.last_ended > kLastGroupMs) return;
  queue.gathered_at = others;
  queue.gathered.wait_for(lock, kGatherUs, [&] { return queue.waiting.size() >= others; });
  queue.gathered_at = 0;
}

std::shared_ptr<WriteLoop::Queue> WriteLoop::queue_of(const std::string& branch) {
  const std::lock_guard lock(mutex_);
  // Branches come and go: those nobody writes on leave nothing behind.
  constexpr std::size_t kIdleQueuesMax = 256;
  if (queues_.size() >= kIdleQueuesMax) {
    std::erase_if(queues_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  std::shared_ptr<Queue>& queue = queues_[branch];
  if (queue == nullptr) queue = std::make_shared<Queue>();
  return queue;
}

}  // namespace omnigraph::graph
