#include <algorithm>

#include "engine/graph_impl.h"
#include "engine/maintenance.h"
#include "graph/carry_over.h"
#include "graph/layout.h"
#include "graph/optimize.h"
#include "graph/store_indexes.h"

namespace omnigraph::engine {
namespace {

constexpr const char* kDrift = "drift_needs_repair";
constexpr const char* kNoVectors = "property has no non-null vectors to train on yet";

bool is_indexed(const schema::TypeConstraints& constraints, const std::string& property) {
  return std::ranges::any_of(constraints.index, [&](const std::vector<std::string>& columns) {
    return std::ranges::find(columns, property) != columns.end();
  });
}

Result<bool> has_live_values(const graph::TableView& table, std::size_t property) {
  OG_ASSIGN_OR_RETURN(const auto column, table.property(property));
  for (std::size_t c = 0; c < column->chunk_count(); ++c) {
    const columnar::Array& chunk = *column->chunk(c);
    const auto start = static_cast<graph::Ordinal>(column->chunk_start(c));
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      if (chunk.is_valid(i) && !table.is_deleted(start + static_cast<graph::Ordinal>(i))) return true;
    }
  }
  return false;
}

// Chapter 04 section 4: a declared vector index without a single vector.
Result<std::vector<PendingIndex>> pending_indexes(const graph::Snapshot& snapshot, schema::TypeRef type) {
  std::vector<PendingIndex> pending;
  const auto& properties = snapshot.catalog()->properties_of(type);
  OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, snapshot.table(type));
  if (table->live_rows() == 0) return pending;
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (!properties[i].type.is_vector() || !is_indexed(snapshot.catalog()->constraints_of(type), properties[i].name)) {
      continue;
    }
    OG_ASSIGN_OR_RETURN(const bool has_values, has_live_values(*table, i));
    if (!has_values) pending.push_back({properties[i].name, kNoVectors});
  }
  return pending;
}

}  // namespace

Result<OptimizeAnswer> optimize(Graph& graph, std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  OG_ASSIGN_OR_RETURN(const graph::OptimizeOutcome outcome, graph::optimize(graph.storage().parts(), name));
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, graph.storage().head(name));
  OptimizeAnswer answer;
  for (const graph::OptimizedTable& table : outcome.tables) {
    OptimizedDataset dataset;
    dataset.type_key = table.table_key;
    dataset.fragments_removed = table.fragments_removed;
    dataset.fragments_added = table.fragments_added;
    dataset.committed = table.committed;
    if (table.drifted) dataset.skipped = kDrift;
    dataset.published_dataset_version = table.head_version;
    dataset.lance_head_version = table.regular_version;
    if (head->record().tables.contains(table.table_key)) {
      const schema::TypeRef type = graph::type_of_table(*head->catalog(), table.table_key);
      OG_ASSIGN_OR_RETURN(dataset.pending_indexes, pending_indexes(*head, type));
      OG_ASSIGN_OR_RETURN(const graph::TableViewPtr rows, head->table(type));
      for (const graph::IndexCoverage& of : graph::index_coverage(*head->catalog(), *rows, outcome.indexes)) {
        dataset.indexes.push_back({of.property, of.kind, of.rows_covered, of.rows_total});
      }
    }
    answer.datasets.push_back(std::move(dataset));
  }
  if (outcome.published != nullptr) answer.commit = commit_info(outcome.published->record.commits.back(), name);
  return answer;
}

Result<OptimizeDue> optimize_due(Graph& graph, std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  graph::StoreParts& parts = graph.storage().parts();
  OG_ASSIGN_OR_RETURN(const graph::Head head, parts.log->recent_head(name));
  if (!head.live()) return std::unexpected(graph::branch_not_found(name));
  OptimizeDue due;
  for (const auto& [key, entry] : head.record->record.tables) {
    OG_ASSIGN_OR_RETURN(const graph::ManifestPtr manifest, parts.tables->manifest(*head.record, entry.manifest));
    due.fragments += manifest->fragments.size();
    for (const auto& group : graph::plan_rewrite(*manifest, {})) due.fragments_due += group.size();
  }
  return due;
}

Result<void> materialize(Graph& graph, std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  return graph::materialize(graph.storage().parts(), name);
}

}  // namespace omnigraph::engine
