// The first-parent chain of a branch, walked oldest first from any place: what change feeds read (chapter 03 section
// 7.3). Inherited history is part of the chain.
//
// Records are found by their slots, so a walk costs one request for each record it passes (16 at a time), plus one for
// each fork of the branch: near the head it is flat in the length of history. Records may hold several commits.
// Thread safety: const methods may be called concurrently. Errors: those of CommitLog.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/history.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// A place after a commit. It stays true for ever: records do not move, and what lies before a commit does not change.
struct FeedPosition {
  std::string log;           // the branch in whose log the record lies
  std::uint64_t seq = 0;     // of the record
  std::uint32_t passed = 0;  // commits of the record that lie before the place; 0: the record has none
  std::string commit_id;     // the last commit before the place
  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

struct FeedCommit {
  RecordPtr record;
  std::size_t index = 0;  // in record->record.commits
  RecordPtr parent;       // index 0: the record that ends with the state before; null: removed by cleanup
  FeedPosition after;
  [[nodiscard]] const Commit& commit() const { return record->record.commits[index]; }
};

struct FeedStep {
  std::vector<FeedCommit> commits;  // oldest first
  FeedPosition reached;             // after the last of them, or further where nothing but forks lies between
  bool at_end = false;              // nothing follows `reached`
  // Cleanup removed what follows `reached`: the oldest commit that follows, is known by name and cannot be read.
  std::optional<std::string> unreadable;
};

// Where a walk begins. Neither: not on the chain.
struct FeedStart {
  std::optional<FeedPosition> position;
  std::optional<std::string> unreadable;  // as in FeedStep
};

class Feed {
 public:
  // The chain up to the record `cut_seq` of the head's log. REQUIRES: cut_seq lies in the head's incarnation.
  [[nodiscard]] static Result<Feed> open(StoreParts& parts, const RecordPtr& head, std::uint64_t cut_seq);

  // The place after all commits of a record.
  [[nodiscard]] static FeedPosition end_of(const LoadedRecord& record);
  // The place after genesis.
  [[nodiscard]] Result<FeedStart> beginning() const;
  [[nodiscard]] Result<FeedStart> after(std::string_view commit_id) const;

  // Up to `count` commits after `from`. A commit whose parent's state is removed is unreadable, unless it preserves
  // content and so needs none. kBadRequest: `from` is not on this chain.
  [[nodiscard]] Result<FeedStep> next(const FeedPosition& from, std::size_t count) const;

 private:
  class Walk;
  Feed(StoreParts& parts, std::vector<History::Stretch> chain) : parts_(&parts), chain_(std::move(chain)) {}
  [[nodiscard]] Result<RecordPtr> first_record(const History::Stretch& stretch) const;
  // The oldest record of the stretch's log in (after_seq, last_seq] that is still there; null: none.
  [[nodiscard]] Result<RecordPtr> oldest_kept(const History::Stretch& stretch, std::uint64_t after_seq) const;
  [[nodiscard]] const History::Stretch* holding(const CommitRecord& record) const;

  StoreParts* parts_;
  std::vector<History::Stretch> chain_;  // newest first
};

// The record whose last state is the one before record.commits[0]: the slot before, or where the branch was forked.
// Null: removed by cleanup. REQUIRES: the record has a commit with a parent.
[[nodiscard]] Result<RecordPtr> record_before(StoreParts& parts, const LoadedRecord& record);

}  // namespace omnigraph::graph
