// Cedar's extension types: IP ranges, fixed-point decimals, instants and durations, and the table of their functions.
// Thread safety: free functions and plain values.
// Source: Cedar policy language reference, "Operators and functions", and the formal definitions of cedar-spec.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace omnigraph::policy::cedar {

// An address with its prefix; a plain address has the longest prefix.
struct IpNet {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // most significant first; IPv4 uses the first four
  std::uint8_t prefix = 0;               // bits, 0..32 or 0..128
  [[nodiscard]] auto operator<=>(const IpNet&) const = default;
};
struct Decimal {
  std::int64_t ten_thousandths = 0;
  [[nodiscard]] auto operator<=>(const Decimal&) const = default;
};
struct Datetime {
  std::int64_t unix_ms = 0;
  [[nodiscard]] auto operator<=>(const Datetime&) const = default;
};
struct Duration {
  std::int64_t ms = 0;
  [[nodiscard]] auto operator<=>(const Duration&) const = default;
};

// nullopt: not in the format, or out of range.
[[nodiscard]] std::optional<IpNet> parse_ip(std::string_view text);           // 10.0.0.0/8, ::1
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text);    // -12.5, 1 to 4 fraction digits
[[nodiscard]] std::optional<Datetime> parse_datetime(std::string_view text);  // 2024-10-15T11:35:00.000+0100
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);  // -1d2h3m4s5ms

// Every address of `inner` is one of `outer`; false across families.
[[nodiscard]] bool in_range(const IpNet& inner, const IpNet& outer);
[[nodiscard]] bool is_loopback(const IpNet& net);
[[nodiscard]] bool is_multicast(const IpNet& net);

// Midnight UTC before or at the instant; nullopt: below the range of instants.
[[nodiscard]] std::optional<Datetime> date_of(Datetime instant);
[[nodiscard]] Duration time_of_day(Datetime instant);

enum class Function : std::uint8_t {
  kIp,
  kDecimal,
  kDatetime,
  kDuration,
  kIsIpv4,
  kIsIpv6,
  kIsLoopback,
  kIsMulticast,
  kIsInRange,
  kLessThan,
  kLessThanOrEqual,
  kGreaterThan,
  kGreaterThanOrEqual,
  kOffset,
  kDurationSince,
  kToDate,
  kToTime,
  kToMilliseconds,
  kToSeconds,
  kToMinutes,
  kToHours,
  kToDays,
};

// Types as the signatures need them.
enum class Plain : std::uint8_t { kNone, kBool, kLong, kString, kIp, kDecimal, kDatetime, kDuration };

struct Signature {
  std::string_view name;
  Function function;
  bool method;           // `a.name(b)`, else `name(a)`
  Plain self, argument;  // argument kNone: takes none besides `self`
  Plain result;
};

// Null: no function of that name.
[[nodiscard]] const Signature* find_function(std::string_view name);
[[nodiscard]] const Signature& signature_of(Function function);
[[nodiscard]] inline std::size_t argument_count(const Signature& signature) {  // `self` among them
  return signature.argument == Plain::kNone ? 1 : 2;
}
[[nodiscard]] inline bool is_constructor(Function function) { return function <= Function::kDuration; }

}  // namespace omnigraph::policy::cedar
