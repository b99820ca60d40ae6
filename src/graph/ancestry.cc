#include "graph/ancestry.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "graph/layout.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

// Slots read ahead of the walk in one log: doubled with every batch.
constexpr std::uint64_t kBatchMax = 32;

using Position = std::pair<std::string, std::uint64_t>;

// The records of all logs as far as a walk has come, read ahead downwards. A null record: cleanup removed it.
class RecordWindow {
 public:
  explicit RecordWindow(CommitLog& log) : log_(log) {}

  void add(const RecordPtr& record) { records_[{record->record.branch, record->record.seq}] = record; }
  [[nodiscard]] bool knows(const Position& position) const { return records_.contains(position); }
  [[nodiscard]] const RecordPtr& at(const Position& position) const { return records_.at(position); }

  // Reads all `wanted`, and some slots below each, in one round trip.
  Result<void> read(const std::set<Position>& wanted) {
    std::vector<Position> positions;
    for (const Position& position : wanted) {
      std::uint64_t& batch = batches_[position.first];
      batch = std::clamp(batch * 2, kReadAheadFirst, kBatchMax);
      for (std::uint64_t below = 0; below < batch && position.second >= log_.first_seq() + below; ++below) {
        const Position next{position.first, position.second - below};
        if (!knows(next)) positions.push_back(next);
      }
      if (position.second < log_.first_seq()) records_[position] = nullptr;
    }
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    std::vector<RecordPtr> found(positions.size());
    OG_RETURN_IF_ERROR(parallel_io(positions.size(), [&](std::size_t i) -> Result<void> {
      Result<RecordPtr> record = log_.read(positions[i].first, positions[i].second);
      if (record) found[i] = std::move(*record);
      if (!record && record.error().code != Code::kNotFound) return std::unexpected(std::move(record).error());
      return {};
    }));
    for (std::size_t i = 0; i < positions.size(); ++i) records_[positions[i]] = std::move(found[i]);
    return {};
  }

 private:
  CommitLog& log_;
  std::map<Position, RecordPtr> records_;
  std::map<std::string, std::uint64_t> batches_;
};

class BaseSearch {
 public:
  BaseSearch(CommitLog& log, const RecordPtr& source, const RecordPtr& target) : window_(log) {
    window_.add(source);
    window_.add(target);
    add(source->record.head_id, {source->record.branch, source->record.seq}, kOfSource);
    add(target->record.head_id, {target->record.branch, target->record.seq}, kOfTarget);
  }

  Result<MergeBase> run() {
    while (any_can_win()) {
      auto newest = std::prev(waiting_.end());
      OG_ASSIGN_OR_RETURN(const Found found, locate(newest->second.position, newest->first));
      // Once located, nothing greater can have come in: parents are smaller.
      const std::string id = newest->first;
      const unsigned marks = newest->second.marks;
      waiting_.erase(newest);
      if (!found.record) {
        if (marks == kCommon) return std::unexpected(base_is_gone(id));
        if ((marks & kStale) == 0 && cut_.empty()) cut_ = id;
        continue;
      }
      OG_RETURN_IF_ERROR(visit(id, marks, found));
    }
    if (!best_ || (!cut_.empty() && best_->commit_id < cut_)) {
      return std::unexpected(base_is_gone(cut_.empty() ? std::string("of the two branches") : cut_));
    }
    return std::move(*best_);
  }

 private:
  enum Marks : unsigned {
    kOfSource = 1,
    kOfTarget = 2,
    kCommon = kOfSource | kOfTarget,
    kStale = 4,  // an ancestor of a common ancestor
  };
  struct Waiting {
    Position position;
    unsigned marks = 0;
  };
  struct Found {
    RecordPtr record;
    std::size_t index = 0;
  };

  void add(const std::string& id, const Position& position, unsigned marks) {
    Waiting& waiting = waiting_.try_emplace(id, Waiting{.position = position, .marks = 0}).first->second;
    waiting.marks |= marks;
  }

  [[nodiscard]] bool any_can_win() const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [](const auto& entry) { return (entry.second.marks & kStale) == 0; });
  }

  // The commit `id` at or below `position`: a branch that has made no commit yet names the place it was forked from.
  Result<Found> locate(Position position, const std::string& id) {
    while (true) {
      if (!window_.knows(position)) OG_RETURN_IF_ERROR(read_ahead(position));
      const RecordPtr& record = window_.at(position);
      if (record == nullptr) return Found{};
      const std::vector<Commit>& commits = record->record.commits;
      for (std::size_t i = 0; i < commits.size(); ++i) {
        if (commits[i].id == id) return Found{record, i};
      }
      if (!commits.empty() || !record->record.forked_from) {
        return std::unexpected(corrupt_object(record_key(position.first, position.second),
                                              "commit '" + id + "' should be in this record and is not"));
      }
      position = {record->record.forked_from->branch, record->record.forked_from->seq};
    }
  }

  // Whatever the walk will want anyway is asked for in the same round trip.
  Result<void> read_ahead(const Position& position) {
    std::set<Position> wanted{position};
    for (const auto& [id, waiting] : waiting_) {
      if ((waiting.marks & kStale) != 0) continue;
      if (!window_.knows(waiting.position)) {
        wanted.insert(waiting.position);
      } else if (const RecordPtr& record = window_.at(waiting.position)) {
        const Position next = below(record->record);
        if (!window_.knows(next)) wanted.insert(next);
      }
    }
    return window_.read(wanted);
  }

  // Where the walk goes on under the first commit of a record.
  static Position below(const CommitRecord& record) {
    const std::optional<RecordPosition>& fork = record.forked_from;
    if (fork &&
        (record.commits.empty() || record.commits[0].parents.empty() || record.commits[0].parents[0] == fork->id)) {
      return {fork->branch, fork->seq};
    }
    return {record.branch, record.seq - 1};
  }

  Result<void> visit(const std::string& id, unsigned marks, const Found& found) {
    const CommitRecord& record = found.record->record;
    const Commit& commit = record.commits[found.index];
    if (marks == kCommon) {
      offer(id, commit.version, found);
      marks |= kStale;
    }
    if (commit.parents.empty()) return {};
    add(commit.parents[0], found.index == 0 ? below(record) : Position{record.branch, record.seq}, marks);
    if (commit.parents.size() < 2) return {};
    if (!commit.merged) {
      return std::unexpected(corrupt_object(record_key(record.branch, record.seq),
                                            "merge commit '" + id + "' does not say where its second parent lies"));
    }
    add(commit.parents[1], {commit.merged->branch, commit.merged->seq}, marks);
    return {};
  }

  void offer(const std::string& id, std::uint64_t version, const Found& found) {
    if (best_ && (best_version_ > version || (best_version_ == version && best_->commit_id > id))) return;
    best_ = MergeBase{.relation = Relation::kDiverged, .commit_id = id, .record = found.record, .index = found.index};
    best_version_ = version;
  }

  [[nodiscard]] static Error base_is_gone(const std::string& id) {
    return Error{Code::kGone,
                 "history_expired: the common ancestor of the two branches is needed for a merge, and cleanup removed "
                 "its part of the history (commit " +
                     id + ")"};
  }

  RecordWindow window_;
  std::map<std::string, Waiting> waiting_;  // by commit id
  std::optional<MergeBase> best_;
  std::uint64_t best_version_ = 0;
  std::string cut_;  // greatest commit that one side needed and that is gone
};

}  // namespace

Result<MergeBase> find_merge_base(CommitLog& log, const RecordPtr& source, const RecordPtr& target) {
  if (source->record.head_id == target->record.head_id) {
    return MergeBase{
        .relation = Relation::kUpToDate, .commit_id = source->record.head_id, .record = nullptr, .index = 0};
  }
  OG_ASSIGN_OR_RETURN(MergeBase base, BaseSearch(log, source, target).run());
  if (base.commit_id == source->record.head_id) base.relation = Relation::kUpToDate;
  if (base.commit_id == target->record.head_id) base.relation = Relation::kFastForward;
  return base;
}

}  // namespace omnigraph::graph
