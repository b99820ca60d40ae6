#include "index/vector_segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include "index/text_analysis.h"

namespace omnigraph::index {
namespace {

using VectorRows = std::vector<std::optional<std::vector<float>>>;

columnar::ChunkedArray vector_column(const VectorRows& rows, std::uint32_t dimension, std::size_t rows_per_chunk) {
  const columnar::DataType type = columnar::vector_of(columnar::TypeId::kFloat32, dimension);
  std::vector<columnar::ArrayPtr> chunks;
  for (std::size_t begin = 0; begin < rows.size(); begin += rows_per_chunk) {
    const std::size_t end = std::min(begin + rows_per_chunk, rows.size());
    std::vector<float> values;
    std::vector<std::byte> validity((end - begin + 7) / 8);
    for (std::size_t i = begin; i < end; ++i) {
      const std::vector<float> none(dimension);
      const std::vector<float>& row = rows[i] ? *rows[i] : none;
      values.insert(values.end(), row.begin(), row.end());
      if (rows[i]) validity[(i - begin) / 8] |= std::byte{1} << ((i - begin) % 8);
    }
    const auto length = static_cast<std::int64_t>(end - begin);
    auto items = std::make_shared<const columnar::Array>(
        columnar::Array::Parts{.type = columnar::primitive(columnar::TypeId::kFloat32),
                               .length = length * dimension,
                               .values = Buffer::from_values(std::move(values))});
    chunks.push_back(std::make_shared<const columnar::Array>(columnar::Array::Parts{
        .type = type, .length = length, .validity = Buffer::from(std::move(validity)), .children = {items}}));
  }
  return {type, std::move(chunks)};
}

// Clusters, some rows null or with an infinity, all around `offset` and times `scale`.
VectorRows random_vectors(std::mt19937_64& random, std::size_t count, std::uint32_t dimension, float offset,
                          float scale) {
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centers(7, std::vector<float>(dimension));
  for (auto& center : centers) {
    for (float& v : center) v = normal(random) * 3;
  }
  VectorRows rows(count);
  for (auto& row : rows) {
    if (random() % 11 == 0) continue;
    row.emplace(centers[random() % centers.size()]);
    for (float& v : *row) v = offset + scale * (v + normal(random) / 4);
    if (random() % 17 == 0) row->back() = std::numeric_limits<float>::infinity();
  }
  return rows;
}

IndexSource source_of(const VectorRows& rows) {
  return {.kind = IndexKind::kVector, .rows = rows.size(), .parameters = 2};
}

bool has_distance(const std::optional<std::vector<float>>& row) {
  return row && std::ranges::all_of(*row, [](float v) { return std::isfinite(v); });
}

// Goal: nothing that is skipped is nearer than it is taken to be, and every vector is in one list.
// Method: all bounds of random segments against the exact distances, of many dimensions, offsets and scales, for
// queries among the vectors, between them and far away.
TEST(VectorSegment, BoundsHold) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::uint32_t dimension : {1u, 3u, 16u, 50u}) {
    for (const auto& [offset, scale] : {std::pair{0.0f, 1.0f}, std::pair{1e6f, 1.0f}, std::pair{-5.0f, 1e-20f},
                                        std::pair{0.0f, 1e18f}, std::pair{3.0f, 0.0f}}) {
      const VectorRows rows = random_vectors(random, 600, dimension, offset, scale);
      const Buffer bytes = VectorSegment::build(vector_column(rows, dimension, 1000), source_of(rows));
      const auto opened = VectorSegment::open(bytes, source_of(rows));
      ASSERT_TRUE(opened) << opened.error().message;
      const VectorSegment& segment = **opened;
      ASSERT_TRUE(segment.is_complete());
      for (int q = 0; q < 12; ++q) {
        std::vector<float> query(dimension);
        const auto& near = rows[random() % rows.size()];
        for (std::uint32_t d = 0; d < dimension; ++d) {
          query[d] =
              q % 3 == 0 && has_distance(near) ? (*near)[d] : offset + scale * static_cast<float>(random() % 1000) / 50;
          if (q % 4 == 3) query[d] = query[d] * 1000 + 7;
        }
        const VectorSegment::Probe probe(segment, query);
        std::vector<int> seen(rows.size());
        for (std::size_t list = 0; list < segment.list_count(); ++list) {
          const double boundary = probe.boundary(list);
          for (std::size_t i = 0; i < segment.rows(list).size(); ++i) {
            const std::uint32_t row = segment.rows(list)[i];
            ++seen[row];
            const double distance = std::sqrt(squared_distance(*rows[row], query));
            ASSERT_LE(probe.list_bound(list), distance) << dimension << " " << offset << " " << scale;
            ASSERT_LE(boundary, distance) << dimension << " " << offset << " " << scale;
            ASSERT_LE(probe.vector_bound(list, i), distance) << dimension << " " << offset << " " << scale;
          }
        }
        for (std::size_t row = 0; row < rows.size(); ++row) ASSERT_EQ(seen[row], has_distance(rows[row]) ? 1 : 0);
      }
    }
  }
}

// The bounds are of use: near a vector, most others are told to be farther than its neighbours.
TEST(VectorSegment, BoundsAreTight) {
  std::mt19937_64 random(11);
  const VectorRows rows = random_vectors(random, 3000, 24, 0, 1);
  const auto segment =
      VectorSegment::open(VectorSegment::build(vector_column(rows, 24, 1000), source_of(rows)), source_of(rows))
          .value();
  const auto query = std::ranges::find_if(rows, has_distance);
  const VectorSegment::Probe probe(*segment, **query);
  std::vector<double> squares;
  for (const auto& row : rows) {
    if (has_distance(row)) squares.push_back(squared_distance(*row, **query));
  }
  std::ranges::sort(squares);
  std::size_t looked_at = 0;
  for (std::size_t list = 0; list < segment->list_count(); ++list) {
    if (probe.list_bound(list) > std::sqrt(squares[10])) continue;
    for (std::size_t i = 0; i < segment->rows(list).size(); ++i) {
      looked_at += probe.vector_bound(list, i) <= std::sqrt(squares[10]) ? 1 : 0;
    }
  }
  EXPECT_GE(looked_at, 11u);
  EXPECT_LT(looked_at, 300u);
}

TEST(VectorSegment, BytesDependOnTheRowsAlone) {
  std::mt19937_64 random(5);
  const VectorRows rows = random_vectors(random, 5000, 9, 0, 1);
  const Buffer bytes = VectorSegment::build(vector_column(rows, 9, 5000), source_of(rows));
  EXPECT_EQ(bytes.text(), VectorSegment::build(vector_column(rows, 9, 333), source_of(rows)).text());
}

TEST(VectorSegment, RangesBeyondAFloatAreNotKept) {
  const VectorRows rows{std::vector<float>{3e38f}, std::vector<float>{-3e38f}};
  const auto segment =
      VectorSegment::open(VectorSegment::build(vector_column(rows, 1, 10), source_of(rows)), source_of(rows));
  ASSERT_TRUE(segment) << segment.error().message;
  EXPECT_FALSE((*segment)->is_complete());
  EXPECT_EQ((*segment)->list_count(), 0u);
}

TEST(VectorSegment, NoVectors) {
  for (const VectorRows& rows : {VectorRows{}, VectorRows(5)}) {
    const auto segment =
        VectorSegment::open(VectorSegment::build(vector_column(rows, 4, 10), source_of(rows)), source_of(rows));
    ASSERT_TRUE(segment) << segment.error().message;
    EXPECT_EQ((*segment)->list_count(), 0u);
  }
}

TEST(VectorSegment, RefusesArraysThatContradictEachOther) {
  const IndexSource source{.kind = IndexKind::kVector, .rows = 1, .parameters = 2};
  IndexFileWriter writer(source);
  const std::vector<std::uint64_t> numbers{4, 1, 1};
  for (int i = 0; i < 8; ++i) writer.add(std::span<const std::uint64_t>(numbers));
  EXPECT_FALSE(VectorSegment::open(writer.finish(), source));
}

Buffer vector_object(const IndexSource& source, const std::vector<std::uint64_t>& facts, const std::vector<float>& lows,
                     const std::vector<float>& list, const std::vector<std::uint32_t>& starts,
                     const std::vector<std::uint32_t>& rows) {
  const std::vector<std::uint8_t> codes(rows.size() * 16);
  const std::vector<float> errors(rows.size());
  IndexFileWriter writer(source);
  writer.add(std::span(facts));
  writer.add(std::span(lows));
  writer.add(std::span(list));  // its centre, of one dimension
  writer.add(std::span(list));  // its radius
  writer.add(std::span(starts));
  writer.add(std::span(rows));
  writer.add(std::span(codes));
  writer.add(std::span(errors));
  return writer.finish();
}

// Objects that are whole, but hold a row that their data file has not, or a dimension that no array has.
TEST(VectorSegment, RefusesNumbersThatLeadAstray) {
  const IndexSource source{.kind = IndexKind::kVector, .rows = 2, .parameters = 2};
  EXPECT_TRUE(VectorSegment::open(vector_object(source, {1, 2, 1}, {0, 1}, {3}, {0, 2}, {0, 1}), source));
  EXPECT_FALSE(VectorSegment::open(vector_object(source, {1, 2, 1}, {0, 1}, {3}, {0, 2}, {0, 2}), source));
  EXPECT_FALSE(VectorSegment::open(vector_object(source, {~std::uint64_t{0}, 0, 0}, {}, {}, {0}, {}), source));
}

}  // namespace
}  // namespace omnigraph::index
