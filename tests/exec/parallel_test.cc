// Plans that are heavy enough to use all cores, against counts made directly from the edge list.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
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
        const auto target = e == 0 && i % 4 == 0 ? i : static_cast<int>(random() % kNodes);
        if (!to[static_cast<std::size_t>(i)].insert(target).second) continue;
        rows << R"({"edge":"Knows","from":")" << i << R"(","to":")" << target << "\"}\n";
      }
    }
    graph.add(rows.str());
  }
  const std::set<int>& targets(int v) const { return to[static_cast<std::size_t>(v)]; }
  // Hops from `start` by breadth-first search; -1: not reached.
  std::vector<int> distances_from(int start) const {
    std::vector<int> distance(kNodes, -1);
    std::vector<int> queue{start};
    distance[static_cast<std::size_t>(start)] = 0;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      for (const int next : targets(queue[at])) {
        if (distance[static_cast<std::size_t>(next)] >= 0) continue;
        distance[static_cast<std::size_t>(next)] = distance[static_cast<std::size_t>(queue[at])] + 1;
        queue.push_back(next);
      }
    }
    return distance;
  }
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

// Goal: what workers found apart is joined once: distinct values by group, distinct rows, rows of optional blocks.
TEST_F(ParallelTest, DistinctAndOptionalAcrossWorkers) {
  std::set<std::pair<int, int>> pairs;        // a.x, c.x
  std::vector<std::set<int>> ends(97);        // a.x -> c
  std::vector<std::set<int>> end_values(97);  // a.x -> c.x
  std::int64_t rows = 0;
  std::int64_t found = 0;
  for (int a = 0; a < kNodes; ++a) {
    for (const int b : targets(a)) {
      std::int64_t extensions = 0;
      for (const int c : targets(b)) {
        pairs.emplace(a % 97, c % 97);
        ends[static_cast<std::size_t>(a % 97)].insert(c);
        end_values[static_cast<std::size_t>(a % 97)].insert(c % 97);
        extensions += c % 97 > 90 ? 1 : 0;
      }
      rows += std::max<std::int64_t>(extensions, 1);
      found += extensions;
    }
  }
  const std::string walk = "match { $a: P $a knows $b $b knows $c } ";
  const auto distinct =
      read(*graph.snapshot(), "query q() { " + walk + "return distinct { $a.x, $c.x } order { $a.x } }");
  ASSERT_EQ(distinct.rows.size(), pairs.size());
  std::size_t i = 0;
  for (const auto& [a, c] : pairs) {
    std::ostringstream row;
    row << "[" << a << "," << c << "]";
    EXPECT_EQ(distinct.rows[i++], row.str());
  }
  const auto grouped =
      read(*graph.snapshot(), "query q() { " + walk +
                                  "return { $a.x, count(distinct $c) as n, count(distinct $c.x) as m } "
                                  "order { $a.x } }");
  ASSERT_EQ(grouped.rows.size(), 97u);
  for (std::size_t x = 0; x < 97; ++x) {
    std::ostringstream row;
    row << "[" << x << "," << ends[x].size() << "," << end_values[x].size() << "]";
    EXPECT_EQ(grouped.rows[x], row.str());
  }
  EXPECT_EQ(first_row(walk + "return { count(distinct $c) as n }"), row_of(kNodes));
  std::ostringstream counts;
  counts << "," << found << "]";
  EXPECT_EQ(first_row("match { $a: P $a knows $b optional { $b knows $c $c.x > 90 } } "
                      "return { count($a) as n, count($c) as m }"),
            "[" + std::to_string(rows) + counts.str());
}

// Goal: enough distinct rows end the work, and what was in flight then is not taken for an answer.
TEST_F(ParallelTest, StoppingEarlyInventsNoRows) {
  const auto answer = read(*graph.snapshot(),
                           "query q() { match { $a: P $a knows $b not { $b knows $c $c.x < 5 } optional { $a knows $d "
                           "$d.x > 90 } } return distinct { $a.key, $b.key, $d.key } limit 20 }");
  const auto qualifies = [&](int b) { return std::ranges::none_of(targets(b), [](int c) { return c % 97 < 5; }); };
  std::size_t all = 0;
  for (int a = 0; a < kNodes && all < 20; ++a) {
    const auto others = std::ranges::count_if(targets(a), [](int d) { return d % 97 > 90; });
    all += static_cast<std::size_t>(std::ranges::count_if(targets(a), qualifies) * std::max<std::ptrdiff_t>(1, others));
  }
  ASSERT_GE(all, 20u) << "the work has to end early";
  ASSERT_EQ(answer.rows.size(), 20u);
  EXPECT_EQ(std::set<std::string>(answer.rows.begin(), answer.rows.end()).size(), 20u);
  for (const std::string& row : answer.rows) {
    int a = 0;
    int b = 0;
    int d = -1;
    ASSERT_GE(std::sscanf(row.c_str(), "[%d,%d,%d]", &a, &b, &d), 2) << row;
    EXPECT_TRUE(targets(a).contains(b)) << row;
    EXPECT_TRUE(qualifies(b)) << row;
    const bool any = std::ranges::any_of(targets(a), [](int c) { return c % 97 > 90; });
    EXPECT_EQ(d >= 0, any) << row;
    if (d >= 0) {
      EXPECT_TRUE(targets(a).contains(d) && d % 97 > 90) << row;
    }
  }
}

// Goal: between two given nodes a search from both ends tells what the definition says: v is reached iff 1 <= d(v) and
// m <= d(v) <= n, or a self-loop adds one step.
TEST_F(ParallelTest, TwoGivenNodesAreConnectedWithinTheBounds) {
  for (const int start : {0, 7, 8}) {
    const std::vector<int> distance = distances_from(start);
    for (const auto& [least, most] : {std::pair{1, 3}, {1, 5}, {3, 3}, {4, 9}}) {
      const std::string hops = "{" + std::to_string(least) + "," + std::to_string(most) + "}";
      const std::string text = "query q($s: I32, $e: I32) { match { $a: P { key: $s } $b: P { key: $e } $a knows" +
                               hops + " $b } return { $b.key } }";
      for (int end = 0; end < kNodes; end += end < 20 ? 1 : 61) {
        const int d = distance[static_cast<std::size_t>(end)];
        const bool looped = targets(end).contains(end) && d >= 0 && d + 1 >= least && d + 1 <= most;
        const bool reached = (d >= 1 && d >= least && d <= most) || looped;
        const auto answer =
            read(*graph.snapshot(), text, R"({"s":)" + std::to_string(start) + ",\"e\":" + std::to_string(end) + "}");
        EXPECT_EQ(answer.rows.size(), reached ? 1u : 0u) << start << " to " << end << " " << hops << ", distance " << d;
      }
    }
  }
}

// Goal: paths over a graph that needs several levels from both sides. Each is a walk of the breadth-first length.
TEST_F(ParallelTest, ShortestPathsHaveTheirLength) {
  for (const int start : {0, 7}) {
    const std::vector<int> distance = distances_from(start);
    const auto answer = read(*graph.snapshot(),
                             "query q($s: I32) { match { $a: P { key: $s } $w = shortest $a knows{1,9} $b $b.x < 20 } "
                             "return { $b.key, length($w), nodes($w) } order { $b.key } }",
                             R"({"s":)" + std::to_string(start) + "}");
    std::size_t expected = 0;
    for (int b = 0; b < kNodes; ++b)
      expected += b % 97 < 20 && b != start && distance[static_cast<std::size_t>(b)] > 0 ? 1 : 0;
    if (start % 97 < 20 && targets(start).contains(start)) ++expected;
    EXPECT_EQ(answer.rows.size(), expected);
    for (const std::string& row : answer.rows) {
      std::string plain = row;
      std::erase_if(plain, [](char c) { return c == '"' || c == '[' || c == ']'; });
      std::ranges::replace(plain, ',', ' ');
      std::istringstream words(plain);
      int b = 0;
      int length = 0;
      words >> b >> length;
      if (b != start) {
        EXPECT_EQ(length, distance[static_cast<std::size_t>(b)]) << row;
      }
      std::vector<int> nodes;
      for (int node = 0; words >> node;) nodes.push_back(node);
      ASSERT_EQ(nodes.size(), static_cast<std::size_t>(length) + 1) << row;
      EXPECT_EQ(nodes.front(), start) << row;
      EXPECT_EQ(nodes.back(), b) << row;
      for (std::size_t i = 0; i + 1 < nodes.size(); ++i) EXPECT_TRUE(targets(nodes[i]).contains(nodes[i + 1])) << row;
    }
  }
}

}  // namespace
}  // namespace omnigraph::exec::testing
