// Schema changes and merges across schemas under faults, enumerated: old or new, never between, and every branch's
// tables fit its own schema.
#include <gtest/gtest.h>

#include <functional>

#include "graph/merge.h"
#include "graph/schema_change.h"
#include "tests/fault/every_operation.h"
#include "tests/graph/schema_change_support.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kBefore =
    "node Ship { name: String @key  tons: I32?  old: String? } node Port {} edge DocksAt: Ship -> Port { since: I32? }";
constexpr std::string_view kAfter =
    "node Vessel @rename_from(\"Ship\") { name: String @key  tons: I64?  photo: Blob? } node Port {} node Crew {}\n"
    "edge DocksAt: Vessel -> Port { since: I32? }";

// Schema text and all rows of every branch.
struct SchemaBranchState {
  std::string schema;
  std::map<std::string, Rows> rows;
  friend bool operator==(const SchemaBranchState&, const SchemaBranchState&) = default;
};
using SchemaWorld = std::map<std::string, SchemaBranchState>;

Result<SchemaWorld> read_schema_world(const StorePtr& disk) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(disk, {.background_settle = false}));
  OG_ASSIGN_OR_RETURN(const std::vector<std::string> branches, graph->branches());
  SchemaWorld world;
  for (const std::string& branch : branches) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, graph->head(branch));
    SchemaBranchState& state = world[branch];
    state.schema = snapshot->schema_source();
    EXPECT_EQ(snapshot->record().tables.size(), snapshot->catalog()->nodes.size() + snapshot->catalog()->edges.size());
    for (const auto& node : snapshot->catalog()->nodes) {
      OG_ASSIGN_OR_RETURN(state.rows[node.name], rows_of(*snapshot, node.name));
    }
    for (const auto& edge : snapshot->catalog()->edges) {
      OG_ASSIGN_OR_RETURN(state.rows[edge.name], rows_of(*snapshot, edge.name));
    }
  }
  return world;
}

Result<void> apply(GraphStore& graph, std::string_view source) {
  OG_RETURN_IF_ERROR(apply_schema_change(graph.parts(), source, std::nullopt, {.allow_validated = true}));
  return {};
}

struct SchemaOperation {
  std::string name;
  std::function<void(GraphStore&)> prepare;  // without faults
  std::function<Result<void>(GraphStore&)> run;
};

std::vector<SchemaOperation> schema_operations() {
  const auto changed = [](GraphStore& graph) { ASSERT_TRUE(apply(graph, kAfter)); };
  return {
      {"apply", [](GraphStore&) {}, [](GraphStore& graph) { return apply(graph, kAfter); }},
      {"merge into main", changed,
       [](GraphStore& graph) -> Result<void> {
         OG_RETURN_IF_ERROR(merge_branches(graph.parts(), {.source = "dev"}));
         return {};
       }},
      {"merge of main", changed,
       [](GraphStore& graph) -> Result<void> {
         OG_RETURN_IF_ERROR(merge_branches(graph.parts(), {.source = "main", .target = "dev"}));
         return {};
       }},
  };
}

StorePtr seeded(const SchemaOperation& operation) {
  StorePtr disk = objectstore::make_memory_store();
  const GraphPtr graph = *GraphStore::init(disk, kBefore, std::nullopt);
  EXPECT_TRUE(put(*graph, "Ship", {{"Ada", {{"name", "\"Ada\""}, {"tons", "23"}, {"old", "\"o\""}}}}));
  EXPECT_TRUE(put(*graph, "Port", {{"RTM", {}}}));
  EXPECT_TRUE(graph->create_branch("dev", "main"));
  EXPECT_TRUE(put(*graph, "Ship", {{"Bo", {{"name", "\"Bo\""}, {"tons", "-7"}}}}, {.branch = "dev"}));
  EXPECT_TRUE(put(*graph, "DocksAt", {{"e", {{"src", "Bo"}, {"dst", "RTM"}, {"since", "9"}}}}, {.branch = "dev"}));
  EXPECT_TRUE(put(*graph, "Port", {{"SIN", {}}}));
  operation.prepare(*graph);
  graph->drain();
  return disk;
}

Result<void> run_schema_once(const StorePtr& store, const SchemaOperation& operation) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(store));
  Result<void> told = operation.run(*graph);
  graph->drain();
  return told;
}

TEST(SchemaFault, OldOrNewNeverBetween) {
  for (const SchemaOperation& operation : schema_operations()) {
    const StorePtr calm = seeded(operation);
    const SchemaWorld before = read_schema_world(calm).value();
    ASSERT_TRUE(run_schema_once(calm, operation));
    const SchemaWorld with = read_schema_world(calm).value();
    ASSERT_NE(before == with, true);
    SCOPED_TRACE(operation.name);
    at_every_operation(
        kEveryFault, [&] { return seeded(operation); },
        [&](const FaultRun& run) {
          const Result<void> told = run_schema_once(run.faulty, operation);
          const Result<SchemaWorld> after = read_schema_world(run.disk);
          ASSERT_TRUE(after) << after.error().render();
          if (told || !(*after == before)) {
            EXPECT_EQ(*after == with, true)
                << (told ? "acknowledged, yet not there" : "neither the old state nor the new");
          }
          // The next try ends in the new state.
          if (*after == before) {
            EXPECT_TRUE(run_schema_once(run.disk, operation));
          }
          EXPECT_EQ(read_schema_world(run.disk).value() == with, true);
          EXPECT_TRUE(told || run.faulty->fired()) << told.error().render();
        });
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
