#include "base/number_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace omnigraph::base {
namespace {

std::string text_of(double value) {
  std::string out;
  append_double(out, value);
  return out;
}

TEST(AppendDouble, AlwaysHasAPointOrAnExponent) {
  const std::pair<double, std::string_view> known[] = {{30, "30.0"},
                                                       {0.1, "0.1"},
                                                       {1e21, "1e21"},
                                                       {-0.0, "-0.0"},
                                                       {0, "0.0"},
                                                       {1e15, "1000000000000000.0"},
                                                       {1e16, "1e16"},
                                                       {123456789.125, "123456789.125"},
                                                       {0.0001, "0.0001"},
                                                       {0.00001, "0.00001"},
                                                       {0.000001, "1e-6"},
                                                       {1.5e-7, "1.5e-7"},
                                                       {-2.5e300, "-2.5e300"},
                                                       {5e-324, "5e-324"},
                                                       {9007199254740993.0, "9007199254740992.0"},
                                                       {-17, "-17.0"},
                                                       {1e14, "100000000000000.0"}};
  for (const auto& [value, text] : known) EXPECT_EQ(text_of(value), text);
  EXPECT_EQ(text_of(static_cast<double>(0.1f)), "0.10000000149011612");
}

TEST(CanonicalFloat, IsPositional) {
  const std::pair<double, std::string_view> known[] = {{1, "1"},
                                                       {0.1, "0.1"},
                                                       {1e-7, "0.0000001"},
                                                       {0.0, "0"},
                                                       {-0.0, "0"},
                                                       {-1.5, "-1.5"},
                                                       {100, "100"},
                                                       {1e21, "1000000000000000000000"},
                                                       {1e23, "100000000000000000000000"},
                                                       {12345.678, "12345.678"}};
  for (const auto& [value, text] : known) EXPECT_EQ(canonical_float(value), text);
  EXPECT_EQ(canonical_float(0.1f), "0.1") << "at the stored width";
  EXPECT_EQ(canonical_float(16777216.0f), "16777216");
  EXPECT_EQ(canonical_float(std::numeric_limits<double>::max()).size(), 309u);
}

// Goal: every text reads back as the same bits, and no digit could be left out without losing that.
TEST(AppendDouble, RoundTripsRandomBits) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = text_of(value);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)), std::bit_cast<std::uint64_t>(value))
        << text;
    ASSERT_NE(text.find_first_of(".e"), std::string::npos) << text;
    if (i % 10 == 0) {
      ASSERT_EQ(std::strtod(canonical_float(value).c_str(), nullptr), value);
    }
    const auto narrow = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(narrow)) continue;
    const std::string id = canonical_float(narrow);
    ASSERT_EQ(std::strtof(id.c_str(), nullptr), narrow) << id;
    ASSERT_EQ(id.find('e'), std::string::npos) << id;
  }
}

TEST(Integers, Extremes) {
  std::string text;
  append_int(text, std::numeric_limits<std::int64_t>::min());
  text += ' ';
  append_uint(text, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(text, "-9223372036854775808 18446744073709551615");
}

}  // namespace
}  // namespace omnigraph::base
