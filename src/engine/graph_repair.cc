#include "engine/graph_impl.h"
#include "engine/maintenance.h"
#include "graph/layout.h"
#include "graph/repair.h"

namespace omnigraph::engine {

Result<RepairAnswer> repair(Graph& graph, const RepairRequest& request) {
  const graph::RepairOptions options{
      .confirm = request.confirm, .force = request.force, .restore = request.restore, .actor = request.actor};
  OG_ASSIGN_OR_RETURN(const graph::RepairOutcome outcome, graph::repair(graph.storage().parts(), options));
  RepairAnswer answer;
  for (const graph::RepairedTable& table : outcome.tables) {
    RepairedDataset dataset;
    dataset.type_key = table.table_key;
    dataset.published_dataset_version = table.head_version;
    dataset.lance_head_version = table.regular_version;
    dataset.classification = graph::drift_kind_name(table.drift);
    dataset.action = graph::repair_action_name(table.action);
    dataset.operations = table.operations;
    if (table.action == graph::RepairAction::kRefused) dataset.error = table.refusal;
    answer.refused = answer.refused || table.action == graph::RepairAction::kRefused;
    answer.datasets.push_back(std::move(dataset));
  }
  if (outcome.published != nullptr) {
    answer.commit = commit_info(outcome.published->record.commits.back(), std::string(graph::kMainBranch));
  }
  return answer;
}

}  // namespace omnigraph::engine
