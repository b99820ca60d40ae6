// Schema changes of main through the graph's door.
#include "engine/graph_impl.h"
#include "engine/schema_change.h"
#include "graph/layout.h"
#include "graph/schema_change.h"

namespace omnigraph::engine {

namespace {

graph::SchemaChangeOptions change_options(const SchemaOptions& options) {
  return {.allow_data_loss = options.allow_data_loss, .allow_validated = options.allow_validated, .file = options.file};
}

}  // namespace

Result<SchemaPlanAnswer> GraphImpl::plan_schema(std::string_view source, const SchemaOptions& options) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, store_->head(graph::kMainBranch));
  OG_ASSIGN_OR_RETURN(schema::MigrationPlan plan, graph::plan_schema_change(*head, source, change_options(options)));
  const bool supported = plan.supported();
  return SchemaPlanAnswer{.supported = supported, .steps = std::move(plan.steps)};
}

Result<SchemaApplyAnswer> GraphImpl::apply_schema(std::string_view source, const SchemaOptions& options) {
  OG_ASSIGN_OR_RETURN(graph::SchemaChangeOutcome outcome,
                      graph::apply_schema_change(store_->parts(), source, options.actor, change_options(options)));
  SchemaApplyAnswer answer;
  answer.applied = outcome.applied;
  answer.graph_manifest_version = outcome.version;
  answer.steps = std::move(outcome.plan.steps);
  if (outcome.commit) answer.commit = commit_info(*outcome.commit, std::string(graph::kMainBranch));
  return answer;
}

}  // namespace omnigraph::engine
