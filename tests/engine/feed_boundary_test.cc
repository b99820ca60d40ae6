// Where the change feed stops: chapter 03 sections 7.2 and 7.3 on changes across schema changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/merge.h"
#include "engine/schema_change.h"
#include "tests/engine/changes_support.h"

namespace omnigraph::engine {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kBase = R"(
node Ship { name: String @key  tons: I32?  kind: enum(sea, river)?  old: String? }
node Port { code: String @key }
node Empty { code: String @key  size: I32? }
edge DocksAt: Ship -> Port { since: I32? }
edge Unused: Port -> Port { since: I32? }
)";

constexpr const char* kRows = R"({"type":"Ship","data":{"name":"Ada","tons":3,"kind":"sea","old":"o"}}
{"type":"Port","data":{"code":"RTM"}}
{"edge":"DocksAt","from":"Ada","to":"RTM","data":{"id":"e","since":1}}
)";

std::string edited(const std::string& old, const std::string& now) {
  std::string text = kBase;
  EXPECT_NE(text.find(old), std::string::npos) << old;
  return text.replace(text.find(old), old.size(), now);
}

struct Step {
  std::string name, source;
  std::optional<std::string> type;  // whose change of shape ends the feed; unset: an empty block
  bool hard = false;
};

// Every kind of schema change that is supported.
std::vector<Step> steps() {
  const std::string docks = "edge DocksAt: Ship -> Port { since: I32? }\n";
  const std::string unused = "edge Unused: Port -> Port { since: I32? }\n";
  return {
      {"a property more", edited("old: String?", "old: String?  flag: Bool?"), "Ship"},
      {"a property more on an edge",
       edited("edge DocksAt: Ship -> Port { since: I32? }", "edge DocksAt: Ship -> Port { since: I32?  fee: F64? }"),
       "DocksAt"},
      {"a property more on a type without entities", edited("size: I32?", "size: I32?  more: I32?"), "Empty"},
      {"a property less", edited("  old: String?", ""), "Ship"},
      {"a property less, for good", edited("  old: String?", ""), "Ship", true},
      {"a property dropped and another added", edited("old: String?", "new: String?"), "Ship"},
      {"another type of values", edited("tons: I32?", "tons: I64?"), "Ship"},
      {"an edge type with entities less", edited(docks, ""), "DocksAt"},
      {"an edge type without entities less", edited(unused, ""), std::nullopt},
      {"a node type without entities less", edited("node Empty { code: String @key  size: I32? }\n", ""), std::nullopt},
      {"a node type more", std::string(kBase) + "node Crew { name: String @key }\n", std::nullopt},
      {"an edge type more", std::string(kBase) + "edge Tows: Ship -> Ship\n", std::nullopt},
      {"a renamed property", edited("tons: I32?", "weight: I32? @rename_from(\"tons\")"), std::nullopt},
      {"a renamed type", edited("edge DocksAt: Ship -> Port", "edge Visits: Ship -> Port @rename_from(\"DocksAt\")"),
       std::nullopt},
      {"a member more of an enum", edited("enum(sea, river)", "enum(sea, river, lake)"), std::nullopt},
      {"an index", edited("tons: I32?", "tons: I32? @index"), std::nullopt},
      {"a rule that holds", edited("old: String?", "old: String?  @range(tons, 0..9)"), std::nullopt},
  };
}

std::string next_row(const Graph&, const std::string& source) {
  const bool renamed = source.find("weight:") != std::string::npos;
  return std::string(R"({"type":"Ship","data":{"name":"Bo",)")
      .append(renamed ? "\"weight\"" : "\"tons\"")
      .append(":5}}\n");
}

void expect_refused(const Error& error, const std::string& commit, const std::string& type) {
  EXPECT_EQ(error.code, Code::kConflict) << error.render();
  EXPECT_EQ(detail_of(error),
            (json{{"change_diff_refusal",
                   {{"reason", "schema_boundary"}, {"graph_commit_id", commit}, {"type_name", type}}}}));
}

void expect_boundary(Graph& graph, const std::string& before, const std::string& boundary, const std::string& type,
                     const std::string& cursor) {
  // Whatever is asked for: the commit cannot be told.
  for (const ChangeFilter& filter :
       {ChangeFilter{}, ChangeFilter{{}, {"Port"}, {}}, ChangeFilter{{"edge"}, {"Nope"}, {"delete"}}}) {
    const auto alone = changes_of(graph).commit_changes({.commit_id = boundary, .filter = filter});
    ASSERT_FALSE(alone);
    expect_refused(alone.error(), boundary, type);
    ChangePollRequest request = from("after:" + before);
    request.filter = filter;
    const auto first = changes_of(graph).poll(request);
    ASSERT_FALSE(first);
    expect_refused(first.error(), boundary, type);
  }
  const auto resumed = changes_of(graph).poll(at(cursor));
  ASSERT_FALSE(resumed);
  expect_refused(resumed.error(), boundary, type);
  // Later in a poll: the page ends before it, and the next poll meets it.
  const Polled all = poll(graph, from("beginning")).value();
  ASSERT_EQ(all.blocks.size(), 1u);
  EXPECT_EQ(all.blocks[0].cause.graph_commit_id, before);
  EXPECT_FALSE(all.caught_up);
  const auto next = changes_of(graph).poll(at(all.cursor));
  ASSERT_FALSE(next);
  expect_refused(next.error(), boundary, type);
}

TEST(FeedBoundary, EverySupportedSchemaChange) {
  for (const Step& step : steps()) {
    SCOPED_TRACE(step.name);
    const auto graph = fresh_graph(objectstore::make_memory_store(), kBase);
    const std::string before = load(*graph, kRows).value();
    const std::string cursor = poll(*graph, from("now")).value().cursor;
    const auto applied = graph->apply_schema(step.source, {.allow_data_loss = step.hard, .allow_validated = true});
    ASSERT_TRUE(applied) << applied.error().render();
    ASSERT_TRUE(applied->commit);
    const std::string boundary = applied->commit->graph_commit_id;
    const auto baseline = changes_of(*graph).capture_baseline({}).value()->baseline();
    EXPECT_EQ(baseline.snapshot_commit_id, boundary);
    const std::string after = load(*graph, next_row(*graph, step.source)).value();
    if (step.type && !step.hard) {
      expect_boundary(*graph, before, boundary, *step.type, cursor);
    } else if (!step.type) {
      const Polled news = poll(*graph, at(cursor)).value();
      ASSERT_EQ(news.blocks.size(), 2u);
      EXPECT_EQ(news.blocks[0].cause.graph_commit_id, boundary);
      EXPECT_THAT(news.blocks[0].changes, IsEmpty());
      EXPECT_EQ(news.blocks[1].cause.graph_commit_id, after);
    } else {
      EXPECT_FALSE(changes_of(*graph).poll(at(cursor)));
    }
    // From its baseline, or from right after it, the feed goes on under the new schema.
    for (const ChangePollRequest& request : {at(baseline.resume_cursor), from("after:" + boundary)}) {
      const auto news = poll(*graph, request);
      ASSERT_TRUE(news) << news.error().render();
      ASSERT_EQ(news->blocks.size(), 1u);
      EXPECT_EQ(news->blocks[0].cause.graph_commit_id, after);
      EXPECT_THAT(ids_of(news->blocks[0].changes), ElementsAre("Bo"));
      EXPECT_TRUE(news->caught_up);
    }
  }
}

// Goal: images have the names of their own commit's schema, and a type keeps its id over a rename but not over a drop.
TEST(FeedBoundary, NamesAndIdentities) {
  const auto graph = fresh_graph(objectstore::make_memory_store(), kBase);
  ASSERT_TRUE(load(*graph, kRows));
  const std::string renamed = edited("tons: I32?", "weight: I32? @rename_from(\"tons\")");
  ASSERT_TRUE(graph->apply_schema(renamed, {}));
  const std::string written = load(*graph, R"({"type":"Ship","data":{"name":"Ada","weight":4,"kind":"sea","old":"o"}})"
                                           "\n")
                                  .value();
  const Polled all = poll(*graph, from("beginning")).value();
  ASSERT_EQ(all.blocks.size(), 3u);
  ASSERT_EQ(all.blocks[2].changes.size(), 1u);
  const Change& update = all.blocks[2].changes[0];
  EXPECT_EQ(all.blocks[2].cause.graph_commit_id, written);
  EXPECT_EQ(update.before, R"({"properties":{"kind":"sea","name":"Ada","old":"o","weight":3}})");
  EXPECT_EQ(update.after, R"({"properties":{"kind":"sea","name":"Ada","old":"o","weight":4}})");
  for (const Change& insert : all.blocks[0].changes) {
    if (insert.type_name != "Ship") continue;
    EXPECT_EQ(insert.after, R"({"properties":{"kind":"sea","name":"Ada","old":"o","tons":3}})");
    EXPECT_EQ(insert.type_id, update.type_id);
  }
  const std::string without = edited("edge DocksAt: Ship -> Port { since: I32? }\n", "");
  std::string old_id;
  for (const Change& change : all.blocks[0].changes) {
    if (change.type_name == "DocksAt") old_id = change.type_id;
  }
  ASSERT_TRUE(graph->apply_schema(without, {}));
  ASSERT_TRUE(graph->apply_schema(kBase, {}));
  const std::string again = load(*graph, R"({"edge":"DocksAt","from":"Ada","to":"RTM","data":{"id":"e"}})"
                                         "\n")
                                .value();
  const auto changes = changes_of(*graph).commit_changes({.commit_id = again}).value().changes;
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_NE(changes[0].type_id, old_id) << "another type of the same name";
  EXPECT_EQ(changes[0].op, ChangeOp::kInsert);
}

// Goal: a merge is compared with its first parent: it is a boundary where it brings its target another shape, and none
// where rows of an older schema are carried into the target's.
TEST(FeedBoundary, Merges) {
  const auto graph = fresh_graph(objectstore::make_memory_store(), kBase);
  ASSERT_TRUE(load(*graph, kRows));
  ASSERT_TRUE(graph->create_branch("old", "main"));
  ASSERT_TRUE(load(*graph,
                   R"({"type":"Ship","data":{"name":"Bo","tons":5}})"
                   "\n",
                   LoadMode::kMerge, "old"));
  ASSERT_TRUE(graph->apply_schema(edited("old: String?", "old: String?  flag: Bool?"), {}));

  ASSERT_TRUE(merge_branches(*graph, {.source = "old"}));
  const std::string merged = graph->commits("main")->front().graph_commit_id;
  const auto carried = changes_of(*graph).commit_changes({.commit_id = merged});
  ASSERT_TRUE(carried) << carried.error().render();
  ASSERT_THAT(ids_of(carried->changes), ElementsAre("Bo"));
  EXPECT_EQ(carried->changes[0].after, R"({"properties":{"flag":null,"kind":null,"name":"Bo","old":null,"tons":5}})");
  EXPECT_TRUE(carried->cause.merged_parent_commit_id);

  ASSERT_TRUE(merge_branches(*graph, {.source = "main", .target = "old"}));
  const std::string brought = graph->commits("old")->front().graph_commit_id;
  const auto refused = changes_of(*graph).commit_changes({.commit_id = brought});
  ASSERT_FALSE(refused);
  expect_refused(refused.error(), brought, "Ship");
  EXPECT_TRUE(poll(*graph, from("after:" + brought, "old")));
  // The same type with entities on one side only.
  ASSERT_TRUE(graph->apply_schema(
      edited("old: String?", "old: String?  flag: Bool?") + "node Crew { name: String @key }\n", {}));
  ASSERT_TRUE(load(*graph, R"({"type":"Crew","data":{"name":"Cy"}})"
                           "\n"));
  ASSERT_TRUE(merge_branches(*graph, {.source = "main", .target = "old"}));
  const std::string more = graph->commits("old")->front().graph_commit_id;
  const auto with_entities = changes_of(*graph).commit_changes({.commit_id = more});
  ASSERT_FALSE(with_entities);
  expect_refused(with_entities.error(), more, "Crew");
}

// Goal: a property that was dropped and added again meanwhile is another one, although the schema's text is the same.
TEST(FeedBoundary, TheSameTextWithOtherProperties) {
  const auto graph = fresh_graph(objectstore::make_memory_store(), kBase);
  ASSERT_TRUE(load(*graph, kRows));
  ASSERT_TRUE(graph->create_branch("old", "main"));
  ASSERT_TRUE(graph->apply_schema(edited("  old: String?", ""), {}));
  ASSERT_TRUE(graph->apply_schema(kBase, {}));
  ASSERT_TRUE(merge_branches(*graph, {.source = "main", .target = "old"}));
  const std::string brought = graph->commits("old")->front().graph_commit_id;
  const auto refused = changes_of(*graph).commit_changes({.commit_id = brought});
  ASSERT_FALSE(refused) << "a value was lost without a word";
  expect_refused(refused.error(), brought, "Ship");
}

}  // namespace
}  // namespace omnigraph::engine
