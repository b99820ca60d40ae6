// A search through stored segments against the scan of all candidates.
#include "exec/vector_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace omnigraph::exec {
namespace {

// Few distinct values, so that distances tie.
columnar::ArrayPtr vectors_of(std::mt19937_64& random, std::int64_t rows, std::uint32_t dimension) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto cluster = static_cast<float>(random() % 9);
    for (std::uint32_t d = 0; d < dimension; ++d) values.push_back(cluster + static_cast<float>(random() % 3) / 4);
  }
  std::vector<std::byte> validity(static_cast<std::size_t>(rows + 7) / 8);
  for (std::byte& byte : validity) byte = random() % 3 == 0 ? std::byte{0xee} : std::byte{0xff};
  auto items = std::make_shared<const columnar::Array>(
      columnar::Array::Parts{.type = columnar::primitive(columnar::TypeId::kFloat32),
                             .length = rows * dimension,
                             .values = Buffer::from_values(std::move(values))});
  return std::make_shared<const columnar::Array>(
      columnar::Array::Parts{.type = columnar::vector_of(columnar::TypeId::kFloat32, dimension),
                             .length = rows,
                             .validity = Buffer::from(std::move(validity)),
                             .children = {std::move(items)}});
}

index::VectorSegmentPtr segment_of(const columnar::ArrayPtr& vectors) {
  const index::IndexSource source{.kind = index::IndexKind::kVector,
                                  .rows = static_cast<std::uint64_t>(vectors->length())};
  return index::VectorSegment::open(index::VectorSegment::build({vectors->type(), {vectors}}, source), source).value();
}

std::map<Ordinal, double> as_map(const std::vector<Scored>& scored) {
  std::map<Ordinal, double> rows;
  for (const Scored& s : scored) rows[s.row] = s.score;
  return rows;
}

// Goal: the same rows and distances, ties included, for any candidates and any part of the rows in segments.
TEST(VectorScan, SearchFindsWhatTheScanFinds) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 25; ++round) {
    const auto dimension = static_cast<std::uint32_t>(1 + random() % 20);
    std::vector<columnar::ArrayPtr> chunks;
    std::vector<VectorScan::Part> parts;
    Ordinal total = 0;
    for (std::uint64_t p = 1 + random() % 3; p > 0; --p) {
      chunks.push_back(vectors_of(random, static_cast<std::int64_t>(1 + random() % 900), dimension));
      if (random() % 4 != 0) parts.push_back({total, segment_of(chunks.back())});
      total += static_cast<Ordinal>(chunks.back()->length());
    }
    const columnar::DataType type = chunks.front()->type();
    const Column column(std::make_shared<const columnar::ChunkedArray>(type, chunks));
    columnar::FloatVector query(dimension);
    for (float& v : query) v = static_cast<float>(random() % 50) / 5;
    const VectorScan scan(column, query);
    const VectorScan search(column, query, parts, {.scanned_max = 0});
    for (const std::uint64_t share : {1u, 2u, 40u}) {
      std::vector<Ordinal> candidates;
      for (Ordinal o = 0; o < total; ++o) {
        if (random() % share == 0) candidates.push_back(o);
      }
      for (const std::size_t best : {1u, 7u, 5000u}) {
        ASSERT_EQ(as_map(search.collect(candidates, best)), as_map(scan.collect(candidates, best)));
      }
    }
  }
}

// Random vectors around `clusters` random centres; 1: one cloud.
columnar::ArrayPtr clustered_vectors(std::mt19937_64& random, std::int64_t rows, std::uint32_t dimension,
                                     std::size_t clusters) {
  std::normal_distribution<float> normal;
  std::vector<float> centers(clusters * dimension);
  for (float& v : centers) v = normal(random);
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::size_t cluster = random() % clusters;
    for (std::uint32_t d = 0; d < dimension; ++d) {
      values.push_back(centers[cluster * dimension + d] + (clusters > 1 ? 0.4f : 1.0f) * normal(random));
    }
  }
  auto items = std::make_shared<const columnar::Array>(
      columnar::Array::Parts{.type = columnar::primitive(columnar::TypeId::kFloat32),
                             .length = rows * dimension,
                             .values = Buffer::from_values(std::move(values))});
  return std::make_shared<const columnar::Array>(
      columnar::Array::Parts{.type = columnar::vector_of(columnar::TypeId::kFloat32, dimension),
                             .length = rows,
                             .children = {std::move(items)}});
}

// Goal: recall@10 of an approximate search is at least 0.98 in the mean and 0.9 at worst of 100 queries, its distances
// are exact, and it finds as many rows as an exact one (chapter 04 section 2.4).
// Method: clusters and one cloud, of few and many dimensions; all candidates, and one in three.
TEST(VectorScan, ApproximateSearchMissesLittle) {
  constexpr std::size_t kBest = 10;
  constexpr int kQueries = 100;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  for (const auto& [dimension, clusters] : {std::pair{4u, 40u}, std::pair{32u, 60u}, std::pair{64u, 1u}}) {
    const auto vectors = clustered_vectors(random, 6000, dimension, clusters);
    const Column column(
        std::make_shared<const columnar::ChunkedArray>(vectors->type(), std::vector<columnar::ArrayPtr>{vectors}));
    const std::vector<VectorScan::Part> parts{{0, segment_of(vectors)}};
    for (const std::uint64_t share : {1u, 3u}) {
      std::vector<Ordinal> candidates;
      for (Ordinal o = 0; o < 6000; ++o) {
        if (random() % share == 0) candidates.push_back(o);
      }
      double recall_sum = 0;
      for (int q = 0; q < kQueries; ++q) {
        const auto near = vectors->child(0)->values<float>().subspan(random() % 6000 * dimension, dimension);
        columnar::FloatVector query(near.begin(), near.end());
        for (float& v : query) v += 0.3f * normal(random);
        const auto exact = as_map(VectorScan(column, query).collect(candidates, kBest));
        const VectorScan search(column, query, parts, {.scanned_max = 0, .exact_max = 0});
        const auto found = as_map(search.collect(candidates, kBest));
        ASSERT_GE(found.size(), kBest);
        std::size_t hits = 0;
        for (const auto& [row, score] : found) {
          ASSERT_EQ(score, search.distance(row));
          hits += exact.count(row);
        }
        const double recall = static_cast<double>(hits) / static_cast<double>(exact.size());
        // One cloud of many dimensions has no lists to speak of: there the mean alone holds.
        if (clusters > 1) {
          EXPECT_GE(recall, 0.9) << dimension << " dimensions, " << clusters << " clusters";
        }
        recall_sum += recall;
      }
      EXPECT_GE(recall_sum / kQueries, 0.98) << dimension << " dimensions, " << clusters << " clusters";
    }
  }
}

// With fewer candidates than are asked for, or candidates in the farthest lists alone, none is missed.
TEST(VectorScan, ApproximateSearchNeverFindsFewerRows) {
  std::mt19937_64 random(7);
  const auto vectors = clustered_vectors(random, 4000, 16, 20);
  const Column column(
      std::make_shared<const columnar::ChunkedArray>(vectors->type(), std::vector<columnar::ArrayPtr>{vectors}));
  const std::vector<VectorScan::Part> parts{{0, segment_of(vectors)}};
  const columnar::FloatVector query(16, 100.0f);
  std::vector<Ordinal> rows(4000);
  for (Ordinal o = 0; o < 4000; ++o) rows[o] = o;
  std::vector<Scored> all = VectorScan(column, query).collect(rows, 0);
  std::ranges::sort(all, {}, &Scored::score);
  std::vector<Ordinal> farthest;
  for (std::size_t i = all.size() - 30; i < all.size(); ++i) farthest.push_back(all[i].row);
  std::ranges::sort(farthest);
  const VectorScan search(column, query, parts, {.scanned_max = 0, .exact_max = 0});
  EXPECT_EQ(search.collect(farthest, 30).size(), 30u);
  EXPECT_EQ(search.collect(farthest, 100).size(), 30u);
  EXPECT_EQ(search.collect(rows, 5000).size(), 4000u);
}

}  // namespace
}  // namespace omnigraph::exec
