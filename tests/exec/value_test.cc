#include "exec/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace omnigraph::exec {
namespace {

using query::CompareOp;

Value i(std::int64_t v) { return Value::of_int(v); }
Value d(double v) { return Value::of_double(v); }

// Goal: numbers of different types meet exactly, where doubles cannot hold the integer.
TEST(Compare, IntegersAndDoublesExactly) {
  constexpr std::int64_t kBig = 9007199254740993;  // 2^53 + 1
  EXPECT_EQ(compare(CompareOp::kEqual, i(kBig), d(9007199254740992.0)), Truth::kFalse);
  EXPECT_EQ(compare(CompareOp::kGreater, i(kBig), d(9007199254740992.0)), Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kLess, i(std::numeric_limits<std::int64_t>::max()), d(9223372036854775808.0)),
            Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kEqual, i(std::numeric_limits<std::int64_t>::min()), d(-9223372036854775808.0)),
            Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kEqual, Value::of_uint(~std::uint64_t{0}), d(18446744073709551616.0)), Truth::kFalse);
  EXPECT_EQ(compare(CompareOp::kLess, i(-1), Value::of_uint(~std::uint64_t{0})), Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kLess, i(-2), d(-1.5)), Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kGreater, i(-1), d(-1.5)), Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kEqual, i(0), d(-0.0)), Truth::kTrue);
}

TEST(Compare, F32MeetsOthersRounded) {
  EXPECT_EQ(compare(CompareOp::kEqual, Value::of_float(0.1f), d(0.1)), Truth::kTrue);
  EXPECT_EQ(compare(CompareOp::kEqual, d(static_cast<double>(0.1f)), d(0.1)), Truth::kFalse);
  EXPECT_EQ(compare(CompareOp::kEqual, Value::of_float(16777216.0f), i(16777217)), Truth::kTrue);
}

TEST(Compare, NullAndNan) {
  EXPECT_EQ(compare(CompareOp::kNotEqual, Value(), i(1)), Truth::kUnknown);
  EXPECT_EQ(compare(CompareOp::kEqual, d(std::nan("")), d(std::nan(""))), Truth::kFalse);
  EXPECT_EQ(order(d(std::nan("")), d(std::numeric_limits<double>::infinity())), 1);
  EXPECT_EQ(order(Value(), i(-5)), -1);
  EXPECT_TRUE(same_group(d(std::nan("")), d(-std::nan(""))));
  EXPECT_EQ(group_hash(d(0.0)), group_hash(d(-0.0)));
  EXPECT_EQ(join_hash(i(1)), join_hash(Value::of_float(1.0f)));
}

}  // namespace
}  // namespace omnigraph::exec
