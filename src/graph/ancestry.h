// How two branch heads are related: the merge base over both parent links (chapter 03 section 6, steps 2 to 4).
//
// Both walks go newest id first. Commit ids are greater than those of all their parents, so a commit is met only after
// all its descendants, and what is known of it then is complete. Records are read in parallel batches; only the part of
// the history that the two heads do not share, and as much again, is read.
// Source: the painting walk of common ancestors in Git (commit-reach.c), with ids in place of dates.
// Thread safety: free functions; may be called concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "graph/commit_log.h"

namespace omnigraph::graph {

// Slots of one log that a walk asks for at first: a cold process that merges a handful of commits waits once for each
// log, or not at all if it asks for the slots below the heads together with these.
inline constexpr std::uint64_t kReadAheadFirst = 8;

enum class Relation {
  kUpToDate,     // the source head is an ancestor of the target head, or both are one commit
  kFastForward,  // the target head is an ancestor of the source head
  kDiverged,
};

struct MergeBase {
  Relation relation = Relation::kDiverged;
  std::string commit_id;
  // The record that made the commit and which of its commits it is. kUpToDate of equal heads: not read, null.
  RecordPtr record;
  std::size_t index = 0;
};

// The best common ancestor: one that is no ancestor of another common ancestor; of several, the one with the larger
// version, then the larger id. Errors: kGone when cleanup removed what it would take to find it.
[[nodiscard]] Result<MergeBase> find_merge_base(CommitLog& log, const RecordPtr& source, const RecordPtr& target);

}  // namespace omnigraph::graph
