// What cleanup keeps (chapter 09 sections 3 and 9), decided on a survey of all logs alone.
//
// Kept are: the newest record of every log; per live branch the newest N, or those newer than some age, of the commits
// on its first-parent chain, in whichever log they lie; the records that live branches were created from; every record
// whose successor is younger than 24 h; all that a search for the merge base of a live branch with `main`, and with the
// branch it was created from, has to read; and the records inside which bytes of a kept record travel. Thread safety: a
// function on values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/mark_logs.h"
#include "graph/mark_objects.h"

namespace omnigraph::graph {

// A commit is kept if either says so; neither set: all commits are.
struct RetentionPolicy {
  std::optional<std::uint64_t> keep{};          // newest commits of each live branch
  std::optional<std::int64_t> older_than_us{};  // commits younger than this
};

// Records stay this long after their successor came, objects this long after they were written.
inline constexpr std::int64_t kCleanupGraceUs = std::int64_t{24} * 3600 * 1'000'000;

// A branch for whose later merge history stays that the policy would let go.
struct HistoryHolder {
  std::string branch;
  std::string other;    // main, or the branch it was created from
  std::string base_id;  // oldest commit of theirs that stays
  std::uint64_t commits = 0;
};

struct Retention {
  struct Kept {
    const SurveyedRecord* record = nullptr;
    // Heads, merge bases and what somebody may still be building on: a hard drop does not reach their tables.
    bool spared = false;
    bool carrier = false;  // kept only for bytes of other records
  };
  std::map<RecordAt, Kept> kept;               // into the survey
  std::vector<const SurveyedRecord*> removed;  // oldest first
  std::vector<HistoryHolder> holders;
};

// `store_now_us` is the store's time at the start, `now_us` the clock's, by which commits are dated.
[[nodiscard]] Retention decide_retention(const LogSurvey& survey, const RetentionPolicy& policy,
                                         std::int64_t store_now_us, std::int64_t now_us);

}  // namespace omnigraph::graph
