#include <gmock/gmock.h>

#include "base/ulid.h"
#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class PrepareIds : public PrepareTest {
 protected:
  void SetUp() override {
    open(R"(
node Crew { tag: String @key  mail: String? @unique  rank: I32? }
node Pair { b: String  a: I32  @key(b, a) }
node Dock { name: String }
edge Mans: Crew -> Dock { note: String? }
)");
    crew = node("Crew");
    pair = node("Pair");
    dock = node("Dock");
    mans = edge("Mans");
  }
  static Row member(const std::string& tag, Value mail = null(), Value rank = null()) {
    return {text(tag), text(tag), std::move(mail), std::move(rank)};
  }
  schema::TypeRef crew, pair, dock, mans;
};

TEST_F(PrepareIds, MergeReplacesTheWholeRowAndKeepsItsRowId) {
  expect_ok(merge({{crew, {member("a1", null(), number(3)), member("a2")}}}));
  const std::uint64_t before = row_id(crew, "a1");
  const auto outcome = merge({{crew, {member("a1", text("a@x"))}}});
  expect_ok(outcome);
  EXPECT_THAT(rows(crew), UnorderedElementsAre("a1 \"a1\" \"a@x\" null", "a2 \"a2\" null null"));
  EXPECT_EQ(row_id(crew, "a1"), before);
  const ChangeCounts counts = outcome->commit->changes.at("node:Crew");
  EXPECT_EQ(counts.inserted, 0u);
  EXPECT_EQ(counts.updated, 1u);
  EXPECT_EQ(counts.deleted, 0u);
}

TEST_F(PrepareIds, NewRowsGetNewRowIdsInOrder) {
  expect_ok(append({{crew, {member("a"), member("b")}}}));
  expect_ok(append({{crew, {member("c")}}}));
  EXPECT_EQ(row_id(crew, "a") + 1, row_id(crew, "b"));
  EXPECT_EQ(row_id(crew, "b") + 1, row_id(crew, "c"));
}

TEST_F(PrepareIds, AppendRefusesAnIdThatIsThere) {
  expect_ok(append({{crew, {member("a1")}}}));
  const auto outcome = append({{crew, {member("a2"), member("a1")}}});
  expect_refused(outcome, "node type 'Crew' already has id 'a1'", Code::kConflict);
  ASSERT_TRUE(outcome.error().detail);
  EXPECT_EQ(outcome.error().detail->field, "key_conflict");
  EXPECT_EQ(outcome.error().detail->json, R"({"entity_kind":"node","type_name":"Crew","entity_id":"a1"})");
  EXPECT_THAT(rows(crew), ElementsAre("a1 \"a1\" null null"));
}

TEST_F(PrepareIds, OneKeyTwiceInOneInputIsAUniqueViolationInEveryMode) {
  const std::vector<Put> twice = {{crew, {member("a1"), member("a1")}}};
  const std::string message = "@unique violation on Crew.tag: value 'a1' held by 'a1' and 'a1'";
  expect_refused(merge(twice), message);
  expect_refused(append(twice), message);
  expect_refused(overwrite(twice), message);
}

TEST_F(PrepareIds, ACompositeKeyTwiceNamesItsMembersByName) {
  const Row row = {text("[\"7\",\"RTM\"]"), text("RTM"), number(7)};
  expect_refused(merge({{pair, {row, row}}}),
                 "@unique violation on Pair.(a, b): value '(7, RTM)' held by '[\"7\",\"RTM\"]' and '[\"7\",\"RTM\"]'");
}

TEST_F(PrepareIds, AnExplicitIdTwice) {
  const std::vector<Put> twice = {{dock, {{text("d"), text("one")}, {text("e"), text("E")}, {text("d"), text("two")}}}};
  expect_refused(append(twice), "node type 'Dock' already has id 'd'", Code::kConflict);
  expect_refused(overwrite(twice), "node type 'Dock' already has id 'd'", Code::kConflict);
  expect_ok(merge(twice));
  EXPECT_THAT(rows(dock), ElementsAre("e \"E\"", "d \"two\""));
}

TEST_F(PrepareIds, TheLastRecordOfAnEdgeDecidesItsEndpoints) {
  expect_ok(append({{crew, {member("a")}}, {dock, {{text("d1"), text("D")}, {text("d2"), text("D")}}}}));
  // The first record names a dock that does not exist: it is superseded and so not checked.
  expect_ok(
      merge({{mans, {{text("e"), text("a"), text("zz"), null()}, {text("e"), text("a"), text("d2"), text("last")}}}}));
  EXPECT_THAT(rows(mans), ElementsAre("e a>d2 \"last\""));
}

TEST_F(PrepareIds, AnEdgeMayMoveByMerge) {
  expect_ok(append({{crew, {member("a")}},
                    {dock, {{text("d1"), text("D")}, {text("d2"), text("D")}}},
                    {mans, {{text("e"), text("a"), text("d1"), null()}}}}));
  expect_ok(merge({{mans, {{text("e"), text("a"), text("d2"), null()}}}}));
  EXPECT_THAT(rows(mans), ElementsAre("e a>d2 null"));
  const auto adjacency = head()->adjacency(mans.index, AdjacencyDirection::kIn);
  ASSERT_TRUE(adjacency) << adjacency.error().render();
  const TableViewPtr docks = table(dock);
  EXPECT_EQ((*adjacency)->degree(*docks->find("d1")), 0u);
  EXPECT_EQ((*adjacency)->degree(*docks->find("d2")), 1u);
}

TEST_F(PrepareIds, OverwriteKeepsRowIdsOfIdsThatStay) {
  expect_ok(append({{crew, {member("a"), member("b")}},
                    {dock, {{text("d"), text("D")}}},
                    {mans, {{text("e"), text("a"), text("d"), null()}}}}));
  const std::uint64_t before = row_id(crew, "a");
  const auto outcome = overwrite({{crew, {member("a", null(), number(5)), member("c")}}});
  expect_ok(outcome);
  EXPECT_THAT(rows(crew), ElementsAre("a \"a\" null 5", "c \"c\" null null"));
  EXPECT_EQ(row_id(crew, "a"), before);
  const ChangeCounts counts = outcome->commit->changes.at("node:Crew");
  EXPECT_EQ(counts.inserted, 1u);
  EXPECT_EQ(counts.updated, 1u);
  EXPECT_EQ(counts.deleted, 1u);
  // The edge was not touched and still finds its node.
  const auto adjacency = head()->adjacency(mans.index, AdjacencyDirection::kOut);
  ASSERT_TRUE(adjacency) << adjacency.error().render();
  EXPECT_EQ((*adjacency)->degree(*table(crew)->find("a")), 1u);
}

TEST_F(PrepareIds, OverwriteWithNothingEmptiesTheType) {
  expect_ok(append({{dock, {{text("d"), text("D")}}}}));
  expect_ok(overwrite({{dock, {}}}));
  EXPECT_THAT(rows(dock), ElementsAre());
  EXPECT_EQ(table(dock)->manifest().fragments.size(), 0u);
}

TEST_F(PrepareIds, AnIdRemovedInTheWriteMayBePutAgain) {
  expect_ok(append({{dock, {{text("d"), text("old")}}}}));
  expect_ok(write([&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const auto view, transaction.base()->table(dock));
    OG_ASSIGN_OR_RETURN(const Ordinal o, view->find("d"));
    transaction.remove(dock, std::vector<Ordinal>{o, o});
    transaction.put(staged(dock, {{text("d"), text("new")}}), PutMode::kAppend, false);
    return {};
  }));
  EXPECT_THAT(rows(dock), ElementsAre("d \"new\""));
}

// Goal: ids conflict last; whatever else is wrong is reported first.
TEST_F(PrepareIds, AnIdConflictIsReportedAfterAllOtherViolations) {
  expect_ok(append({{crew, {member("a1")}}}));
  expect_refused(append({{crew, {member("a1")}}, {mans, {{text("e"), text("a1"), text("zz"), null()}}}}),
                 "dst 'zz' not found in Dock");
}

// Goal: the outcome of random merges and removals is that of a map.
// Method: 60 writes of up to 40 rows over 30 ids; ids, values, counts and row ids compared after each.
TEST_F(PrepareIds, RandomWritesEqualAMap) {
  const std::uint64_t seed = base::random_u64();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::uint64_t state = seed | 1;
  const auto draw = [&](std::uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
  };
  std::map<std::string, std::string> model;
  std::map<std::string, std::uint64_t> row_ids;
  for (int round = 0; round < 60; ++round) {
    std::vector<Row> puts;
    std::map<std::string, std::string> after = model;
    std::vector<std::string> gone;
    for (const auto& [id, name] : model) {
      if (draw(6) == 0) gone.push_back(id);
    }
    for (const std::string& id : gone) {
      after.erase(id);
      row_ids.erase(id);
    }
    for (std::uint64_t i = draw(40); i > 0; --i) {
      const std::string id = numbered("d", draw(30));
      if (std::find(gone.begin(), gone.end(), id) != gone.end()) continue;
      const std::string name = std::to_string(draw(1000));
      puts.push_back({text(id), text(name)});
      after[id] = name;
    }
    const auto outcome = write([&](WriteTransaction& transaction) -> Result<void> {
      OG_ASSIGN_OR_RETURN(const auto view, transaction.base()->table(dock));
      for (const std::string& id : gone) {
        OG_ASSIGN_OR_RETURN(const Ordinal o, view->find(id));
        transaction.remove(dock, std::vector<Ordinal>{o});
      }
      transaction.put(staged(dock, puts), PutMode::kMerge, false);
      return {};
    });
    expect_ok(outcome);
    std::map<std::string, std::string> found;
    for (const std::string& line : rows(dock)) {
      const std::size_t space = line.find(' ');
      EXPECT_TRUE(found.emplace(line.substr(0, space), line.substr(space + 2, line.size() - space - 3)).second) << line;
    }
    ASSERT_EQ(found, after) << "round " << round;
    for (const auto& [id, name] : after) {
      const std::uint64_t row = row_id(dock, id);
      const auto [known, added] = row_ids.emplace(id, row);
      EXPECT_EQ(known->second, row) << "an update changed the row id of " << id;
    }
    EXPECT_EQ(head()->record().tables.at("node:Dock").rows, after.size());
    model = std::move(after);
  }
  std::set<std::uint64_t> distinct;
  for (const auto& [id, row] : row_ids) distinct.insert(row);
  EXPECT_EQ(distinct.size(), row_ids.size());
}

}  // namespace
}  // namespace omnigraph::graph
