#include "graph/cleanup_retention.h"

#include <algorithm>
#include <set>

#include "graph/layout.h"

namespace omnigraph::graph {
namespace {

// The commits a search for the merge base of two heads reads, newest first, and the bases (chapter 03 section 6). Ids
// are greater than those of all parents, so that a commit is met after everything that leads to it.
struct BaseSearch {
  std::vector<LogSurvey::Place> read;
  std::vector<LogSurvey::Place> bases;
};

BaseSearch search_bases(const LogSurvey& survey, const std::string& one, const std::string& other) {
  constexpr unsigned kOne = 1, kOther = 2, kBelowBase = 4;
  std::map<std::string, unsigned> waiting;
  waiting[one] |= kOne;
  waiting[other] |= kOther;
  BaseSearch search;
  const auto undecided = [](const auto& entry) { return (entry.second & kBelowBase) == 0; };
  while (std::ranges::any_of(waiting, undecided)) {
    const auto newest = std::prev(waiting.end());
    const LogSurvey::Place place = survey.find_commit(newest->first);
    unsigned flags = newest->second;
    waiting.erase(newest);
    if (place.record == nullptr) continue;  // removed long ago, with all below it
    search.read.push_back(place);
    if (flags == (kOne | kOther)) {
      search.bases.push_back(place);
      flags |= kBelowBase;
    }
    for (const std::string& parent : place.commit().parents) waiting[parent] |= flags;
  }
  return search;
}

class Decision {
 public:
  Decision(const LogSurvey& survey, const RetentionPolicy& policy, std::int64_t store_now_us, std::int64_t now_us)
      : survey_(survey), policy_(policy), store_now_us_(store_now_us), now_us_(now_us) {}

  Retention run() {
    for (const SurveyedLog& log : survey_.logs()) keep_ends(log);
    for (const SurveyedLog& log : survey_.logs()) {
      if (!log.live()) continue;
      keep_by_policy(log.records.front());
      if (const auto& fork = log.records.front().forked_from) keep(survey_.find(fork->branch, fork->seq));
    }
    for (const SurveyedLog& log : survey_.logs()) {
      if (log.live()) keep_bases(log.records.front());
    }
    for (const SurveyedLog& log : survey_.logs()) {
      if (log.live()) keep_links(log.records.front());
    }
    keep_carriers();
    list_removed();
    return std::move(out_);
  }

 private:
  Retention::Kept* keep(const SurveyedRecord* record, bool spared = false) {
    if (record == nullptr) return nullptr;
    Retention::Kept& kept = out_.kept[{record->branch, record->seq}];
    kept.record = record;
    kept.spared = kept.spared || spared;
    return &kept;
  }
  [[nodiscard]] bool is_kept(const SurveyedRecord& record) const {
    return out_.kept.contains({record.branch, record.seq});
  }

  void keep_ends(const SurveyedLog& log) {
    keep(&log.records.front(), true);
    for (std::size_t i = 1; i < log.records.size(); ++i) {
      if (store_now_us_ - log.records[i - 1].modified_us < kCleanupGraceUs) keep(&log.records[i], true);
    }
  }

  void keep_by_policy(const SurveyedRecord& head) {
    const bool everything = !policy_.keep && !policy_.older_than_us;
    std::uint64_t count = 0;
    for (LogSurvey::Place at = survey_.find_commit(head.head_id); at.record != nullptr; ++count) {
      const SurveyedCommit& commit = at.commit();
      const bool by_count = policy_.keep && count < *policy_.keep;
      const bool by_age = policy_.older_than_us && now_us_ - commit.at_us < *policy_.older_than_us;
      if (!everything && !by_count && !by_age) return;
      keep(at.record);
      if (commit.parents.empty()) return;
      at = survey_.find_commit(commit.parents[0]);
    }
  }

  void keep_bases(const SurveyedRecord& head) {
    std::set<std::string> others;
    if (head.branch != kMainBranch) others.insert(std::string(kMainBranch));
    if (head.forked_from) {
      // Only while that branch is the one it was: a name that came back is another branch.
      const SurveyedLog* parent = survey_.find_log(head.forked_from->branch);
      const SurveyedRecord* fork = survey_.find(head.forked_from->branch, head.forked_from->seq);
      if (parent != nullptr && parent->live() && fork != nullptr &&
          fork->incarnation == parent->records.front().incarnation) {
        others.insert(parent->branch);
      }
    }
    for (const std::string& other : others) {
      const SurveyedLog* log = survey_.find_log(other);
      if (log != nullptr && log->live()) keep_between(head, log->records.front());
    }
  }

  void keep_between(const SurveyedRecord& head, const SurveyedRecord& other) {
    const BaseSearch search = search_bases(survey_, head.head_id, other.head_id);
    if (search.bases.empty()) return;  // gone already: a merge is 410 whatever else stays
    HistoryHolder holder{.branch = head.branch, .other = other.branch, .base_id = {}, .commits = 0};
    for (const LogSurvey::Place& place : search.read) {
      if (!is_kept(*place.record)) ++holder.commits;
    }
    for (const LogSurvey::Place& place : search.read) keep(place.record);
    for (const LogSurvey::Place& base : search.bases) {
      keep(base.record, true);
      if (holder.base_id.empty() || base.commit().id < holder.base_id) holder.base_id = base.commit().id;
    }
    if (holder.commits > 0) out_.holders.push_back(std::move(holder));
  }

  // Records that name where a chain goes on, as far as it still leads to commits that stay.
  void keep_links(const SurveyedRecord& head) {
    std::vector<const SurveyedRecord*> links;
    std::size_t needed = 0;
    for (const SurveyedRecord* at = &head; at->forked_from;) {
      at = survey_.find(at->forked_from->branch, at->forked_from->seq);
      if (at == nullptr) break;
      links.push_back(at);
      const SurveyedLog& log = *survey_.find_log(at->branch);
      const bool leads_on = std::ranges::any_of(log.records, [&](const SurveyedRecord& record) {
        return record.incarnation == at->incarnation && record.seq <= at->seq && !record.commits.empty() &&
               is_kept(record);
      });
      if (leads_on) needed = links.size();
    }
    for (std::size_t i = 0; i < needed; ++i) keep(links[i]);
  }

  void keep_carriers() {
    std::set<RecordAt> carriers;
    for (const auto& [at, kept] : out_.kept)
      carriers.insert(kept.record->carriers.begin(), kept.record->carriers.end());
    for (const auto& [branch, seq] : carriers) {
      const SurveyedRecord* record = survey_.find(branch, seq);
      if (record != nullptr && !is_kept(*record)) keep(record)->carrier = true;
    }
  }

  // Oldest first; within a log by position, so that a chain is only ever shortened from its old end.
  void list_removed() {
    std::vector<std::pair<std::string, const SurveyedRecord*>> ranked;
    for (const SurveyedLog& log : survey_.logs()) {
      std::string rank;
      for (auto record = log.records.rbegin(); record != log.records.rend(); ++record) {
        rank = std::max(rank, record->head_id);
        if (!is_kept(*record)) ranked.emplace_back(rank, &*record);
      }
    }
    std::ranges::stable_sort(ranked, {}, &std::pair<std::string, const SurveyedRecord*>::first);
    for (const auto& [rank, record] : ranked) out_.removed.push_back(record);
  }

  const LogSurvey& survey_;
  const RetentionPolicy& policy_;
  const std::int64_t store_now_us_;
  const std::int64_t now_us_;
  Retention out_;
};

}  // namespace

Retention decide_retention(const LogSurvey& survey, const RetentionPolicy& policy, std::int64_t store_now_us,
                           std::int64_t now_us) {
  return Decision(survey, policy, store_now_us, now_us).run();
}

}  // namespace omnigraph::graph
