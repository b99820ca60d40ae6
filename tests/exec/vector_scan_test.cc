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
    const VectorScan search(column, query, parts, 0);
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

}  // namespace
}  // namespace omnigraph::exec
