// What another tool did to a table: the versions it put on top of ours, and whether they changed any row (chapter 09
// section 9, repair). Nothing is written.
// Thread safety: free functions on values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/carry_over.h"
#include "graph/foreign.h"
#include "graph/store_parts.h"
#include "graph/table_diff.h"

namespace omnigraph::graph {

enum class DriftKind : std::uint8_t {
  kNoDrift,
  kVerifiedMaintenance,  // the same live rows: compaction, index building
  kSuspicious,           // rows or columns changed
  kUnverifiable,         // not readable
};
[[nodiscard]] std::string_view drift_kind_name(DriftKind kind);

struct TableDrift {
  DriftKind kind = DriftKind::kNoDrift;
  RegularVersion newest;
  std::vector<std::string> operations{};  // of the foreign versions, oldest first
  // Why it cannot be read, or cannot be adopted whatever its rows are; empty: it can be tried.
  std::string obstacle{};

  // The table before and after the foreign versions, as snapshots of which only this table means something; null
  // unless both can be read.
  SnapshotPtr before{}, after{};
  std::vector<EntityChange> changes{};  // between them; kSuspicious without an obstacle
  // kVerifiedMaintenance: the same rows in other files, under their row ids. Unset: nothing to take over.
  std::optional<RewrittenTable> rewrite{};
};

// `key`: a table of `head`, which is the newest record of main. Errors: of the store.
[[nodiscard]] Result<TableDrift> find_drift(StoreParts& parts, const RecordPtr& head, const std::string& key);

}  // namespace omnigraph::graph
