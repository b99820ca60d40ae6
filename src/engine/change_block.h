// The changes of one commit against its first parent, in the order of chapter 03 section 7.1, page by page.
// Thread safety: free functions and a cache that locks; a PageBudget belongs to one request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/change_cursor.h"
#include "engine/change_filter.h"
#include "engine/changes.h"
#include "graph/commit_log.h"
#include "graph/lru_cache.h"
#include "graph/moment.h"
#include "graph/snapshot.h"
#include "graph/table_diff.h"

namespace omnigraph::engine {

// Bytes of changed entities that are kept between the pages of one commit; a large load has many pages.
inline constexpr std::uint64_t kKeptChangesMax = std::uint64_t{64} << 20;

// What the requests on one graph share.
struct ChangesState {
  explicit ChangesState(graph::GraphStore& graph_store) : store(graph_store), diffs("changes", kKeptChangesMax) {}

  graph::GraphStore& store;
  graph::LruCache<const std::vector<graph::EntityChange>> diffs;  // by the two manifests

  struct HeadMark {
    std::string mark;
    graph::Moment seen;
  };
  std::mutex marks_mutex;
  std::map<std::string, HeadMark, std::less<>> marks;  // guarded by marks_mutex
};

// How much still fits into a page.
class PageBudget {
 public:
  explicit PageBudget(std::size_t changes_max) : changes_left_(changes_max) {}
  [[nodiscard]] bool full() const { return changes_left_ == 0 || bytes_ >= kChangePageBytes; }
  // True: taken. False: the page has something already and this would make it too large.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (full() || (bytes_ != 0 && bytes_ + bytes > kChangePageBytes)) return false;
    --changes_left_;
    bytes_ += bytes;
    return true;
  }

 private:
  std::size_t changes_left_;
  std::size_t bytes_ = 0;
};

// A commit and the states around it; both null: it changed no entity.
struct CommitBlock {
  ChangeCause cause;
  graph::SnapshotPtr before, after;
};

[[nodiscard]] ChangeCause cause_of(const graph::Commit& commit, const std::string& branch);
[[nodiscard]] Error change_feed_gap(const std::string& commit_id, const std::optional<std::string>& cursor);
// True for the two reasons, gap and schema boundary, why a commit's changes can never be told.
[[nodiscard]] bool is_unreadable(const Error& error);

// `parent`: the record that ends with the state before record.commits[0]; null: removed.
// Errors: change_feed_gap, schema_boundary, parentless_commit.
[[nodiscard]] Result<CommitBlock> open_block(ChangesState& state, const graph::RecordPtr& record, std::size_t index,
                                             const graph::RecordPtr& parent);

// Appends the changes from `place` on that pass the filter and fit. Returns where to go on, or nothing at the end.
// Errors: those of reading; change_feed_gap.
[[nodiscard]] Result<std::optional<BlockPlace>> read_block(ChangesState& state, const CommitBlock& block,
                                                           const NormalFilter& filter, const BlockPlace& place,
                                                           PageBudget& budget, std::vector<Change>& out);

}  // namespace omnigraph::engine
