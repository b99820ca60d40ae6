// Plans that are heavy enough to use all cores, against counts made directly from the edge list.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <tuple>
#include <vector>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

constexpr int kNodes = 1100;

std::string row_of(std::int64_t n, std::string_view suffix = "") {
  std::ostringstream row;
  row << "[" << n << suffix << "]";
  return row.str();
}

struct ParallelTest : ::testing::Test {
  ParallelTest() : graph("node P { key: I32 @key  x: I32 }\nedge Knows: P -> P", 512), to(kNodes) {
    std::mt19937_64 random(11);
    std::ostringstream rows;
    for (int i = 0; i < kNodes; ++i) rows << R"({"type":"P","data":{"key":)" << i << ",\"x\":" << i % 97 << "}}\n";
    for (int i = 0; i < kNodes; ++i) {
      for (int e = 0; e < 20; ++e) {
        const auto target = static_cast<int>(random() % kNodes);
        if (!to[static_cast<std::size_t>(i)].insert(target).second) continue;
        rows << R"({"edge":"Knows","from":")" << i << R"(","to":")" << target << "\"}\n";
      }
    }
    graph.add(rows.str());
  }
  const std::set<int>& targets(int v) const { return to[static_cast<std::size_t>(v)]; }
  std::string first_row(const std::string& text) {
    return read(*graph.snapshot(), "query q() { " + text + " }").rows.at(0);
  }
  FakeGraph graph;
  std::vector<std::set<int>> to;
};

TEST_F(ParallelTest, CountsPairsTrianglesAndWalks) {
  std::int64_t pairs = 0;
  std::int64_t triangles = 0;
  std::int64_t walks = 0;
  std::int64_t sum = 0;
  for (int a = 0; a < kNodes; ++a) {
    std::set<int> reached = targets(a);
    for (const int b : targets(a)) {
      for (const int c : targets(b)) {
        reached.insert(c);
        ++walks;
        if (targets(a).contains(c)) ++triangles;
        if (a % 97 < c % 97) sum += c % 97;
      }
    }
    reached.erase(a);
    pairs += static_cast<std::int64_t>(reached.size()) + (targets(a).contains(a) ? 1 : 0);  // A self-loop reaches a.
  }
  EXPECT_EQ(first_row("match { $a: P $a knows{1,2} $c } return { count($c) as n }"), row_of(pairs));
  EXPECT_EQ(first_row("match { $a: P $a knows $b $b knows $c $a knows $c } return { count($c) as n }"),
            row_of(triangles));
  EXPECT_EQ(first_row("match { $a: P $a knows $b $b knows $c } return { count($c) as n }"), row_of(walks));
  EXPECT_EQ(first_row("match { $a: P $a knows $b $b knows $c $a.x < $c.x } return { sum($c.x) as n }"),
            row_of(sum, ".0"));
}

TEST_F(ParallelTest, OrdersAndGroupsAcrossWorkers) {
  std::vector<std::pair<std::int64_t, int>> counts;  // minus walks ending there, node
  for (int c = 0; c < kNodes; ++c) counts.emplace_back(0, c);
  std::vector<std::tuple<int, std::string, std::string, std::string>> walks;  // by c.x descending, then ids
  for (int a = 0; a < kNodes; ++a) {
    for (const int b : targets(a)) {
      for (const int c : targets(b)) {
        counts[static_cast<std::size_t>(c)].first -= 1;
        walks.emplace_back(-(c % 97), std::to_string(a), std::to_string(b), std::to_string(c));
      }
    }
  }
  std::ranges::sort(counts);
  const auto answer = read(*graph.snapshot(),
                           "query q() { match { $a: P $a knows $b $b knows $c } "
                           "return { $c.key as c, count($a) as n } order { n desc } limit 5 }");
  ASSERT_EQ(answer.rows.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    std::ostringstream row;
    row << "[" << counts[i].second << "," << -counts[i].first << "]";
    EXPECT_EQ(answer.rows[i], row.str());
  }
  std::ranges::partial_sort(walks, walks.begin() + 7);
  const auto top = read(*graph.snapshot(),
                        "query q() { match { $a: P $a knows $b $b knows $c } "
                        "return { $a, $b, $c } order { $c.x desc } limit 7 }");
  ASSERT_EQ(top.rows.size(), 7u);
  for (std::size_t i = 0; i < 7; ++i) {
    const auto& [x, a, b, c] = walks[i];
    std::ostringstream row;
    row << "[\"" << a << "\",\"" << b << "\",\"" << c << "\"]";
    EXPECT_EQ(top.rows[i], row.str());
  }
}

}  // namespace
}  // namespace omnigraph::exec::testing
