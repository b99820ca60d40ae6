// One value while a query runs, borrowed from a column, a literal or a parameter, and the three relations queries
// need: comparison with three-valued logic, the total order of results, and the equality of group keys.
// Source: chapter 02 sections 6.3, 6.5, 6.6. Thread safety: values; what they borrow must outlive them.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "columnar/array.h"
#include "columnar/scalar.h"
#include "query/arithmetic.h"

namespace omnigraph::exec {

struct Value {
  enum class Kind : std::uint8_t {
    kNull,
    kBool,
    kInt,
    kUint,
    kFloat,
    kDouble,
    kString,
    kDate,
    kDateTime,
    kItems,    // slot of a list or vector column: items[begin, end)
    kScalars,  // list literal or parameter
    kVector,   // vector parameter
  };
  Kind kind = Kind::kNull;
  union {
    std::int64_t integer = 0;  // kBool, kInt, kDate (days), kDateTime (ms)
    std::uint64_t natural;     // kUint: above the i64 range
    float single;
    double real;
  };
  std::string_view text{};                        // kString
  const columnar::Array* items = nullptr;         // kItems
  std::uint64_t begin = 0, end = 0;               // kItems
  const columnar::ScalarList* scalars = nullptr;  // kScalars
  const columnar::FloatVector* vector = nullptr;  // kVector

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_number() const { return kind >= Kind::kInt && kind <= Kind::kDouble; }

  static Value of_bool(bool b) { return of(Kind::kBool, b ? 1 : 0); }
  static Value of_int(std::int64_t i) { return of(Kind::kInt, i); }
  static Value of_uint(std::uint64_t u) {
    if (u <= 0x7fffffffffffffffu) return of_int(static_cast<std::int64_t>(u));
    Value v;
    v.kind = Kind::kUint;
    v.natural = u;
    return v;
  }
  static Value of_float(float f) {
    Value v;
    v.kind = Kind::kFloat;
    v.single = f;
    return v;
  }
  static Value of_double(double d) {
    Value v;
    v.kind = Kind::kDouble;
    v.real = d;
    return v;
  }
  static Value of_text(std::string_view text) {
    Value v;
    v.kind = Kind::kString;
    v.text = text;
    return v;
  }
  static Value of(Kind kind, std::int64_t integer) {
    Value v;
    v.kind = kind;
    v.integer = integer;
    return v;
  }
};

// Slot i of a column; of a struct only null or not is known (kBool true).
[[nodiscard]] Value value_at(const columnar::Array& array, std::int64_t i);
[[nodiscard]] Value value_of(const columnar::Scalar& scalar);
// A scalar that owns what the value borrows.
[[nodiscard]] columnar::Scalar scalar_of(const Value& value);
// Any number as the nearest double. REQUIRES: is_number().
[[nodiscard]] double to_double(const Value& value);

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };
[[nodiscard]] inline Truth truth_of(bool b) { return b ? Truth::kTrue : Truth::kFalse; }

// Numbers by exact mathematical value across types, except that an F32 meets another number rounded to F32; NaN is
// unequal to everything; strings by bytes. A null on either side, or kinds that do not compare: kUnknown.
[[nodiscard]] Truth compare(query::CompareOp op, const Value& left, const Value& right);

// Chapter 14 section 3. Null if a side is null; `b` is ignored for kNegate. A joined string belongs to the innermost
// EvaluationScope. REQUIRES: types that the compiler let pass.
[[nodiscard]] std::expected<Value, query::NoValue> arithmetic(query::Arithmetic op, const Value& a, const Value& b);

// <0, 0, >0 in the ascending order of results: null first, NaN after all numbers, both zeros equal, lists item by item.
[[nodiscard]] int order(const Value& left, const Value& right);

// Equality and hash of group keys: null = null, NaN = NaN, -0.0 = 0.0, lists item by item. Equal group keys of one
// column have equal hashes.
[[nodiscard]] inline bool same_group(const Value& left, const Value& right) { return order(left, right) == 0; }
[[nodiscard]] std::uint64_t group_hash(const Value& value);
// Hash for equality joins: values that compare() as equal have equal hashes, across number types.
[[nodiscard]] std::uint64_t join_hash(const Value& value);

}  // namespace omnigraph::exec
