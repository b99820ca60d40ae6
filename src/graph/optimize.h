// Compaction of one branch (chapter 09 section 9): fragments are written anew where that helps, and all tables are
// published in one content-preserving commit. Writers are never held up: what they delete or update meanwhile is
// carried over by row id. A table that another tool has changed (drift) is left alone. Indexes that data files lack are
// made and stored, those of new files before these are published (graph/store_indexes.h). Thread safety: free
// functions; may be called concurrently.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/optimize_plan.h"
#include "graph/store_indexes.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

struct OptimizedTable {
  std::string table_key;
  std::uint64_t fragments_removed = 0, fragments_added = 0;
  bool committed = false;
  bool drifted = false;               // skipped
  std::uint64_t head_version = 0;     // after the run
  std::uint64_t regular_version = 0;  // newest of the ordinary chain after the run; 0: none
};

struct OptimizeOutcome {
  std::vector<OptimizedTable> tables;  // all of the branch, by table key
  RecordPtr published;                 // null: there was nothing to do
  StoredIndexes indexes;               // seen whole, or put
};

// Errors: kNotFound (no such branch), those of reading and writing the tables, kConflict read_set_conflict when the
// branch replaced what was written anew again and again.
[[nodiscard]] Result<OptimizeOutcome> optimize(StoreParts& parts, const std::string& branch,
                                               const FragmentTarget& target = {});

// Puts everything that is still only inside commit records of the branch at its own key, durably, and on main brings
// the ordinary versions up to the head. Errors: kNotFound; those of the store.
[[nodiscard]] Result<void> materialize(StoreParts& parts, const std::string& branch);

}  // namespace omnigraph::graph
