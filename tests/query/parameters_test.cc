#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

using columnar::Scalar;
using columnar::ScalarList;

Result<std::vector<Scalar>> read(const std::string& declared, std::string_view json) {
  const auto query = must_compile("match { $s: Ship } return { $s }", declared);
  return read_parameters(*query, json);
}

// The value of `$p: TYPE` given as JSON `value`.
Scalar value_of(const std::string& type, const std::string& value) {
  const auto values = read("$p: " + type, "{\"p\":" + value + "}");
  EXPECT_TRUE(values) << type << " " << value << ": " << (values ? "" : values.error().message);
  return values ? values->front() : Scalar{std::string("failed")};
}

std::string error_of_value(const std::string& type, const std::string& value) {
  const auto values = read("$p: " + type, "{\"p\":" + value + "}");
  return values ? "" : values.error().message;
}

TEST(Parameters, AcceptedValues) {
  EXPECT_EQ(value_of("String", "\"a\\u00e9\\n\""), Scalar{std::string("aé\n")});
  EXPECT_EQ(value_of("Bool", "false"), Scalar{false});
  EXPECT_EQ(value_of("I32", "12"), Scalar{std::int64_t{12}});
  EXPECT_EQ(value_of("I32", "\"12\""), Scalar{std::int64_t{12}});
  EXPECT_EQ(value_of("I32", "-2147483648"), Scalar{std::int64_t{-2147483648}});
  EXPECT_EQ(value_of("I64", "9223372036854775807"), Scalar{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(value_of("I64", "\"-9223372036854775808\""), Scalar{std::numeric_limits<std::int64_t>::min()});
  EXPECT_EQ(value_of("U32", "4294967295"), Scalar{std::int64_t{4294967295}}) << "i64 where it fits";
  EXPECT_EQ(value_of("U64", "18446744073709551615"), Scalar{std::numeric_limits<std::uint64_t>::max()});
  EXPECT_EQ(value_of("U64", "\"18446744073709551615\""), Scalar{std::numeric_limits<std::uint64_t>::max()});
  EXPECT_EQ(value_of("U64", "7"), Scalar{std::int64_t{7}});
  EXPECT_EQ(value_of("F32", "0.1"), Scalar{0.1f});
  EXPECT_EQ(value_of("F64", "0.1"), Scalar{0.1});
  EXPECT_EQ(value_of("F64", "3"), Scalar{3.0});
  EXPECT_EQ(value_of("F64", "1e-400"), Scalar{0.0});
  EXPECT_EQ(value_of("F64", "18446744073709551616"), Scalar{18446744073709551616.0});
  EXPECT_EQ(value_of("Date", "\"2020-1-2\""), Scalar{columnar::DateValue{18263}});
  EXPECT_EQ(value_of("Date", "\"2020-01-02T23:00:00-05:00\""), Scalar{columnar::DateValue{18264}});
  EXPECT_EQ(value_of("DateTime", "\"1970-01-01 00:00:01.0019Z\""), Scalar{columnar::DateTimeValue{1001}});
  EXPECT_EQ(value_of("Blob", "\"base64:AA==\""), Scalar{std::string("base64:AA==")});
  EXPECT_EQ(value_of("Vector(3)", "[1, 2.5, -3e0]"), (Scalar{columnar::FloatVector{1.0f, 2.5f, -3.0f}}));
  EXPECT_EQ(value_of("[String]", "[]"), Scalar{ScalarList{}});
  EXPECT_EQ(value_of("[I64]", "[1, \"2\"]"), (Scalar{ScalarList{{std::int64_t{1}}, {std::int64_t{2}}}}));
  EXPECT_EQ(value_of("[Date]", "[\"1970-01-02\"]"), (Scalar{ScalarList{{columnar::DateValue{1}}}}));
  for (const char* type : {"String?", "Bool?", "I32?", "U64?", "F32?", "Date?", "Blob?", "[I32]?", "Vector(2)?"}) {
    EXPECT_TRUE(value_of(type, "null").is_null()) << type;
  }
}

TEST(Parameters, RefusedValues) {
  struct Row {
    std::string type;
    std::string json;
    std::string text;
  };
  const std::vector<Row> table{
      {"String", "1", "expected string, got number"},
      {"String", "true", "expected string, got boolean"},
      {"String", "[\"a\"]", "expected string, got array"},
      {"String", "{\"a\":1}", "expected string, got object"},
      {"String", "null", "null is not accepted for non-nullable parameter"},
      {"I32", "null", "null is not accepted for non-nullable parameter"},
      {"[I32]", "null", "null is not accepted for non-nullable parameter"},
      {"Vector(2)", "null", "null is not accepted for non-nullable parameter"},
      {"Bool", "1", "expected boolean, got number"},
      {"Bool", "\"true\"", "expected boolean, got string"},
      {"I32", "3.0", "expected integer number, got 3.0"},
      {"I32", "1e2", "expected integer number, got 1e2"},
      {"I64", "1e400", "expected integer number, got 1e400"},
      {"I32", "\"x\"", "expected integer string, got 'x'"},
      {"I32", "\"\"", "expected integer string, got ''"},
      {"I32", "\" 1\"", "expected integer string, got ' 1'"},
      {"I32", "\"1.0\"", "expected integer string, got '1.0'"},
      {"I32", "true", "expected integer, got boolean"},
      {"I32", "[1]", "expected integer, got array"},
      {"I32", "3000000000", "value 3000000000 exceeds I32"},
      {"I32", "\"-2147483649\"", "value -2147483649 exceeds I32"},
      {"I64", "9223372036854775808", "value 9223372036854775808 exceeds I64"},
      {"I64", "1180591620717411303424", "value 1180591620717411303424 exceeds I64"},
      {"I64", "\"-9223372036854775809\"", "value -9223372036854775809 exceeds I64"},
      {"U32", "4294967296", "value 4294967296 exceeds U32"},
      {"U32", "-1", "expected unsigned integer number, got -1"},
      {"U32", "1.5", "expected unsigned integer number, got 1.5"},
      {"U64", "\"-1\"", "expected unsigned integer string, got '-1'"},
      {"U64", "false", "expected unsigned integer, got boolean"},
      {"U64", "18446744073709551616", "value 18446744073709551616 exceeds U64"},
      {"F64", "\"1\"", "expected float, got string"},
      {"F64", "1e400", "expected float, value 1e400 exceeds F64"},
      {"F32", "1e39", "expected float, value 1e39 exceeds F32"},
      {"Date", "1", "expected date string, got number"},
      {"Date", "\"tomorrow\"", "invalid Date literal 'tomorrow'"},
      {"DateTime", "1", "expected datetime string, got number"},
      {"DateTime", "\"2020-01-01T25:00:00\"", "invalid DateTime literal '2020-01-01T25:00:00'"},
      {"Blob", "1", "expected blob URI string, got number"},
      {"[I32]", "1", "expected array for [I32], got number"},
      {"[I32]", "[1, \"x\"]", "expected integer string, got 'x'"},
      {"[I32]", "[1, 2.5]", "expected integer number, got 2.5"},
      {"[String]", "[null]", "expected string, got null"},
      {"[I32]?", "[null]", "expected integer, got null"},
      {"[String]", "[[\"a\"]]", "expected string, got array"},
      {"Vector(3)", "[1, 2]", "expected 3 values for Vector(3), got 2"},
      {"Vector(2)", "[1, \"2\"]", "vector element is not numeric"},
      {"Vector(2)", "[1, null]", "vector element is not numeric"},
      {"Vector(2)", "[1, 1e39]", "vector element 1e39 exceeds F32"},
      {"Vector(2)", "\"a\"", "expected array for Vector(2), got string"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(error_of_value(row.type, row.json), "param 'p': " + row.text) << row.type << " " << row.json;
  }
}

TEST(Parameters, OmittedOnesAreNullOrMissing) {
  const auto optional = read("$a: I32?, $b: String", R"({"b":"x"})");
  ASSERT_TRUE(optional);
  EXPECT_TRUE((*optional)[0].is_null());
  EXPECT_EQ((*optional)[1], Scalar{std::string("x")});
  for (const char* json : {"{}", "", "  ", "null", " null ", R"({"b":1})"}) {
    const auto missing = read("$a: I32", json);
    ASSERT_FALSE(missing) << json;
    EXPECT_EQ(missing.error().message, "parameter 'a' not provided") << json;
    EXPECT_EQ(missing.error().code, Code::kBadRequest);
  }
  EXPECT_TRUE(read("", ""));
  EXPECT_TRUE(read("", "null"));
}

TEST(Parameters, MustBeAnObject) {
  for (const char* json : {"[]", "1", "\"a\"", "true", "[{\"a\":1}]", "{", "{\"a\":}", "{\"a\":1}x", "{'a':1}", "\xFF",
                           "1e400", "{\"a\":\"\xFF\"}"}) {
    const auto values = read("$a: I32?", json);
    ASSERT_FALSE(values) << json;
    EXPECT_TRUE(values.error().message.starts_with("params must be a JSON object")) << values.error().message;
  }
}

TEST(Parameters, UndeclaredOnesAreIgnoredUnlessObjects) {
  EXPECT_TRUE(read("$a: I32", R"({"a":1,"x":null,"y":[1,[2],{"z":3}],"$a":"s"})"));
  const auto object = read("$a: I32", R"({"a":1,"x":{"y":[1,{"a":"nested"}]}})");
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().message, "param 'x': object is not supported");
  const auto nested = read("$a: I32", R"({"x":[{"a":5}],"a":1})");
  ASSERT_TRUE(nested) << "members of nested objects are no parameters";
  EXPECT_EQ((*nested)[0], Scalar{std::int64_t{1}});
}

TEST(Parameters, TheLastOfEqualKeysWins) {
  EXPECT_EQ((*read("$a: I32", R"({"a":1,"a":2})"))[0], Scalar{std::int64_t{2}});
}

TEST(Parameters, DeepNestingIsRefused) {
  const auto values = read("$a: I32?", "{\"x\":" + std::string(1'000'000, '['));
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().message, "params must be a JSON object: params nest deeper than 64 levels");
}

TEST(Parameters, AppliesToMutationsToo) {
  const auto query = must_compile("insert Ship {name: \"a\"}", "$unused: String");
  EXPECT_EQ(read_parameters(*query, "{}").error().message, "parameter 'unused' not provided");
}

}  // namespace
}  // namespace omnigraph::query
