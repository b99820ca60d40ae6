// One value, as literals, parameters and single rows carry it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "columnar/array.h"

namespace omnigraph::columnar {

struct DateValue {
  std::int32_t days;
  friend auto operator<=>(const DateValue&, const DateValue&) = default;
};
struct DateTimeValue {
  std::int64_t milliseconds;
  friend auto operator<=>(const DateTimeValue&, const DateTimeValue&) = default;
};
struct Scalar;
using ScalarList = std::vector<Scalar>;
using FloatVector = std::vector<float>;

// Integers are i64 where they fit, else u64. `float` keeps F32 apart (it meets other numbers rounded to F32).
struct Scalar {
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, float, double, std::string, DateValue, DateTimeValue,
               ScalarList, FloatVector>
      value;
  [[nodiscard]] bool is_null() const { return value.index() == 0; }
  friend bool operator==(const Scalar&, const Scalar&) = default;
};

// The value of slot i. Structs are not representable (OG_CHECK). U64 above the i64 range stays u64.
[[nodiscard]] Scalar scalar_at(const Array& array, std::int64_t i);
// JSON as query results write it (chapter 02 section 7.1): Date and DateTime as text, non-finite floats as strings,
// non-finite vector elements as null.
void append_json(std::string& out, const Array& array, std::int64_t i);
void append_json(std::string& out, const Scalar& scalar);
// As exports write it: Date as days, DateTime as milliseconds; returns false on a non-finite float.
[[nodiscard]] bool append_export_json(std::string& out, const Array& array, std::int64_t i);

}  // namespace omnigraph::columnar
