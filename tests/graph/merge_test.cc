#include "graph/merge.h"

#include <gtest/gtest.h>

#include <thread>

#include "objectstore/metered_store.h"
#include "tests/graph/branched_graph.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kSchema = R"(
node Crew { tag: String @key  mail: String? @unique  rank: I32?  img: Blob?  @range(rank, 1..9) }
node Dock { name: String }
edge Mans: Crew -> Dock @card(0..2) { since: I32? }
edge Leads: Dock -> Crew @card(1..1)
)";

Row crew(const std::string& tag, Value rank = {}, Value mail = {}, Value img = {}) {
  return {text(tag), text(tag), std::move(mail), std::move(rank), std::move(img)};
}
Row dock(const std::string& id) { return {text(id), text(id)}; }
Row mans(const std::string& id, const std::string& from, const std::string& to, Value since = {}) {
  return {text(id), text(from), text(to), std::move(since)};
}

// A graph with crew a and b, docks d1 and d2 and a branch w made from main.
struct MergeTest : ::testing::Test {
  std::shared_ptr<objectstore::MeteredStore> metered =
      objectstore::make_metered_store(objectstore::make_memory_store());
  BranchedGraph graph{kSchema, metered};

  void SetUp() override {
    ASSERT_TRUE(graph.write(
        "main", {.puts = {{"node:Crew", {crew("a", number(1)), crew("b")}}, {"node:Dock", {dock("d1"), dock("d2")}}}}));
    ASSERT_TRUE(graph->create_branch("w", "main"));
  }

  Result<MergeResult> try_merge(const std::string& source, const std::string& target, bool properties = false) {
    return merge_branches(graph->parts(), {.source = source,
                                           .target = target,
                                           .actor = "mia",
                                           .merge_properties = properties,
                                           .expect_source = {},
                                           .expect_target = {}});
  }
  MergeResult merge(const std::string& source, const std::string& target, bool properties = false) {
    const auto result = try_merge(source, target, properties);
    EXPECT_TRUE(result) << result.error().render();
    return result ? *result : MergeResult{};
  }
  std::string outcome(const std::string& source, const std::string& target) {
    return std::string(merge_outcome_name(merge(source, target).outcome));
  }
  MergeResult preview(const std::string& source, const std::string& target) {
    const auto heads = merge_heads(graph->parts(), {.source = source, .target = target});
    EXPECT_TRUE(heads) << heads.error().render();
    const auto result = preview_merge(graph->parts(), *heads, false);
    EXPECT_TRUE(result) << result.error().render();
    return *result;
  }
  // kind type id: message
  std::vector<std::string> told(const MergeResult& result) {
    std::vector<std::string> lines;
    for (const MergeConflict& conflict : result.conflicts) {
      std::string line(conflict_kind_name(conflict.kind));
      line.append(" ").append(result.states.target->catalog()->table_key(conflict.type)).append(" ");
      lines.push_back(line.append(conflict.entity_id.value_or("-")).append(": ").append(conflict.message));
    }
    return lines;
  }
  // Merges w into main and expects these conflicts, in the preview too, and nothing written.
  MergeResult expect_conflicts(const std::vector<std::string>& lines) {
    const std::string before = graph.head("main")->commit_id();
    EXPECT_EQ(told(preview("w", "main")), lines);
    const MergeResult result = merge("w", "main");
    EXPECT_EQ(result.outcome, MergeOutcome::kConflicts);
    EXPECT_EQ(told(result), lines);
    EXPECT_EQ(graph.head("main")->commit_id(), before);
    return result;
  }
  Commit head_commit(const std::string& branch) { return graph.head(branch)->record().commits.back(); }
};

using Lines = std::vector<std::string>;

TEST_F(MergeTest, FastForwardIsOneRecordWithoutData) {
  ASSERT_TRUE(graph.put("w", "node:Crew", {crew("c")}));
  const SnapshotPtr source = graph.head("w");
  const std::string old_head = graph.head("main")->commit_id();
  graph->drain();
  metered->reset();
  EXPECT_EQ(outcome("w", "main"), "fast_forward");
  graph->drain();
  std::uint64_t puts = 0;
  for (const auto& request : metered->meter().log)
    puts += request.operation != "get" && request.operation != "list" ? 1 : 0;
  EXPECT_LE(puts, 3u) << "the record, the commit's pointer, and the regular version of the table";
  const SnapshotPtr target = graph.head("main");
  EXPECT_EQ(target->record().commits.back().parents, (Lines{old_head, source->commit_id()}));
  EXPECT_EQ(target->record().commits.back().kind, CommitKind::kMerge);
  EXPECT_EQ(target->record().commits.back().actor, "mia");
  EXPECT_EQ(target->record().tables.at("node:Crew").version, source->record().tables.at("node:Crew").version);
  EXPECT_EQ(graph_state(*target), graph_state(*source));
  EXPECT_EQ(graph.head("w")->commit_id(), source->commit_id());
  EXPECT_EQ(outcome("w", "main"), "already_up_to_date");
  EXPECT_EQ(graph.head("main")->commit_id(), target->commit_id());
  EXPECT_EQ(outcome("main", "w"), "fast_forward");
  EXPECT_EQ(outcome("main", "w"), "already_up_to_date");
}

TEST_F(MergeTest, ChangesOfBothSidesMeet) {
  ASSERT_TRUE(graph.write("w", {.puts = {{"node:Crew", {crew("a", number(3), text("a@x"), text("b:pixels"))}},
                                         {"edge:Mans", {mans("m1", "a", "d2")}}},
                                .removed = {{"node:Dock", "d1"}}}));
  ASSERT_TRUE(graph.write(
      "main", {.puts = {{"node:Crew", {crew("z"), crew("b", number(2))}}, {"edge:Mans", {mans("m2", "z", "d2")}}}}));
  const SnapshotPtr before = graph.head("main");
  const MergeResult expected = preview("w", "main");
  EXPECT_EQ(outcome("w", "main"), "merged");
  const SnapshotPtr after = graph.head("main");
  GraphState state = graph_state(*before);
  const GraphState source = graph.state("w");
  state["node:Crew"]["a"] = source.at("node:Crew").at("a");
  state["edge:Mans"]["m1"] = source.at("edge:Mans").at("m1");
  state["node:Dock"].erase("d1");
  EXPECT_EQ(graph_state(*after), state);
  const Commit commit = head_commit("main");
  EXPECT_EQ(commit.parents, (Lines{before->commit_id(), graph.head("w")->commit_id()}));
  ASSERT_TRUE(commit.merged);
  EXPECT_EQ(commit.merged->branch, "w");
  ASSERT_EQ(expected.types.size(), 3u);
  std::size_t actions = 0;
  for (const MergedType& type : expected.types) actions += type.actions.size();
  EXPECT_EQ(actions, 3u);
  // An update keeps its row id, and edges find their nodes by the target's row ids.
  const auto row_id = [](const Snapshot& snapshot, const char* id) {
    const TableViewPtr view = snapshot.table(node_type(snapshot, "Crew")).value();
    return view->row_id(view->find(id).value());
  };
  EXPECT_EQ(row_id(*before, "a"), row_id(*after, "a"));
  const auto out = after->adjacency(edge_type(*after, "Mans").index, AdjacencyDirection::kOut).value();
  std::size_t edges = 0;
  const TableViewPtr people = after->table(node_type(*after, "Crew")).value();
  for (Ordinal o = 0; o < people->physical_rows(); ++o) edges += out->neighbors(o).size();
  EXPECT_EQ(edges, 2u);
}

TEST_F(MergeTest, TheSameChangeOnBothSidesStillCommits) {
  for (const char* branch : {"w", "main"}) {
    ASSERT_TRUE(graph.write(
        branch, {.puts = {{"node:Crew", {crew("a", number(4)), crew("n")}}}, .removed = {{"node:Dock", "d1"}}}));
  }
  const SnapshotPtr before = graph.head("main");
  EXPECT_EQ(outcome("w", "main"), "merged");
  EXPECT_EQ(graph.state("main"), graph_state(*before));
  EXPECT_EQ(graph.head("main")->version(), before->version() + 1);
  EXPECT_EQ(outcome("w", "main"), "already_up_to_date");
}

TEST_F(MergeTest, EntitiesChangedDifferently) {
  ASSERT_TRUE(graph.write("w", {.puts = {{"node:Crew", {crew("a", number(3)), crew("n", number(1))}}},
                                .removed = {{"node:Dock", "d1"}, {"node:Crew", "b"}}}));
  ASSERT_TRUE(
      graph.write("main", {.puts = {{"node:Crew", {crew("a", number(2)), crew("n", number(2)), crew("b", number(5))}},
                                    {"node:Dock", {{text("d1"), text("other name")}}}}}));
  const MergeResult result = expect_conflicts({"divergent_update node:Crew a: divergent update for id 'a'",
                                               "delete_vs_update node:Crew b: delete/update conflict for id 'b'",
                                               "divergent_insert node:Crew n: divergent insert for id 'n'",
                                               "delete_vs_update node:Dock d1: delete/update conflict for id 'd1'"});
  EXPECT_EQ(result.conflicts[0].fields, (Lines{"rank"}));
  EXPECT_EQ(result.conflicts[1].fields, (Lines{"rank"}));
  EXPECT_EQ(result.conflicts[1].source, kNoOrdinal);
  EXPECT_NE(result.conflicts[1].base, kNoOrdinal);
  EXPECT_EQ(result.conflicts[3].fields, (Lines{"name"}));
}

TEST_F(MergeTest, AnEdgeWithoutItsNode) {
  ASSERT_TRUE(graph.remove("w", "node:Crew", "a"));
  ASSERT_TRUE(graph.put("main", "edge:Mans", {mans("m1", "a", "d1")}));
  expect_conflicts({"orphan_edge edge:Mans m1: src 'a' not found in Crew"});
  // The other way around, and with both nodes gone.
  ASSERT_TRUE(graph.put("w", "edge:Mans", {mans("m2", "b", "d2")}));
  ASSERT_TRUE(graph.write("main", {.puts = {{"node:Dock", {dock("d3")}}},
                                   .removed = {{"edge:Mans", "m1"}, {"node:Crew", "b"}, {"node:Dock", "d2"}}}));
  expect_conflicts({"orphan_edge edge:Mans m2: src 'b' not found in Crew"});
}

TEST_F(MergeTest, ConstraintsOfTheResult) {
  ASSERT_TRUE(graph.write("w", {.puts = {{"node:Crew", {crew("x", {}, text("one")), crew("y", {}, text("two"))}},
                                         {"edge:Mans", {mans("m1", "a", "d1"), mans("m2", "a", "d2")}}}}));
  ASSERT_TRUE(graph.write("main", {.puts = {{"node:Crew", {crew("z", {}, text("one")), crew("b", {}, text("two"))}},
                                            {"edge:Mans", {mans("m3", "a", "d2")}}}}));
  const MergeResult result = expect_conflicts(
      {"cardinality_violation edge:Mans -: @card violation on edge Mans: source 'a' has 3 edges (max 2)",
       "unique_violation node:Crew x: @unique violation on Crew.mail: value 'one' held by 'x' and 'z'",
       "unique_violation node:Crew y: @unique violation on Crew.mail: value 'two' held by 'b' and 'y'"});
  EXPECT_NE(result.conflicts[1].source, kNoOrdinal);
  EXPECT_EQ(result.conflicts[1].target, kNoOrdinal);
}

TEST_F(MergeTest, TooFewEdgesAreToldToo) {
  ASSERT_TRUE(graph.write("main", {.puts = {{"edge:Leads", {{text("l1"), text("d1"), text("a")}}}}}));
  EXPECT_EQ(outcome("main", "w"), "fast_forward");
  ASSERT_TRUE(graph.write(
      "w", {.puts = {{"edge:Leads", {{text("l2"), text("d1"), text("b")}}}}, .removed = {{"edge:Leads", "l1"}}}));
  ASSERT_TRUE(graph.write(
      "main", {.puts = {{"edge:Leads", {{text("l3"), text("d1"), text("b")}}}}, .removed = {{"edge:Leads", "l1"}}}));
  expect_conflicts(
      {"cardinality_violation edge:Leads -: @card violation on edge Leads: source 'd1' has 2 edges (max 1)"});
}

TEST_F(MergeTest, DisjointFieldsMergeOnlyWhenAsked) {
  ASSERT_TRUE(graph.put("main", "edge:Mans", {mans("m", "a", "d1", number(1))}));
  EXPECT_EQ(outcome("main", "w"), "fast_forward");
  ASSERT_TRUE(graph.write("w", {.puts = {{"node:Crew", {crew("a", number(1), text("a@x"))}},
                                         {"edge:Mans", {mans("m", "b", "d1", number(1))}}}}));
  ASSERT_TRUE(graph.write(
      "main", {.puts = {{"node:Crew", {crew("a", number(2))}}, {"edge:Mans", {mans("m", "a", "d1", number(2))}}}}));
  EXPECT_EQ(merge("w", "main").outcome, MergeOutcome::kConflicts);
  EXPECT_EQ(merge("w", "main", true).outcome, MergeOutcome::kMerged);
  const GraphState state = graph.state("main");
  EXPECT_EQ(state.at("node:Crew").at("a"), "\"a\" \"a@x\" 2 null ");
  EXPECT_EQ(state.at("edge:Mans").at("m"), "b>d1>2 ");
  // The endpoints are one field.
  ASSERT_TRUE(graph.put("w", "edge:Mans", {mans("m", "b", "d2", number(1))}));
  ASSERT_TRUE(graph.put("main", "edge:Mans", {mans("m", "a", "d1", number(2))}));
  const MergeResult result = merge("w", "main", true);
  EXPECT_EQ(told(result), (Lines{"divergent_update edge:Mans m: divergent update for id 'm'"}));
  EXPECT_EQ(result.conflicts[0].fields, (Lines{"from", "to", "since"}));
}

TEST_F(MergeTest, Refusals) {
  const auto error = [](const auto& result) { return result ? Error{} : result.error(); };
  EXPECT_EQ(error(try_merge("w", " w")).message, "branch_merge requires distinct source and target branches");
  EXPECT_EQ(error(try_merge("x", "main")).message, "branch 'x' not found");
  EXPECT_EQ(error(try_merge("w", "x")).message, "branch 'x' not found");
  ASSERT_TRUE(graph.put("w", "node:Crew", {crew("c")}));
  const std::string source = graph.head("w")->commit_id(), target = graph.head("main")->commit_id();
  MergeRequest request{.source = "w", .target = "main"};
  request.expect_source = target;
  request.expect_target = target;
  EXPECT_EQ(error(merge_branches(graph->parts(), request)).code, Code::kPreconditionFailed);
  EXPECT_EQ(error(merge_heads(graph->parts(), request)).code, Code::kPreconditionFailed);
  request.expect_source = source;
  request.expect_target = source;
  const Error refused = error(merge_branches(graph->parts(), request));
  EXPECT_EQ(refused.message,
            "precondition failed on branch 'main': expected head '" + source + "' but current is " + target);
  EXPECT_EQ(graph.head("main")->commit_id(), target);
  request.expect_target = target;
  EXPECT_TRUE(merge_branches(graph->parts(), request));
}

TEST_F(MergeTest, APreviewWritesNothingAndSaysWhatAMergeDoes) {
  ASSERT_TRUE(
      graph.write("w", {.puts = {{"node:Crew", {crew("a", number(3)), crew("c")}}}, .removed = {{"node:Dock", "d1"}}}));
  const auto counts = [](const MergeResult& result) {
    std::vector<std::string> lines;
    for (const MergedType& type : result.types) {
      for (const MergeAction& action : type.actions) {
        lines.push_back(std::string(action.target == kNoOrdinal   ? "insert "
                                    : action.source == kNoOrdinal ? "delete "
                                                                  : "update ") +
                        action.id);
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  const Lines all{"delete d1", "insert c", "update a"};
  graph->drain();
  metered->reset();
  EXPECT_EQ(counts(preview("w", "main")), all);
  EXPECT_EQ(preview("w", "main").outcome, MergeOutcome::kFastForward);
  EXPECT_EQ(preview("main", "w").outcome, MergeOutcome::kUpToDate);
  EXPECT_EQ(metered->meter().bytes_written, 0u);
  ASSERT_TRUE(graph.put("main", "node:Crew", {crew("m")}));
  graph->drain();
  metered->reset();
  EXPECT_EQ(counts(preview("w", "main")), all);
  EXPECT_EQ(metered->meter().bytes_written, 0u);
  ASSERT_TRUE(graph.put("main", "node:Crew", {crew("a", number(7))}));
  const MergeResult conflicting = preview("w", "main");
  EXPECT_EQ(counts(conflicting), (Lines{"delete d1", "insert c"})) << "conflicting entities are left out";
  EXPECT_EQ(conflicting.conflicts.size(), 1u);
}

TEST_F(MergeTest, AThreeWayMergeOfTenChangesCostsFewRequests) {
  std::vector<Row> rows;
  for (int i = 0; i < 10; ++i) rows.push_back(crew(std::string("n").append(std::to_string(i))));
  ASSERT_TRUE(graph.put("w", "node:Crew", rows));
  ASSERT_TRUE(graph.put("main", "node:Dock", {dock("d9")}));
  graph->drain();
  const auto cold = GraphStore::open(metered, {.background_settle = false}).value();
  metered->reset();
  const auto result = merge_branches(cold->parts(), {.source = "w", .target = "main"});
  ASSERT_TRUE(result) << result.error().render();
  EXPECT_EQ(result->outcome, MergeOutcome::kMerged);
  cold->drain();
  const auto meter = metered->meter();
  std::string log;
  for (const auto& request : meter.log) log.append(request.operation).append(" ").append(request.key).append("\n");
  EXPECT_LE(meter.requests, 40u) << log;
  // A process that wrote both sides itself.
  ASSERT_TRUE(graph.put("w", "node:Crew", {crew("more")}));
  ASSERT_TRUE(graph.put("main", "node:Dock", {dock("d8")}));
  graph->drain();
  metered->reset();
  EXPECT_EQ(outcome("w", "main"), "merged");
  const auto warm = metered->meter();
  log.clear();
  for (const auto& request : warm.log) log.append(request.operation).append(" ").append(request.key).append("\n");
  EXPECT_LE(warm.requests, 20u) << log;
  EXPECT_LE(warm.dependent_hops, 4u) << log;
}

// The target moves while merges run: nothing is lost, the source is taken over once.
TEST_F(MergeTest, ATargetThatMoves) {
  constexpr int kWrites = 40;
  std::thread writer([&] {
    for (int i = 0; i < kWrites; ++i) {
      EXPECT_TRUE(graph.put("main", "node:Dock", {dock(std::string("t").append(std::to_string(i)))}));
    }
  });
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(graph.put("w", "node:Crew", {crew(std::string("s").append(std::to_string(i)))}));
    const MergeResult result = merge("w", "main");
    EXPECT_NE(result.outcome, MergeOutcome::kConflicts);
  }
  writer.join();
  const GraphState state = graph.state("main");
  EXPECT_EQ(state.at("node:Dock").size(), 2u + kWrites);
  EXPECT_EQ(state.at("node:Crew").size(), 2u + 10);
}

}  // namespace
}  // namespace omnigraph::graph::testing
