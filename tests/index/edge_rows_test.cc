#include "index/edge_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include "columnar/builder.h"
#include "index/adjacency.h"

namespace omnigraph::index {
namespace {

using Edge = Adjacency::Edge;

columnar::ChunkedArray column_of(const std::vector<std::optional<std::uint64_t>>& ids) {
  columnar::ArrayBuilder builder(columnar::primitive(columnar::TypeId::kUint64));
  for (const auto& id : ids) {
    if (id) {
      builder.append_value(*id);
    } else {
      builder.append_null();
    }
  }
  return {columnar::primitive(columnar::TypeId::kUint64), {builder.finish()}};
}

EdgeRowsPtr rows_of(const std::vector<std::optional<std::uint64_t>>& from,
                    const std::vector<std::optional<std::uint64_t>>& to) {
  const IndexSource source{.kind = IndexKind::kOut, .rows = from.size(), .parameters = 1};
  const Buffer bytes = EdgeRows::build(column_of(from), column_of(to), source);
  EXPECT_EQ(bytes.text(), EdgeRows::build(column_of(from), column_of(to), source).text());
  auto rows = EdgeRows::open(bytes, source);
  EXPECT_TRUE(rows) << rows.error().message;
  return *rows;
}

TEST(EdgeRows, AreOrderedByRowId) {
  const EdgeRowsPtr rows = rows_of({2, 0, 2, 0, 2}, {9, 4, 1, 4, 1});
  ASSERT_TRUE(rows->is_complete());
  EXPECT_TRUE(rows->has_parallel_edges());
  EXPECT_EQ(rows->from_end(), 3u);
  EXPECT_EQ(rows->to_end(), 10u);
  EXPECT_TRUE(std::ranges::equal(rows->offsets(), std::vector<std::uint32_t>{0, 2, 2, 5}));
  EXPECT_TRUE(std::ranges::equal(rows->neighbors(), std::vector<std::uint32_t>{4, 4, 1, 1, 9}));
  EXPECT_TRUE(std::ranges::equal(rows->positions(), std::vector<std::uint32_t>{1, 3, 2, 4, 0}));
}

TEST(EdgeRows, SayWhenTheyCannotBeKept) {
  EXPECT_FALSE(rows_of({1, std::nullopt}, {1, 2})->is_complete());
  EXPECT_FALSE(rows_of({1, 1}, {std::nullopt, 2})->is_complete());
  EXPECT_FALSE(rows_of({1, 100'000'000}, {1, 2})->is_complete()) << "rows without edges would fill the memory";
  EXPECT_FALSE(rows_of({1, 1}, {1, std::uint64_t{1} << 40})->is_complete());
}

// Objects that are whole but whose numbers lead astray are refused: none of them is compared again where it is used.
TEST(EdgeRows, RefuseArraysThatContradictEachOther) {
  const IndexSource source{.kind = IndexKind::kOut, .rows = 2, .parameters = 1};
  using Numbers = std::vector<std::uint32_t>;
  const auto opens = [&](std::uint64_t to_end, const Numbers& offsets, const Numbers& neighbors,
                         const Numbers& positions) {
    const std::vector<std::uint64_t> facts{1, 0, to_end};
    IndexFileWriter writer(source);
    writer.add(std::span<const std::uint64_t>(facts));
    for (const Numbers* numbers : {&offsets, &neighbors, &positions}) writer.add(std::span(*numbers));
    return EdgeRows::open(writer.finish(), source).has_value();
  };
  EXPECT_TRUE(opens(5, {0, 2}, {1, 4}, {0, 1}));
  EXPECT_FALSE(opens(5, {0, 3}, {1, 4}, {0, 1})) << "more edges than there are";
  EXPECT_FALSE(opens(5, {0, 2}, {1, 5}, {0, 1})) << "a neighbour that is not below the end";
  EXPECT_FALSE(opens(std::uint64_t{1} << 32, {0, 2}, {1, 4}, {0, 1})) << "an end that does not fit its type";
  EXPECT_FALSE(opens(5, {0, 2}, {1, 4}, {0, 2})) << "a position beyond the data file";
}

void expect_same(const Adjacency& a, const Adjacency& b, std::uint32_t count) {
  ASSERT_EQ(a.edge_count(), b.edge_count());
  EXPECT_EQ(a.has_parallel_edges(), b.has_parallel_edges());
  EXPECT_TRUE(std::ranges::equal(a.offsets(), b.offsets()));
  for (std::uint32_t v = 0; v < count; ++v) {
    ASSERT_TRUE(std::ranges::equal(a.neighbors(v), b.neighbors(v))) << v;
    ASSERT_TRUE(std::ranges::equal(a.edges(v), b.edges(v))) << v;
  }
}

std::vector<std::uint64_t> random_bitmap(std::mt19937_64& random, std::uint32_t bits) {
  std::vector<std::uint64_t> words;
  if (random() % 2 == 0) return words;
  words.resize((bits + 63) / 64);
  for (std::uint64_t& word : words) word = random() & random() & random();
  return words;
}

bool is_set(const std::vector<std::uint64_t>& words, std::uint32_t o) {
  return !words.empty() && (words[o >> 6] >> (o & 63) & 1u) != 0;
}

// Goal: an adjacency put together from files and loose edges is the one built from all edges.
// Method: random pieces, deletions and parallel edges against Adjacency::build, with a printed seed.
TEST(EdgeRows, AssembledAdjacencyEqualsTheBuiltOne) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto from_count = static_cast<std::uint32_t>(1 + random() % 60);
    const auto to_count = static_cast<std::uint32_t>(1 + random() % 60);
    Adjacency::Pieces pieces;
    pieces.from_count = from_count;
    std::vector<Edge> all;
    const std::size_t parts = 1 + random() % 3;
    for (std::size_t part = 0; part < parts; ++part) {
      const bool loose = random() % 3 == 0;
      const auto first = static_cast<std::uint32_t>(all.size());
      std::vector<std::optional<std::uint64_t>> from, to;
      for (std::uint64_t e = random() % 200; e > 0; --e) {
        from.push_back(random() % from_count);
        to.push_back(random() % to_count);
        all.push_back({static_cast<std::uint32_t>(*from.back()), static_cast<std::uint32_t>(*to.back()),
                       static_cast<std::uint32_t>(all.size())});
        if (loose) pieces.loose.push_back(all.back());
      }
      if (loose) continue;
      pieces.files.push_back(rows_of(from, to));
      pieces.first.push_back(first);
    }
    std::ranges::sort(pieces.loose);
    const auto edges = random_bitmap(random, static_cast<std::uint32_t>(all.size()) + 1);
    const auto sources = random_bitmap(random, from_count), targets = random_bitmap(random, to_count);
    pieces.deleted_edges = edges;
    pieces.deleted_from = sources;
    pieces.deleted_to = targets;
    std::vector<std::uint32_t> from, to, ordinals;
    for (const Edge& edge : all) {
      if (is_set(edges, edge.edge) || is_set(sources, edge.from) || is_set(targets, edge.to)) continue;
      from.push_back(edge.from);
      to.push_back(edge.to);
      ordinals.push_back(edge.edge);
    }
    expect_same(Adjacency::assemble(pieces), Adjacency::build(from, to, ordinals, from_count, to_count), from_count);
  }
}

// One file of which nothing is left out is not copied.
TEST(EdgeRows, OneWholeFileIsUsedWhereItLies) {
  const EdgeRowsPtr rows = rows_of({2, 0, 2, 0}, {3, 4, 1, 4});
  Adjacency::Pieces pieces;
  pieces.files = {rows};
  pieces.first = {0};
  pieces.from_count = 5;
  const Adjacency adjacency = Adjacency::assemble(pieces);
  EXPECT_EQ(adjacency.all_neighbors().data(), rows->neighbors().data());
  EXPECT_EQ(adjacency.offsets().size(), 6u) << "nodes that came later have no edges";
  EXPECT_EQ(adjacency.degree(4), 0u);
}

}  // namespace
}  // namespace omnigraph::index
