#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace omnigraph {
namespace {

constexpr Code kLast = Code::kCancelled;

// Goal: the set of codes on the wire is closed (chapter 07 section 5).
// Method: every code, by number.
TEST(Error, WireCodesAreTheClosedSet) {
  const std::set<std::string_view> allowed = {"",          "bad_request",       "unauthorized",
                                              "forbidden", "not_found",         "method_not_allowed",
                                              "conflict",  "too_many_requests", "internal"};
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_TRUE(allowed.contains(wire_code(code))) << i << " " << wire_code(code);
    EXPECT_FALSE(code_name(code).empty()) << i;
    EXPECT_TRUE(names.insert(code_name(code)).second) << "name used twice: " << code_name(code);
    EXPECT_GE(http_status(code), 400);
    EXPECT_LT(http_status(code), 600);
  }
}

TEST(Error, StatusAndCodeOfTheTable) {
  EXPECT_EQ(http_status(Code::kBadRequest), 400);
  EXPECT_EQ(http_status(Code::kConflict), 409);
  EXPECT_EQ(http_status(Code::kGone), 410);
  EXPECT_EQ(wire_code(Code::kGone), "");
  EXPECT_EQ(http_status(Code::kResourceLimit), 413);
  EXPECT_EQ(wire_code(Code::kResourceLimit), "bad_request");
  EXPECT_EQ(http_status(Code::kCorruptObject), 500);
  EXPECT_EQ(wire_code(Code::kCorruptObject), "internal");
  EXPECT_EQ(code_name(Code::kCorruptObject), "corrupt_object");
  EXPECT_EQ(code_name(Code::kNotFound), "not_found");
}

TEST(Error, RendersMessageThenContext) {
  Error error = bad_request("type error: T4");
  EXPECT_EQ(error.render(), "type error: T4");
  error.context = "  --> a.gq:1:1";
  EXPECT_EQ(error.render(), "type error: T4\n  --> a.gq:1:1");
  EXPECT_EQ(corrupt_object("log/main/7", "bad magic").message, "corrupt_object: log/main/7: bad magic");
  const Error detailed = with_detail(conflict("taken"), "key_conflict", "{}");
  ASSERT_TRUE(detailed.detail);
  EXPECT_EQ(detailed.detail->field, "key_conflict");
}

Result<int> half(int value) {
  if (value % 2 != 0) return std::unexpected(bad_request("odd"));
  return value / 2;
}
Result<int> quarter(int value) {
  OG_ASSIGN_OR_RETURN(const int once, half(value));
  OG_RETURN_IF_ERROR(half(once));
  OG_ASSIGN_OR_RETURN(const int twice, half(once));
  return twice;
}

TEST(Result, MacrosPassValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
}

}  // namespace
}  // namespace omnigraph
