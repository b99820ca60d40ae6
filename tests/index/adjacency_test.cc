#include "index/adjacency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace omnigraph::index {
namespace {

using Ordinals = std::vector<std::uint32_t>;

TEST(Adjacency, SmallGraph) {
  const Ordinals from{2, 0, 2, 0, Adjacency::kNone, 1};
  const Ordinals to{1, 3, 0, 3, 0, Adjacency::kNone};
  const Ordinals edge{5, 4, 3, 2, 1, 0};
  const Adjacency graph = Adjacency::build(from, to, edge, 3, 4);
  EXPECT_THAT(graph.neighbors(0), testing::ElementsAre(3, 3));
  EXPECT_THAT(graph.edges(0), testing::ElementsAre(2, 4));
  EXPECT_EQ(graph.degree(1), 0u);
  EXPECT_THAT(graph.neighbors(2), testing::ElementsAre(0, 1));
  EXPECT_THAT(graph.edges(2), testing::ElementsAre(3, 5));
  EXPECT_EQ(graph.edge_count(), 4u);
  EXPECT_TRUE(graph.has_parallel_edges());
  // Beyond the last row there is nothing, not even for kNone.
  EXPECT_TRUE(graph.neighbors(3).empty());
  EXPECT_TRUE(graph.edges(Adjacency::kNone).empty());
  EXPECT_EQ(graph.degree(Adjacency::kNone), 0u);
}

TEST(Adjacency, EmptyGraphs) {
  EXPECT_EQ(Adjacency::build({}, {}, {}, 0, 0).edge_count(), 0u);
  const Adjacency isolated = Adjacency::build({}, {}, {}, 5, 5);
  EXPECT_EQ(isolated.offsets().size(), 6u);
  EXPECT_FALSE(isolated.has_parallel_edges());
  EXPECT_TRUE(Adjacency().neighbors(0).empty());
}

void expect_model(const Ordinals& from, const Ordinals& to, const Ordinals& edge, std::uint32_t n, std::uint32_t m) {
  std::map<std::uint32_t, std::multiset<std::pair<std::uint32_t, std::uint32_t>>> model;
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  bool parallel = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == Adjacency::kNone || to[i] == Adjacency::kNone) continue;
    model[from[i]].emplace(to[i], edge[i]);
    parallel = !pairs.emplace(from[i], to[i]).second || parallel;
    ++kept;
  }
  const Adjacency graph = Adjacency::build(from, to, edge, n, m);
  EXPECT_EQ(graph.edge_count(), kept);
  EXPECT_EQ(graph.has_parallel_edges(), parallel);
  for (std::uint32_t v = 0; v < n; ++v) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> row;
    for (std::size_t k = 0; k < graph.degree(v); ++k) row.emplace_back(graph.neighbors(v)[k], graph.edges(v)[k]);
    ASSERT_TRUE(std::ranges::equal(row, model[v])) << "row " << v;
  }
}

// Goal: rows, order and the parallel flag for any input order, short and very long rows.
// Method: random graphs against a multimap, with a printed seed.
TEST(Adjacency, AgreesWithAMultimap) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    const auto n = static_cast<std::uint32_t>(1 + random() % (round % 4 == 0 ? 3 : 300));
    const auto m = static_cast<std::uint32_t>(1 + random() % (round % 3 == 0 ? 100'000 : 50));
    const std::size_t count = random() % 20'000;
    Ordinals from(count);
    Ordinals to(count);
    Ordinals edge(count);
    std::iota(edge.begin(), edge.end(), 0u);
    if (round % 2 == 0) std::ranges::shuffle(edge, random);
    for (std::size_t i = 0; i < count; ++i) {
      from[i] = random() % 50 == 0 ? Adjacency::kNone : static_cast<std::uint32_t>(random() % n);
      to[i] = random() % 50 == 0 ? Adjacency::kNone : static_cast<std::uint32_t>(random() % m);
    }
    if (round % 5 == 0) std::ranges::sort(from);
    expect_model(from, to, edge, n, m);
  }
}

}  // namespace
}  // namespace omnigraph::index
