#include "query/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/date_time.h"
#include "base/text.h"
#include "query/limits.h"

namespace omnigraph::query {
namespace {

using columnar::Scalar;
using schema::PropertyType;
using schema::ScalarType;

// A JSON value with its numbers as written: 3.0 is not 3 here, and 2^70 is still an integer.
struct Json {
  enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text{};  // kNumber, kString
  std::vector<Json> items{};
};

using Members = std::map<std::string, Json, std::less<>>;

std::string_view kind_text(const Json& json) {
  switch (json.kind) {
    case Json::Kind::kNull: return "null";
    case Json::Kind::kBoolean: return "boolean";
    case Json::Kind::kNumber: return "number";
    case Json::Kind::kString: return "string";
    case Json::Kind::kArray: return "array";
    case Json::Kind::kObject: return "object";
  }
  return "";
}

// Collects the members of the outermost object. What is inside nested objects is dropped: no parameter is one.
class MemberReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Members members;
  bool is_object = false;
  bool is_null = false;
  std::string problem;  // why the text is no JSON

  bool null() override { return add({}); }
  bool boolean(bool value) override { return add({.kind = Json::Kind::kBoolean, .boolean = value}); }
  bool number_integer(number_integer_t value) override { return add_number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add_number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return add_number(written); }
  bool string(string_t& value) override { return add({.kind = Json::Kind::kString, .text = std::move(value)}); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (depth_++ == 0) {
      is_object = true;
      return true;
    }
    return enter(Json::Kind::kObject);
  }
  bool key(string_t& name) override {
    if (depth_ == 1) member_ = std::move(name);
    return true;
  }
  bool end_object() override {
    if (--depth_ > 0) leave();
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_++ == 0) return false;  // not an object: nothing in it matters
    return enter(Json::Kind::kArray);
  }
  bool end_array() override {
    --depth_;
    leave();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error) override {
    constexpr int number_overflow = 406;
    if (error.id == number_overflow && depth_ == 1) {
      // More than a double holds. The reader stops here, but the parameter's declared type words the message.
      overflow = {member_, {.kind = Json::Kind::kNumber, .text = token}};
      return false;
    }
    problem = error.id == number_overflow ? "number " + token + " is out of range"
                                          : "invalid JSON at byte " + std::to_string(position);
    return false;
  }
  std::optional<std::pair<std::string, Json>> overflow;

 private:
  bool enter(Json::Kind kind) {
    if (depth_ > kParameterDepthMax) {
      problem = "params nest deeper than " + std::to_string(kParameterDepthMax) + " levels";
      return false;
    }
    open_.push_back({.kind = kind});
    return true;
  }
  void leave() {
    if (open_.empty()) return;
    Json done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }
  bool add_number(std::string text) { return add({.kind = Json::Kind::kNumber, .text = std::move(text)}); }
  bool add(Json json) {
    if (!open_.empty()) {
      if (open_.back().kind == Json::Kind::kArray) open_.back().items.push_back(std::move(json));
    } else if (is_object) {
      members[member_] = std::move(json);
    } else {
      is_null = json.kind == Json::Kind::kNull;
    }
    return true;
  }

  std::vector<Json> open_;  // containers below the outermost object
  std::string member_;
  std::size_t depth_ = 0;
};

// What is wrong with a value, without the prefix.
using Converted = std::expected<Scalar, std::string>;

std::unexpected<std::string> expected(std::string_view what, const Json& got) {
  return std::unexpected("expected " + std::string(what) + ", got " + std::string(kind_text(got)));
}

bool is_integer_text(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

struct IntegerRange {
  std::int64_t min;
  std::uint64_t max;
};
IntegerRange range_of(ScalarType type) {
  switch (type) {
    case ScalarType::kI32: return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case ScalarType::kU32: return {0, std::numeric_limits<std::uint32_t>::max()};
    case ScalarType::kU64: return {0, std::numeric_limits<std::uint64_t>::max()};
    default: return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

// `text` is an integer of any length.
std::optional<Scalar> integer_in_range(std::string_view text, IntegerRange range) {
  const char* first = text.data();
  const char* last = first + text.size();
  std::int64_t small = 0;
  if (std::from_chars(first, last, small).ec == std::errc{}) {
    if (small < range.min || (small > 0 && static_cast<std::uint64_t>(small) > range.max)) return std::nullopt;
    return Scalar{small};
  }
  std::uint64_t large = 0;
  if (text.starts_with('-') || std::from_chars(first, last, large).ec != std::errc{} || large > range.max) {
    return std::nullopt;
  }
  return Scalar{large};
}

Converted convert_integer(const Json& json, ScalarType type) {
  const bool is_unsigned = type == ScalarType::kU32 || type == ScalarType::kU64;
  const std::string wanted = is_unsigned ? "unsigned integer" : "integer";
  if (json.kind != Json::Kind::kNumber && json.kind != Json::Kind::kString) return expected(wanted, json);
  const bool string = json.kind == Json::Kind::kString;
  const bool negative = json.text.starts_with('-') && json.text.find_first_of("123456789") != std::string::npos;
  if (!is_integer_text(json.text) || (is_unsigned && negative)) {
    return std::unexpected("expected " + wanted +
                           (string ? " string, got '" + json.text + "'" : " number, got " + json.text));
  }
  if (auto value = integer_in_range(json.text, range_of(type))) return std::move(*value);
  return std::unexpected("value " + json.text + " exceeds " + std::string(schema::scalar_name(type)));
}

std::optional<double> finite_double(const Json& json) {
  if (json.kind != Json::Kind::kNumber) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(json.text.data(), json.text.data() + json.text.size(), value);
  if (read.ec == std::errc::result_out_of_range) {
    // from_chars does not tell too large from too small; strtod does.
    value = std::strtod(json.text.c_str(), nullptr);
  }
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

Converted convert_float(const Json& json, ScalarType type) {
  if (json.kind != Json::Kind::kNumber) return expected("float", json);
  const auto value = finite_double(json);
  const bool narrow = type == ScalarType::kF32;
  if (!value || (narrow && !std::isfinite(static_cast<float>(*value)))) {
    return std::unexpected("expected float, value " + json.text + " exceeds " + std::string(schema::scalar_name(type)));
  }
  if (narrow) return Scalar{static_cast<float>(*value)};
  return Scalar{*value};
}

Converted convert_date(const Json& json) {
  if (json.kind != Json::Kind::kString) return expected("date string", json);
  const auto days = base::parse_date(json.text);
  if (!days) return std::unexpected("invalid Date literal '" + json.text + "'");
  return Scalar{columnar::DateValue{*days}};
}

Converted convert_date_time(const Json& json) {
  if (json.kind != Json::Kind::kString) return expected("datetime string", json);
  const auto milliseconds = base::parse_date_time(json.text);
  if (!milliseconds) return std::unexpected("invalid DateTime literal '" + json.text + "'");
  return Scalar{columnar::DateTimeValue{*milliseconds}};
}

Converted convert_scalar(const Json& json, ScalarType type) {
  switch (type) {
    case ScalarType::kString:
    case ScalarType::kBlob:
      if (json.kind != Json::Kind::kString) {
        return expected(type == ScalarType::kString ? "string" : "blob URI string", json);
      }
      return Scalar{json.text};
    case ScalarType::kBool:
      if (json.kind != Json::Kind::kBoolean) return expected("boolean", json);
      return Scalar{json.boolean};
    case ScalarType::kI32:
    case ScalarType::kI64:
    case ScalarType::kU32:
    case ScalarType::kU64: return convert_integer(json, type);
    case ScalarType::kF32:
    case ScalarType::kF64: return convert_float(json, type);
    case ScalarType::kDate: return convert_date(json);
    case ScalarType::kDateTime: return convert_date_time(json);
  }
  return expected("a value", json);
}

Converted convert_vector(const Json& json, const Parameter& parameter) {
  if (json.kind != Json::Kind::kArray) return expected("array for " + parameter.type_text, json);
  const std::uint32_t dimension = parameter.type.vector_dimension;
  if (json.items.size() != dimension) {
    return std::unexpected("expected " + std::to_string(dimension) + " values for " + parameter.type_text + ", got " +
                           std::to_string(json.items.size()));
  }
  columnar::FloatVector vector;
  vector.reserve(dimension);
  for (const Json& item : json.items) {
    if (item.kind != Json::Kind::kNumber) return std::unexpected("vector element is not numeric");
    const auto value = finite_double(item);
    if (!value || !std::isfinite(static_cast<float>(*value))) {
      return std::unexpected("vector element " + item.text + " exceeds F32");
    }
    vector.push_back(static_cast<float>(*value));
  }
  return Scalar{std::move(vector)};
}

Converted convert(const Json& json, const Parameter& parameter) {
  const PropertyType& type = parameter.type;
  if (json.kind == Json::Kind::kNull) {
    if (type.nullable) return Scalar{};
    return std::unexpected("null is not accepted for non-nullable parameter");
  }
  if (type.is_vector()) return convert_vector(json, parameter);
  if (!type.list) return convert_scalar(json, type.scalar);
  if (json.kind != Json::Kind::kArray) return expected("array for " + parameter.type_text, json);
  columnar::ScalarList items;
  items.reserve(json.items.size());
  for (const Json& item : json.items) {
    auto value = convert_scalar(item, type.scalar);
    if (!value) return std::unexpected(std::move(value).error());
    items.push_back(std::move(*value));
  }
  return Scalar{std::move(items)};
}

std::unexpected<Error> parameter_error(std::string_view name, std::string_view text) {
  return std::unexpected(bad_request("param '" + std::string(name) + "': " + std::string(text)));
}

std::unexpected<Error> not_an_object(const std::string& problem) {
  return std::unexpected(bad_request("params must be a JSON object" + (problem.empty() ? "" : ": " + problem)));
}

// The member whose number no double can hold, in the words of its parameter.
std::unexpected<Error> overflow_error(const BoundQuery& query, const std::string& name, const Json& number) {
  for (const Parameter& parameter : query.parameters) {
    if (parameter.name != name) continue;
    if (const auto value = convert(number, parameter); !value) return parameter_error(name, value.error());
  }
  return not_an_object("number " + number.text + " is out of range");
}

Result<Members> read_members(const BoundQuery& query, std::string_view json) {
  if (base::trim_ascii(json).empty()) return Members{};
  MemberReader reader;
  try {
    nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  } catch (const std::exception& error) {
    reader.problem = error.what();
  }
  if (!reader.problem.empty()) return not_an_object(reader.problem);
  if (reader.overflow) return overflow_error(query, reader.overflow->first, reader.overflow->second);
  if (!reader.is_object && !reader.is_null) return not_an_object("");
  return std::move(reader.members);
}

}  // namespace

Result<std::vector<Scalar>> read_parameters(const BoundQuery& query, std::string_view json) {
  OG_ASSIGN_OR_RETURN(const Members members, read_members(query, json));
  std::vector<Scalar> values;
  values.reserve(query.parameters.size());
  for (const Parameter& parameter : query.parameters) {
    const auto member = members.find(parameter.name);
    if (member == members.end()) {
      if (!parameter.type.nullable) {
        return std::unexpected(bad_request("parameter '" + parameter.name + "' not provided"));
      }
      values.emplace_back();
      continue;
    }
    auto value = convert(member->second, parameter);
    if (!value) return parameter_error(parameter.name, value.error());
    values.push_back(std::move(*value));
  }
  for (const auto& [name, value] : members) {
    const bool declared = std::any_of(query.parameters.begin(), query.parameters.end(),
                                      [&name = name](const Parameter& parameter) { return parameter.name == name; });
    if (!declared && value.kind == Json::Kind::kObject) return parameter_error(name, "object is not supported");
  }
  return values;
}

}  // namespace omnigraph::query
