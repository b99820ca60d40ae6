#include "exec/value.h"

#include <bit>
#include <cmath>
#include <compare>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/hash.h"
#include "base/result.h"
#include "exec/evaluation_scope.h"

namespace omnigraph::exec {
namespace {

using columnar::Array;
using columnar::TypeId;
using Kind = Value::Kind;

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

std::int64_t milliseconds_of(std::int64_t value, const std::string& unit) {
  if (unit == "s") return value * 1000;
  const std::int64_t divisor = unit == "us" ? 1000 : unit == "ns" ? 1'000'000 : 1;
  const std::int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

std::partial_ordering compare_int_double(std::int64_t i, double d) {
  if (std::isnan(d)) return std::partial_ordering::unordered;
  if (d >= kTwo63) return std::partial_ordering::less;
  if (d < -kTwo63) return std::partial_ordering::greater;
  const double whole = std::trunc(d);
  const auto t = static_cast<std::int64_t>(whole);
  if (i != t) return i < t ? std::partial_ordering::less : std::partial_ordering::greater;
  return 0.0 <=> d - whole;
}

std::partial_ordering compare_uint_double(std::uint64_t u, double d) {
  if (std::isnan(d)) return std::partial_ordering::unordered;
  if (d >= kTwo64) return std::partial_ordering::less;
  if (d < 0) return std::partial_ordering::greater;
  const double whole = std::trunc(d);
  const auto t = static_cast<std::uint64_t>(whole);
  if (u != t) return u < t ? std::partial_ordering::less : std::partial_ordering::greater;
  return 0.0 <=> d - whole;
}

float to_float(const Value& v) {
  switch (v.kind) {
    case Kind::kInt: return static_cast<float>(v.integer);
    case Kind::kUint: return static_cast<float>(v.natural);
    case Kind::kFloat: return v.single;
    default: return static_cast<float>(v.real);
  }
}

// REQUIRES: both are numbers.
std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  if (a.kind == Kind::kFloat || b.kind == Kind::kFloat) return to_float(a) <=> to_float(b);
  if (a.kind == Kind::kDouble) {
    if (b.kind == Kind::kDouble) return a.real <=> b.real;
    return 0 <=>
           (b.kind == Kind::kInt ? compare_int_double(b.integer, a.real) : compare_uint_double(b.natural, a.real));
  }
  if (b.kind == Kind::kDouble) {
    return a.kind == Kind::kInt ? compare_int_double(a.integer, b.real) : compare_uint_double(a.natural, b.real);
  }
  if (a.kind != b.kind) return a.kind == Kind::kInt ? std::partial_ordering::less : std::partial_ordering::greater;
  if (a.kind == Kind::kInt) return a.integer <=> b.integer;
  return a.natural <=> b.natural;
}

std::strong_ordering compare_text(std::string_view a, std::string_view b) { return a.compare(b) <=> 0; }

bool has_member(const Value& list, const Value& item) {
  if (list.kind == Kind::kItems) {
    for (std::uint64_t i = list.begin; i < list.end; ++i) {
      const auto at = static_cast<std::int64_t>(i);
      if (compare(query::CompareOp::kEqual, value_at(*list.items, at), item) == Truth::kTrue) return true;
    }
    return false;
  }
  for (const columnar::Scalar& member : *list.scalars) {
    if (compare(query::CompareOp::kEqual, value_of(member), item) == Truth::kTrue) return true;
  }
  return false;
}

Truth truth_of_order(query::CompareOp op, std::partial_ordering o) {
  switch (op) {
    case query::CompareOp::kEqual: return truth_of(o == 0);
    case query::CompareOp::kNotEqual: return truth_of(o != 0);
    case query::CompareOp::kLess: return truth_of(o < 0);
    case query::CompareOp::kLessEqual: return truth_of(o <= 0);
    case query::CompareOp::kGreater: return truth_of(o > 0);
    case query::CompareOp::kGreaterEqual: return truth_of(o >= 0);
    default: return Truth::kUnknown;
  }
}

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  x ^= x >> 29;
  return x;
}

std::uint64_t list_size(const Value& v) {
  if (v.kind == Kind::kItems) return v.end - v.begin;
  return v.kind == Kind::kScalars ? v.scalars->size() : v.vector->size();
}

Value list_item(const Value& v, std::uint64_t i) {
  if (v.kind == Kind::kItems) return value_at(*v.items, static_cast<std::int64_t>(v.begin + i));
  if (v.kind == Kind::kScalars) return value_of((*v.scalars)[i]);
  return Value::of_float((*v.vector)[i]);
}

bool is_list(const Value& v) { return v.kind >= Kind::kItems; }

bool is_nan(const Value& v) {
  return (v.kind == Kind::kDouble && std::isnan(v.real)) || (v.kind == Kind::kFloat && std::isnan(v.single));
}

}  // namespace

Value value_at(const Array& array, std::int64_t i) {
  if (array.is_null(i)) return {};
  switch (array.type().id) {
    case TypeId::kBool: return Value::of_bool(array.bool_value(i));
    case TypeId::kInt8: return Value::of_int(array.value<std::int8_t>(i));
    case TypeId::kInt16: return Value::of_int(array.value<std::int16_t>(i));
    case TypeId::kInt32: return Value::of_int(array.value<std::int32_t>(i));
    case TypeId::kInt64: return Value::of_int(array.value<std::int64_t>(i));
    case TypeId::kUint8: return Value::of_int(array.value<std::uint8_t>(i));
    case TypeId::kUint16: return Value::of_int(array.value<std::uint16_t>(i));
    case TypeId::kUint32: return Value::of_int(array.value<std::uint32_t>(i));
    case TypeId::kUint64: return Value::of_uint(array.value<std::uint64_t>(i));
    case TypeId::kFloat32: return Value::of_float(array.value<float>(i));
    case TypeId::kFloat64: return Value::of_double(array.value<double>(i));
    case TypeId::kDate32: return Value::of(Kind::kDate, array.value<std::int32_t>(i));
    case TypeId::kDate64: return Value::of(Kind::kDateTime, array.value<std::int64_t>(i));
    case TypeId::kTimestamp:
      return Value::of(Kind::kDateTime, milliseconds_of(array.value<std::int64_t>(i), array.type().unit));
    case TypeId::kUtf8:
    case TypeId::kBinary: return Value::of_text(array.string_value(i));
    case TypeId::kList:
    case TypeId::kFixedSizeList: {
      Value v;
      v.kind = Kind::kItems;
      v.items = array.child(0).get();
      v.begin = array.item_begin(i);
      v.end = array.item_end(i);
      return v;
    }
    case TypeId::kStruct: return Value::of_bool(true);
    case TypeId::kFloat16: break;  // No property type is stored so.
  }
  return {};
}

Value value_of(const columnar::Scalar& scalar) {
  return std::visit(
      [](const auto& x) -> Value {
        using T = std::decay_t<decltype(x)>;
        Value v;
        if constexpr (std::is_same_v<T, bool>) {
          v = Value::of_bool(x);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          v = Value::of_int(x);
        } else if constexpr (std::is_same_v<T, std::uint64_t>) {
          v = Value::of_uint(x);
        } else if constexpr (std::is_same_v<T, float>) {
          v = Value::of_float(x);
        } else if constexpr (std::is_same_v<T, double>) {
          v = Value::of_double(x);
        } else if constexpr (std::is_same_v<T, std::string>) {
          v = Value::of_text(x);
        } else if constexpr (std::is_same_v<T, columnar::DateValue>) {
          v = Value::of(Kind::kDate, x.days);
        } else if constexpr (std::is_same_v<T, columnar::DateTimeValue>) {
          v = Value::of(Kind::kDateTime, x.milliseconds);
        } else if constexpr (std::is_same_v<T, columnar::ScalarList>) {
          v.kind = Kind::kScalars;
          v.scalars = &x;
        } else if constexpr (std::is_same_v<T, columnar::FloatVector>) {
          v.kind = Kind::kVector;
          v.vector = &x;
        }
        return v;
      },
      scalar.value);
}

columnar::Scalar scalar_of(const Value& v) {
  switch (v.kind) {
    case Kind::kNull: return {};
    case Kind::kBool: return {v.integer != 0};
    case Kind::kInt: return {v.integer};
    case Kind::kUint: return {v.natural};
    case Kind::kFloat: return {v.single};
    case Kind::kDouble: return {v.real};
    case Kind::kString: return {std::string(v.text)};
    case Kind::kDate: return {columnar::DateValue{static_cast<std::int32_t>(v.integer)}};
    case Kind::kDateTime: return {columnar::DateTimeValue{v.integer}};
    case Kind::kScalars: return {*v.scalars};
    case Kind::kVector: return {*v.vector};
    case Kind::kItems: {
      columnar::ScalarList list;
      for (std::uint64_t i = 0; i < list_size(v); ++i) list.push_back(scalar_of(list_item(v, i)));
      return {std::move(list)};
    }
  }
  return {};
}

double to_double(const Value& v) {
  switch (v.kind) {
    case Kind::kInt: return static_cast<double>(v.integer);
    case Kind::kUint: return static_cast<double>(v.natural);
    case Kind::kFloat: return static_cast<double>(v.single);
    default: return v.real;
  }
}

Truth compare(query::CompareOp op, const Value& left, const Value& right) {
  if (left.is_null() || right.is_null()) return Truth::kUnknown;
  if (op == query::CompareOp::kContains) {
    if (left.kind == Kind::kItems || left.kind == Kind::kScalars) return truth_of(has_member(left, right));
    if (left.kind != Kind::kString || right.kind != Kind::kString) return Truth::kUnknown;
    return truth_of(left.text.find(right.text) != std::string_view::npos);
  }
  if (op == query::CompareOp::kStartsWith) {
    if (left.kind != Kind::kString || right.kind != Kind::kString) return Truth::kUnknown;
    return truth_of(left.text.starts_with(right.text));
  }
  if (left.is_number() && right.is_number()) return truth_of_order(op, compare_numbers(left, right));
  if (left.kind != right.kind) return Truth::kUnknown;
  switch (left.kind) {
    case Kind::kString: return truth_of_order(op, compare_text(left.text, right.text));
    case Kind::kBool:
    case Kind::kDate:
    case Kind::kDateTime: return truth_of_order(op, left.integer <=> right.integer);
    default: return Truth::kUnknown;
  }
}

std::expected<Value, query::NoValue> arithmetic(query::Arithmetic op, const Value& a, const Value& b) {
  const bool unary = op == query::Arithmetic::kNegate;
  if (a.is_null() || (!unary && b.is_null())) return Value();
  if (a.kind == Kind::kString) {
    std::string joined;
    joined.reserve(a.text.size() + b.text.size());
    return Value::of_text(EvaluationScope::keep(joined.append(a.text).append(b.text)));
  }
  const auto is_float = [](const Value& v) { return v.kind == Kind::kFloat || v.kind == Kind::kDouble; };
  if (is_float(a) || (!unary && is_float(b))) {
    return Value::of_double(query::float_arithmetic(op, to_double(a), unary ? 0 : to_double(b)));
  }
  if (a.kind == Kind::kUint || (!unary && b.kind == Kind::kUint)) return std::unexpected(query::NoValue::kOverflow);
  const auto result = query::integer_arithmetic(op, a.integer, unary ? 0 : b.integer);
  if (!result) return std::unexpected(result.error());
  return Value::of_int(*result);
}

int order(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return static_cast<int>(b.is_null()) - static_cast<int>(a.is_null());
  if (a.is_number() && b.is_number()) {
    const bool a_nan = is_nan(a);
    const bool b_nan = is_nan(b);
    if (a_nan || b_nan) return static_cast<int>(a_nan) - static_cast<int>(b_nan);
    const std::partial_ordering o = compare_numbers(a, b);
    return o < 0 ? -1 : o > 0 ? 1 : 0;
  }
  if (is_list(a) && is_list(b)) {
    const std::uint64_t count = std::min(list_size(a), list_size(b));
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const int o = order(list_item(a, i), list_item(b, i)); o != 0) return o;
    }
    return list_size(a) < list_size(b) ? -1 : list_size(a) > list_size(b) ? 1 : 0;
  }
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == Kind::kString) {
    const int o = a.text.compare(b.text);
    return o < 0 ? -1 : o > 0 ? 1 : 0;
  }
  return a.integer < b.integer ? -1 : a.integer > b.integer ? 1 : 0;
}

std::uint64_t group_hash(const Value& v) {
  switch (v.kind) {
    case Kind::kNull: return 0x5bd1e995u;
    case Kind::kString: return base::hash64(v.text);
    case Kind::kFloat: return mix(std::isnan(v.single) ? 1 : std::bit_cast<std::uint32_t>(v.single + 0.0f) + 7u);
    case Kind::kDouble: return mix(std::isnan(v.real) ? 1 : std::bit_cast<std::uint64_t>(v.real + 0.0));
    case Kind::kUint: return mix(v.natural);
    case Kind::kItems:
    case Kind::kScalars:
    case Kind::kVector: {
      std::uint64_t hash = list_size(v);
      for (std::uint64_t i = 0; i < list_size(v); ++i) hash = mix(hash + group_hash(list_item(v, i)));
      return hash;
    }
    default: return mix(static_cast<std::uint64_t>(v.integer) + 0x9E37u);
  }
}

std::uint64_t join_hash(const Value& v) {
  if (!v.is_number()) return group_hash(v);
  // Equal numbers stay equal when both are rounded to F32, which is also how an F32 meets the others.
  const float f = to_float(v);
  return mix(std::bit_cast<std::uint32_t>(f + 0.0f));
}

}  // namespace omnigraph::exec
