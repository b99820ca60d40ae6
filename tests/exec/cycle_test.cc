// Patterns with cycles: squares, diamonds, cliques of four and random ones, against the naive evaluator, and without
// listing the paths they are made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "exec/profile.h"
#include "query/compile.h"
#include "query/parameters.h"
#include "tests/exec/fake_graph.h"
#include "tests/exec/naive_evaluator.h"

namespace omnigraph::exec::testing {
namespace {

constexpr std::string_view kCycleSchema = R"(
node A { key: String @key  x: I32 }
edge Likes: A -> A
edge Meets: A -> A
)";

std::string cycle_node(int i) {
  const std::string number = std::to_string(i);
  return R"({"type":"A","data":{"key":"k)" + number + R"(","x":)" + number + "}}\n";
}

std::string cycle_edge(const char* type, int from, int to) {
  std::string line = R"({"edge":")";
  line.append(type).append(R"(","from":"k)").append(std::to_string(from)).append(R"(","to":"k)");
  return line.append(std::to_string(to)).append("\"}\n");
}

class CyclePatterns {
 public:
  explicit CyclePatterns(std::uint64_t seed) : random_(seed) {}

  std::string graph() {
    const int nodes = 4 + below(4);
    std::string rows;
    for (int i = 0; i < nodes; ++i) rows += cycle_node(i);
    for (const char* type : {"Likes", "Meets"}) {
      // Parallel edges and loops among them; one node that meets most others, so that lists differ in length.
      for (int i = below(4 * nodes); i > 0; --i) rows += cycle_edge(type, below(nodes), below(nodes));
      for (int i = below(2) * nodes; i > 0; --i) rows += cycle_edge(type, 0, below(nodes));
    }
    return rows;
  }

  // A named shape, or a random one over four variables.
  std::string query() {
    static const std::vector<std::vector<std::pair<int, int>>> kShapes{
        {{0, 1}, {1, 2}, {2, 3}, {3, 0}},                  // square
        {{0, 1}, {0, 2}, {1, 3}, {2, 3}},                  // diamond
        {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}},  // clique
    };
    std::vector<std::pair<int, int>> edges;
    if (below(4) > 0) {
      edges = kShapes[static_cast<std::size_t>(below(3))];
    } else {
      for (int i = 3 + below(4); i > 0; --i) edges.emplace_back(below(4), below(4));
    }
    std::shuffle(edges.begin(), edges.end(), random_);
    std::string match = "$v0: A $v1: A $v2: A $v3: A ";
    for (const auto& [from, to] : edges) {
      const std::string word = below(2) == 0 ? "likes" : "meets";
      match += variable(from) + (below(4) == 0 ? " <" + word + "> " : " " + word + " ") + variable(to) + " ";
    }
    if (below(3) == 0) match += "$v2.x > 1 ";
    if (below(4) == 0) match += "not { $v1 likes $v3 } ";
    const std::vector<std::string> results{"return { count($v0) as n, sum($v3.x) as s }",
                                           "return { $v0.key, count($v2) as n }",
                                           "return { $v0.key, $v1.key, $v2.key, $v3.key }"};
    return "query q() { match { " + match + "} " + results[static_cast<std::size_t>(below(3))] + " }";
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  static std::string variable(int i) { return "$v" + std::to_string(i); }
  std::mt19937_64 random_;
};

// Method: OMNIGRAPH_TEST_SEED repeats one run, OMNIGRAPH_TEST_ROUNDS makes it longer.
TEST(Cycles, AgreeWithTheNaiveEvaluator) {
  const char* given = std::getenv("OMNIGRAPH_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  CyclePatterns patterns(seed);
  const char* rounds_given = std::getenv("OMNIGRAPH_TEST_ROUNDS");
  const int rounds = rounds_given != nullptr ? std::atoi(rounds_given) : 6;
  for (int round = 0; round < rounds; ++round) {
    FakeGraph graph(kCycleSchema, 1 + static_cast<std::size_t>(round % 4));
    const std::string rows = patterns.graph();
    graph.add(rows);
    for (int i = 0; i < 8; ++i) {
      const std::string text = patterns.query();
      const auto bound = query::compile(text, "", graph.catalog());
      ASSERT_TRUE(bound) << text;
      std::vector<std::string> expected = naive_rows(**bound, {}, *graph.snapshot());
      std::vector<std::string> actual = read(*graph.snapshot(), text).rows;
      std::ranges::sort(expected);
      std::ranges::sort(actual);
      ASSERT_EQ(actual, expected) << "OMNIGRAPH_TEST_SEED=" << seed << "\n" << text << "\n" << rows;
    }
  }
}

std::uint64_t most_rows(const OperatorProfile& op) {
  std::uint64_t most = op.rows;
  for (const OperatorProfile& child : op.children) most = std::max(most, most_rows(child));
  return most;
}

// Goal: closing a cycle hands on what closes, not the paths to it.
// Method: two hubs, each liked by and liking 300 others, that share one neighbour: 300 x 300 paths of length two lead
// through each, and hardly a square, diamond or clique is among them.
TEST(Cycles, ListNoPaths) {
  constexpr int kLeaves = 300;
  FakeGraph graph(kCycleSchema, 5000);
  std::string rows;
  for (int i = 0; i < 2 * kLeaves + 2; ++i) rows += cycle_node(i);
  for (int i = 0; i < kLeaves; ++i) {
    rows += cycle_edge("Likes", 2 * kLeaves, i);
    rows += cycle_edge("Likes", kLeaves + i, 2 * kLeaves);
    rows += cycle_edge("Likes", 2 * kLeaves + 1, kLeaves - 1 + i);
  }
  graph.add(rows);
  const auto most_of = [&](const std::string& match) {
    ProfileScope scope(ProfileScope::Mode::kAnalyze);
    const ReadAnswer answer = read(*graph.snapshot(), "query q() { match { " + match + " } return { $a, $b, $c } }");
    EXPECT_TRUE(answer.rows.empty() || answer.rows[0].substr(0, 5) != "error") << answer.rows[0];
    return most_rows(scope.profile().operators.at(0));
  };
  EXPECT_LT(most_of("$a: A $a likes $b $b likes $c $c likes $a"), 2000u);
  EXPECT_LT(most_of("$a: A $a likes $b $b likes $c $a likes $c"), 2000u);
}

}  // namespace
}  // namespace omnigraph::exec::testing
