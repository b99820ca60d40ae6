// Merging branches, and what a merge would do (chapter 03 section 6): requests and answers of the engine.
//
// Conflicts are an error: kConflict with the detail `merge_conflicts`, all of them. Errors besides: those of
// graph/merge.h; kBadRequest for a page token or filter that does not fit.
// Thread safety: free functions; may be called concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

// Commit ids that the heads of the two branches must have.
struct ExpectedHeads {
  std::string source, target;
};

struct MergeBranchesRequest {
  std::string source, target = std::string("main");
  std::optional<std::string> actor{};
  std::optional<ExpectedHeads> expect{};
  // Entities that both sides updated in different fields are merged field by field.
  bool merge_properties = false;
  bool images = false;  // conflicts come with the entity's three states
};

struct MergeAnswer {
  std::string source, target;
  std::string outcome;  // already_up_to_date, fast_forward, merged
  std::optional<std::string> actor_id;
  // Set where the source was to be deleted; why not, where it was not.
  std::optional<bool> branch_deleted;
  std::optional<std::string> branch_delete_error;
};

[[nodiscard]] Result<MergeAnswer> merge_branches(Graph& graph, const MergeBranchesRequest& request);
// After a merge, which no refusal undoes: deletes the source, or notes why not. `refused`: the caller's own reason.
void delete_merged_branch(Graph& graph, MergeAnswer& answer, const std::optional<Error>& refused = std::nullopt);

inline constexpr std::size_t kDiffPageChanges = 1000;
inline constexpr std::size_t kDiffPageChangesMax = 8192;

struct DiffRequest {
  std::string source, target = std::string("main");
  bool merge_properties = false;
  bool with_changes = true;  // false: outcome, counts and conflicts only
  std::size_t limit = kDiffPageChanges;
  std::optional<std::string> page_token{};
  // Values repeat (OR within a member, AND across); an empty member lets everything through.
  std::vector<std::string> kinds{}, types{}, ops{};
};

struct DiffHead {
  std::string branch, graph_commit_id;
};

struct DiffCounts {
  std::uint64_t inserted = 0, updated = 0, deleted = 0;
};

struct DiffChange {
  std::string kind, type_id, type_name, id, op;
  std::string before, after;        // images as compact JSON; empty: none
  std::vector<std::string> fields;  // of an update: names that differ
};

struct DiffConflict {
  std::string entity_kind, type_name;
  std::optional<std::string> entity_id;
  std::string kind, message;
  std::string base, source, target;  // images as compact JSON; empty: not there
  std::vector<std::string> fields;
};

struct DiffAnswer {
  DiffHead source, target;
  std::string base_commit_id;
  std::string outcome;                       // also conflicts
  std::map<std::string, DiffCounts> counts;  // by type key; filters do not apply
  std::uint64_t conflict_count = 0;
  std::vector<DiffConflict> conflicts;  // first page only
  std::vector<DiffChange> changes;
  std::optional<std::string> next_page_token;
};

// A page of what merging would do to the target. Further pages look at the heads of the first.
[[nodiscard]] Result<DiffAnswer> diff_branches(Graph& graph, const DiffRequest& request);

// A limit as text. kBadRequest: no number, or zero; kResourceLimit: above kDiffPageChangesMax.
[[nodiscard]] Result<std::size_t> diff_limit_of(std::string_view text);

}  // namespace omnigraph::engine
