#include "base/date_time.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace omnigraph::base {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

TEST(Date, Accepted) {
  const std::pair<std::string_view, std::int32_t> known[] = {{"1970-01-01", 0},
                                                             {"2024-02-29", 19782},
                                                             {"2024-2-9", 19762},
                                                             {"20240229", 19782},
                                                             {"1969-12-31", -1},
                                                             {"0000-01-01", -719528},
                                                             {"+2024-02-29", 19782},
                                                             {"-0001-12-31", -719529},
                                                             {"+10000-01-01", 2932897},
                                                             {"9999-12-31", 2932896},
                                                             {"2024-02-29T23:30:00-01:00", 19783},  // its UTC date
                                                             {"2024-02-29 00:30:00+01:00", 19781},
                                                             {"2016-12-31T23:59:60Z", 17166}};
  for (const auto& [text, days] : known) EXPECT_EQ(parse_date(text), days) << text;
}

TEST(Date, Refused) {
  for (const std::string_view text : {"",
                                      "2024",
                                      "2024-02",
                                      "2024-02-30",
                                      "2023-02-29",
                                      "2024-13-01",
                                      "2024-00-10",
                                      "2024-01-00",
                                      "2024-01-32",
                                      "24-01-01",
                                      "2024-001-01",
                                      "2024/01/01",
                                      "2024-01-01 ",
                                      " 2024-01-01",
                                      "2024-01-01x",
                                      "2024013",
                                      "202401311",
                                      "+204-01-01",
                                      "12024-01-01",
                                      "2024-01-01T",
                                      "1900-02-29",
                                      "+9999999-01-01",
                                      "--2024-01-01",
                                      "2024--01-01"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

TEST(DateTime, Accepted) {
  const std::int64_t day = 19782 * kDayMs;
  const std::int64_t noon = day + kDayMs / 2;
  const std::pair<std::string_view, std::int64_t> known[] = {{"2024-02-29", day},
                                                             {"2024-02-29T12:00:00", noon},
                                                             {"2024-02-29t12:00:00z", noon},
                                                             {"2024-02-29 12:00:00Z", noon},
                                                             {"2024-02-29T120000", noon},
                                                             {"2024-02-29T12:00:00.5", noon + 500},
                                                             {"2024-02-29T12:00:00.1239999Z", noon + 123},
                                                             {"2024-02-29T12:00:00.000000000001", noon},
                                                             {"2024-02-29T12:00:00+02:00", noon - 7'200'000},
                                                             {"2024-02-29T12:00:00-0230", noon + 9'000'000},
                                                             {"2024-02-29T12:00:00+02", noon - 7'200'000},
                                                             {"2024-02-29T12:00:60", noon + 60'000},
                                                             {"1969-12-31T23:59:59.999Z", -1},
                                                             {"1969-12-31T23:59:59.9999Z", -1},
                                                             {"1970-01-01T00:00:00Z", 0}};
  for (const auto& [text, ms] : known) EXPECT_EQ(parse_date_time(text), ms) << text;
}

TEST(DateTime, Refused) {
  for (const std::string_view text : {"",
                                      "2024-02-29T",
                                      "2024-02-29T12",
                                      "2024-02-29T12:00",
                                      "2024-02-29T24:00:00",
                                      "2024-02-29T12:60:00",
                                      "2024-02-29T12:00:61",
                                      "2024-02-29T12:00:00.",
                                      "2024-02-29T1:00:00",
                                      "2024-02-29T12:00:00 Z",
                                      "2024-02-29T12:00:00+2",
                                      "2024-02-29T12:00:00+02:0",
                                      "2024-02-29T12:00:00+24:00",
                                      "2024-02-29T12:00:00+02:60",
                                      "2024-02-29T12:00:00ZZ",
                                      "2024-02-29  12:00:00",
                                      "2024-02-29T12:00:00,5",
                                      "2024-02-29T12:00:00 UTC",
                                      "2023-02-29T12:00:00",
                                      "2024-02-29Z",
                                      "+292278995-01-01",
                                      "-292275056-01-01"}) {
    EXPECT_EQ(parse_date_time(text), std::nullopt) << text;
  }
}

TEST(DateTime, Formats) {
  EXPECT_EQ(format_date(19782), "2024-02-29");
  EXPECT_EQ(format_date(-719528), "0000-01-01");
  EXPECT_EQ(format_date(-719529), "-0001-12-31");
  EXPECT_EQ(format_date(2932897), "+10000-01-01");
  EXPECT_EQ(format_date_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_date_time(1'767'323'045'678), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_micros(1'767'323'045'678'901), "2026-01-02T03:04:05.678901Z");
  EXPECT_EQ(format_micros(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_seconds(1'767'323'045'678'901), "2026-01-02T03:04:05Z");
}

// Goal: what is written reads back, over the whole range of the types.
TEST(DateTime, RoundTrips) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    const auto days = static_cast<std::int32_t>(random());
    ASSERT_EQ(parse_date(format_date(days)), days) << format_date(days);
    const auto ms = static_cast<std::int64_t>(random() >> (random() % 40));
    ASSERT_EQ(parse_date_time(format_date_time(ms)), ms) << format_date_time(ms);
  }
  for (const std::int64_t ms : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(parse_date_time(format_date_time(ms)), ms) << format_date_time(ms);
  }
  for (const std::int32_t d : {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}) {
    EXPECT_EQ(parse_date(format_date(d)), d) << format_date(d);
  }
}

// Goal: the calendar has no gap. Method: every day of 800 years follows the one before.
TEST(Date, EveryDayFollowsTheOneBefore) {
  std::string before = format_date(-300'000);
  for (std::int32_t day = -299'999; day < 0; ++day) {
    const std::string text = format_date(day);
    ASSERT_LT(before, text);
    ASSERT_EQ(parse_date(text), day);
    before = text;
  }
}

}  // namespace
}  // namespace omnigraph::base
