// Schema changes on stored graphs: what stays, what is new, what older commits and other branches still read.
#include "graph/schema_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "graph/layout.h"
#include "tests/graph/schema_change_support.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kBase = R"(
node Port { code: String @key  name: String  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Route: Port -> Port @card(0..2) { since: I32?  @unique(src, dst) }
edge At: Berth -> Port @card(1..1)
)";

struct SchemaChangeTest : ::testing::Test {
  StorePtr store = objectstore::make_memory_store();
  GraphPtr graph;

  void init(std::string_view source) {
    auto made = GraphStore::init(store, source, std::nullopt, {});
    ASSERT_TRUE(made) << made.error().render();
    graph = *made;
  }
  void load_ports() {
    init(kBase);
    ASSERT_TRUE(put(*graph, "Port",
                    {{"A", {{"code", "\"A\""}, {"name", "\"a\""}, {"depth", "60"}, {"kind", "\"sea\""}}},
                     {"B", {{"code", "\"B\""}, {"name", "\"b\""}, {"kind", "\"river\""}}}}));
    ASSERT_TRUE(put(*graph, "Route", {{"r1", {{"src", "A"}, {"dst", "B"}, {"since", "7"}}}}));
  }
  Result<SchemaChangeOutcome> apply(std::string_view source, bool hard = false, bool validated = false) {
    return apply_schema_change(graph->parts(), source, std::nullopt,
                               {.allow_data_loss = hard, .allow_validated = validated});
  }
  // Applies and expects it to make a commit.
  std::string applied(std::string_view source, bool hard = false, bool validated = false) {
    const auto outcome = apply(source, hard, validated);
    if (!outcome) {
      ADD_FAILURE() << outcome.error().render();
      return {};
    }
    EXPECT_TRUE(outcome->applied);
    return outcome->commit ? outcome->commit->id : std::string();
  }
  // As a new process reads it.
  SnapshotPtr head(std::string_view branch = "main") {
    graph->drain();
    const auto fresh = GraphStore::open(store, {.background_settle = false});
    const auto snapshot = (*fresh)->head(branch);
    EXPECT_TRUE(snapshot) << snapshot.error().render();
    keep_.push_back(*fresh);
    return *snapshot;
  }
  SnapshotPtr at(const std::string& commit) {
    const auto snapshot = graph->at_commit(commit);
    EXPECT_TRUE(snapshot) << snapshot.error().render();
    return *snapshot;
  }
  Rows rows(const SnapshotPtr& snapshot, std::string_view type) {
    const auto read = rows_of(*snapshot, type);
    EXPECT_TRUE(read) << read.error().render();
    return read ? *read : Rows();
  }
  static std::string edited(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

 private:
  std::vector<GraphPtr> keep_;
};

TEST_F(SchemaChangeTest, ANullablePropertyReadsNullAndTakesValues) {
  load_ports();
  const std::string before = head()->commit_id();
  applied(edited(std::string(kBase), "depth: F64?", "depth: F64?  flag: String?"));
  const Rows ports = rows(head(), "Port");
  EXPECT_EQ(ports.at("A").at("flag"), "null");
  EXPECT_EQ(ports.at("A").at("name"), "\"a\"");
  ASSERT_TRUE(
      put(*graph, "Port", {{"A", {{"code", "\"A\""}, {"name", "\"n\""}, {"kind", "\"sea\""}, {"flag", "\"f\""}}}}));
  EXPECT_EQ(rows(head(), "Port").at("A").at("flag"), "\"f\"");
  EXPECT_FALSE(rows(at(before), "Port").at("A").contains("flag"));
  EXPECT_EQ(rows(at(before), "Port").at("A").at("depth"), "60.0");
}

TEST_F(SchemaChangeTest, RenamesKeepRowsIdentitiesAndIds) {
  load_ports();
  const SnapshotPtr old = head();
  applied(R"(
node Harbor @rename_from("Port") { code: String @key  label: String @rename_from("name")  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Lane: Harbor -> Harbor @card(0..2) @rename_from("Route") { since: I32?  @unique(src, dst) }
edge At: Berth -> Harbor @card(1..1)
)");
  const SnapshotPtr now = head();
  EXPECT_EQ(rows(now, "Harbor").at("A").at("label"), "\"a\"");
  EXPECT_EQ(rows(now, "Lane").at("r1").at("since"), "7");
  const TypeIdentity& before = *old->record().schema.find("node:Port");
  const TypeIdentity& after = *now->record().schema.find("node:Harbor");
  EXPECT_EQ(before.id, after.id);
  EXPECT_EQ(before.properties[1].id, after.properties[1].id);
  EXPECT_EQ(before.properties[1].field_ids, after.properties[1].field_ids);
  EXPECT_EQ(old->record().tables.at("node:Port").id, now->record().tables.at("node:Harbor").id);
  EXPECT_FALSE(now->record().tables.contains("node:Port"));
  const auto out = now->adjacency(*now->catalog()->find_edge("Lane"), AdjacencyDirection::kOut);
  ASSERT_TRUE(out);
  EXPECT_EQ((*out)->neighbors(0).size() + (*out)->neighbors(1).size(), 1u);
  EXPECT_EQ(rows(at(old->commit_id()), "Port").at("A").at("name"), "\"a\"");
}

TEST_F(SchemaChangeTest, KeyOrderIsThatOfTheFirstNames) {
  init("node Berth { port: String  number: I32  @key(port, number) }");
  applied("node Berth { port: String  zone: I32 @rename_from(\"number\")  @key(port, zone) }");
  EXPECT_EQ(head()->record().schema.find("node:Berth")->key_order, (std::vector<std::string>{"zone", "port"}));
}

TEST_F(SchemaChangeTest, ANameThatComesBackStartsEmpty) {
  load_ports();
  const SnapshotPtr old = head();
  const std::string without = edited(edited(std::string(kBase), "depth: F64?", ""),
                                     "edge Route: Port -> Port @card(0..2) { since: I32?  @unique(src, dst) }", "");
  applied(without);
  EXPECT_FALSE(rows(head(), "Port").at("A").contains("depth"));
  applied(kBase);
  const SnapshotPtr now = head();
  EXPECT_EQ(rows(now, "Port").at("A").at("depth"), "null");
  EXPECT_TRUE(rows(now, "Route").empty());
  EXPECT_NE(now->record().schema.find("edge:Route")->id, old->record().schema.find("edge:Route")->id);
  EXPECT_NE(now->record().schema.find("node:Port")->properties[2].id,
            old->record().schema.find("node:Port")->properties[2].id);
  EXPECT_EQ(now->record().schema.digest, old->record().schema.digest);
  EXPECT_EQ(rows(at(old->commit_id()), "Port").at("A").at("depth"), "60.0");
  EXPECT_EQ(rows(at(old->commit_id()), "Route").size(), 1u);
  // A new value goes into the new field, not into what the old files still hold.
  ASSERT_TRUE(
      put(*graph, "Port", {{"B", {{"code", "\"B\""}, {"name", "\"b\""}, {"kind", "\"sea\""}, {"depth", "5"}}}}));
  EXPECT_EQ(rows(head(), "Port").at("A").at("depth"), "null");
  EXPECT_EQ(rows(head(), "Port").at("B").at("depth"), "5.0");
}

TEST_F(SchemaChangeTest, HardDropsMakeEarlierCommitsRemovedHistory) {
  load_ports();
  const std::string before = head()->commit_id();
  ASSERT_TRUE(graph->create_branch("dev", "main"));
  const std::string commit =
      applied(edited(edited(std::string(kBase), "depth: F64?", ""),
                     "edge Route: Port -> Port @card(0..2) { since: I32?  @unique(src, dst) }", ""),
              true);
  const auto logged = graph->commit(commit);
  ASSERT_TRUE(logged);
  EXPECT_EQ(logged->commit.purged.size(), 2u);
  const SnapshotPtr old = at(before);
  for (const char* type : {"Port", "Route"}) {
    const auto table = old->table(type_of(*old->catalog(), type));
    ASSERT_FALSE(table) << type;
    EXPECT_EQ(table.error().code, Code::kGone);
    EXPECT_NE(table.error().message.find("history_expired"), std::string::npos);
    EXPECT_NE(table.error().message.find(before), std::string::npos);
    EXPECT_TRUE(table.error().message.ends_with("the oldest commit still readable is '" + commit + "'"));
  }
  EXPECT_TRUE(old->table(type_of(*old->catalog(), "Berth")));
  EXPECT_EQ(rows(head(), "Port").size(), 2u);
  EXPECT_EQ(rows(head("dev"), "Route").size(), 1u) << "what the head of a live branch references stays";
  // And from records made later on.
  ASSERT_TRUE(put(*graph, "Port", {{"C", {{"code", "\"C\""}, {"name", "\"c\""}, {"kind", "\"sea\""}}}}));
  EXPECT_FALSE(at(before)->table(type_of(*old->catalog(), "Port")));
}

TEST_F(SchemaChangeTest, AMissingObjectOfAPurgedTableIsRemovedHistory) {
  load_ports();
  graph->drain();
  const std::string before = head()->commit_id();
  const std::string root = table_root_of(head()->record().tables.at("edge:Route").manifest);
  const std::string drop = applied(
      edited(std::string(kBase), "edge Route: Port -> Port @card(0..2) { since: I32?  @unique(src, dst) }", ""), true);
  ASSERT_TRUE(put(*graph, "Port", {{"C", {{"code", "\"C\""}, {"name", "\"c\""}, {"kind", "\"sea\""}}}}));
  graph->drain();
  remove_under(store, root + "/");
  const auto fresh = GraphStore::open(store, {.background_settle = false});
  const auto old = (*fresh)->at_commit(before);
  ASSERT_TRUE(old) << old.error().render();
  const auto table = (*old)->table(type_of(*(*old)->catalog(), "Route"));
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, Code::kGone);
  EXPECT_NE(table.error().message.find(drop), std::string::npos) << table.error().message;
}

TEST_F(SchemaChangeTest, TextWithoutStepsReplacesTheTextAndTheSameTextNothing) {
  load_ports();
  const SnapshotPtr old = head();
  const std::string commented = std::string("// a harbour town\n").append(kBase);
  const std::string commit = applied(commented);
  EXPECT_EQ(head()->schema_source(), commented);
  EXPECT_EQ(head()->record().tables, old->record().tables);
  EXPECT_EQ(at(old->commit_id())->schema_source(), kBase);
  const auto again = apply(commented);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->applied);
  EXPECT_EQ(head()->commit_id(), commit);
  EXPECT_EQ(again->version, head()->version());
}

TEST_F(SchemaChangeTest, ARefusedPlanChangesNothing) {
  load_ports();
  const std::string before = head()->commit_id();
  const auto refused = apply(edited(std::string(kBase), "depth: F64?", "depth: F64?  flag: String"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBadRequest);
  EXPECT_TRUE(refused.error().message.starts_with("[OG-MF-103] adding required property 'Port.flag'"));
  EXPECT_FALSE(apply("node Port {"));
  EXPECT_EQ(head()->commit_id(), before);
}

TEST_F(SchemaChangeTest, BranchesKeepTheirSchema) {
  load_ports();
  ASSERT_TRUE(graph->create_branch("dev", "main"));
  applied(edited(std::string(kBase), "depth: F64?", "depth: F64?  flag: String?"));
  EXPECT_FALSE(rows(head("dev"), "Port").at("A").contains("flag"));
  ASSERT_TRUE(
      put(*graph, "Port", {{"D", {{"code", "\"D\""}, {"name", "\"d\""}, {"kind", "\"sea\""}}}}, {.branch = "dev"}));
  EXPECT_EQ(rows(head("dev"), "Port").size(), 3u);
  EXPECT_EQ(rows(head(), "Port").size(), 2u);
}

TEST_F(SchemaChangeTest, BlobPropertiesGetHeadersInEveryFragment) {
  load_ports();
  ASSERT_TRUE(put(*graph, "Port", {{"C", {{"code", "\"C\""}, {"name", "\"c\""}, {"kind", "\"sea\""}}}}));
  applied(edited(std::string(kBase), "depth: F64?", "depth: F64?  photo: Blob?"));
  const SnapshotPtr now = head();
  const TypeIdentity& identity = *now->record().schema.find("node:Port");
  const std::int32_t header = identity.properties.at(3).field_ids.front();
  ASSERT_EQ(identity.properties.at(3).name, "photo");
  const auto view = now->table(type_of(*now->catalog(), "Port"));
  ASSERT_TRUE(view);
  for (const lance::Fragment& fragment : (*view)->manifest().fragments) {
    std::size_t headers = 0;
    for (const lance::DataFileEntry& file : fragment.files) {
      headers += static_cast<std::size_t>(std::count(file.fields.begin(), file.fields.end(), header));
    }
    EXPECT_EQ(headers, 1u);
  }
  EXPECT_EQ(rows(now, "Port").at("A").at("photo"), "null");
  ASSERT_TRUE(
      put(*graph, "Port", {{"A", {{"code", "\"A\""}, {"name", "\"a\""}, {"kind", "\"sea\""}, {"photo", "bytes"}}}}));
  EXPECT_EQ(rows(head(), "Port").at("A").at("photo"), "bytes");
  EXPECT_EQ(rows(head(), "Port").at("B").at("photo"), "null");
}

// ---- validated changes

TEST_F(SchemaChangeTest, WideningRewritesTheColumnAndLeavesHistoryAlone) {
  init("node N { a: I32?  b: U32?  c: F32?  d: [I32]?  e: String? }");
  ASSERT_TRUE(
      put(*graph, "N", {{"x", {{"a", "-5"}, {"b", "7"}, {"c", "0.5"}, {"d", "[1,2]"}, {"e", "\"t\""}}}, {"y", {}}}));
  ASSERT_TRUE(put(*graph, "N", {{"z", {{"e", "\"only\""}}}}));
  const std::string before = head()->commit_id();
  const auto files_before = keys_under(store, "tables/");
  applied("node N { a: I64?  b: F64?  c: F64?  d: [F64]?  e: String? }", false, true);
  const Rows now = rows(head(), "N");
  EXPECT_EQ(now.at("x"), (Cells{{"a", "-5"}, {"b", "7.0"}, {"c", "0.5"}, {"d", "[1.0,2.0]"}, {"e", "\"t\""}}));
  EXPECT_EQ(now.at("y").at("a"), "null");
  EXPECT_EQ(now.at("z").at("e"), "\"only\"");
  EXPECT_EQ(rows(at(before), "N").at("x").at("b"), "7");
  ASSERT_TRUE(put(*graph, "N", {{"x", {{"a", "5000000000"}, {"b", "1.5"}}}}));
  EXPECT_EQ(rows(head(), "N").at("x").at("a"), "5000000000");
  EXPECT_EQ(rows(head(), "N").at("x").at("b"), "1.5");
}

TEST_F(SchemaChangeTest, ConditionsAreJudgedByTheData) {
  load_ports();
  const auto refusal = [&](std::string_view from, std::string_view to) {
    const auto outcome = apply(edited(std::string(kBase), from, to), false, true);
    if (outcome) ADD_FAILURE() << "applied " << to;
    return outcome ? std::string() : outcome.error().message;
  };
  EXPECT_EQ(refusal("kind: enum(sea, river)", "kind: enum(sea, river) @range(depth, 0..50)"),
            "[OG-MF-107] adding constraint '@range(depth, 0..50)' to 'Port': 1 entities violate it, first: 'A'");
  EXPECT_EQ(refusal("depth: F64?", "depth: F64"),
            "[OG-MF-104] changing property type for 'Port.depth': 1 entities violate it, first: 'B'");
  EXPECT_EQ(refusal("enum(sea, river)", "enum(sea)"),
            "[OG-MF-107] changing property type for 'Port.kind': 1 entities violate it, first: 'B'");
  EXPECT_EQ(refusal("@card(0..2)", "@card(2..)"),
            "[OG-MF-107] adding constraint '@card(2..)' to 'Route': 1 entities violate it, first: 'A'");
  ASSERT_TRUE(put(*graph, "Port", {{"C", {{"code", "\"C\""}, {"name", "\"a\""}, {"kind", "\"sea\""}}}}));
  EXPECT_EQ(refusal("name: String", "name: String @unique"),
            "[OG-MF-107] adding constraint '@unique(name)' to 'Port': 2 entities violate it, first: 'A', 'C'");
  EXPECT_EQ(refusal("name: String", "name: String  more: String"),
            "[OG-MF-103] adding required property 'Port.more' requires a backfill and is not supported in schema "
            "migration v1");
}

TEST_F(SchemaChangeTest, ConditionsThatHoldBecomeRules) {
  load_ports();
  applied(edited(edited(std::string(kBase), "kind: enum(sea, river)", "kind: enum(sea, river) @range(depth, 0..60)"),
                 "open: Bool?", "open: Bool?  flag: String"),
          false, true);
  const auto deep =
      put(*graph, "Port", {{"D", {{"code", "\"D\""}, {"name", "\"d\""}, {"kind", "\"sea\""}, {"depth", "61"}}}});
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "@range violation on Port.depth: value 61 > max 60");
  const auto unset = put(*graph, "Berth", {{"[\"1\",\"A\"]", {{"port", "\"A\""}, {"number", "1"}}}});
  ASSERT_FALSE(unset);
  EXPECT_EQ(unset.error().message, "non-nullable property 'flag' has null or invalid values");
}

// ---- against other writers

// Goal: rows written while the schema changes are neither lost nor stored under the wrong schema.
// Method: writers insert on their own handles while others apply alternating schemas; every acknowledged row is there.
TEST_F(SchemaChangeTest, ConcurrentRowsAreNeverLost) {
  init("node N { a: String }");
  constexpr int kRows = 20;
  std::vector<std::string> acknowledged[2];
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 2; ++w) {
      workers.emplace_back([&, w] {
        const auto own = GraphStore::open(store, {});
        for (int i = 0; i < kRows; ++i) {
          const std::string id = numbered(w == 0 ? "p" : "q", i);
          const auto done = put(**own, "N", {{id, {{"a", "\"v\""}}}});
          ASSERT_TRUE(done) << done.error().render();
          acknowledged[w].push_back(id);
        }
      });
    }
    workers.emplace_back([&] {
      const auto own = GraphStore::open(store, {});
      for (int i = 0; i < 6; ++i) {
        const char* source = i % 2 == 0 ? "node N { a: String  b: I32? }" : "node N { a: String }";
        const auto done = apply_schema_change((*own)->parts(), source, std::nullopt, {});
        ASSERT_TRUE(done) << done.error().render();
      }
    });
  }
  const Rows found = rows(head(), "N");
  for (const auto& ids : acknowledged) {
    for (const std::string& id : ids) EXPECT_TRUE(found.contains(id)) << id;
  }
  EXPECT_EQ(found.size(), 2u * kRows);
  EXPECT_EQ(head()->version(), 1u + 2u * kRows + 6u);
}

}  // namespace
}  // namespace omnigraph::graph::testing
