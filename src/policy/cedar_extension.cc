#include "policy/cedar_extension.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "policy/cedar_characters.h"

namespace omnigraph::policy::cedar {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kDayMs = 86'400'000;

constexpr std::array kFunctions = {
    Signature{"ip", Function::kIp, false, Plain::kString, Plain::kNone, Plain::kIp},
    Signature{"decimal", Function::kDecimal, false, Plain::kString, Plain::kNone, Plain::kDecimal},
    Signature{"datetime", Function::kDatetime, false, Plain::kString, Plain::kNone, Plain::kDatetime},
    Signature{"duration", Function::kDuration, false, Plain::kString, Plain::kNone, Plain::kDuration},
    Signature{"isIpv4", Function::kIsIpv4, true, Plain::kIp, Plain::kNone, Plain::kBool},
    Signature{"isIpv6", Function::kIsIpv6, true, Plain::kIp, Plain::kNone, Plain::kBool},
    Signature{"isLoopback", Function::kIsLoopback, true, Plain::kIp, Plain::kNone, Plain::kBool},
    Signature{"isMulticast", Function::kIsMulticast, true, Plain::kIp, Plain::kNone, Plain::kBool},
    Signature{"isInRange", Function::kIsInRange, true, Plain::kIp, Plain::kIp, Plain::kBool},
    Signature{"lessThan", Function::kLessThan, true, Plain::kDecimal, Plain::kDecimal, Plain::kBool},
    Signature{"lessThanOrEqual", Function::kLessThanOrEqual, true, Plain::kDecimal, Plain::kDecimal, Plain::kBool},
    Signature{"greaterThan", Function::kGreaterThan, true, Plain::kDecimal, Plain::kDecimal, Plain::kBool},
    Signature{"greaterThanOrEqual", Function::kGreaterThanOrEqual, true, Plain::kDecimal, Plain::kDecimal,
              Plain::kBool},
    Signature{"offset", Function::kOffset, true, Plain::kDatetime, Plain::kDuration, Plain::kDatetime},
    Signature{"durationSince", Function::kDurationSince, true, Plain::kDatetime, Plain::kDatetime, Plain::kDuration},
    Signature{"toDate", Function::kToDate, true, Plain::kDatetime, Plain::kNone, Plain::kDatetime},
    Signature{"toTime", Function::kToTime, true, Plain::kDatetime, Plain::kNone, Plain::kDuration},
    Signature{"toMilliseconds", Function::kToMilliseconds, true, Plain::kDuration, Plain::kNone, Plain::kLong},
    Signature{"toSeconds", Function::kToSeconds, true, Plain::kDuration, Plain::kNone, Plain::kLong},
    Signature{"toMinutes", Function::kToMinutes, true, Plain::kDuration, Plain::kNone, Plain::kLong},
    Signature{"toHours", Function::kToHours, true, Plain::kDuration, Plain::kNone, Plain::kLong},
    Signature{"toDays", Function::kToDays, true, Plain::kDuration, Plain::kNone, Plain::kLong},
};

// All digits, at least one. Values beyond `ceiling` are nullopt; ceiling is below 2^64.
std::optional<Wide> digits(std::string_view text, Wide ceiling) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  Wide value = 0;
  for (const char c : text) {
    value = value * 10 + (c - '0');
    if (value > ceiling) return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> narrow(Wide value) {
  if (value < std::numeric_limits<std::int64_t>::min() || value > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value);
}

constexpr Wide kMagnitudeMax = Wide{1} << 63;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

// A decimal number without leading zeros.
std::optional<std::uint8_t> octet(std::string_view text, std::size_t length_max, Wide ceiling) {
  if (text.size() > length_max || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto value = digits(text, ceiling);
  if (!value) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

bool parse_v4(std::string_view text, IpNet& net) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return false;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto value = octet(parts[i], 3, 255);
    if (!value) return false;
    net.bytes[i] = *value;
  }
  return true;
}

std::optional<unsigned> hex_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      value = value * 16 + static_cast<unsigned>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<unsigned>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// The groups on one side of `::`, none for an empty text; nullopt: malformed or too many.
std::optional<std::vector<unsigned>> groups(std::string_view text) {
  std::vector<unsigned> out;
  if (text.empty()) return out;
  for (const std::string_view part : split(text, ':')) {
    const auto value = hex_group(part);
    if (!value || out.size() == 8) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

bool parse_v6(std::string_view text, IpNet& net) {
  const std::size_t gap = text.find("::");
  const auto head = groups(text.substr(0, gap));
  if (!head) return false;
  std::vector<unsigned> all = *head;
  if (gap != std::string_view::npos) {
    const auto tail = groups(text.substr(gap + 2));
    if (!tail || head->size() + tail->size() > 7) return false;
    all.resize(8 - tail->size(), 0);
    all.insert(all.end(), tail->begin(), tail->end());
  }
  if (all.size() != 8) return false;
  for (std::size_t i = 0; i < 8; ++i) {
    net.bytes[2 * i] = static_cast<std::uint8_t>(all[i] >> 8);
    net.bytes[2 * i + 1] = static_cast<std::uint8_t>(all[i] & 0xff);
  }
  return true;
}

// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
  constexpr std::array<std::int64_t, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// Reads fixed-width fields off the front of a text.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool done() const { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // `width` digits of a value in [low, high].
  bool number(std::size_t width, std::int64_t low, std::int64_t high, std::int64_t& out) {
    if (rest_.size() < width) return false;
    const auto value = digits(rest_.substr(0, width), high);
    if (!value || *value < low) return false;
    out = static_cast<std::int64_t>(*value);
    rest_.remove_prefix(width);
    return true;
  }

 private:
  std::string_view rest_;
};

// `Z`, or a sign with hours and minutes; the offset of local time from UTC.
bool read_zone(Fields& fields, std::int64_t& offset_ms) {
  offset_ms = 0;
  if (fields.skip('Z')) return true;
  const bool east = fields.skip('+');
  if (!east && !fields.skip('-')) return false;
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!fields.number(2, 0, 23, hours) || !fields.number(2, 0, 59, minutes)) return false;
  offset_ms = (hours * 60 + minutes) * 60'000 * (east ? 1 : -1);
  return true;
}

}  // namespace

std::optional<IpNet> parse_ip(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  IpNet net;
  if (!parse_v4(address, net)) {
    net = IpNet{};
    net.v6 = true;
    if (!parse_v6(address, net)) return std::nullopt;
  }
  net.prefix = net.v6 ? 128 : 32;
  if (slash == std::string_view::npos) return net;
  const auto prefix = octet(text.substr(slash + 1), net.v6 ? 3 : 2, net.prefix);
  if (!prefix) return std::nullopt;
  net.prefix = *prefix;
  return net;
}

bool in_range(const IpNet& inner, const IpNet& outer) {
  if (inner.v6 != outer.v6 || inner.prefix < outer.prefix) return false;
  for (std::size_t bit = 0; bit < outer.prefix;) {
    const std::size_t at = bit / 8;
    const std::size_t take = std::min<std::size_t>(8, outer.prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - take));
    if (((inner.bytes[at] ^ outer.bytes[at]) & mask) != 0) return false;
    bit += take;
  }
  return true;
}

bool is_loopback(const IpNet& net) {
  IpNet loopback{net.v6, {}, 8};
  if (net.v6) {
    loopback.bytes[15] = 1;
    loopback.prefix = 128;
  } else {
    loopback.bytes[0] = 127;
  }
  return in_range(net, loopback);
}

bool is_multicast(const IpNet& net) {
  IpNet multicast{net.v6, {}, static_cast<std::uint8_t>(net.v6 ? 8 : 4)};
  multicast.bytes[0] = net.v6 ? 0xff : 224;
  return in_range(net, multicast);
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = text.substr(dot + 1);
  const bool negative = whole.starts_with('-');
  if (negative) whole.remove_prefix(1);
  if (fraction.empty() || fraction.size() > 4) return std::nullopt;
  const auto left = digits(whole, kMagnitudeMax);
  auto right = digits(fraction, 9999);
  if (!left || !right) return std::nullopt;
  for (std::size_t i = fraction.size(); i < 4; ++i) *right *= 10;
  const Wide magnitude = *left * 10'000 + *right;
  const auto value = narrow(negative ? -magnitude : magnitude);
  if (!value) return std::nullopt;
  return Decimal{*value};
}

std::optional<Datetime> parse_datetime(std::string_view text) {
  Fields fields(text);
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!fields.number(4, 0, 9999, year) || !fields.skip('-') || !fields.number(2, 1, 12, month) || !fields.skip('-') ||
      !fields.number(2, 1, days_in_month(year, month), day)) {
    return std::nullopt;
  }
  const std::int64_t midnight_ms = days_from_civil(year, month, day) * kDayMs;
  if (fields.done()) return Datetime{midnight_ms};
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t ms = 0;
  std::int64_t offset_ms = 0;
  if (!fields.skip('T') || !fields.number(2, 0, 23, hour) || !fields.skip(':') || !fields.number(2, 0, 59, minute) ||
      !fields.skip(':') || !fields.number(2, 0, 59, second)) {
    return std::nullopt;
  }
  if (fields.skip('.') && !fields.number(3, 0, 999, ms)) return std::nullopt;
  if (!read_zone(fields, offset_ms) || !fields.done()) return std::nullopt;
  return Datetime{midnight_ms + ((hour * 60 + minute) * 60 + second) * 1000 + ms - offset_ms};
}

std::optional<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<Unit, 5> kUnits = {{{"d", kDayMs}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  Wide total = 0;
  for (std::size_t next = 0; !text.empty();) {
    const std::size_t length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    const auto quantity = digits(text.substr(0, length), kMagnitudeMax - (negative ? 0 : 1));
    if (!quantity) return std::nullopt;
    text.remove_prefix(length);
    const std::size_t letters = static_cast<std::size_t>(std::ranges::find_if(text, is_digit) - text.begin());
    const auto unit = std::ranges::find(kUnits, text.substr(0, letters), &Unit::name);
    if (unit == kUnits.end() || static_cast<std::size_t>(unit - kUnits.begin()) < next) return std::nullopt;
    next = static_cast<std::size_t>(unit - kUnits.begin()) + 1;
    text.remove_prefix(letters);
    total += *quantity * unit->ms;
  }
  const auto ms = narrow(negative ? -total : total);
  if (!ms) return std::nullopt;
  return Duration{*ms};
}

std::optional<Datetime> date_of(Datetime instant) {
  const auto midnight = narrow(Wide{instant.unix_ms} - time_of_day(instant).ms);
  if (!midnight) return std::nullopt;
  return Datetime{*midnight};
}

Duration time_of_day(Datetime instant) {
  const std::int64_t rest = instant.unix_ms % kDayMs;
  return Duration{rest < 0 ? rest + kDayMs : rest};
}

const Signature* find_function(std::string_view name) {
  const auto at = std::ranges::find(kFunctions, name, &Signature::name);
  return at == kFunctions.end() ? nullptr : &*at;
}

const Signature& signature_of(Function function) { return kFunctions[static_cast<std::size_t>(function)]; }

static_assert([] {
  for (std::size_t i = 0; i < kFunctions.size(); ++i) {
    if (static_cast<std::size_t>(kFunctions[i].function) != i) return false;
  }
  return true;
}());

}  // namespace omnigraph::policy::cedar
