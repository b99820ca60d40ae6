#include "exec/mutation_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/date_time.h"
#include "base/hash.h"
#include "base/number_text.h"
#include "base/text.h"
#include "base/ulid.h"
#include "exec/value.h"

namespace omnigraph::exec {
namespace {

using columnar::Scalar;
using columnar::ScalarList;
using schema::ScalarType;

struct Target {
  const schema::Property& property;
  std::string_view type_name;
  bool item = false;  // of a list
};

std::string number_text(const Value& v) {
  std::string out;
  switch (v.kind) {
    case Value::Kind::kInt: base::append_int(out, v.integer); break;
    case Value::Kind::kUint: base::append_uint(out, v.natural); break;
    default:
      if (std::isfinite(to_double(v))) {
        base::append_double(out, to_double(v));
      } else {
        out = std::isnan(to_double(v)) ? "NaN" : to_double(v) > 0 ? "Infinity" : "-Infinity";
      }
  }
  return out;
}

std::string_view kind_text(const Scalar& value) {
  switch (value.value.index()) {
    case 1: return "Bool";
    case 2:
    case 3: return "integer";
    case 4:
    case 5: return "float";
    case 6: return "String";
    case 7: return "Date";
    case 8: return "DateTime";
    default: return "list";
  }
}

std::string_view width_name(ScalarType type) {
  switch (type) {
    case ScalarType::kI32: return "Int32";
    case ScalarType::kI64: return "Int64";
    case ScalarType::kU32: return "UInt32";
    case ScalarType::kU64: return "UInt64";
    case ScalarType::kF32: return "Float32";
    default: return "Float64";
  }
}

std::string place(const Target& t) { return std::string(t.type_name) + "." + t.property.name; }

std::unexpected<Error> cannot_convert(const Scalar& value, const Target& t) {
  const Value v = value_of(value);
  const std::string shown = v.is_number()                    ? " value " + number_text(v)
                            : v.kind == Value::Kind::kString ? " value '" + std::string(v.text) + "'"
                                                             : "";
  return std::unexpected(bad_request("cannot convert " + std::string(kind_text(value)) + shown + " to " +
                                     std::string(schema::scalar_name(t.property.type.scalar)) + " for property '" +
                                     place(t) + "'"));
}

std::unexpected<Error> exceeds(const Value& v, const Target& t) {
  const bool whole = v.kind == Value::Kind::kInt || v.kind == Value::Kind::kUint;
  const std::string what = t.item ? "list value " : whole ? "integer value " : "value ";
  return std::unexpected(bad_request(what + number_text(v) + " exceeds " +
                                     std::string(width_name(t.property.type.scalar)) + " range for property '" +
                                     place(t) + "'"));
}

Result<Scalar> to_integer(const Scalar& value, const Target& t) {
  const Value v = value_of(value);
  if (v.kind != Value::Kind::kInt && v.kind != Value::Kind::kUint) return cannot_convert(value, t);
  bool fits = false;
  switch (t.property.type.scalar) {
    case ScalarType::kI32:
      fits = v.kind == Value::Kind::kInt && v.integer >= std::numeric_limits<std::int32_t>::min() &&
             v.integer <= std::numeric_limits<std::int32_t>::max();
      break;
    case ScalarType::kI64: fits = v.kind == Value::Kind::kInt; break;
    case ScalarType::kU32:
      fits = v.kind == Value::Kind::kInt && v.integer >= 0 && v.integer <= std::numeric_limits<std::uint32_t>::max();
      break;
    default: fits = v.kind == Value::Kind::kUint || v.integer >= 0; break;
  }
  if (!fits) return exceeds(v, t);
  return scalar_of(v);
}

Result<Scalar> to_floating(const Scalar& value, const Target& t) {
  const Value v = value_of(value);
  if (!v.is_number()) return cannot_convert(value, t);
  const double d = to_double(v);
  if (!std::isfinite(d)) {
    return std::unexpected(bad_request("float value for property '" + place(t) + "' must be finite"));
  }
  if (t.property.type.scalar == ScalarType::kF64) return Scalar{d};
  const float f = v.kind == Value::Kind::kInt    ? static_cast<float>(v.integer)
                  : v.kind == Value::Kind::kUint ? static_cast<float>(v.natural)
                                                 : static_cast<float>(d);
  if (!std::isfinite(f)) return exceeds(v, t);
  return Scalar{f};
}

Result<Scalar> to_text(const Scalar& value, const Target& t) {
  const auto* text = std::get_if<std::string>(&value.value);
  if (text == nullptr) return cannot_convert(value, t);
  const std::vector<std::string>& allowed = t.property.type.enum_values;
  if (!allowed.empty() && std::ranges::find(allowed, *text) == allowed.end()) {
    std::string list;
    for (const std::string& a : allowed) list += (list.empty() ? "" : ", ") + a;
    return std::unexpected(
        bad_request("invalid enum value '" + *text + "' for " + place(t) + " (expected: " + list + ")"));
  }
  return value;
}

Result<Scalar> to_scalar(const Scalar& value, const Target& t) {
  switch (t.property.type.scalar) {
    case ScalarType::kString: return to_text(value, t);
    case ScalarType::kBool:
      if (!std::holds_alternative<bool>(value.value)) return cannot_convert(value, t);
      return value;
    case ScalarType::kI32:
    case ScalarType::kI64:
    case ScalarType::kU32:
    case ScalarType::kU64: return to_integer(value, t);
    case ScalarType::kF32:
    case ScalarType::kF64: return to_floating(value, t);
    case ScalarType::kDate:
      if (!std::holds_alternative<columnar::DateValue>(value.value)) return cannot_convert(value, t);
      return value;
    case ScalarType::kDateTime:
      if (!std::holds_alternative<columnar::DateTimeValue>(value.value)) return cannot_convert(value, t);
      return value;
    case ScalarType::kBlob: break;
  }
  return cannot_convert(value, t);
}

Result<Scalar> to_vector(const Scalar& value, const Target& t) {
  columnar::FloatVector out;
  if (const auto* floats = std::get_if<columnar::FloatVector>(&value.value)) {
    out = *floats;
  } else if (const auto* list = std::get_if<ScalarList>(&value.value)) {
    for (const Scalar& item : *list) {
      const Value v = value_of(item);
      if (!v.is_number())
        return std::unexpected(bad_request("vector element of property '" + place(t) + "' is not numeric"));
      out.push_back(static_cast<float>(to_double(v)));
      if (!std::isfinite(out.back())) {
        return std::unexpected(
            bad_request("vector element " + number_text(v) + " exceeds Float32 range for property '" + place(t) + "'"));
      }
    }
  } else {
    return cannot_convert(value, t);
  }
  if (out.size() != t.property.type.vector_dimension) {
    return std::unexpected(bad_request("property '" + place(t) + "' expects " +
                                       std::to_string(t.property.type.vector_dimension) + " dimensions, got " +
                                       std::to_string(out.size())));
  }
  for (const float f : out) {
    if (!std::isfinite(f)) {
      return std::unexpected(bad_request("vector element of property '" + place(t) + "' must be finite"));
    }
  }
  return Scalar{std::move(out)};
}

}  // namespace

Result<Scalar> converted_value(const Scalar& value, const schema::Property& property, std::string_view type_name) {
  Target target{property, type_name};
  if (value.is_null()) return value;
  if (property.type.is_vector()) return to_vector(value, target);
  if (!property.type.list) return to_scalar(value, target);
  const auto* list = std::get_if<ScalarList>(&value.value);
  if (list == nullptr) return cannot_convert(value, target);
  target.item = true;
  ScalarList out;
  for (const Scalar& item : *list) {
    if (item.is_null()) {
      return std::unexpected(bad_request("list property '" + place(target) + "' cannot hold a null item"));
    }
    OG_ASSIGN_OR_RETURN(Scalar converted, to_scalar(item, target));
    out.push_back(std::move(converted));
  }
  return Scalar{std::move(out)};
}

Result<std::shared_ptr<const BlobValue>> blob_value(const std::string& text, const schema::Property& property,
                                                    const MutateContext& context) {
  constexpr std::string_view kManaged = "base64:";
  const bool external = !text.starts_with(kManaged);
  if (external && !context.read_external) {
    return std::unexpected(bad_request("external blob URI '" + text +
                                       "' is not allowed: new external Blob URI ingress is denied for this graph"));
  }
  Result<std::string> bytes;
  if (external) {
    OG_ASSIGN_OR_RETURN(const Buffer payload, context.read_external(text));
    bytes = std::string(payload.text());
  } else {
    bytes = base::base64_decode(std::string_view(text).substr(kManaged.size()));
  }
  if (!bytes)
    return std::unexpected(
        bad_request("blob property '" + property.name + "' has invalid base64: " + bytes.error().message));
  auto blob = std::make_shared<BlobValue>();
  blob->sha256 = base::sha256_hex(*bytes);
  blob->size = bytes->size();
  if (bytes->size() <= kInlineBlobBytesMax) {
    blob->data = std::move(*bytes);
    return blob;
  }
  if (!context.put_blob) {
    return std::unexpected(bad_request("blob property '" + property.name + "' holds " + std::to_string(bytes->size()) +
                                       " bytes; here at most " + std::to_string(kInlineBlobBytesMax) +
                                       " are accepted"));
  }
  blob->object = "blobs/" + blob->sha256.substr(0, 2) + "/" + blob->sha256 + "-" + base::new_ulid();
  OG_RETURN_IF_ERROR(context.put_blob(blob->object, std::as_bytes(std::span(*bytes))));
  return blob;
}

void append_blob(columnar::ArrayBuilder& builder, const BlobValue* blob) {
  if (blob == nullptr) {
    builder.append_null();
    return;
  }
  for (std::size_t i = 0; i < builder.type().child_count(); ++i) {
    const std::string& name = builder.type().child(i).name;
    columnar::ArrayBuilder& child = builder.child(i);
    if (name == "sha256") {
      child.append_string(blob->sha256);
    } else if (name == "size") {
      child.append_value(blob->size);
    } else if (name == "data" && blob->data.has_value()) {
      child.append_string(*blob->data);
    } else if (name == "object" && !blob->object.empty()) {
      child.append_string(blob->object);
    } else {
      child.append_null();
    }
  }
  builder.close_struct();
}

}  // namespace omnigraph::exec
