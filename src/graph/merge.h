// Merging one branch into another (chapter 03 section 6, chapter 09 section 8), and what a merge would do.
//
// A fast-forward takes the source's state over without copying data. Otherwise the rows that changed on the source are
// written on the target through the ordinary write path, with all constraints checked on the result. Either way the
// target gets one commit with two parents, and the source is left alone.
// Thread safety: free functions; may be called concurrently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/merge_plan.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

struct MergeRequest {
  std::string source, target = std::string("main");
  std::optional<std::string> actor{};
  bool merge_properties = false;  // as plan_merge
  // Commit ids that the two heads must have. kPreconditionFailed.
  std::optional<std::string> expect_source{}, expect_target{};
};

enum class MergeOutcome : std::uint8_t { kUpToDate, kFastForward, kMerged, kConflicts };
[[nodiscard]] std::string_view merge_outcome_name(MergeOutcome outcome);  // as on the wire

struct MergeResult {
  MergeOutcome outcome = MergeOutcome::kUpToDate;
  std::string base_commit_id;
  // The two heads, and the base where the states were compared. A fast-forward's base is the target.
  MergeStates states;
  std::vector<MergeConflict> conflicts;  // kConflicts: all of them, sorted
  // Previews: what merging does to the target, entities with conflicts left out.
  std::vector<MergedType> types;
};

// Conflicts are an outcome and no error; nothing is written then. Errors: kBadRequest (bad names, or one branch twice),
// kNotFound, kPreconditionFailed, kGone (the base's history was removed), kConflict (schemas that do not meet;
// read_set_conflict).
[[nodiscard]] Result<MergeResult> merge_branches(StoreParts& parts, const MergeRequest& request);

// Two heads to compare, confirmed now or pinned by an earlier page.
struct MergeHeads {
  RecordPtr source, target;
};
[[nodiscard]] Result<MergeHeads> merge_heads(StoreParts& parts, const MergeRequest& request);
// Writes nothing. Errors: as merge_branches.
[[nodiscard]] Result<MergeResult> preview_merge(StoreParts& parts, const MergeHeads& heads, bool merge_properties);

}  // namespace omnigraph::graph
