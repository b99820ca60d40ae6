// Rows and branches across schemas, as merges use them.
#include "graph/carry.h"

#include <gtest/gtest.h>

#include "graph/merge.h"
#include "graph/publish_loop.h"
#include "graph/schema_change.h"
#include "tests/graph/schema_change_support.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kOld =
    "node Ship { name: String @key  tons: I32?  old: String?  flag: String? } node Port {} edge DocksAt: Ship -> Port "
    "{ since: I32? }";
constexpr std::string_view kNew =
    "node Vessel @rename_from(\"Ship\") { name: String @key  weight: I64? @rename_from(\"tons\")  flag: String?  more: "
    "Blob? }\n"
    "node Port {} node Crew { tag: String @key } edge DocksAt: Vessel -> Port { since: I32? }";

struct CarryTest : ::testing::Test {
  StorePtr store = objectstore::make_memory_store();
  GraphPtr graph;

  // main and dev under kOld, with a ship each and one on both.
  void SetUp() override {
    auto made = GraphStore::init(store, kOld, std::nullopt, {});
    ASSERT_TRUE(made) << made.error().render();
    graph = *made;
    ASSERT_TRUE(
        put(*graph, "Ship", {{"Ada", {{"name", "\"Ada\""}, {"tons", "23"}, {"old", "\"o\""}, {"flag", "\"f\""}}}}));
    ASSERT_TRUE(put(*graph, "Port", {{"RTM", {}}}));
    ASSERT_TRUE(graph->create_branch("dev", "main"));
    ASSERT_TRUE(
        put(*graph, "Ship", {{"Bo", {{"name", "\"Bo\""}, {"tons", "-7"}, {"flag", "\"g\""}}}}, {.branch = "dev"}));
    ASSERT_TRUE(put(*graph, "DocksAt", {{"e", {{"src", "Bo"}, {"dst", "RTM"}, {"since", "9"}}}}, {.branch = "dev"}));
  }
  void apply(std::string_view source, bool validated = true) {
    const auto done = apply_schema_change(graph->parts(), source, std::nullopt, {.allow_validated = validated});
    ASSERT_TRUE(done) << done.error().render();
  }
  SnapshotPtr head(std::string_view branch) { return *graph->head(branch); }
  Result<RecordPtr> bring(const std::string& branch) {
    const SnapshotPtr main = head("main");
    return publish_draft(graph->parts(), branch, [&](DraftAttempt& attempt) -> Result<bool> {
      const CommitFacts facts{.kind = CommitKind::kMerge};
      OG_RETURN_IF_ERROR(bring_to_schema(graph->parts(), attempt.draft, facts, *main, {"main", branch}));
      OG_RETURN_IF_ERROR(attempt.draft.append(facts, {}));
      return true;
    });
  }
};

TEST_F(CarryTest, AStateUnderAnotherSchema) {
  apply(kNew);
  const SnapshotPtr source = head("dev"), target = head("main");
  EXPECT_FALSE(same_schema(*source, *target));
  const auto carried = carried_snapshot(source, target, "dev", "main");
  ASSERT_TRUE(carried) << carried.error().render();
  EXPECT_TRUE(same_schema(**carried, *target));
  EXPECT_EQ((*carried)->commit_id(), source->commit_id());
  const auto vessels = rows_of(**carried, "Vessel");
  ASSERT_TRUE(vessels) << vessels.error().render();
  EXPECT_EQ(*vessels, (Rows{{"Ada", {{"name", "\"Ada\""}, {"weight", "23"}, {"flag", "\"f\""}, {"more", "null"}}},
                            {"Bo", {{"name", "\"Bo\""}, {"weight", "-7"}, {"flag", "\"g\""}, {"more", "null"}}}}));
  EXPECT_EQ(rows_of(**carried, "DocksAt")->at("e").at("dst"), "RTM");
  EXPECT_FALSE((*carried)->record().tables.contains("node:Crew")) << "a type that is new there";
  EXPECT_EQ((*carried)->record().tables.at("node:Vessel"), source->record().tables.at("node:Ship"));
}

TEST_F(CarryTest, WhatIsNoMigrationIsRefused) {
  apply(kNew);
  const auto narrower = carried_snapshot(head("main"), head("dev"), "main", "dev");
  ASSERT_FALSE(narrower);
  EXPECT_EQ(narrower.error().code, Code::kConflict);
  EXPECT_TRUE(narrower.error().message.starts_with(
      "schemas of 'main' and 'dev' cannot be merged: changing property type for 'Ship.tons'"))
      << narrower.error().message;
}

// ---- merges

// Row 26 of chapter 01: the changed row arrives, with the new property null.
TEST_F(CarryTest, MergingABranchOfAnOlderSchema) {
  apply(kNew);
  ASSERT_TRUE(put(*graph, "Vessel", {{"Cy", {{"name", "\"Cy\""}, {"weight", "5000000000"}}}}));
  ASSERT_TRUE(
      put(*graph, "Ship", {{"Ada", {{"name", "\"Ada\""}, {"tons", "24"}, {"old", "\"p\""}}}}, {.branch = "dev"}));
  const auto merged = merge_branches(graph->parts(), {.source = "dev"});
  ASSERT_TRUE(merged) << merged.error().render();
  EXPECT_EQ(merged->outcome, MergeOutcome::kMerged);
  const auto vessels = rows_of(*head("main"), "Vessel");
  ASSERT_TRUE(vessels) << vessels.error().render();
  EXPECT_EQ(*vessels,
            (Rows{{"Ada", {{"name", "\"Ada\""}, {"weight", "24"}, {"flag", "null"}, {"more", "null"}}},
                  {"Bo", {{"name", "\"Bo\""}, {"weight", "-7"}, {"flag", "\"g\""}, {"more", "null"}}},
                  {"Cy", {{"name", "\"Cy\""}, {"weight", "5000000000"}, {"flag", "null"}, {"more", "null"}}}}));
  EXPECT_EQ(rows_of(*head("main"), "DocksAt")->size(), 1u);
  EXPECT_FALSE(head("dev")->catalog()->find_node("Vessel")) << "the source is not touched";
}

TEST_F(CarryTest, ChangesOfDroppedPropertiesAreNoChanges) {
  apply(kNew);
  ASSERT_TRUE(put(*graph, "Vessel", {{"Ada", {{"name", "\"Ada\""}, {"weight", "30"}, {"flag", "\"f\""}}}}));
  ASSERT_TRUE(put(*graph, "Ship",
                  {{"Ada", {{"name", "\"Ada\""}, {"tons", "23"}, {"old", "\"other\""}, {"flag", "\"f\""}}}},
                  {.branch = "dev"}));
  const auto merged = merge_branches(graph->parts(), {.source = "dev"});
  ASSERT_TRUE(merged) << merged.error().render();
  EXPECT_EQ(merged->outcome, MergeOutcome::kMerged);
  EXPECT_EQ(rows_of(*head("main"), "Vessel")->at("Ada").at("weight"), "30");
}

TEST_F(CarryTest, MergingMainBringsItsSchemaAndItsNewTypes) {
  apply(kNew);
  ASSERT_TRUE(put(*graph, "Crew", {{"c1", {{"tag", "\"c1\""}}}}));
  ASSERT_TRUE(put(*graph, "Vessel", {{"Ada", {{"name", "\"Ada\""}, {"weight", "5000000000"}, {"more", "bytes"}}}}));
  const std::string old = head("dev")->commit_id();
  const auto preview =
      preview_merge(graph->parts(), *merge_heads(graph->parts(), {.source = "main", .target = "dev"}), false);
  ASSERT_TRUE(preview) << preview.error().render();
  EXPECT_EQ(preview->outcome, MergeOutcome::kMerged);
  EXPECT_EQ(preview->types.size(), 2u);
  EXPECT_EQ(head("dev")->commit_id(), old);
  const auto merged = merge_branches(graph->parts(), {.source = "main", .target = "dev"});
  ASSERT_TRUE(merged) << merged.error().render();
  graph->drain();
  const auto fresh = GraphStore::open(store, {.background_settle = false});
  const SnapshotPtr dev = *(*fresh)->head("dev");
  EXPECT_TRUE(same_schema(*dev, *head("main")));
  EXPECT_EQ(rows_of(*dev, "Crew")->size(), 1u);
  const auto vessels = rows_of(*dev, "Vessel");
  ASSERT_TRUE(vessels) << vessels.error().render();
  EXPECT_EQ(vessels->at("Ada").at("weight"), "5000000000");
  EXPECT_EQ(vessels->at("Ada").at("more"), "bytes");
  EXPECT_EQ(vessels->at("Bo").at("weight"), "-7");
  EXPECT_EQ(dev->version(), (*fresh)->at_commit(old).value()->version() + 1) << "one commit";
  // And back: a fast-forward of main, which has nothing that dev lacks.
  const auto back = merge_branches(graph->parts(), {.source = "dev"});
  ASSERT_TRUE(back) << back.error().render();
  EXPECT_EQ(rows_of(*head("main"), "Vessel")->at("Bo").at("flag"), "\"g\"");
}

TEST_F(CarryTest, ARowThatDoesNotFitTheOtherSchemaRefusesTheMerge) {
  apply(
      "node Ship { name: String @key  tons: I32? @range(tons, 0..)  old: String?  flag: String? } node Port {} "
      "edge DocksAt: Ship -> Port { since: I32? }");
  const auto merged = merge_branches(graph->parts(), {.source = "dev"});
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, Code::kConflict);
  EXPECT_EQ(merged.error().message,
            "schemas of 'dev' and 'main' cannot be merged: @range violation on Ship.tons: value -7 < min 0");
}

TEST_F(CarryTest, ABranchTakesMainsSchemaAndIdentities) {
  apply(
      "node Ship { name: String @key  tons: I32?  flag: String? } node Port {} edge DocksAt: Ship -> Port { since: "
      "I32? }");
  apply(kOld);  // `old` is another property now
  ASSERT_TRUE(put(*graph, "Ship", {{"Cy", {{"name", "\"Cy\""}, {"old", "\"new\""}}}}));
  apply(kNew);
  apply(std::string(kNew) + " node Late { a: Blob? } // more");
  const auto record = bring("dev");
  ASSERT_TRUE(record) << record.error().render();
  graph->drain();
  const auto fresh = GraphStore::open(store, {.background_settle = false});
  const SnapshotPtr dev = *(*fresh)->head("dev"), main = *(*fresh)->head("main");
  EXPECT_TRUE(same_schema(*dev, *main));
  EXPECT_EQ(dev->schema_source(), main->schema_source());
  for (const auto& [key, entry] : main->record().tables) EXPECT_EQ(dev->record().tables.at(key).id, entry.id) << key;
  const auto vessels = rows_of(*dev, "Vessel");
  ASSERT_TRUE(vessels) << vessels.error().render();
  EXPECT_EQ(vessels->at("Bo"), (Cells{{"name", "\"Bo\""}, {"weight", "-7"}, {"flag", "\"g\""}, {"more", "null"}}));
  EXPECT_EQ(rows_of(*dev, "DocksAt")->at("e").at("src"), "Bo");
  EXPECT_TRUE(rows_of(*dev, "Late")->empty());
  ASSERT_TRUE(put(*graph, "Vessel", {{"Di", {{"name", "\"Di\""}, {"more", "bytes"}}}}, {.branch = "dev"}));
  EXPECT_EQ(rows_of(*head("dev"), "Vessel")->at("Di").at("more"), "bytes");
  EXPECT_EQ(dev->record().head_version, 6u) << "one commit";
}

TEST_F(CarryTest, AReaddedPropertyDoesNotBringABranchsOldValuesBack) {
  apply(
      "node Ship { name: String @key  tons: I32?  flag: String? } node Port {} edge DocksAt: Ship -> Port { since: "
      "I32? }");
  apply(kOld);
  EXPECT_FALSE(same_schema(*head("dev"), *head("main"))) << "equal texts, other identities";
  ASSERT_TRUE(bring("dev"));
  EXPECT_EQ(rows_of(*head("dev"), "Ship")->at("Ada").at("old"), "null");
  EXPECT_EQ(rows_of(*head("dev"), "Ship")->at("Ada").at("flag"), "\"f\"");
}

TEST_F(CarryTest, ValidatedChangesMustHoldOnTheBranchToo) {
  const auto ranged =
      std::string(kOld).replace(std::string(kOld).find("tons: I32?"), 10, "tons: I32? @range(tons, 0..)");
  apply(ranged);
  const std::string before = head("dev")->commit_id();
  const auto refused = bring("dev");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "schemas of 'main' and 'dev' cannot be merged: adding constraint '@range(tons, 0..)' to 'Ship': 1 entities "
            "violate it, first: 'Bo'");
  EXPECT_EQ(head("dev")->commit_id(), before);
}

TEST_F(CarryTest, NothingHappensBetweenEqualSchemas) {
  EXPECT_TRUE(same_schema(*head("dev"), *head("main")));
  const auto record = bring("dev");
  ASSERT_TRUE(record);
  EXPECT_TRUE((*record)->record.commits.back().tables.empty());
}

}  // namespace
}  // namespace omnigraph::graph::testing
