#include "base/number_text.h"

#include <algorithm>
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
  // "d.ddde+xx" or "de+xx".
  const char* mark = end - 1;
  while (*mark != 'e') --mark;
  decimal.digits[0] = *at++;
  if (at != mark) ++at;  // '.'
  decimal.digit_count = 1 + static_cast<int>(mark - at);
  std::copy(at, mark, decimal.digits.data() + 1);
  const bool negative_exponent = mark[1] == '-';
  int exponent = 0;
  std::from_chars(mark + 2, end, exponent);
  decimal.point = (negative_exponent ? -exponent : exponent) + 1;
  return decimal;
}

char* put(char* to, std::string_view text) { return std::copy(text.begin(), text.end(), to); }

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

// Positional from 1e-5 to below 1e16, where people read it better; else with an exponent. The text is put together on
// the stack, because exports write little else.
void append_double(std::string& out, double value) {
  OG_CHECK(std::isfinite(value));
  constexpr double kExactIntegerMax = 1e15;
  std::array<char, 48> text;
  char* to = text.data();
  if (value == 0) {
    out += std::signbit(value) ? "-0.0" : "0.0";
    return;
  }
  if (std::fabs(value) < kExactIntegerMax && value == std::trunc(value)) {
    to = std::to_chars(to, text.data() + text.size(), static_cast<std::int64_t>(value)).ptr;
    to = put(to, ".0");
    out.append(text.data(), to);
    return;
  }
  const Decimal decimal = shortest_decimal(value);
  const std::string_view digits = decimal.text();
  if (decimal.negative) *to++ = '-';
  if (decimal.point > 16 || decimal.point <= -5) {
    *to++ = digits.front();
    if (digits.size() > 1) to = put(put(to, "."), digits.substr(1));
    *to++ = 'e';
    to = std::to_chars(to, text.data() + text.size(), decimal.point - 1).ptr;
  } else if (decimal.point <= 0) {
    to = put(to, std::string_view("0.00000").substr(0, static_cast<std::size_t>(2 - decimal.point)));
    to = put(to, digits);
  } else if (decimal.point >= decimal.digit_count) {
    to = put(to, digits);
    to = std::fill_n(to, decimal.point - decimal.digit_count, '0');
    to = put(to, ".0");
  } else {
    const auto whole = static_cast<std::size_t>(decimal.point);
    to = put(put(to, digits.substr(0, whole)), ".");
    to = put(to, digits.substr(whole));
  }
  out.append(text.data(), to);
}

std::string canonical_float(double value) { return canonical(value); }
std::string canonical_float(float value) { return canonical(value); }

void append_int(std::string& out, std::int64_t value) { append_integer(out, value); }
void append_uint(std::string& out, std::uint64_t value) { append_integer(out, value); }

}  // namespace omnigraph::base
