// What to do about tables of main that another tool has changed (chapter 09 section 9): look, take its files over where
// the rows are the same, take its changes over as a commit of ours, or put our content back on top. Foreign versions
// are never deleted. Lost Lance copies of deletion bitmaps are restored on the way. Thread safety: free functions; may
// be called concurrently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/foreign_drift.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

struct RepairOptions {
  bool confirm = false;  // else nothing is written
  bool force = false;    // take content changes over, if they pass the checks of a write
  bool restore = false;  // put our content back on top of what is not taken over
  std::optional<std::string> actor{};
};

enum class RepairAction : std::uint8_t { kNoOp, kPreview, kHealed, kForced, kRefused, kRestored };
[[nodiscard]] std::string_view repair_action_name(RepairAction action);

struct RepairedTable {
  std::string table_key;
  DriftKind drift = DriftKind::kNoDrift;
  RepairAction action = RepairAction::kNoOp;
  std::vector<std::string> operations;  // of the other tool, oldest first; then files that are (to be) restored
  std::string refusal;                  // kRefused: why
  std::uint64_t head_version = 0;       // after the run
  std::uint64_t regular_version = 0;    // newest of the ordinary chain after the run; 0: none
};

struct RepairOutcome {
  std::vector<RepairedTable> tables;  // all of main, by table key
  RecordPtr published;                // null: no commit was needed
};

// Errors: of the store; kConflict when other writers never let it through. Refused tables are in the outcome.
[[nodiscard]] Result<RepairOutcome> repair(StoreParts& parts, const RepairOptions& options);

}  // namespace omnigraph::graph
