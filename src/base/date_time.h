// Dates and instants: text to numbers and back (chapter 01 section 3, chapter 02 section 7.3).
// Date = days since 1970-01-01 (i32, proleptic Gregorian); DateTime = Unix milliseconds UTC (i64).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omnigraph::base {

// nullopt: not a date. Accepts YYYY-MM-DD (1-digit month and day tolerated), YYYYMMDD, signed years, and any
// DateTime text, whose UTC date is taken.
[[nodiscard]] std::optional<std::int32_t> parse_date(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_date_time(std::string_view text);
[[nodiscard]] std::string format_date(std::int32_t days);               // 2026-01-02; beyond 0..9999: signed years
[[nodiscard]] std::string format_date_time(std::int64_t milliseconds);  // 2026-01-02T03:04:05.678Z
[[nodiscard]] std::string format_micros(std::int64_t unix_us);          // 2026-01-02T03:04:05.678901Z
[[nodiscard]] std::string format_seconds(std::int64_t unix_us);         // 2026-01-02T03:04:05Z

}  // namespace omnigraph::base
