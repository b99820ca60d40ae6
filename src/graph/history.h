// Commits of live branches along their first-parent chains (chapter 09 section 4). A commit resolves iff it lies on
// such a chain: in the incarnation of a live branch, or at or below the record from which one on the chain was forked.
// Thread safety: all methods may be called concurrently.
// Cleanup leaves gaps in a chain: an id that falls into one is history removed, any other unknown id is not found.
// Errors: kNotFound `commit 'x' not found`; kGone (`history_expired`, the id, and the oldest commit still readable).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/branches.h"
#include "graph/store.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// A commit and the record that made it; no record: not found.
struct FoundCommit {
  RecordPtr record;
  std::size_t index = 0;  // in record->record.commits
};

class History {
 public:
  explicit History(StoreParts& parts) : parts_(parts), branches_(parts) {}

  // Newest first, inherited ones included; ends at the oldest commit kept. kNotFound: no such branch.
  [[nodiscard]] Result<std::vector<GraphStore::LoggedCommit>> commits(std::string_view branch) const;
  [[nodiscard]] Result<FoundCommit> find(std::string_view commit_id) const;

  // The part of a chain that lies in one log: one incarnation, up to a sequence number.
  struct Stretch {
    std::string branch;
    std::string incarnation;
    std::uint64_t last_seq = 0;
  };
  [[nodiscard]] Result<std::vector<Stretch>> chain_of(const RecordPtr& head) const;  // newest first; a read per fork
  // Where the commit's pointer leads, on whatever log, dead ones included; no record: no pointer. kGone: its record is
  // removed.
  [[nodiscard]] Result<FoundCommit> find_by_pointer(const std::string& commit_id) const;
  // Binary search of one stretch; no record: not there.
  [[nodiscard]] Result<FoundCommit> search(const Stretch& stretch, const std::string& commit_id) const;

 private:
  [[nodiscard]] Result<std::vector<RecordPtr>> records_of(const Stretch& stretch) const;  // newest first
  // The records of a stretch that an id lies between.
  struct Neighbours {
    RecordPtr below;  // the newest whose first commit is not greater, or that has no commits
    RecordPtr above;  // the oldest whose first commit is greater
  };
  [[nodiscard]] Result<Neighbours> neighbours(const Stretch& stretch, const std::string& commit_id) const;
  struct Searched {
    FoundCommit commit;
    std::string follows;  // not found, but it may have been in the gap before this commit; empty: there was never one
  };
  [[nodiscard]] Result<Searched> search_chain(const std::vector<Stretch>& chain, const std::string& commit_id) const;

  StoreParts& parts_;
  Branches branches_;
};

}  // namespace omnigraph::graph
