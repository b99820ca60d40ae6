#include "columnar/builder.h"

#include <gtest/gtest.h>

#include "columnar/bits.h"
#include "columnar/kernels.h"
#include "tests/columnar/random_arrays.h"

namespace omnigraph::columnar {
namespace {

using testing::all_types;
using testing::random_array;
using testing::slot_text;
using testing::slot_texts;

TEST(ArrayBuilder, KeepsNoBitmapWithoutNulls) {
  ArrayBuilder builder(primitive(TypeId::kInt32));
  for (std::int32_t i = 0; i < 100; ++i) builder.append_value(i);
  EXPECT_EQ(builder.byte_size(), 400u);
  const ArrayPtr array = builder.finish();
  EXPECT_FALSE(array->has_nulls());
  EXPECT_EQ(array->null_count(), 0);
  EXPECT_EQ(array->values<std::int32_t>()[99], 99);
  EXPECT_EQ(builder.length(), 0) << "empty after finish";
}

std::string name_of(std::int64_t i) {
  std::string name = "value ";
  name += std::to_string(i);
  return name;
}

TEST(ArrayBuilder, TheFirstNullMayComeAnywhere) {
  for (const std::int64_t at : {0, 1, 7, 8, 9, 63, 64, 65}) {
    ArrayBuilder builder(utf8());
    for (std::int64_t i = 0; i < 70; ++i) {
      if (i == at) {
        builder.append_null();
      } else {
        builder.append_string(name_of(i));
      }
    }
    const ArrayPtr array = builder.finish();
    ASSERT_EQ(array->null_count(), 1);
    for (std::int64_t i = 0; i < 70; ++i) {
      ASSERT_EQ(array->is_null(i), i == at) << at << " " << i;
      if (i == at) continue;
      ASSERT_EQ(array->string_value(i), name_of(i));
    }
  }
}

TEST(ArrayBuilder, NullVectorsStayAligned) {
  ArrayBuilder builder(vector_of(TypeId::kFloat32, 2));
  const std::vector<float> value = {1.5F, -2.0F};
  builder.append_vector(value);
  builder.append_null();
  builder.append_vector(value);
  const ArrayPtr array = builder.finish();
  EXPECT_EQ(slot_text(*array, 0), slot_text(*array, 2));
  EXPECT_TRUE(array->is_null(1));
  EXPECT_EQ(array->child(0)->length(), 6);
  EXPECT_FALSE(array->child(0)->has_nulls()) << "items of a vector are not nullable";
}

// Goal: copying slots and ranges keeps every value and null, at any alignment of bits.
// Method: random pieces of random arrays, also of slices, against the texts of the slots.
TEST(ArrayBuilder, AppendsPiecesOfOtherArrays) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type_name(type));
    for (const unsigned null_percent : {0u, 30u, 100u}) {
      ArrayBuilder builder(type);
      std::vector<std::string> expected;
      for (int piece = 0; piece < 12; ++piece) {
        ArrayPtr source = random_array(type, static_cast<std::int64_t>(random() % 40), null_percent, random);
        const auto cut = static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(source->length()) + 1));
        source = source->slice(cut, source->length() - cut);
        const auto begin = static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(source->length()) + 1));
        for (std::int64_t i = begin; i < source->length(); ++i) expected.push_back(slot_text(*source, i));
        if (piece % 2 == 0) {
          builder.append_range(*source, begin, source->length() - begin);
        } else {
          for (std::int64_t i = begin; i < source->length(); ++i) builder.append_from(*source, i);
        }
      }
      ASSERT_EQ(slot_texts(*builder.finish()), expected);
    }
  }
}

TEST(ArrayBuilder, AppendsScalars) {
  const auto build = [](DataType type, const std::vector<Scalar>& values) {
    ArrayBuilder builder(std::move(type));
    for (const Scalar& value : values) builder.append_scalar(value);
    std::string out;
    const ArrayPtr array = builder.finish();
    for (std::int64_t i = 0; i < array->length(); ++i) {
      append_json(out, *array, i);
      out += ' ';
    }
    return out;
  };
  EXPECT_EQ(build(primitive(TypeId::kInt32), {Scalar{std::int64_t{-5}}, Scalar{}, Scalar{DateValue{7}}}), "-5 null 7 ");
  EXPECT_EQ(build(primitive(TypeId::kUint64), {Scalar{std::uint64_t{1} << 63}, Scalar{std::int64_t{3}}}),
            "9223372036854775808 3 ");
  EXPECT_EQ(build(primitive(TypeId::kFloat64), {Scalar{std::int64_t{3}}, Scalar{0.5F}, Scalar{0.1}}), "3.0 0.5 0.1 ");
  EXPECT_EQ(build(primitive(TypeId::kDate64), {Scalar{DateTimeValue{-1}}}), "\"1969-12-31T23:59:59.999Z\" ");
  EXPECT_EQ(build(list_of(utf8()), {Scalar{ScalarList{Scalar{std::string("a")}, Scalar{}}}, Scalar{ScalarList{}}}),
            "[\"a\",null] [] ");
  EXPECT_EQ(build(vector_of(TypeId::kFloat32, 2), {Scalar{FloatVector{1, 2}}, Scalar{}}), "[1.0,2.0] null ");
}

TEST(ArrayBuilderDeath, TheWrongKindIsAProgrammersMistake) {
  ArrayBuilder builder(primitive(TypeId::kInt32));
  EXPECT_DEATH(builder.append_string("x"), "check failed");
  EXPECT_DEATH(builder.append_value(std::int64_t{1}), "check failed");
  ArrayBuilder vectors(vector_of(TypeId::kFloat32, 2));
  const std::vector<float> three(3);
  EXPECT_DEATH(vectors.append_vector(three), "check failed");
  EXPECT_DEATH(vectors.close_list(), "check failed");
}

TEST(Bits, RunsMatchSingleBits) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> source(40);
    for (std::byte& byte : source) byte = static_cast<std::byte>(random());
    std::vector<std::byte> target(40);
    for (std::byte& byte : target) byte = static_cast<std::byte>(random());
    const std::vector<std::byte> before = target;
    const auto from = static_cast<std::int64_t>(random() % 100);
    const auto to = static_cast<std::int64_t>(random() % 100);
    const auto count = static_cast<std::int64_t>(random() % 200);
    copy_bits(target.data(), to, source.data(), from, count);
    std::int64_t zeros = 0;
    for (std::int64_t i = 0; i < 320; ++i) {
      const bool inside = i >= to && i < to + count;
      const bool expected = inside ? Array::bit(source.data(), from + i - to) : Array::bit(before.data(), i);
      ASSERT_EQ(Array::bit(target.data(), i), expected) << from << " " << to << " " << count << " " << i;
      if (inside && !expected) ++zeros;
    }
    ASSERT_EQ(count_zero_bits(source.data(), from, count), zeros);
    fill_bits(target.data(), to, count, true);
    ASSERT_EQ(count_zero_bits(target.data(), to, count), 0);
  }
}

}  // namespace
}  // namespace omnigraph::columnar
