#include "schema/value_text.h"

#include <cmath>
#include <cstdint>

#include "base/number_text.h"

namespace omnigraph::schema {
namespace {

template <class Integer>
std::string integer_text(const columnar::Array& array, std::int64_t row) {
  return std::to_string(array.value<Integer>(row));
}

template <class Float>
std::string float_text(Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return base::canonical_float(value);
}

std::string scalar_text(ScalarType scalar, const columnar::Array& array, std::int64_t row) {
  if (array.is_null(row)) return "null";
  switch (scalar) {
    case ScalarType::kString: return std::string(array.string_value(row));
    case ScalarType::kBool: return array.bool_value(row) ? "true" : "false";
    case ScalarType::kI32:
    case ScalarType::kDate: return integer_text<std::int32_t>(array, row);
    case ScalarType::kI64:
    case ScalarType::kDateTime: return integer_text<std::int64_t>(array, row);
    case ScalarType::kU32: return integer_text<std::uint32_t>(array, row);
    case ScalarType::kU64: return integer_text<std::uint64_t>(array, row);
    case ScalarType::kF32: return float_text(array.value<float>(row));
    case ScalarType::kF64: return float_text(array.value<double>(row));
    case ScalarType::kBlob: break;
  }
  return "a blob";
}

}  // namespace

std::string value_text(float value) { return float_text(value); }
std::string value_text(double value) { return float_text(value); }

std::string value_text(const PropertyType& type, const columnar::Array& column, std::int64_t row) {
  if (type.is_plain_scalar() || column.is_null(row)) return scalar_text(type.scalar, column, row);
  std::string text = "[";
  const auto begin = static_cast<std::int64_t>(column.item_begin(row));
  const auto end = static_cast<std::int64_t>(column.item_end(row));
  for (std::int64_t i = begin; i < end; ++i) {
    if (i != begin) text += ", ";
    text += scalar_text(type.scalar, *column.child(0), i);
  }
  return text + "]";
}

std::string tuple_text(std::span<const std::string> parts) {
  if (parts.size() == 1) return parts.front();
  std::string text = "(";
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ", ") + parts[i];
  return text + ")";
}

std::string expected_type_text(const PropertyType& type) {
  PropertyType required = type;
  required.nullable = false;
  return type_text(required);
}

}  // namespace omnigraph::schema
