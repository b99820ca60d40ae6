// Where cleanup has cut the history of a branch: versions grow by one from commit to commit along first parents, and
// slots from record to record, so that a gap tells of what is gone (chapter 09 sections 3 and 9).
// Thread safety: free functions. Errors: of the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/commit_log.h"

namespace omnigraph::graph {

// The oldest commit that can be read going back from a head without a gap.
struct OldestReadable {
  std::string id;
  std::uint64_t version = 0;
  bool cut = false;  // its parent is gone
};
// `head`: the newest record of a live branch. One list and a few gets for each log the chain lies in.
[[nodiscard]] Result<OldestReadable> oldest_readable(CommitLog& log, const RecordPtr& head);

// kGone: `history_expired`, the commit, and the oldest commit still readable on the chain of `branch` (main's if that
// is no live branch).
[[nodiscard]] Error history_expired_on(CommitLog& log, std::string_view branch, std::string_view commit_id);
// The same for a table of the commit that a hard drop purged: `record_seq` of `branch` did, and its commit is the
// oldest at which nothing of the table is missing.
[[nodiscard]] Error history_purged(CommitLog& log, std::string_view branch, std::uint64_t record_seq,
                                   std::string_view table_id, std::string_view commit_id);
// As history_expired_on where the commit is already known that follows the gap.
[[nodiscard]] Error history_expired_before(std::string_view commit_id, std::string_view oldest_id);

}  // namespace omnigraph::graph
