#include "columnar/kernels.h"

#include <gtest/gtest.h>

#include "tests/columnar/random_arrays.h"

namespace omnigraph::columnar {
namespace {

using testing::all_types;
using testing::random_array;
using testing::slot_text;
using testing::slot_texts;

struct Column {
  ChunkedArray chunks;
  std::vector<std::string> slots;
};

// Chunks are slices, so that offsets are met too; some are empty.
Column random_column(const DataType& type, std::size_t chunk_count, unsigned null_percent, std::mt19937_64& random) {
  Column column;
  std::vector<ArrayPtr> chunks;
  for (std::size_t i = 0; i < chunk_count; ++i) {
    const auto length = static_cast<std::int64_t>(random() % 30);
    const ArrayPtr whole = random_array(type, length + 9, null_percent, random);
    chunks.push_back(whole->slice(static_cast<std::int64_t>(random() % 10), length));
    for (const std::string& text : slot_texts(*chunks.back())) column.slots.push_back(text);
  }
  column.chunks = ChunkedArray(type, std::move(chunks));
  return column;
}

// Goal: take gives each position's value, nulls for kNoPosition, for every type, chunked or not.
// Method: against the texts of the slots.
TEST(Take, MatchesSlotBySlot) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type_name(type));
    for (const std::size_t chunk_count : {0u, 1u, 4u}) {
      for (const unsigned null_percent : {0u, 30u}) {
        for (const bool gaps : {false, true}) {
          const Column column = random_column(type, chunk_count, null_percent, random);
          std::vector<std::uint32_t> positions;
          std::vector<std::string> expected;
          for (int i = 0; i < 60; ++i) {
            if (column.slots.empty() || (gaps && random() % 5 == 0)) {
              if (!gaps) continue;
              positions.push_back(kNoPosition);
              expected.emplace_back("null");
            } else {
              positions.push_back(static_cast<std::uint32_t>(random() % column.slots.size()));
              expected.push_back(column.slots[positions.back()]);
            }
          }
          const ArrayPtr taken = take(column.chunks, positions);
          ASSERT_EQ(taken->type(), type);
          ASSERT_EQ(slot_texts(*taken), expected) << chunk_count << " chunks, " << null_percent << "% null";
        }
      }
    }
  }
}

TEST(Combine, KeepsEverySlot) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type_name(type));
    for (const std::size_t chunk_count : {0u, 1u, 5u}) {
      const Column column = random_column(type, chunk_count, 20, random);
      EXPECT_EQ(column.chunks.length(), static_cast<std::int64_t>(column.slots.size()));
      ASSERT_EQ(slot_texts(*combine(column.chunks)), column.slots);
      for (std::size_t i = 0; i < column.slots.size(); ++i) {
        const auto place = column.chunks.locate(static_cast<std::int64_t>(i));
        ASSERT_EQ(slot_text(*column.chunks.chunk(place.chunk), place.index), column.slots[i]);
      }
    }
  }
  const ArrayPtr only = random_array(utf8(), 5, 0, random);
  EXPECT_EQ(combine(ChunkedArray(utf8(), {only})), only) << "one chunk is not copied";
}

TEST(EqualAt, AgreesWithTheTexts) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type_name(type));
    const ArrayPtr a = random_array(type, 40, 30, random);
    const ArrayPtr b = a->slice(7, 30);
    for (std::int64_t i = 0; i < a->length(); ++i) {
      for (std::int64_t j = 0; j < b->length(); ++j) {
        ASSERT_EQ(equal_at(*a, i, *b, j), slot_text(*a, i) == slot_text(*b, j)) << i << " " << j;
      }
    }
  }
}

TEST(EqualAt, FloatsCompareByBits) {
  ArrayBuilder builder(primitive(TypeId::kFloat64));
  builder.append_value(0.0);
  builder.append_value(-0.0);
  builder.append_value(std::numeric_limits<double>::quiet_NaN());
  const ArrayPtr array = builder.finish();
  EXPECT_FALSE(equal_at(*array, 0, *array, 1));
  EXPECT_TRUE(equal_at(*array, 2, *array, 2));
}

TEST(AllNull, OfEveryType) {
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type_name(type));
    const ArrayPtr array = all_null(type, 13);
    EXPECT_EQ(array->length(), 13);
    EXPECT_EQ(array->null_count(), 13);
    const std::vector<std::uint32_t> positions = {12, 0};
    EXPECT_EQ(slot_texts(*take(*array, positions)), (std::vector<std::string>{"null", "null"}));
    EXPECT_EQ(all_null(type, 0)->length(), 0);
  }
}

TEST(Array, NullCountOfSlices) {
  std::mt19937_64 random(1);
  const ArrayPtr array = random_array(primitive(TypeId::kInt32), 500, 40, random);
  for (std::int64_t begin = 0; begin < 500; begin += 37) {
    const ArrayPtr part = array->slice(begin, 500 - begin);
    std::int64_t nulls = 0;
    for (std::int64_t i = 0; i < part->length(); ++i) nulls += part->is_null(i) ? 1 : 0;
    ASSERT_EQ(part->null_count(), nulls);
  }
}

TEST(FromValues, HoldsThem) {
  const ArrayPtr array = from_values_u64({3, 1, 2});
  EXPECT_EQ(slot_texts(*array), (std::vector<std::string>{"3", "1", "2"}));
}

}  // namespace
}  // namespace omnigraph::columnar
