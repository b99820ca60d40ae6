#include "base/date_time.h"

#include <array>
#include <charconv>
#include <limits>

namespace omnigraph::base {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;

// Proleptic Gregorian calendar, years of 400-year eras starting on 1 March.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Civil {
  std::int64_t year;
  int month;
  int day;
};

Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_of_year = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * month_of_year + 2) / 5 + 1);
  const int month = static_cast<int>(month_of_year < 10 ? month_of_year + 3 : month_of_year - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0), .month = month, .day = day};
}

bool is_valid_day(std::int64_t year, int month, int day) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] std::size_t digits_ahead() const {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    return count;
  }
  // Between `least` and `most` digits, and no further digit behind them; nullopt otherwise.
  std::optional<std::int64_t> number(std::size_t least, std::size_t most) {
    const std::size_t count = digits_ahead();
    if (count < least || count > most) return std::nullopt;
    return fixed(count);
  }
  // The next `count` digits, whatever follows. REQUIRES: that many are there.
  std::int64_t fixed(std::size_t count) {
    std::int64_t value = 0;
    std::from_chars(rest_.data(), rest_.data() + count, value);
    rest_.remove_prefix(count);
    return value;
  }
  void skip(std::size_t count) { rest_.remove_prefix(count); }
  [[nodiscard]] char at(std::size_t i) const { return rest_[i]; }

 private:
  std::string_view rest_;
};

// Days since 1970-01-01.
std::optional<std::int64_t> scan_date(Scanner& scan) {
  constexpr std::size_t kYearDigitsMax = 9;  // Unix milliseconds end in the year 292,278,994
  std::int64_t year = 0;
  const bool negative = scan.peek() == '-';
  if (negative || scan.peek() == '+') {
    scan.skip(1);
    const auto number = scan.number(4, kYearDigitsMax);
    if (!number) return std::nullopt;
    year = negative ? -*number : *number;
  } else if (scan.digits_ahead() == 8) {
    year = scan.fixed(4);
    const int month = static_cast<int>(scan.fixed(2));
    const int day = static_cast<int>(scan.fixed(2));
    if (!is_valid_day(year, month, day)) return std::nullopt;
    return days_from_civil(year, month, day);
  } else {
    const auto number = scan.number(4, 4);
    if (!number) return std::nullopt;
    year = *number;
  }
  if (!scan.take('-')) return std::nullopt;
  const auto month = scan.number(1, 2);
  if (!month || !scan.take('-')) return std::nullopt;
  const auto day = scan.number(1, 2);
  if (!day || !is_valid_day(year, static_cast<int>(*month), static_cast<int>(*day))) return std::nullopt;
  return days_from_civil(year, static_cast<int>(*month), static_cast<int>(*day));
}

struct TimeOfDay {
  std::int64_t milliseconds = 0;  // a second 60 counts as 59 here
  bool leap_second = false;
};

std::optional<TimeOfDay> scan_time(Scanner& scan) {
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t fraction_ms = 0;
  if (scan.digits_ahead() == 6) {
    hour = scan.fixed(2);
    minute = scan.fixed(2);
    second = scan.fixed(2);
  } else {
    for (std::int64_t* part : {&hour, &minute, &second}) {
      if (part != &hour && !scan.take(':')) return std::nullopt;
      const auto number = scan.number(2, 2);
      if (!number) return std::nullopt;
      *part = *number;
    }
    if (scan.take('.')) {
      const std::size_t count = scan.digits_ahead();
      if (count == 0) return std::nullopt;
      for (std::size_t i = 0; i < 3; ++i) fraction_ms = fraction_ms * 10 + (i < count ? scan.at(i) - '0' : 0);
      scan.skip(count);
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const bool leap_second = second == 60;
  return TimeOfDay{.milliseconds = ((hour * 60 + minute) * 60 + (leap_second ? 59 : second)) * 1000 + fraction_ms,
                   .leap_second = leap_second};
}

// Minutes east of Greenwich; nothing there means UTC.
std::optional<std::int64_t> scan_offset(Scanner& scan) {
  if (scan.at_end() || scan.take('Z') || scan.take('z')) return 0;
  const bool west = scan.peek() == '-';
  if (!west && scan.peek() != '+') return std::nullopt;
  scan.skip(1);
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (scan.digits_ahead() == 4) {
    hours = scan.fixed(2);
    minutes = scan.fixed(2);
  } else {
    const auto number = scan.number(2, 2);
    if (!number) return std::nullopt;
    hours = *number;
    if (scan.take(':')) {
      const auto rest = scan.number(2, 2);
      if (!rest) return std::nullopt;
      minutes = *rest;
    }
  }
  if (hours > 23 || minutes > 59) return std::nullopt;
  const std::int64_t total = hours * 60 + minutes;
  return west ? -total : total;
}

struct Instant {
  std::int64_t days = 0;
  std::int64_t milliseconds = 0;  // of the local day, less the offset: may be below 0 or beyond a day
  bool leap_second = false;
};

std::optional<Instant> scan_instant(std::string_view text) {
  Scanner scan(text);
  const auto days = scan_date(scan);
  if (!days) return std::nullopt;
  if (scan.at_end()) return Instant{.days = *days};
  if (!scan.take('T') && !scan.take('t') && !scan.take(' ')) return std::nullopt;
  const auto time = scan_time(scan);
  if (!time) return std::nullopt;
  const auto offset = scan_offset(scan);
  if (!offset || !scan.at_end()) return std::nullopt;
  return Instant{
      .days = *days, .milliseconds = time->milliseconds - *offset * 60'000, .leap_second = time->leap_second};
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  const auto size = static_cast<std::size_t>(end - buffer.data());
  if (size < width) out.append(width - size, '0');
  out.append(buffer.data(), size);
}

void append_date(std::string& out, std::int64_t days) {
  const Civil civil = civil_from_days(days);
  if (civil.year < 0) {
    out += '-';
  } else if (civil.year > 9999) {
    out += '+';
  }
  append_padded(out, civil.year < 0 ? -civil.year : civil.year, 4);
  out += '-';
  append_padded(out, civil.month, 2);
  out += '-';
  append_padded(out, civil.day, 2);
}

void append_clock_time(std::string& out, std::int64_t seconds) {
  out += 'T';
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
}

// `since_epoch` in units of which `per_second` make a second, with `digits` of the fraction.
std::string format_instant(std::int64_t since_epoch, std::int64_t per_second, int digits) {
  const std::int64_t per_day = kMsPerDay / 1000 * per_second;
  const std::int64_t of_day = (since_epoch % per_day + per_day) % per_day;
  std::string text;
  append_date(text, floor_divide(since_epoch, per_day));
  append_clock_time(text, of_day / per_second);
  if (digits > 0) {
    text += '.';
    append_padded(text, of_day % per_second, digits);
  }
  text += 'Z';
  return text;
}

}  // namespace

std::optional<std::int32_t> parse_date(std::string_view text) {
  const auto instant = scan_instant(text);
  if (!instant) return std::nullopt;
  const std::int64_t days = instant->days + floor_divide(instant->milliseconds, kMsPerDay);
  if (days < std::numeric_limits<std::int32_t>::min() || days > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(days);
}

std::optional<std::int64_t> parse_date_time(std::string_view text) {
  const auto instant = scan_instant(text);
  if (!instant) return std::nullopt;
  // Whole days and the rest are put on one side of the day line, so that no step overflows before the result does.
  const std::int64_t milliseconds = instant->milliseconds + (instant->leap_second ? 1000 : 0);
  std::int64_t days = instant->days + floor_divide(milliseconds, kMsPerDay);
  std::int64_t rest = milliseconds - floor_divide(milliseconds, kMsPerDay) * kMsPerDay;
  if (days < 0) {
    ++days;
    rest -= kMsPerDay;
  }
  std::int64_t result = 0;
  if (__builtin_mul_overflow(days, kMsPerDay, &result) || __builtin_add_overflow(result, rest, &result)) {
    return std::nullopt;
  }
  return result;
}

std::string format_date(std::int32_t days) {
  std::string text;
  append_date(text, days);
  return text;
}

std::string format_date_time(std::int64_t milliseconds) { return format_instant(milliseconds, 1000, 3); }
std::string format_micros(std::int64_t unix_us) { return format_instant(unix_us, 1'000'000, 6); }
std::string format_seconds(std::int64_t unix_us) { return format_instant(unix_us, 1'000'000, 0); }

}  // namespace omnigraph::base
