#include "schema/value_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "columnar/builder.h"
#include "schema/value_text.h"
#include "tests/schema/schema_test_support.h"

namespace omnigraph::schema {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using testing::HasSubstr;

// The values of property 0 of the only node type; nullopt = null.
template <class T>
ArrayPtr column(const Catalog& catalog, const std::vector<std::optional<T>>& values) {
  ArrayBuilder builder(column_type(catalog.nodes[0].properties[0].type));
  for (const auto& value : values) {
    if (!value) {
      builder.append_null();
    } else if constexpr (std::is_arithmetic_v<T>) {
      builder.append_value(*value);
    } else {
      builder.append_string(*value);
    }
  }
  return builder.finish();
}

std::string verdict(const Catalog& catalog, const columnar::Array& values, const ValueCheckOptions& options = {}) {
  const TypeValueChecker checker(catalog, {EntityKind::kNode, 0});
  const auto violation = checker.check_column(0, values, options);
  return violation ? std::to_string(violation->row) + ": " + violation->error.message : "ok";
}

template <class T>
std::string verdict(std::string_view source, const std::vector<std::optional<T>>& values) {
  const auto catalog = parsed(source);
  return verdict(*catalog, *column<T>(*catalog, values));
}

TEST(ValueCheck, Enum) {
  EXPECT_EQ(verdict<std::string>("node Port { kind: enum(sea, river) }", {"sea", "lake"}),
            "1: invalid enum value 'lake' for Port.kind (expected: river, sea)");
  EXPECT_EQ(verdict<std::string>("node Port { kind: enum(sea, river)? }", {"sea", std::nullopt, "river"}), "ok");
  EXPECT_EQ(verdict<std::string>("node Port { kind: enum(sea)? }", {"Sea"}),
            "0: invalid enum value 'Sea' for Port.kind (expected: sea)");
  EXPECT_EQ(verdict<std::string>("node Port { kind: enum(sea)? }", {""}),
            "0: invalid enum value '' for Port.kind (expected: sea)");
  EXPECT_EQ(
      verdict<std::string>("node Port { kind: enum(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9)? }", {"a0", "a9", "b5"})
          .substr(0, 24),
      "2: invalid enum value 'b");
}

TEST(ValueCheck, Range) {
  const std::string source = "node X { a: I32 @range(a, ..5) }";
  EXPECT_EQ(verdict<std::int32_t>(source, {-9, 5}), "ok");
  EXPECT_EQ(verdict<std::int32_t>(source, {-9, 6}), "1: @range violation on X.a: value 6 > max 5");
  EXPECT_EQ(verdict<std::int32_t>("node X { a: I32? @range(a, 0..) }", {std::nullopt, -1}),
            "1: @range violation on X.a: value -1 < min 0");
  EXPECT_EQ(verdict<double>("node X { a: F64 @range(a, 0.5..) }", {0.5, 0.25}),
            "1: @range violation on X.a: value 0.25 < min 0.5");
  EXPECT_EQ(verdict<double>("node X { a: F64 @range(a, 0..50) }", {60.0}),
            "0: @range violation on X.a: value 60 > max 50");
  EXPECT_EQ(verdict<double>("node X { a: F64 @range(a, 0..) }", {std::nan("")}),
            "0: @range violation on X.a: value is NaN");
  // The bound is the F32 next to 0.1, and so is the value.
  EXPECT_EQ(verdict<float>("node X { a: F32 @range(a, ..0.1) }", {0.1f}), "ok");
  EXPECT_EQ(verdict<float>("node X { a: F32 @range(a, ..0.1) }", {std::nextafter(0.1f, 1.0f)}).substr(0, 30),
            "0: @range violation on X.a: va");
}

TEST(ValueCheck, RangeBoundsBeyondTheType) {
  EXPECT_EQ(verdict<std::int32_t>("node X { a: I32 @range(a, -3000000000..3000000000) }", {INT32_MIN, INT32_MAX}),
            "ok");
  EXPECT_EQ(verdict<std::int32_t>("node X { a: I32 @range(a, 3000000000..) }", {INT32_MAX}),
            "0: @range violation on X.a: value 2147483647 < min 3000000000");
  EXPECT_EQ(verdict<std::uint32_t>("node X { a: U32 @range(a, ..-1) }", {0u}),
            "0: @range violation on X.a: value 0 > max -1");
  EXPECT_EQ(verdict<std::uint64_t>("node X { a: U64 @range(a, 18446744073709551615..) }", {UINT64_MAX, UINT64_MAX - 1}),
            "1: @range violation on X.a: value 18446744073709551614 < min 18446744073709551615");
  EXPECT_EQ(verdict<std::int64_t>("node X { a: I64 @range(a, 9223372036854775808..) }", {INT64_MAX}),
            "0: @range violation on X.a: value 9223372036854775807 < min 9223372036854775808");
  EXPECT_EQ(verdict<std::int64_t>("node X { a: I64 @range(a, -0.5..0.5) }", {0, 1}),
            "1: @range violation on X.a: value 1 > max 0.5");
}

TEST(ValueCheck, Check) {
  const std::string source = "node X { c: String @check(c, \"[0-9]\") }";
  EXPECT_EQ(verdict<std::string>(source, {"ab1"}), "ok");
  EXPECT_EQ(verdict<std::string>(source, {"ab1", "ab"}),
            "1: @check violation on X.c: value 'ab' does not match pattern '[0-9]'");
  EXPECT_EQ(verdict<std::string>("node X { c: String? @check(c, \"^.$\") }", {"\u00fc", std::nullopt}), "ok");
  EXPECT_EQ(verdict<std::string>("node X { c: String @check(c, \"a\") @check(c, \"b\") }", {"ab", "a"}),
            "1: @check violation on X.c: value 'a' does not match pattern 'b'");
}

TEST(ValueCheck, Nulls) {
  EXPECT_EQ(verdict<std::int32_t>("node X { p: I32 }", {1, std::nullopt}),
            "1: non-nullable property 'p' has null or invalid values");
  const auto vector = parsed("node X { p: Vector(2) }");
  ArrayBuilder vectors(column_type(vector->nodes[0].properties[0].type));
  vectors.append_null();
  EXPECT_EQ(verdict(*vector, *vectors.finish()), "0: non-nullable vector property 'p' has null values");

  const auto blob = parsed("node X { p: Blob }");
  ArrayBuilder blobs(column_type(blob->nodes[0].properties[0].type));
  for (std::size_t i = 0; i < 7; ++i) {
    if (i == 4) {
      blobs.child(i).append_string("https://x.example/a");
    } else {
      blobs.child(i).append_null();
    }
  }
  blobs.close_struct();
  for (std::size_t i = 0; i < 7; ++i) blobs.child(i).append_null();
  blobs.close_struct();  // all children null is null
  const ArrayPtr values = blobs.finish();
  EXPECT_EQ(verdict(*blob, *values), "1: non-nullable blob property 'p' has null values");
  EXPECT_EQ(verdict(*blob, *values, {.nulls = false}), "ok");
}

TEST(ValueCheck, NonFiniteFloats) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(verdict<float>("node X { p: F32? }", {1.0f, std::nullopt, -infinity}),
            "2: property 'p' value -Infinity exceeds Float32 range");
  EXPECT_EQ(verdict<double>("node X { p: F64 }", {std::nan("")}), "0: property 'p' value NaN is not finite");
  const auto catalog = parsed("node X { p: Vector(2)? }");
  ArrayBuilder builder(column_type(catalog->nodes[0].properties[0].type));
  builder.append_vector(std::vector<float>{1, 2});
  builder.append_null();
  builder.append_vector(std::vector<float>{1, infinity});
  const ArrayPtr values = builder.finish();
  EXPECT_EQ(verdict(*catalog, *values), "2: property 'p' value Infinity exceeds Float32 range");
  EXPECT_EQ(verdict(*catalog, *values->slice(2, 1)), "0: property 'p' value Infinity exceeds Float32 range");
  EXPECT_EQ(verdict(*catalog, *values->slice(0, 2)), "ok");
  EXPECT_EQ(verdict(*catalog, *values, {.finite = false}), "ok");
}

TEST(ValueCheck, BatchReportsTheFirstRowAndSkipsForeignColumns) {
  const auto catalog = parsed("node X { a: I32 @range(a, ..5) c: enum(x) }");
  const TypeValueChecker checker(*catalog, {EntityKind::kNode, 0});
  ArrayBuilder ids(columnar::utf8());
  ArrayBuilder a(columnar::primitive(columnar::TypeId::kInt32));
  ArrayBuilder c(columnar::utf8());
  for (const std::int32_t value : {1, 2, 9}) {
    ids.append_string("n");
    a.append_value(value);
    c.append_string(value == 2 ? "y" : "x");
  }
  const columnar::Batch batch{
      {{"c", columnar::utf8()}, {"id", columnar::utf8()}, {"a", a.type()}}, {c.finish(), ids.finish(), a.finish()}, 3};
  const auto violation = checker.check_batch(batch);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->row, 1);
  EXPECT_EQ(violation->property, 1u);
  EXPECT_EQ(violation->error.message, "invalid enum value 'y' for X.c (expected: x)");
  EXPECT_EQ(violation->error.code, Code::kBadRequest);
}

TEST(ValueCheck, ReportsAllViolationsInRowOrder) {
  const auto catalog = parsed("node X { a: I32 @range(a, 0..) @range(a, ..5) }");
  const TypeValueChecker checker(*catalog, {EntityKind::kNode, 0});
  const ArrayPtr values = column<std::int32_t>(*catalog, {-1, 9, std::nullopt, 3, -2});
  std::vector<std::int64_t> rows;
  checker.for_each_violation(0, *values, {}, [&](const ValueViolation& violation) {
    rows.push_back(violation.row);
    return true;
  });
  EXPECT_THAT(rows, testing::ElementsAre(0, 1, 2, 4));
}

// Goal: the block-wise look finds the same first row as a plain loop, nulls and slices included.
// Method: random columns against the definition, with a printed seed.
TEST(ValueCheck, RangeAgreesWithTheDefinition) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto catalog = parsed("node X { a: I64? @range(a, -1000..1000) }");
  const TypeValueChecker checker(*catalog, {EntityKind::kNode, 0});
  for (int round = 0; round < 200; ++round) {
    std::vector<std::optional<std::int64_t>> values(1 + random() % 5000);
    for (auto& value : values) {
      if (random() % 10 != 0) value = static_cast<std::int64_t>(random() % 2001) - 1000;
      if (random() % 4000 == 0) value = 1001;
    }
    const std::size_t begin = random() % values.size();
    std::optional<std::int64_t> expected;
    for (std::size_t i = begin; i < values.size() && !expected; ++i) {
      if (values[i] && *values[i] > 1000) expected = static_cast<std::int64_t>(i - begin);
    }
    const ArrayPtr all = column<std::int64_t>(*catalog, values);
    const ArrayPtr slice =
        all->slice(static_cast<std::int64_t>(begin), all->length() - static_cast<std::int64_t>(begin));
    const auto violation = checker.check_column(0, *slice);
    EXPECT_EQ(violation ? std::optional(violation->row) : std::nullopt, expected);
  }
}

TEST(ValueText, CanonicalStrings) {
  const auto text = [](std::string_view type, auto append) {
    const auto catalog = parsed("node X { a: " + std::string(type) + " }");
    const PropertyType& property = catalog->nodes[0].properties[0].type;
    ArrayBuilder builder(column_type(property));
    append(builder);
    return value_text(property, *builder.finish(), 0);
  };
  EXPECT_EQ(text("Date", [](ArrayBuilder& b) { b.append_value(std::int32_t{10}); }), "10");
  EXPECT_EQ(text("F64", [](ArrayBuilder& b) { b.append_value(-0.0); }), "0");
  EXPECT_EQ(text("F64", [](ArrayBuilder& b) { b.append_value(1e21); }), "1000000000000000000000");
  EXPECT_EQ(text("F32", [](ArrayBuilder& b) { b.append_value(0.1f); }), "0.1");
  EXPECT_EQ(text("Bool", [](ArrayBuilder& b) { b.append_bool(true); }), "true");
  EXPECT_EQ(text("String?", [](ArrayBuilder& b) { b.append_null(); }), "null");
  EXPECT_EQ(text("[I32]",
                 [](ArrayBuilder& b) {
                   b.child(0).append_value(std::int32_t{1});
                   b.child(0).append_value(std::int32_t{2});
                   b.close_list();
                 }),
            "[1, 2]");
  EXPECT_EQ(tuple_text(std::vector<std::string>{"C", "A"}), "(C, A)");
  EXPECT_EQ(tuple_text(std::vector<std::string>{"A"}), "A");
}

TEST(ValueText, WrongTypeNamesTheTypeWithoutItsQuestionMark) {
  const auto catalog = parsed("node Port { depth: F64? }");
  EXPECT_EQ(wrong_value_type(catalog->nodes[0].properties[0], "\"deep\"").message,
            "property 'depth' expects F64, got \"deep\"");
}

}  // namespace
}  // namespace omnigraph::schema
