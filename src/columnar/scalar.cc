#include "columnar/scalar.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/date_time.h"
#include "base/json_writer.h"
#include "base/number_text.h"
#include "base/result.h"
#include "base/text.h"
#include "columnar/image_json.h"

namespace omnigraph::columnar {
namespace {

// IEEE 754 binary16, which GCC 12 has no C++ type for.
float half_to_float(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  float value = 0;
  if (exponent == 31) {
    value = fraction != 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

// Milliseconds, rounded down.
std::int64_t timestamp_ms(const DataType& type, std::int64_t value) {
  const auto divide = [value](std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); };
  if (type.unit == "s") return value * 1000;
  if (type.unit == "us") return divide(1000);
  if (type.unit == "ns") return divide(1'000'000);
  return value;
}

bool is_float_vector(const DataType& type) {
  return type.id == TypeId::kFixedSizeList && type.child(0).type.id == TypeId::kFloat32;
}

std::int64_t integer_at(const Array& array, std::int64_t i) {
  switch (array.type().id) {
    case TypeId::kInt8: return array.value<std::int8_t>(i);
    case TypeId::kInt16: return array.value<std::int16_t>(i);
    case TypeId::kInt32: return array.value<std::int32_t>(i);
    case TypeId::kUint8: return array.value<std::uint8_t>(i);
    case TypeId::kUint16: return array.value<std::uint16_t>(i);
    case TypeId::kUint32: return array.value<std::uint32_t>(i);
    default: return array.value<std::int64_t>(i);
  }
}

void append_quoted(std::string& out, std::string_view text) {  // text without anything to escape
  out += '"';
  out += text;
  out += '"';
}

enum class JsonStyle { kResult, kExport, kImage };

// `finite` turns false on a float that export cannot write.
struct JsonSink {
  std::string& out;
  JsonStyle style;
  bool finite = true;

  void number(double value) {
    if (!std::isfinite(value)) finite = false;
    base::append_json_number(out, value);
  }
  void date(std::int32_t days) {
    if (style != JsonStyle::kResult) {
      base::append_int(out, days);
    } else {
      append_quoted(out, base::format_date(days));
    }
  }
  void date_time(std::int64_t milliseconds) {
    if (style != JsonStyle::kResult) {
      base::append_int(out, milliseconds);
    } else {
      append_quoted(out, base::format_date_time(milliseconds));
    }
  }
  void vector_element(float value) {
    if (std::isfinite(value)) {
      base::append_double(out, static_cast<double>(value));
    } else if (style == JsonStyle::kImage) {
      number(static_cast<double>(value));
    } else {
      finite = false;
      out += "null";
    }
  }
  void boolean(bool value) { out += value ? "true" : "false"; }

  void list(const Array& array, std::int64_t i) {
    const Array& items = *array.child(0);
    const bool vector = is_float_vector(array.type());
    const auto begin = static_cast<std::int64_t>(array.item_begin(i));
    const auto end = static_cast<std::int64_t>(array.item_end(i));
    out += '[';
    for (std::int64_t item = begin; item < end; ++item) {
      if (item > begin) out += ',';
      if (vector && items.is_valid(item)) {
        vector_element(items.value<float>(item));
      } else {
        slot(items, item);
      }
    }
    out += ']';
  }

  void structure(const Array& array, std::int64_t i) {
    out += '{';
    for (std::size_t field = 0; field < array.child_count(); ++field) {
      if (field > 0) out += ',';
      base::append_json_string(out, array.type().child(field).name);
      out += ':';
      slot(*array.child(field), i);
    }
    out += '}';
  }

  void slot(const Array& array, std::int64_t i) {
    if (array.is_null(i)) {
      out += "null";
      return;
    }
    switch (array.type().id) {
      case TypeId::kBool: return boolean(array.bool_value(i));
      case TypeId::kUint64: return base::append_uint(out, array.value<std::uint64_t>(i));
      case TypeId::kFloat16: return number(static_cast<double>(half_to_float(array.value<std::uint16_t>(i))));
      case TypeId::kFloat32: return number(static_cast<double>(array.value<float>(i)));
      case TypeId::kFloat64: return number(array.value<double>(i));
      case TypeId::kDate32: return date(array.value<std::int32_t>(i));
      case TypeId::kDate64: return date_time(array.value<std::int64_t>(i));
      case TypeId::kTimestamp: return date_time(timestamp_ms(array.type(), array.value<std::int64_t>(i)));
      case TypeId::kUtf8: return base::append_json_string(out, array.string_value(i));
      case TypeId::kBinary: return append_quoted(out, base::base64_encode(array.string_value(i)));
      case TypeId::kList:
      case TypeId::kFixedSizeList: return list(array, i);
      case TypeId::kStruct: return structure(array, i);
      default: return base::append_int(out, integer_at(array, i));
    }
  }

  // One overload for each alternative of Scalar.
  void operator()(std::monostate) { out += "null"; }
  void operator()(bool value) { boolean(value); }
  void operator()(std::int64_t value) { base::append_int(out, value); }
  void operator()(std::uint64_t value) { base::append_uint(out, value); }
  void operator()(float value) { number(static_cast<double>(value)); }
  void operator()(double value) { number(value); }
  void operator()(const std::string& value) { base::append_json_string(out, value); }
  void operator()(DateValue value) { date(value.days); }
  void operator()(DateTimeValue value) { date_time(value.milliseconds); }
  void operator()(const ScalarList& value) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      std::visit(*this, value[i].value);
    }
    out += ']';
  }
  void operator()(const FloatVector& value) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      vector_element(value[i]);
    }
    out += ']';
  }
};

Scalar list_at(const Array& array, std::int64_t i) {
  const Array& items = *array.child(0);
  const auto begin = static_cast<std::int64_t>(array.item_begin(i));
  const auto end = static_cast<std::int64_t>(array.item_end(i));
  if (is_float_vector(array.type())) {
    FloatVector vector;
    vector.reserve(static_cast<std::size_t>(end - begin));
    for (std::int64_t item = begin; item < end; ++item) vector.push_back(items.value<float>(item));
    return Scalar{std::move(vector)};
  }
  ScalarList list;
  list.reserve(static_cast<std::size_t>(end - begin));
  for (std::int64_t item = begin; item < end; ++item) list.push_back(scalar_at(items, item));
  return Scalar{std::move(list)};
}

}  // namespace

Scalar scalar_at(const Array& array, std::int64_t i) {
  if (array.is_null(i)) return Scalar{};
  switch (array.type().id) {
    case TypeId::kBool: return Scalar{array.bool_value(i)};
    case TypeId::kUint64: {
      const auto value = array.value<std::uint64_t>(i);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return Scalar{value};
      return Scalar{static_cast<std::int64_t>(value)};
    }
    case TypeId::kFloat16: return Scalar{half_to_float(array.value<std::uint16_t>(i))};
    case TypeId::kFloat32: return Scalar{array.value<float>(i)};
    case TypeId::kFloat64: return Scalar{array.value<double>(i)};
    case TypeId::kDate32: return Scalar{DateValue{array.value<std::int32_t>(i)}};
    case TypeId::kDate64: return Scalar{DateTimeValue{array.value<std::int64_t>(i)}};
    case TypeId::kTimestamp: return Scalar{DateTimeValue{timestamp_ms(array.type(), array.value<std::int64_t>(i))}};
    case TypeId::kUtf8:
    case TypeId::kBinary: return Scalar{std::string(array.string_value(i))};
    case TypeId::kList:
    case TypeId::kFixedSizeList: return list_at(array, i);
    case TypeId::kStruct: OG_CHECK(!"a scalar of a struct");
    default: return Scalar{integer_at(array, i)};
  }
}

void append_json(std::string& out, const Array& array, std::int64_t i) {
  JsonSink{.out = out, .style = JsonStyle::kResult}.slot(array, i);
}

void append_json(std::string& out, const Scalar& scalar) {
  JsonSink sink{.out = out, .style = JsonStyle::kResult};
  std::visit(sink, scalar.value);
}

bool append_export_json(std::string& out, const Array& array, std::int64_t i) {
  JsonSink sink{.out = out, .style = JsonStyle::kExport};
  sink.slot(array, i);
  return sink.finite;
}

void append_image_json(std::string& out, const Array& array, std::int64_t i) {
  JsonSink{.out = out, .style = JsonStyle::kImage}.slot(array, i);
}

}  // namespace omnigraph::columnar
