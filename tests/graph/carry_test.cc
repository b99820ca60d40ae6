// Rows and branches across schemas, as merges use them.
#include "graph/carry.h"

#include <gtest/gtest.h>


#include "graph/publish_loop.h"
#include "graph/schema_change.h"
#include "tests/graph/schema_change_support.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kOld =
    "node Ship { name: String @key  tons: I32?  old: String?  flag: String? } node Port {} edge DocksAt: Ship -> Port { since: I32? }";
constexpr std::string_view kNew =
    "node Vessel @rename_from(\"Ship\") { name: String @key  weight: I64? @rename_from(\"tons\")  flag: String?  more: Blob? }\n"
    "node Port {} node Crew { tag: String @key } edge DocksAt: Vessel -> Port { since: I32? }";

struct CarryTest : ::testing::Test {
  StorePtr store = objectstore::make_memory_store();
  GraphPtr graph;

  // main and dev under kOld, with a ship each and one on both.
  void SetUp() override {
    auto made = GraphStore::init(store, kOld, std::nullopt, {});
    ASSERT_TRUE(made) << made.error().render();
    graph = *made;
    ASSERT_TRUE(put(*graph, "Ship", {{"Ada", {{"name", "\"Ada\""}, {"tons", "23"}, {"old", "\"o\""}, {"flag", "\"f\""}}}}));
    ASSERT_TRUE(put(*graph, "Port", {{"RTM", {}}}));
    ASSERT_TRUE(graph->create_branch("dev", "main"));
    ASSERT_TRUE(put(*graph, "Ship", {{"Bo", {{"name", "\"Bo\""}, {"tons", "-7"}, {"flag", "\"g\""}}}}, {.branch = "dev"}));
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
      OG_RETURN_IF_ERROR(bring_to_schema(graph->parts(), attempt.draft, facts, *main, "main", branch));
      OG_RETURN_IF_ERROR(attempt.draft.append(facts, {}));
      return true;
    });
  }
};

TEST_F(CarryTest, RowsFollowRenamesAndWiderTypes) {
  apply(kNew);
  const SnapshotPtr source = head("dev"), target = head("main");
  EXPECT_FALSE(same_schema(*source, *target));
  const auto carrier = RowCarrier::between(source, target, "dev", "main");
  ASSERT_TRUE(carrier) << carrier.error().render();
  const TypeRef ship = type_of(*source->catalog(), "Ship");
  ASSERT_EQ(carrier->target_of(ship), type_of(*target->catalog(), "Vessel"));
  EXPECT_EQ(carrier->target_property(ship, 1), std::optional<std::size_t>(1));
  EXPECT_EQ(carrier->target_property(ship, 2), std::nullopt) << "dropped";
  const auto view = source->table(ship);
  const std::vector<Ordinal> ordinals{*(*view)->find("Bo"), *(*view)->find("Ada")};
  const auto rows = carrier->carry(ship, ordinals);
  ASSERT_TRUE(rows) << rows.error().render();
  ASSERT_EQ((*rows)->row_count(), 2u);
  const auto batch = (*rows)->batch(0);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->columns[0]->string_value(0), "Bo");
  EXPECT_EQ(batch->columns[2]->value<std::int64_t>(0), -7);
  EXPECT_EQ(batch->columns[2]->value<std::int64_t>(1), 23);
  EXPECT_EQ(batch->columns[3]->string_value(0), "g");
  EXPECT_TRUE(batch->columns[4]->is_null(0));
  const TypeRef docks = type_of(*source->catalog(), "DocksAt");
  const auto edges = carrier->carry(docks, std::vector<Ordinal>{0});
  ASSERT_TRUE(edges);
  EXPECT_EQ((*edges)->batch(0)->columns[1]->string_value(0), "Bo");
  EXPECT_EQ((*edges)->batch(0)->columns[3]->value<std::int32_t>(0), 9);
  // And they can be written.
  ASSERT_TRUE(graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(*rows, PutMode::kMerge, false);
    transaction.put(*edges, PutMode::kMerge, false);
    return {};
  }));
  EXPECT_EQ(rows_of(*head("main"), "Vessel")->at("Bo").at("weight"), "-7");
}

TEST_F(CarryTest, WhatIsNoMigrationIsRefused) {
  apply(kNew);
  const auto narrower = RowCarrier::between(head("main"), head("dev"), "main", "dev");
  ASSERT_FALSE(narrower);
  EXPECT_EQ(narrower.error().code, Code::kConflict);
  EXPECT_TRUE(narrower.error().message.starts_with(
      "schemas of 'main' and 'dev' cannot be merged: changing property type for 'Ship.tons'"))
      << narrower.error().message;
}

TEST_F(CarryTest, ABranchTakesMainsSchemaAndIdentities) {
  apply("node Ship { name: String @key  tons: I32?  flag: String? } node Port {} edge DocksAt: Ship -> Port { since: I32? }");
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
  EXPECT_EQ(dev->record().head_version, 5u);
}

TEST_F(CarryTest, AReaddedPropertyDoesNotBringABranchsOldValuesBack) {
  apply("node Ship { name: String @key  tons: I32?  flag: String? } node Port {} edge DocksAt: Ship -> Port { since: I32? }");
  apply(kOld);
  EXPECT_FALSE(same_schema(*head("dev"), *head("main"))) << "equal texts, other identities";
  ASSERT_TRUE(bring("dev"));
  EXPECT_EQ(rows_of(*head("dev"), "Ship")->at("Ada").at("old"), "null");
  EXPECT_EQ(rows_of(*head("dev"), "Ship")->at("Ada").at("flag"), "\"f\"");
}

TEST_F(CarryTest, ValidatedChangesMustHoldOnTheBranchToo) {
  const auto ranged = std::string(kOld).replace(std::string(kOld).find("tons: I32?"), 10, "tons: I32? @range(tons, 0..)");
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
