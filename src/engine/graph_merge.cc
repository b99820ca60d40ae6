// Merges as the front ends see them: conflicts as errors, and the deletion of a merged branch.
#include "engine/merge.h"
#include "engine/merge_conflicts.h"
#include "graph/layout.h"
#include "graph/merge.h"

namespace omnigraph::engine {

Result<MergeAnswer> merge_branches(Graph& graph, const MergeBranchesRequest& request) {
  graph::MergeRequest wanted;
  OG_ASSIGN_OR_RETURN(wanted.source, graph::checked_branch_name(request.source));
  OG_ASSIGN_OR_RETURN(wanted.target, graph::checked_branch_name(request.target));
  wanted.actor = request.actor;
  wanted.merge_properties = request.merge_properties;
  if (request.expect) {
    wanted.expect_source = request.expect->source;
    wanted.expect_target = request.expect->target;
  }
  OG_ASSIGN_OR_RETURN(const graph::MergeResult result, graph::merge_branches(graph.storage().parts(), wanted));
  if (result.outcome == graph::MergeOutcome::kConflicts) {
    OG_ASSIGN_OR_RETURN(const auto conflicts, describe_conflicts(result, graph.storage().store(), request.images));
    return std::unexpected(conflicts_error(conflicts, request.images));
  }
  MergeAnswer answer;
  answer.source = wanted.source;
  answer.target = wanted.target;
  answer.outcome = graph::merge_outcome_name(result.outcome);
  answer.actor_id = request.actor;
  return answer;
}

void delete_merged_branch(Graph& graph, MergeAnswer& answer, const std::optional<Error>& refused) {
  std::optional<Error> error = refused;
  if (!error) {
    const Result<void> deleted = graph.delete_branch(answer.source);
    if (!deleted) error = deleted.error();
  }
  answer.branch_deleted = !error.has_value();
  if (error) answer.branch_delete_error = error->message;
}

}  // namespace omnigraph::engine
