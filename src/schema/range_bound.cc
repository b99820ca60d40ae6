#include "schema/range_bound.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/number_text.h"
#include "base/result.h"

namespace omnigraph::schema {
namespace {

using columnar::Scalar;

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Digits without end after the point may underflow; that is a zero, not an error.
template <class Float>
std::optional<Scalar> parse_float(std::string_view text) {
  Float value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (end != text.data() + text.size()) return std::nullopt;
  if (failed == std::errc::result_out_of_range) {
    const bool tiny = text.find_first_not_of("-0") == text.find('.');
    if (!tiny) return std::nullopt;
    value = 0;
  }
  return Scalar{value};
}

std::optional<Scalar> integer_bound(std::string_view text) {
  if (text.find('.') == std::string_view::npos) {
    if (const auto value = parse<std::int64_t>(text)) return Scalar{*value};
    if (const auto value = parse<std::uint64_t>(text)) return Scalar{*value};
    return std::nullopt;
  }
  const auto value = parse_float<double>(text);
  if (!value) return std::nullopt;
  constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53
  const double number = std::get<double>(value->value);
  if (std::abs(number) > kExactIntegerMax) return std::nullopt;
  if (number == std::trunc(number)) return Scalar{static_cast<std::int64_t>(number)};
  return value;
}

double as_double(const Scalar& bound) {
  return std::visit(
      [](const auto& value) -> double {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) {
          return static_cast<double>(value);
        } else {
          OG_CHECK(false && "a bound is a number");
          return 0;
        }
      },
      bound.value);
}

}  // namespace

std::optional<Scalar> range_bound(const PropertyType& type, std::string_view text) {
  if (type.is_integer()) return integer_bound(text);
  if (type.scalar == ScalarType::kF32) return parse_float<float>(text);
  return parse_float<double>(text);
}

std::partial_ordering compare_bounds(const Scalar& a, const Scalar& b) {
  const auto* ia = std::get_if<std::int64_t>(&a.value);
  const auto* ib = std::get_if<std::int64_t>(&b.value);
  const auto* ua = std::get_if<std::uint64_t>(&a.value);
  const auto* ub = std::get_if<std::uint64_t>(&b.value);
  if (ia && ib) return *ia <=> *ib;
  if (ua && ub) return *ua <=> *ub;
  if (ia && ub) return std::partial_ordering::less;  // u64 holds only what i64 cannot
  if (ua && ib) return std::partial_ordering::greater;
  return as_double(a) <=> as_double(b);
}

std::string bound_text(const Scalar& bound) {
  std::string text;
  if (const auto* i = std::get_if<std::int64_t>(&bound.value)) {
    base::append_int(text, *i);
  } else if (const auto* u = std::get_if<std::uint64_t>(&bound.value)) {
    base::append_uint(text, *u);
  } else if (const auto* f = std::get_if<float>(&bound.value)) {
    text = base::canonical_float(*f);
  } else {
    text = base::canonical_float(as_double(bound));
  }
  return text;
}

}  // namespace omnigraph::schema
