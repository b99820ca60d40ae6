#include "graph/table_diff.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "graph/store_parts.h"
#include "tests/graph/branched_graph.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kDiffSchema = R"(
node Person { name: String @key  age: I32?  tags: [String]?  score: F64? }
node Note { text: String  body: Blob? }
edge Knows: Person -> Person { since: Date? }
)";

Row person(const std::string& name, Value age = {}, Value tags = {}, Value score = {}) {
  return {text(name), text(name), std::move(age), std::move(tags), std::move(score)};
}
Row note(const std::string& id, const std::string& words, Value body = {}) {
  return {text(id), text(words), std::move(body)};
}

std::string numbered(std::string_view prefix, std::uint64_t number) {
  std::string name(prefix);
  return name.append(std::to_string(number));
}

// type key -> id -> (before, after) as text; "-" = not there
using Changes = std::map<std::string, std::map<std::string, std::pair<std::string, std::string>>>;

Changes naive_diff(const GraphState& before, const GraphState& after) {
  Changes changes;
  for (const auto& [key, rows] : before) {
    for (const auto& [id, row] : rows) {
      const auto& others = after.at(key);
      const auto other = others.find(id);
      const std::string now = other == others.end() ? "-" : other->second;
      if (now != row) changes[key][id] = {row, now};
    }
  }
  for (const auto& [key, rows] : after) {
    for (const auto& [id, row] : rows) {
      if (!before.at(key).contains(id)) changes[key][id] = {"-", row};
    }
  }
  return changes;
}

std::string text_of(const Snapshot& snapshot, schema::TypeRef type, Ordinal o) {
  if (o == kNoOrdinal) return "-";
  const TableViewPtr view = snapshot.table(type).value();
  EXPECT_FALSE(view->is_deleted(o));
  return entity_text(*view, snapshot.catalog()->properties_of(type).size(), o);
}

Changes diff(const Snapshot& before, const Snapshot& after) {
  Changes changes;
  for (const TypePair& pair : pair_types(before, after, true)) {
    const auto found = diff_type(before, after, pair);
    EXPECT_TRUE(found) << found.error().render();
    std::string last;
    for (const EntityChange& change : *found) {
      EXPECT_TRUE(last.empty() || last < change.id) << "ascending by id";
      last = change.id;
      changes[before.catalog()->table_key(*pair.before)].emplace(
          change.id,
          std::pair(text_of(before, *pair.before, change.before), text_of(after, *pair.after, change.after)));
    }
  }
  return changes;
}

TEST(TableDiffTest, InsertUpdateDeleteAndNothingElse) {
  BranchedGraph graph(kDiffSchema);
  ASSERT_TRUE(graph.put("main", "node:Person", {person("Ada", number(1)), person("Bo"), person("Cy")}));
  const SnapshotPtr before = graph.head("main");
  ASSERT_TRUE(graph.write("main", {.puts = {{"node:Person", {person("Ada", number(2)), person("Bo"), person("Di")}}},
                                   .removed = {{"node:Person", "Cy"}}}));
  const SnapshotPtr after = graph.head("main");
  const auto pairs = pair_types(*before, *after, true);
  ASSERT_EQ(pairs.size(), 1u) << "types that did not change are left out";
  EXPECT_EQ(pair_types(*before, *after, false).size(), 3u);
  const auto changes = diff_type(*before, *after, pairs[0]).value();
  ASSERT_EQ(changes.size(), 3u) << "Bo was written again with equal values";
  EXPECT_EQ(changes[0].id, "Ada");
  EXPECT_TRUE(changes[0].before != kNoOrdinal && changes[0].after != kNoOrdinal);
  EXPECT_EQ(changes[1].id, "Cy");
  EXPECT_EQ(changes[1].after, kNoOrdinal);
  EXPECT_EQ(changes[2].id, "Di");
  EXPECT_EQ(changes[2].before, kNoOrdinal);
}

TEST(TableDiffTest, EqualityIsTyped) {
  BranchedGraph graph(kDiffSchema);
  const Value none = Value{columnar::ScalarList{}};
  const std::vector<Row> kinds = {person("x"),
                                  person("x", {}, none),
                                  person("x", {}, Value{columnar::ScalarList{text("")}}),
                                  person("x", number(0)),
                                  person("x", {}, {}, Value{0.0}),
                                  person("x", {}, {}, Value{-0.0})};
  for (std::size_t a = 0; a < kinds.size(); ++a) {
    for (std::size_t b = 0; b < kinds.size(); ++b) {
      ASSERT_TRUE(graph.put("main", "node:Person", {kinds[a]}));
      const SnapshotPtr before = graph.head("main");
      ASSERT_TRUE(graph.put("main", "node:Person", {kinds[b]}));
      EXPECT_EQ(diff(*before, *graph.head("main")).size(), a == b ? 0u : 1u) << a << " " << b;
    }
  }
}

TEST(TableDiffTest, ABlobIsItsBytesOrItsUri) {
  BranchedGraph graph(kDiffSchema);
  const std::vector<Row> kinds = {note("n", "t"), note("n", "t", text("b:")), note("n", "t", text("b:x")),
                                  note("n", "t", text("u:s3://b/x")), note("n", "t", text("u:s3://b/y"))};
  for (std::size_t a = 0; a < kinds.size(); ++a) {
    for (std::size_t b = 0; b < kinds.size(); ++b) {
      ASSERT_TRUE(graph.put("main", "node:Note", {kinds[a]}));
      const SnapshotPtr before = graph.head("main");
      ASSERT_TRUE(graph.put("main", "node:Note", {kinds[b]}));
      EXPECT_EQ(diff(*before, *graph.head("main")).size(), a == b ? 0u : 1u) << a << " " << b;
    }
  }
}

TEST(TableDiffTest, UnchangedFilesStayUnread) {
  BranchedGraph graph(kDiffSchema);
  std::vector<Row> many;
  for (std::uint64_t i = 0; i < 40'000; ++i) many.push_back(person(numbered("p", i), number(1)));
  ASSERT_TRUE(graph.put("main", "node:Person", many));  // too large to be folded
  graph->drain();
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(graph.put("side", "node:Person", {person("new")}));
  // A process without caches, and the large file is gone.
  const auto cold = GraphStore::open(graph.store(), {.background_settle = false}).value();
  const SnapshotPtr before = cold->head("main").value();
  const SnapshotPtr after = cold->head("side").value();
  const std::string root = before->record().tables.at("node:Person").manifest;
  const std::string path = before->table(node_type(*before, "Person")).value()->manifest().fragments[0].files[0].path;
  ASSERT_TRUE(graph.store()->remove(root.substr(0, root.find("/_versions/")) + "/data/" + path));
  const auto changes = diff_type(*before, *after, pair_types(*before, *after, true).at(0));
  ASSERT_TRUE(changes) << changes.error().render();
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ(changes->at(0).id, "new");
}

// Random writes on two branches; every two states differ exactly as a comparison of all rows says.
TEST(TableDiffTest, EqualsAComparisonOfAllRows) {
  const char* wanted = std::getenv("OMNIGRAPH_DIFF_SEED");
  const std::uint64_t seed = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("OMNIGRAPH_DIFF_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t count) { return random() % count; };
  for (int round = 0; round < 6; ++round) {
    BranchedGraph graph(kDiffSchema);
    std::vector<Row> people;
    for (std::uint64_t i = 0; i < 20; ++i) people.push_back(person(numbered("p", i), number(0)));
    ASSERT_TRUE(graph.put("main", "node:Person", people));
    ASSERT_TRUE(graph->create_branch("side", "main"));
    std::vector<SnapshotPtr> states = {graph.head("main")};
    for (int step = 0; step < 40; ++step) {
      const std::string branch = below(2) == 0 ? "main" : "side";
      BranchedGraph::Change change;
      std::map<std::string, Row> rows;
      const std::uint64_t count = below(8) == 0 ? 200 : 1 + below(4);
      switch (below(5)) {
        case 0:
        case 1:
          for (std::uint64_t i = 0; i < count; ++i) {
            const std::string id = numbered("n", below(60));
            rows[id] = note(id, numbered("t", below(3)), below(3) == 0 ? text(numbered("b:", below(2))) : Value{});
          }
          break;
        case 2:
          for (std::uint64_t i = 0; i < count; ++i) change.removed.emplace_back("node:Note", numbered("n", below(60)));
          for (std::uint64_t i = 0; i < 2; ++i) change.removed.emplace_back("edge:Knows", numbered("k", below(10)));
          break;
        case 3:
          for (std::uint64_t i = 0; i < count; ++i) {
            const std::string id = numbered("k", below(10));
            rows[id] = {text(id), text(numbered("p", below(20))), text(numbered("p", below(20))), {}};
          }
          break;
        default:
          for (std::uint64_t i = 0; i < count; ++i) {
            const std::string id = numbered("p", below(20));
            rows[id] = person(id, number(static_cast<std::int64_t>(below(3))));
          }
      }
      if (!rows.empty()) {
        const char first = rows.begin()->first[0];
        const std::string type = first == 'n' ? "node:Note" : first == 'k' ? "edge:Knows" : "node:Person";
        change.puts.push_back({type, {}});
        for (const auto& [id, row] : rows) change.puts[0].rows.push_back(row);
        change.replace = first == 'n' && below(10) == 0;
      }
      const auto written = graph.write(branch, change);
      ASSERT_TRUE(written) << written.error().render();
      states.push_back(graph.head(branch));
    }
    std::vector<GraphState> plain;
    for (const SnapshotPtr& state : states) plain.push_back(graph_state(*state));
    for (int comparison = 0; comparison < 60; ++comparison) {
      const std::size_t a = below(states.size()), b = below(states.size());
      ASSERT_EQ(diff(*states[a], *states[b]), naive_diff(plain[a], plain[b])) << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
