#include "graph/identity.h"

#include <cmath>

#include "base/json_writer.h"
#include "base/number_text.h"

namespace omnigraph::graph {
namespace {

template <class Float>
Result<std::string> float_text(Float value) {
  if (!std::isfinite(value)) return std::unexpected(bad_request("a non-finite number cannot identify a node"));
  return base::canonical_float(value);
}

}  // namespace

Result<std::string> canonical_key_text(const columnar::Array& column, std::int64_t i,
                                       const schema::PropertyType& type) {
  using schema::ScalarType;
  switch (type.scalar) {
    case ScalarType::kString: return std::string(column.string_value(i));
    case ScalarType::kBool: return std::string(column.bool_value(i) ? "true" : "false");
    case ScalarType::kI32:
    case ScalarType::kDate: return std::to_string(column.value<std::int32_t>(i));
    case ScalarType::kI64:
    case ScalarType::kDateTime: return std::to_string(column.value<std::int64_t>(i));
    case ScalarType::kU32: return std::to_string(column.value<std::uint32_t>(i));
    case ScalarType::kU64: return std::to_string(column.value<std::uint64_t>(i));
    case ScalarType::kF32: return float_text(column.value<float>(i));
    case ScalarType::kF64: return float_text(column.value<double>(i));
    case ScalarType::kBlob: break;
  }
  return std::unexpected(internal_error("a Blob cannot identify a node"));
}

std::string id_of_key(const std::vector<std::string>& member_texts) {
  if (member_texts.size() == 1) return member_texts.front();
  std::string id = "[";
  for (std::size_t i = 0; i < member_texts.size(); ++i) {
    if (i > 0) id += ',';
    base::append_json_string(id, member_texts[i]);
  }
  return id + "]";
}

}  // namespace omnigraph::graph
