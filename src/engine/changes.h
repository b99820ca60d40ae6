// Change history of one graph: the entity changes of a commit, the feed of a branch, baselines (chapter 03 section 7).
// Consumers keep their place themselves, as cursors that any process can read; nothing is stored here for them.
//
// Cursors and page tokens are opaque, URL-safe and bound to graph, branch incarnation (or commit) and filter; one that
// was altered or belongs elsewhere is refused: kBadRequest `change cursor rejected: ..`.
// Errors besides: kNotFound for branches and commits, kConflict with detail `change_diff_refusal`, kGone with detail
// `change_feed_gap`, kResourceLimit for a limit above kChangesPerPageMax.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/store.h"

namespace omnigraph::engine {

inline constexpr std::size_t kChangesPerPage = 1000;
inline constexpr std::size_t kChangesPerPageMax = 8192;
inline constexpr std::size_t kChangePageBytes = std::size_t{4}
                                                << 20;  // what a page aims at; one larger change goes alone
inline constexpr std::size_t kCommitsPerPoll = 128;
inline constexpr std::size_t kCursorBytesMax = 4096;

// Values repeat (OR within a member, AND across); an empty member lets everything through. Kinds and ops as on the
// wire: node, edge; insert, update, delete. Order and repetition mean nothing.
struct ChangeFilter {
  std::vector<std::string> kinds, types, ops;
};

struct ChangeCause {
  std::string graph_commit_id;
  std::optional<std::string> parent_commit_id, merged_parent_commit_id;
  std::string authored_branch;
  std::optional<std::string> actor_id;
  std::int64_t authored_at = 0;  // Unix microseconds
};

enum class ChangeOp : std::uint8_t { kInsert, kUpdate, kDelete };
[[nodiscard]] std::string_view change_op_name(ChangeOp op);

struct Change {
  schema::EntityKind kind = schema::EntityKind::kNode;
  std::string type_id;    // opaque
  std::string type_name;  // as of the commit
  std::string id;
  ChangeOp op = ChangeOp::kInsert;
  std::string before, after;  // images as compact JSON; empty: none
};

struct CommitChangesRequest {
  std::string commit_id;
  ChangeFilter filter{};
  std::size_t limit = kChangesPerPage;
  std::optional<std::string> page_token{};
  // Whether the caller may read a branch; false for the one the commit landed on makes the commit unknown to it.
  std::function<bool(std::string_view branch)> may_read{};
};

struct CommitChangesPage {
  ChangeCause cause;
  std::vector<Change> changes;
  std::optional<std::string> next_page_token;
};

// At most one of cursor, start and page_token; none = start now.
struct ChangePollRequest {
  std::string branch = "main";
  std::optional<std::string> cursor{};
  std::optional<std::string> start{};  // now, beginning, after:<commit id>
  std::optional<std::string> page_token{};
  ChangeFilter filter{};
  std::size_t limit = kChangesPerPage;
};

struct ChangeBlock {
  ChangeCause cause;
  std::vector<Change> changes;
  std::string cursor;  // the place after this block; empty: the block goes on in the next page
};

// Ends inside a block (`next_page_token`) or at a boundary (`cursor`).
struct ChangePollPage {
  std::vector<ChangeBlock> blocks;
  std::optional<std::string> next_page_token;
  std::optional<std::string> cursor;
  bool caught_up = false;
};

struct BaselineRequest {
  std::string branch = "main";
  ChangeFilter filter{};
};

struct Baseline {
  std::string snapshot_commit_id;
  std::string resume_cursor;
};

// A head captured for a baseline; all checks are done.
class BaselineCapture {
 public:
  virtual ~BaselineCapture() = default;
  // The export of the captured head, restricted by kind and type.
  [[nodiscard]] virtual Result<void> write_records(const std::function<Result<void>(std::string_view)>& sink) const = 0;
  // Holds once every record is where it belongs.
  [[nodiscard]] virtual const Baseline& baseline() const = 0;
};

// A limit as text. kBadRequest: no number, or zero; kResourceLimit: above kChangesPerPageMax.
[[nodiscard]] Result<std::size_t> change_limit_of(std::string_view text);

class Graph;
struct ChangesState;

class Changes {
 public:
  explicit Changes(graph::GraphStore& store);
  ~Changes();

  [[nodiscard]] Result<CommitChangesPage> commit_changes(const CommitChangesRequest& request);
  // Answers at once.
  [[nodiscard]] Result<ChangePollPage> poll(const ChangePollRequest& request);
  // kBadRequest also for an unknown type name.
  [[nodiscard]] Result<std::shared_ptr<const BaselineCapture>> capture_baseline(const BaselineRequest& request);

  // Stands for the newest record of a branch and changes with it. Asked of the store at most once in `max_age`, however
  // many callers wait for something new.
  [[nodiscard]] Result<std::string> head_mark(std::string_view branch, std::chrono::milliseconds max_age);

 private:
  const std::unique_ptr<ChangesState> state_;
};

// The change history of an open graph; lives as long as the graph.
[[nodiscard]] Changes& changes_of(Graph& graph);

}  // namespace omnigraph::engine
