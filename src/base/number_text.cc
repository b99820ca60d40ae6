#include "base/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/result.h"

namespace omnigraph::base {
namespace {

// Shortest digits d1d2..dn and the position of the decimal point: 0.d1d2..dn * 10^point.
struct Decimal {
  std::array<char, 24> digits{};
  int digit_count = 0;
  int point = 0;
  bool negative = false;
  [[nodiscard]] std::string_view text() const { return {digits.data(), static_cast<std::size_t>(digit_count)}; }
};

template <class Float>
Decimal shortest_decimal(Float value) {
  std::array<char, 40> buffer;
  const auto [end, failed] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  OG_CHECK(failed == std::errc());
  Decimal decimal;
  const char* at = buffer.data();
  if (*at == '-') {
    decimal.negative = true;
    ++at;
  }
  for (; at != end && *at != 'e'; ++at) {
    if (*at != '.') decimal.digits[static_cast<std::size_t>(decimal.digit_count++)] = *at;
  }
  int exponent = 0;
  if (at != end) {
    ++at;                  // 'e'
    if (*at == '+') ++at;  // from_chars refuses a plus sign
    std::from_chars(at, end, exponent);
  }
  decimal.point = exponent + 1;
  return decimal;
}

void append_zeros(std::string& out, int count) { out.append(static_cast<std::size_t>(count), '0'); }

// Digits with the point put in place, without ".0" after an integer.
void append_positional(std::string& out, const Decimal& decimal) {
  const std::string_view digits = decimal.text();
  if (decimal.point <= 0) {
    out += "0.";
    append_zeros(out, -decimal.point);
    out += digits;
  } else if (decimal.point >= decimal.digit_count) {
    out += digits;
    append_zeros(out, decimal.point - decimal.digit_count);
  } else {
    const auto whole = static_cast<std::size_t>(decimal.point);
    out += digits.substr(0, whole);
    out += '.';
    out += digits.substr(whole);
  }
}

template <class Float>
std::string canonical(Float value) {
  OG_CHECK(std::isfinite(value));
  if (value == Float{0}) return "0";
  const Decimal decimal = shortest_decimal(value);
  std::string text;
  if (decimal.negative) text += '-';
  append_positional(text, decimal);
  return text;
}

template <class Int>
void append_integer(std::string& out, Int value) {
  std::array<char, 24> buffer;
  const auto [end, failed] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  OG_CHECK(failed == std::errc());
  out.append(buffer.data(), end);
}

}  // namespace

// Positional from 1e-5 to below 1e16, where people read it better; else with an exponent.
void append_double(std::string& out, double value) {
  OG_CHECK(std::isfinite(value));
  constexpr double kExactIntegerMax = 1e15;
  if (std::fabs(value) < kExactIntegerMax && value == std::trunc(value) && value != 0) {
    append_integer(out, static_cast<std::int64_t>(value));
    out += ".0";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0.0" : "0.0";
    return;
  }
  const Decimal decimal = shortest_decimal(value);
  if (decimal.negative) out += '-';
  if (decimal.point > -5 && decimal.point <= 16) {
    append_positional(out, decimal);
    if (decimal.point >= decimal.digit_count) out += ".0";
    return;
  }
  const std::string_view digits = decimal.text();
  out += digits.front();
  if (digits.size() > 1) {
    out += '.';
    out += digits.substr(1);
  }
  out += 'e';
  append_integer(out, decimal.point - 1);
}

std::string canonical_float(double value) { return canonical(value); }
std::string canonical_float(float value) { return canonical(value); }

void append_int(std::string& out, std::int64_t value) { append_integer(out, value); }
void append_uint(std::string& out, std::uint64_t value) { append_integer(out, value); }

}  // namespace omnigraph::base
