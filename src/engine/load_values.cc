#include "engine/load_values.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/date_time.h"
#include "base/hash.h"
#include "base/number_text.h"
#include "base/text.h"
#include "base/ulid.h"
#include "engine/load_limits.h"
#include "schema/value_check.h"

namespace omnigraph::engine {
namespace {

using columnar::ArrayBuilder;
using schema::Property;
using schema::ScalarType;
using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kShownBytesMax = 256;
constexpr std::string_view kBase64Prefix = "base64:";

// Children of a Blob column (chapter 09 section 6).
enum BlobChild : std::size_t { kSha256, kSize, kData, kObject, kUri, kStart, kLength };
static_assert(kUri == kBlobUriChild);

// Marked numbers inside a larger value, back as they were.
std::string without_marks(std::string json) {
  constexpr std::string_view kMark = "\"\\u0001number:";
  for (std::size_t at = json.find(kMark); at != std::string::npos; at = json.find(kMark, at)) {
    json.erase(at, kMark.size());
    const std::size_t quote = json.find('"', at);
    if (quote != std::string::npos) json.erase(quote, 1);
  }
  return json;
}

}  // namespace

void append_managed_blob(std::string payload, ArrayBuilder& column, std::vector<PendingBlob>& large) {
  std::string digest = base::sha256_hex(payload);
  column.child(kSha256).append_string(digest);
  column.child(kSize).append_value(static_cast<std::uint64_t>(payload.size()));
  for (const BlobChild child : {kUri, kStart, kLength}) column.child(child).append_null();
  if (payload.size() <= kInlineBlobBytesMax) {
    column.child(kData).append_string(payload);
    column.child(kObject).append_null();
  } else {
    std::string key = "blobs/" + digest.substr(0, 2) + "/" + digest + "-" + base::new_ulid();
    column.child(kData).append_null();
    column.child(kObject).append_string(key);
    large.push_back({std::move(key), std::move(payload)});
  }
  column.close_struct();
}

std::string_view ValueReader::wide_number(const element& value) const {
  if (!marked_ || !value.is_string()) return {};
  const std::string_view text = value.get_string().value_unsafe();
  return text.starts_with(kWideNumberMark) ? text.substr(kWideNumberMark.size()) : std::string_view();
}

std::string ValueReader::text_of(const element& value) const {
  std::string text;
  if (value.type() == element_type::DOUBLE) {
    base::append_double(text, value.get_double().value_unsafe());
  } else if (const std::string_view number = wide_number(value); !number.empty()) {
    text = number;
  } else {
    text = simdjson::minify(value);
    if (marked_) text = without_marks(std::move(text));
  }
  if (text.size() <= kShownBytesMax) return text;
  std::size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

Error ValueReader::wrong_type(const Property& property, const element& value) const {
  return schema::wrong_value_type(property, text_of(value));
}

Error ValueReader::out_of_range(const Property& property, std::string_view value, std::string_view type_name) const {
  const std::string subject = property.type.list ? "list" : "property '" + property.name + "'";
  return bad_request(subject + " value " + std::string(value) + " exceeds " + std::string(type_name) + " range");
}

template <class Integer>
Result<void> ValueReader::append_integer(const Property& property, const element& value, std::string_view type_name,
                                         ArrayBuilder& column) {
  if (value.type() == element_type::INT64) {
    const std::int64_t number = value.get_int64().value_unsafe();
    if (std::in_range<Integer>(number)) {
      column.append_value(static_cast<Integer>(number));
      return {};
    }
  } else if (value.type() == element_type::UINT64) {
    const std::uint64_t number = value.get_uint64().value_unsafe();
    if (std::in_range<Integer>(number)) {
      column.append_value(static_cast<Integer>(number));
      return {};
    }
  } else if (wide_number(value).find_first_not_of("-0123456789") != std::string_view::npos ||
             wide_number(value).empty()) {
    return std::unexpected(wrong_type(property, value));
  }
  const std::string text = text_of(value);
  if (property.type.scalar == ScalarType::kDate || property.type.scalar == ScalarType::kDateTime) {
    return std::unexpected(bad_request(std::string(type_name) + " value out of range: " + text));
  }
  return std::unexpected(out_of_range(property, text, type_name));
}

Result<float> ValueReader::as_float(const Property& property, const element& value) const {
  float number = 0;
  switch (value.type()) {
    case element_type::INT64: number = static_cast<float>(value.get_int64().value_unsafe()); break;
    case element_type::UINT64: number = static_cast<float>(value.get_uint64().value_unsafe()); break;
    case element_type::DOUBLE: number = static_cast<float>(value.get_double().value_unsafe()); break;
    default: {
      const std::string_view wide = wide_number(value);
      if (wide.empty()) return std::unexpected(wrong_type(property, value));
      number = static_cast<float>(std::strtod(std::string(wide).c_str(), nullptr));
      break;
    }
  }
  if (!std::isfinite(number)) return std::unexpected(out_of_range(property, text_of(value), "Float32"));
  return number;
}

Result<void> ValueReader::append_scalar(const Property& property, const element& value, ArrayBuilder& column) {
  const bool is_text = value.is_string() && (!marked_ || wide_number(value).empty());
  switch (property.type.scalar) {
    case ScalarType::kString:
      if (!is_text) return std::unexpected(wrong_type(property, value));
      column.append_string(value.get_string().value_unsafe());
      return {};
    case ScalarType::kBool:
      if (!value.is_bool()) return std::unexpected(wrong_type(property, value));
      column.append_bool(value.get_bool().value_unsafe());
      return {};
    case ScalarType::kI32: return append_integer<std::int32_t>(property, value, "Int32", column);
    case ScalarType::kI64: return append_integer<std::int64_t>(property, value, "Int64", column);
    case ScalarType::kU32: return append_integer<std::uint32_t>(property, value, "UInt32", column);
    case ScalarType::kU64: return append_integer<std::uint64_t>(property, value, "UInt64", column);
    case ScalarType::kF32: {
      OG_ASSIGN_OR_RETURN(const float number, as_float(property, value));
      column.append_value(number);
      return {};
    }
    case ScalarType::kF64: {
      const std::string_view wide = wide_number(value);
      if (wide.empty() && !value.is_number()) return std::unexpected(wrong_type(property, value));
      const double number =
          wide.empty() ? value.get_double().value_unsafe() : std::strtod(std::string(wide).c_str(), nullptr);
      if (!std::isfinite(number)) return std::unexpected(out_of_range(property, wide, "Float64"));
      column.append_value(number);
      return {};
    }
    case ScalarType::kDate: {
      if (!is_text) return append_integer<std::int32_t>(property, value, "Date", column);
      const std::string_view text = value.get_string().value_unsafe();
      const std::optional<std::int32_t> days = base::parse_date(text);
      if (!days) return std::unexpected(bad_request("invalid Date literal '" + std::string(text) + "'"));
      column.append_value(*days);
      return {};
    }
    case ScalarType::kDateTime: {
      if (!is_text) return append_integer<std::int64_t>(property, value, "DateTime", column);
      const std::string_view text = value.get_string().value_unsafe();
      const std::optional<std::int64_t> milliseconds = base::parse_date_time(text);
      if (!milliseconds) return std::unexpected(bad_request("invalid DateTime literal '" + std::string(text) + "'"));
      column.append_value(*milliseconds);
      return {};
    }
    case ScalarType::kBlob: return append_blob(property, value, column);
  }
  return {};
}

Result<void> ValueReader::append_list(const Property& property, const element& value, ArrayBuilder& column) {
  if (!value.is_array()) {
    return std::unexpected(
        bad_request("list property '" + property.name + "' expects a JSON array, got " + text_of(value)));
  }
  const simdjson::dom::array items = value.get_array().value_unsafe();
  for (const element item : items) {
    if (!item.is_null()) {
      OG_RETURN_IF_ERROR(append_scalar(property, item, column.child(0)));
    } else if (strict_) {
      return std::unexpected(wrong_type(property, item));
    } else {
      column.child(0).append_null();
    }
  }
  column.close_list();
  return {};
}

Result<void> ValueReader::append_vector(const Property& property, const element& value, ArrayBuilder& column) {
  if (!value.is_array()) return std::unexpected(wrong_type(property, value));
  vector_.clear();
  const simdjson::dom::array items = value.get_array().value_unsafe();
  for (const element item : items) {
    if (!item.is_number() && wide_number(item).empty()) {
      return std::unexpected(
          bad_request("vector property '" + property.name + "' elements must be numeric, got " + text_of(item)));
    }
    OG_ASSIGN_OR_RETURN(const float number, as_float(property, item));
    vector_.push_back(number);
  }
  if (vector_.size() != property.type.vector_dimension) {
    return std::unexpected(bad_request("vector property '" + property.name + "' expects " +
                                       std::to_string(property.type.vector_dimension) + " dimensions, got " +
                                       std::to_string(vector_.size())));
  }
  column.append_vector(vector_);
  return {};
}

Result<void> ValueReader::append_blob(const Property& property, const element& value, ArrayBuilder& column) {
  if (!value.is_string() || !wide_number(value).empty()) {
    return std::unexpected(
        bad_request("blob property '" + property.name + "' must be a URI string or base64: prefixed data"));
  }
  const std::string_view text = value.get_string().value_unsafe();
  if (!text.starts_with(kBase64Prefix)) {
    OG_ASSIGN_OR_RETURN(const objectstore::BlobUri uri, external_.admit(text));
    for (const BlobChild child : {kSha256, kSize, kData, kObject, kStart, kLength}) column.child(child).append_null();
    column.child(kUri).append_string(uri.text());
    column.close_struct();
    return {};
  }
  auto payload = base::base64_decode(text.substr(kBase64Prefix.size()));
  if (!payload) return std::unexpected(bad_request("invalid base64 blob data: " + payload.error().message));
  append_managed_blob(*std::move(payload), column, blobs_);
  return {};
}

Result<void> ValueReader::append(const Property& property, const element& value, ArrayBuilder& column) {
  if (value.is_null()) {
    column.append_null();
    return {};
  }
  if (property.type.is_vector()) return append_vector(property, value, column);
  if (property.type.list) return append_list(property, value, column);
  return append_scalar(property, value, column);
}

}  // namespace omnigraph::engine
