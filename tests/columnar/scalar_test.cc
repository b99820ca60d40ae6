#include "columnar/scalar.h"

#include <gtest/gtest.h>

#include <limits>

#include "columnar/builder.h"
#include "columnar/image_json.h"

namespace omnigraph::columnar {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
ArrayPtr one(const DataType& type, T value) {
  ArrayBuilder builder(type);
  builder.append_value(value);
  return builder.finish();
}

std::string json(const ArrayPtr& array) {
  std::string out;
  append_json(out, *array, 0);
  return out;
}
std::string json(const Scalar& scalar) {
  std::string out;
  append_json(out, scalar);
  return out;
}

TEST(ResultJson, TypesOfTheTable) {
  EXPECT_EQ(json(one(primitive(TypeId::kUint64), std::numeric_limits<std::uint64_t>::max())), "18446744073709551615");
  EXPECT_EQ(json(one(primitive(TypeId::kInt8), std::int8_t{-128})), "-128");
  EXPECT_EQ(json(one(primitive(TypeId::kFloat32), 0.1F)), "0.10000000149011612");
  EXPECT_EQ(json(one(primitive(TypeId::kFloat64), 30.0)), "30.0");
  EXPECT_EQ(json(one(primitive(TypeId::kFloat64), -kInfinity)), "\"-Infinity\"");
  EXPECT_EQ(json(one(primitive(TypeId::kFloat32), kNan)), "\"NaN\"");
  EXPECT_EQ(json(one(primitive(TypeId::kDate32), std::int32_t{19782})), "\"2024-02-29\"");
  EXPECT_EQ(json(one(primitive(TypeId::kDate64), std::int64_t{1})), "\"1970-01-01T00:00:00.001Z\"");
  EXPECT_EQ(json(one(DataType{.id = TypeId::kTimestamp, .unit = "us"}, std::int64_t{-1})),
            "\"1969-12-31T23:59:59.999Z\"");
}

TEST(ResultJson, HalvesOfOtherWriters) {
  const DataType half = primitive(TypeId::kFloat16);
  EXPECT_EQ(json(one(half, std::uint16_t{0x3c00})), "1.0");
  EXPECT_EQ(json(one(half, std::uint16_t{0xc500})), "-5.0");
  EXPECT_EQ(json(one(half, std::uint16_t{0x7bff})), "65504.0");
  EXPECT_EQ(json(one(half, std::uint16_t{0x0001})), "5.960464477539063e-8");
  EXPECT_EQ(json(one(half, std::uint16_t{0x7c00})), "\"Infinity\"");
  EXPECT_EQ(json(one(half, std::uint16_t{0x7e00})), "\"NaN\"");
}

TEST(ResultJson, NonFiniteInVectorsAndLists) {
  ArrayBuilder vectors(vector_of(TypeId::kFloat32, 3));
  vectors.append_scalar(Scalar{FloatVector{1, kNan, 0.5F}});
  EXPECT_EQ(json(vectors.finish()), "[1.0,null,0.5]");
  ArrayBuilder lists(list_of(primitive(TypeId::kFloat32)));
  lists.append_scalar(Scalar{ScalarList{Scalar{kNan}, Scalar{}, Scalar{2.0F}}});
  EXPECT_EQ(json(lists.finish()), "[\"NaN\",null,2.0]");
}

TEST(ResultJson, Scalars) {
  EXPECT_EQ(json(Scalar{}), "null");
  EXPECT_EQ(json(Scalar{true}), "true");
  EXPECT_EQ(json(Scalar{std::string("a\n\u00e9")}), "\"a\\n\u00e9\"");
  EXPECT_EQ(json(Scalar{0.1F}), "0.10000000149011612");
  EXPECT_EQ(json(Scalar{DateValue{0}}), "\"1970-01-01\"");
  EXPECT_EQ(json(Scalar{ScalarList{Scalar{std::int64_t{1}}, Scalar{ScalarList{}}, Scalar{}}}), "[1,[],null]");
  EXPECT_EQ(json(Scalar{FloatVector{kNan, 1}}), "[null,1.0]");
}

TEST(ExportJson, DatesAreNumbersAndNonFiniteFails) {
  std::string out;
  EXPECT_TRUE(append_export_json(out, *one(primitive(TypeId::kDate32), std::int32_t{-3}), 0));
  out += ' ';
  EXPECT_TRUE(append_export_json(out, *one(primitive(TypeId::kDate64), std::int64_t{1'700'000'000'123}), 0));
  EXPECT_EQ(out, "-3 1700000000123");
  EXPECT_FALSE(append_export_json(out, *one(primitive(TypeId::kFloat64), kInfinity), 0));
  ArrayBuilder lists(list_of(primitive(TypeId::kDate32)));
  lists.append_scalar(Scalar{ScalarList{Scalar{DateValue{5}}}});
  out.clear();
  EXPECT_TRUE(append_export_json(out, *lists.finish(), 0));
  EXPECT_EQ(out, "[5]");
  ArrayBuilder vectors(vector_of(TypeId::kFloat32, 1));
  vectors.append_scalar(Scalar{FloatVector{kNan}});
  EXPECT_FALSE(append_export_json(out, *vectors.finish(), 0));
}

TEST(ImageJson, IsExportJsonWithNonFiniteAsText) {
  std::string out;
  append_image_json(out, *one(primitive(TypeId::kDate32), std::int32_t{-3}), 0);
  out += ' ';
  append_image_json(out, *one(primitive(TypeId::kFloat64), kInfinity), 0);
  ArrayBuilder vectors(vector_of(TypeId::kFloat32, 2));
  vectors.append_scalar(Scalar{FloatVector{kNan, 0.5F}});
  out += ' ';
  append_image_json(out, *vectors.finish(), 0);
  EXPECT_EQ(out, R"(-3 "Infinity" ["NaN",0.5])");
}

TEST(ScalarAt, ReadsBackWhatWasAppended) {
  const auto back = [](const DataType& type, const Scalar& scalar) {
    ArrayBuilder builder(type);
    builder.append_scalar(scalar);
    return scalar_at(*builder.finish(), 0);
  };
  const std::pair<DataType, Scalar> cases[] = {
      {primitive(TypeId::kBool), Scalar{true}},
      {primitive(TypeId::kInt16), Scalar{std::int64_t{-300}}},
      {primitive(TypeId::kUint64), Scalar{std::uint64_t{1} << 63}},
      {primitive(TypeId::kUint64), Scalar{std::int64_t{7}}},
      {primitive(TypeId::kFloat32), Scalar{0.1F}},
      {primitive(TypeId::kFloat64), Scalar{0.1}},
      {primitive(TypeId::kDate32), Scalar{DateValue{-9}}},
      {primitive(TypeId::kDate64), Scalar{DateTimeValue{-9}}},
      {utf8(), Scalar{std::string("x")}},
      {utf8(), Scalar{}},
      {list_of(utf8()), Scalar{ScalarList{Scalar{std::string("x")}, Scalar{}}}},
      {vector_of(TypeId::kFloat32, 2), Scalar{FloatVector{1, 2}}}};
  for (const auto& [type, scalar] : cases) EXPECT_EQ(back(type, scalar), scalar) << type_name(type);
}

}  // namespace
}  // namespace omnigraph::columnar
