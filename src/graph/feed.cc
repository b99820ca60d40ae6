#include "graph/feed.h"

#include <algorithm>

#include "base/ulid.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

constexpr std::uint64_t kBatchRecords = 16;  // as many as parallel_io has threads

// Null where there is no such record.
Result<RecordPtr> read_or_null(CommitLog& log, const std::string& branch, std::uint64_t seq) {
  Result<RecordPtr> record = log.read(branch, seq);
  if (!record && record.error().code == Code::kNotFound) return RecordPtr();
  return record;
}

// The commit that the record's own follow.
const std::string& followed_commit(const CommitRecord& record) {
  if (record.commits.empty() || record.commits.front().parents.empty()) return record.head_id;
  return record.commits.front().parents.front();
}

}  // namespace

// One call of next(): collects commits in order and knows when to stop.
class Feed::Walk {
 public:
  Walk(const Feed& feed, std::size_t stretch, const FeedPosition& from, std::size_t count)
      : feed_(feed), stretch_(stretch), count_(count) {
    step_.reached = from;
  }

  Result<FeedStep> run() {
    OG_RETURN_IF_ERROR(finish_first());
    while (!stopped_) {
      const History::Stretch& stretch = feed_.chain_[stretch_];
      if (step_.reached.log == stretch.branch && step_.reached.seq >= stretch.last_seq) {
        if (stretch_ == 0) {
          step_.at_end = true;
          break;
        }
        --stretch_;
        OG_RETURN_IF_ERROR(enter_stretch());
      } else if (step_.commits.size() >= count_) {
        break;
      } else {
        OG_RETURN_IF_ERROR(read_batch());
      }
    }
    return std::move(step_);
  }

 private:
  // What the record at the starting place still holds. It may be gone: then what follows has no parent to compare with.
  Result<void> finish_first() {
    const FeedPosition from = step_.reached;
    OG_ASSIGN_OR_RETURN(const RecordPtr record, read_or_null(*feed_.parts_->log, from.log, from.seq));
    if (record == nullptr) return {};
    if (from.passed > record->record.commits.size()) {
      return std::unexpected(bad_request("the place lies behind the end of its commit record"));
    }
    push(record, from.passed);
    return {};
  }

  // Appends the record's commits from `index` on; with all of them taken the walk stands behind the record.
  void push(const RecordPtr& record, std::size_t index) {
    const CommitRecord& made = record->record;
    for (; index < made.commits.size(); ++index) {
      if (step_.commits.size() >= count_) {
        stopped_ = true;
        return;
      }
      const Commit& commit = made.commits[index];
      FeedPosition after{made.branch, made.seq, static_cast<std::uint32_t>(index + 1), commit.id};
      step_.commits.push_back({record, index, index == 0 ? before_ : nullptr, after});
      step_.reached = std::move(after);
    }
    step_.reached = end_of(*record);
    before_ = record;
  }

  // Takes the record that follows, or finds that what lies between is gone.
  void take(const RecordPtr& record) {
    const CommitRecord& made = record->record;
    const std::string& followed = followed_commit(made);
    if (followed != step_.reached.commit_id) {
      stop_at(followed);
    } else if (!made.commits.empty() && before_ == nullptr && !made.commits.front().content_preserving) {
      stop_at(made.commits.front().id);
    } else if (step_.commits.size() >= count_ && !made.commits.empty()) {
      stopped_ = true;
    } else {
      push(record, 0);
    }
  }

  void stop_at(const std::string& unreadable) {
    step_.unreadable = unreadable;
    stopped_ = true;
  }

  // A fork: the branch's first record may have no commit of its own, or, made by a load, one.
  Result<void> enter_stretch() {
    const History::Stretch& stretch = feed_.chain_[stretch_];
    OG_ASSIGN_OR_RETURN(const RecordPtr first, feed_.first_record(stretch));
    if (first == nullptr) {
      stop_at(step_.reached.commit_id);
    } else {
      take(first);
    }
    return {};
  }

  Result<void> read_batch() {
    const History::Stretch& stretch = feed_.chain_[stretch_];
    const std::uint64_t begin = step_.reached.seq + 1;
    const std::uint64_t wanted = std::min<std::uint64_t>(kBatchRecords, count_ - step_.commits.size());
    std::vector<RecordPtr> records(std::min(stretch.last_seq - begin + 1, wanted));
    OG_RETURN_IF_ERROR(parallel_io(records.size(), [&](std::size_t i) -> Result<void> {
      OG_ASSIGN_OR_RETURN(records[i], read_or_null(*feed_.parts_->log, stretch.branch, begin + i));
      return {};
    }));
    for (const RecordPtr& record : records) {
      if (stopped_) return {};
      if (record != nullptr) {
        take(record);
        continue;
      }
      // Removed by cleanup, which keeps single records where branches were forked: look for the next that is there.
      OG_ASSIGN_OR_RETURN(const RecordPtr kept, feed_.oldest_kept(stretch, step_.reached.seq));
      if (kept == nullptr) {
        stop_at(step_.reached.commit_id);
      } else {
        before_ = nullptr;
        take(kept);
      }
      return {};
    }
    return {};
  }

  const Feed& feed_;
  std::size_t stretch_;
  const std::size_t count_;
  FeedStep step_;
  RecordPtr before_;  // the record passed last; null: removed
  bool stopped_ = false;
};

Result<Feed> Feed::open(StoreParts& parts, const RecordPtr& head, std::uint64_t cut_seq) {
  OG_ASSIGN_OR_RETURN(std::vector<History::Stretch> chain, History(parts).chain_of(head));
  OG_CHECK(cut_seq <= chain.front().last_seq);
  chain.front().last_seq = cut_seq;
  return Feed(parts, std::move(chain));
}

FeedPosition Feed::end_of(const LoadedRecord& record) {
  return {record.record.branch, record.record.seq, static_cast<std::uint32_t>(record.record.commits.size()),
          record.record.head_id};
}

const History::Stretch* Feed::holding(const CommitRecord& record) const {
  for (const History::Stretch& stretch : chain_) {
    if (record.branch == stretch.branch && record.incarnation == stretch.incarnation &&
        record.seq <= stretch.last_seq) {
      return &stretch;
    }
  }
  return nullptr;
}

Result<RecordPtr> Feed::oldest_kept(const History::Stretch& stretch, std::uint64_t after_seq) const {
  OG_ASSIGN_OR_RETURN(const std::vector<std::uint64_t> seqs, parts_->log->list_seqs(stretch.branch));
  for (auto seq = seqs.rbegin(); seq != seqs.rend(); ++seq) {
    if (*seq <= after_seq || *seq > stretch.last_seq) continue;
    OG_ASSIGN_OR_RETURN(RecordPtr record, read_or_null(*parts_->log, stretch.branch, *seq));
    if (record != nullptr && record->record.incarnation == stretch.incarnation) return record;
  }
  return RecordPtr();
}

Result<RecordPtr> Feed::first_record(const History::Stretch& stretch) const {
  CommitLog& log = *parts_->log;
  OG_ASSIGN_OR_RETURN(RecordPtr found, read_or_null(log, stretch.branch, log.first_seq()));
  if (found != nullptr && found->record.incarnation == stretch.incarnation) return found;
  // A name used before: its incarnations rise along the log. Invariant: the first record, if it is there, lies in
  // [low, high] or is `found`.
  found = nullptr;
  std::uint64_t low = log.first_seq() + 1;
  std::uint64_t high = stretch.last_seq;
  while (low <= high) {
    const std::uint64_t middle = low + (high - low) / 2;
    OG_ASSIGN_OR_RETURN(RecordPtr probe, log.newest_at_or_below(stretch.branch, middle));
    if (probe == nullptr || probe->record.seq < low || probe->record.incarnation < stretch.incarnation) {
      low = middle + 1;
    } else {
      high = probe->record.seq - 1;
      found = std::move(probe);
    }
  }
  return found;
}

Result<FeedStart> Feed::beginning() const {
  OG_ASSIGN_OR_RETURN(const RecordPtr first, first_record(chain_.back()));
  if (first == nullptr) {
    return std::unexpected(corrupt_object(log_prefix(chain_.back().branch), "the log lacks the records of a branch"));
  }
  const CommitRecord& record = first->record;
  if (record.commits.empty() || !record.commits.front().parents.empty()) {
    return FeedStart{.position = std::nullopt, .unreadable = followed_commit(record)};
  }
  const std::string& genesis = record.commits.front().id;
  return FeedStart{.position = FeedPosition{record.branch, record.seq, 1, genesis}, .unreadable = std::nullopt};
}

Result<FeedStart> Feed::after(std::string_view id) const {
  const std::string commit_id(id);
  if (!base::is_ulid(commit_id)) return FeedStart{};
  const History history(*parts_);
  Result<FoundCommit> found = history.find_by_pointer(commit_id);
  if (!found && found.error().code != Code::kGone) return std::unexpected(std::move(found).error());
  // A pointer follows its commit after a moment.
  const bool search = found && found->record == nullptr;
  for (std::size_t i = 0; search && found->record == nullptr && i < chain_.size(); ++i) {
    OG_ASSIGN_OR_RETURN(*found, history.search(chain_[i], commit_id));
  }
  if (found && found->record != nullptr) {
    const CommitRecord& record = found->record->record;
    if (holding(record) == nullptr) return FeedStart{};
    return FeedStart{
        .position = FeedPosition{record.branch, record.seq, static_cast<std::uint32_t>(found->index + 1), commit_id},
        .unreadable = std::nullopt};
  }
  // Not there any more, or never on this chain: of ids before the oldest commit kept nobody can tell.
  OG_ASSIGN_OR_RETURN(const FeedStart start, beginning());
  if (!start.unreadable) return FeedStart{};
  OG_ASSIGN_OR_RETURN(const RecordPtr oldest, first_record(chain_.back()));
  const CommitRecord& record = oldest->record;
  const std::string& kept = record.commits.empty() ? record.head_id : record.commits.front().id;
  if (commit_id >= kept) return FeedStart{};
  return FeedStart{.position = std::nullopt, .unreadable = *start.unreadable == commit_id ? kept : *start.unreadable};
}

Result<FeedStep> Feed::next(const FeedPosition& from, std::size_t count) const {
  // A log can occur twice, when a branch was made again from a descendant of itself: the older part lies below.
  for (std::size_t i = chain_.size(); i-- > 0;) {
    if (chain_[i].branch == from.log && from.seq <= chain_[i].last_seq) return Walk(*this, i, from, count).run();
  }
  return std::unexpected(bad_request("commit '" + from.commit_id + "' is not on this branch"));
}

Result<RecordPtr> record_before(StoreParts& parts, const LoadedRecord& loaded) {
  const CommitRecord& record = loaded.record;
  OG_CHECK(!record.commits.empty() && !record.commits.front().parents.empty());
  if (record.seq > parts.log->first_seq()) {
    OG_ASSIGN_OR_RETURN(RecordPtr last, read_or_null(*parts.log, record.branch, record.seq - 1));
    if (last != nullptr && !last->record.deleted && last->record.incarnation == record.incarnation) return last;
  }
  if (record.forked_from && record.forked_from->id == record.commits.front().parents.front()) {
    return read_or_null(*parts.log, record.forked_from->branch, record.forked_from->seq);
  }
  return RecordPtr();
}

}  // namespace omnigraph::graph
