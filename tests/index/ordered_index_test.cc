// The order of a column's rows against a stable sort of its values.
#include "index/ordered_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "columnar/builder.h"

namespace omnigraph::index {
namespace {

IndexSource ordered_source(std::size_t rows) { return {.kind = IndexKind::kOrdered, .rows = rows, .parameters = 3}; }

// In chunks, as fragments and pages give them.
columnar::ChunkedArray string_column(const std::vector<std::optional<std::string>>& rows, std::size_t chunk_rows) {
  std::vector<columnar::ArrayPtr> chunks;
  for (std::size_t begin = 0; begin < rows.size(); begin += chunk_rows) {
    columnar::ArrayBuilder builder(columnar::utf8());
    for (std::size_t i = begin; i < std::min(begin + chunk_rows, rows.size()); ++i) {
      if (rows[i]) {
        builder.append_string(*rows[i]);
      } else {
        builder.append_null();
      }
    }
    chunks.push_back(builder.finish());
  }
  return {columnar::utf8(), std::move(chunks)};
}

template <class T>
columnar::ChunkedArray number_column(columnar::TypeId type, const std::vector<T>& values,
                                     const std::vector<bool>& valid) {
  std::vector<std::byte> bits((values.size() + 7) / 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (valid[i]) bits[i / 8] |= std::byte{1} << (i % 8);
  }
  auto array = std::make_shared<const columnar::Array>(
      columnar::Array::Parts{.type = columnar::primitive(type),
                             .length = static_cast<std::int64_t>(values.size()),
                             .validity = Buffer::from(std::move(bits)),
                             .values = Buffer::from_values(std::vector<T>(values))});
  return {array->type(), {array}};
}

template <class T>
void expect_number_order(columnar::TypeId type, std::vector<T> values, std::mt19937_64& random) {
  std::vector<bool> valid;
  for (std::size_t i = 0; i < values.size(); ++i) valid.push_back(random() % 5 != 0);
  const auto column = number_column(type, values, valid);
  const auto index =
      OrderedIndex::open(OrderedIndex::build(column, ordered_source(values.size())), ordered_source(values.size()))
          .value();
  std::vector<std::uint32_t> expected;
  std::set<T> distinct;
  std::uint64_t nans = 0;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    if (!valid[i]) continue;
    if (values[i] != values[i]) {
      ++nans;
      continue;
    }
    expected.push_back(i);
    distinct.insert(values[i]);
  }
  std::ranges::stable_sort(expected, [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  ASSERT_EQ(std::vector<std::uint32_t>(index->rows().begin(), index->rows().end()), expected);
  EXPECT_EQ(index->distinct_count(), distinct.size());
  EXPECT_EQ(index->nan_count(), nans);
  EXPECT_EQ(index->null_count(), static_cast<std::uint64_t>(std::ranges::count(valid, false)));
}

TEST(OrderedIndex, NumbersByValue) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<std::int32_t> ints{std::numeric_limits<std::int32_t>::min(), -1, 0, 1,
                                 std::numeric_limits<std::int32_t>::max()};
  std::vector<std::uint64_t> naturals{0, 1, std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63};
  std::vector<double> doubles{0.0,
                              -0.0,
                              std::numeric_limits<double>::quiet_NaN(),
                              -std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::denorm_min()};
  std::vector<float> floats{0.0f, -0.0f, std::numeric_limits<float>::quiet_NaN(), -1.5f};
  for (int i = 0; i < 2000; ++i) {
    ints.push_back(static_cast<std::int32_t>(random() % 50) - 25);
    naturals.push_back(random() % 3 == 0 ? random() : random() % 20);
    doubles.push_back(static_cast<double>(random() % 100) / 7 - 5);
    floats.push_back(random() % 4 == 0 ? -0.0f : static_cast<float>(random() % 30) - 10.0f);
  }
  expect_number_order(columnar::TypeId::kInt32, ints, random);
  expect_number_order(columnar::TypeId::kDate32, ints, random);
  expect_number_order(columnar::TypeId::kInt64, std::vector<std::int64_t>(ints.begin(), ints.end()), random);
  expect_number_order(columnar::TypeId::kDate64, std::vector<std::int64_t>(ints.begin(), ints.end()), random);
  expect_number_order(columnar::TypeId::kUint64, naturals, random);
  expect_number_order(columnar::TypeId::kFloat64, doubles, random);
  expect_number_order(columnar::TypeId::kFloat32, floats, random);
  std::ranges::sort(ints);
  expect_number_order(columnar::TypeId::kInt32, ints, random);
}

// Long common beginnings, zeros inside and at the end, bytes above 127, one text the beginning of another.
TEST(OrderedIndex, StringsByBytes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts{
      "", "person-", "a", std::string(1, '\0'), std::string(9, '\0'), "\xc3\xa9", "abcdefgh", "12345678abcdefgh"};
  std::vector<std::optional<std::string>> rows;
  for (int i = 0; i < 3000; ++i) {
    if (random() % 9 == 0) {
      rows.emplace_back();
      continue;
    }
    std::string text;
    for (std::uint64_t more = random() % 4; more > 0; --more) text += parts[random() % parts.size()];
    if (random() % 3 == 0) text += std::to_string(random() % 100);
    rows.emplace_back(text);
  }
  for (const std::size_t chunk_rows : {3000u, 700u}) {
    const Buffer bytes = OrderedIndex::build(string_column(rows, chunk_rows), ordered_source(rows.size()));
    const auto index = OrderedIndex::open(bytes, ordered_source(rows.size())).value();
    std::vector<std::uint32_t> expected;
    std::set<std::string> distinct;
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      if (!rows[i]) continue;
      expected.push_back(i);
      distinct.insert(*rows[i]);
    }
    std::ranges::stable_sort(expected, [&](std::uint32_t a, std::uint32_t b) { return *rows[a] < *rows[b]; });
    ASSERT_EQ(std::vector<std::uint32_t>(index->rows().begin(), index->rows().end()), expected);
    EXPECT_EQ(index->distinct_count(), distinct.size());
    EXPECT_EQ(index->first_not([&](std::uint32_t row) { return *rows[row] < "a"; }),
              static_cast<std::size_t>(std::ranges::count_if(expected, [&](auto row) { return *rows[row] < "a"; })));
  }
}

TEST(OrderedIndex, RefusesRowsThatAreNotThere) {
  const IndexSource source = ordered_source(2);
  const std::vector<std::uint64_t> facts{0, 0, 2};
  const std::vector<std::uint32_t> rows{0, 2};
  IndexFileWriter writer(source);
  writer.add(std::span<const std::uint64_t>(facts));
  writer.add(std::span<const std::uint32_t>(rows));
  EXPECT_FALSE(OrderedIndex::open(writer.finish(), source));
  const std::vector<std::uint32_t> few{0};
  IndexFileWriter shorter(source);
  shorter.add(std::span<const std::uint64_t>(facts));
  shorter.add(std::span<const std::uint32_t>(few));
  EXPECT_FALSE(OrderedIndex::open(shorter.finish(), source));
}

}  // namespace
}  // namespace omnigraph::index
