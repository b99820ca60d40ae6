#include "cluster/preview.h"

#include "engine/open_once.h"
#include "engine/schema_change.h"

namespace omnigraph::cluster {

namespace {

// 12034 -> 12,034
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return grouped(number) + " " + std::string(number == 1 ? one : many);
}

// `41,200 nodes, 96,310 edges`; empty if the graph does not open.
std::string content_of(const std::string& uri) {
  const auto graph = engine::open_once(uri, "main");
  if (!graph) return {};
  const auto snapshot = (*graph)->snapshot("main");
  if (!snapshot) return {};
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  for (const auto& dataset : snapshot->datasets) {
    (dataset.entity_kind == "node" ? nodes : edges) += dataset.entity_count;
  }
  return counted(nodes, "node", "nodes") + ", " + counted(edges, "edge", "edges");
}

// Values that a soft drop takes out of sight; nullopt: not countable.
std::optional<std::uint64_t> concerned(engine::Graph& graph, const schema::MigrationStep& step) {
  if (step.kind == schema::StepKind::kDropType) {
    const auto snapshot = graph.snapshot("main");
    if (!snapshot) return std::nullopt;
    for (const auto& dataset : snapshot->datasets) {
      if (dataset.type_name == step.type_name) return dataset.entity_count;
    }
    return std::nullopt;
  }
  if (step.kind != schema::StepKind::kDropProperty || step.type_kind != schema::TypeKind::kNode) return std::nullopt;
  const std::string query =
      "query q() { match { $x: " + step.type_name + " } return { count($x." + step.property_name + ") as n } }";
  const auto answer = graph.query(query, "", "", {});
  if (!answer || answer->result.rows.columns.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(answer->result.rows.columns.front()->value<std::int64_t>(0));
}

// What a step means beyond its own line.
std::string effect_of(engine::Graph& graph, const schema::MigrationStep& step) {
  switch (step.kind) {
    case schema::StepKind::kRenameType:
    case schema::StepKind::kRenameProperty: return "renamed, values kept";
    case schema::StepKind::kDropType:
    case schema::StepKind::kDropProperty: break;
    default: return {};
  }
  const auto count = concerned(graph, step);
  if (!count) return "hidden; what is there stays in history";
  const bool type = step.kind == schema::StepKind::kDropType;
  return "hidden; " + counted(*count, type ? "entity stays" : "value stays", type ? "entities stay" : "values stay") +
         " in history";
}

void preview_migration(const StorageRoot& root, const PlanOptions& options, Change& change, PlanReport& report) {
  const DeclaredGraph& declared = report.declaration.graphs.at(graph_of(change.resource));
  const auto unavailable = [&](const Error& error) {
    add_warning(report.diagnostics, "schema_preview_unavailable", change.resource, error.render());
  };
  const auto graph = engine::open_once(root.graph_uri(graph_of(change.resource)), "main");
  if (!graph) return unavailable(graph.error());
  auto plan = (*graph)->plan_schema(
      declared.schema_source, {.allow_validated = options.allow_validated, .file = declared.schema_file.string()});
  if (!plan) return unavailable(plan.error());
  if (options.effects) {
    for (const auto& step : plan->steps) report.effects[change.resource].push_back(effect_of(**graph, step));
  }
  change.migration = Migration{plan->supported, std::move(plan->steps)};
}

}  // namespace

void preview(const StorageRoot& root, const PlanOptions& options, PlanReport& report) {
  for (Change& change : report.changes) {
    if (!is_graph_id(graph_of(change.resource))) continue;
    if (kind_of(change.resource) == "schema" && change.operation == Operation::kUpdate) {
      preview_migration(root, options, change, report);
    } else if (options.effects && kind_of(change.resource) == "graph" && change.operation == Operation::kDelete) {
      std::string content = content_of(root.graph_uri(graph_of(change.resource)));
      if (content.empty()) content = "its content cannot be read";
      report.effects[change.resource].push_back(std::move(content));
    }
  }
}

}  // namespace omnigraph::cluster
