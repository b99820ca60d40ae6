// Arithmetic on values (chapter 14 section 3): what the compiler folds and the execution computes is the same.
// Integers are I64 and exact; floats are F64 and follow IEEE 754. Thread safety: free functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <expected>
#include <limits>
#include <string_view>

#include "query/ast.h"

namespace omnigraph::query {

enum class NoValue : std::uint8_t { kOverflow, kDivisionByZero };

// `integer overflow`, `division by zero`
[[nodiscard]] constexpr std::string_view no_value_text(NoValue why) {
  return why == NoValue::kOverflow ? "integer overflow" : "division by zero";
}

// For kNegate `b` is ignored. `/` truncates toward zero, `%` has the sign of the left side.
[[nodiscard]] inline std::expected<std::int64_t, NoValue> integer_arithmetic(Arithmetic op, std::int64_t a,
                                                                             std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  switch (op) {
    case Arithmetic::kAdd: overflow = __builtin_add_overflow(a, b, &out); break;
    case Arithmetic::kSubtract: overflow = __builtin_sub_overflow(a, b, &out); break;
    case Arithmetic::kMultiply: overflow = __builtin_mul_overflow(a, b, &out); break;
    case Arithmetic::kNegate: overflow = __builtin_sub_overflow(std::int64_t{0}, a, &out); break;
    case Arithmetic::kDivide:
    case Arithmetic::kRemainder: {
      if (b == 0) return std::unexpected(NoValue::kDivisionByZero);
      // The processor traps on the one quotient that does not fit; its remainder is 0.
      if (b == -1) {
        if (op == Arithmetic::kDivide) overflow = __builtin_sub_overflow(std::int64_t{0}, a, &out);
        break;
      }
      out = op == Arithmetic::kDivide ? a / b : a % b;
      break;
    }
  }
  if (overflow) return std::unexpected(NoValue::kOverflow);
  return out;
}

[[nodiscard]] inline double float_arithmetic(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::kAdd: return a + b;
    case Arithmetic::kSubtract: return a - b;
    case Arithmetic::kMultiply: return a * b;
    case Arithmetic::kDivide: return a / b;
    case Arithmetic::kRemainder: return std::fmod(a, b);
    case Arithmetic::kNegate: return -a;
  }
  return 0;
}

}  // namespace omnigraph::query
