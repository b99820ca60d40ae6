// Schema lists of a manifest and nested column types (chapter 10 section 4.2).
#include <array>
#include <charconv>
#include <unordered_map>

#include "lance/manifest.h"

namespace omnigraph::lance {
namespace {

using columnar::DataType;
using columnar::Field;
using columnar::TypeId;

// Deep enough for any table; keeps hostile schemas from exhausting the stack.
constexpr int kSchemaDepthMax = 64;

struct LeafName {
  TypeId id;
  bool large;
  std::string_view name;
};
constexpr std::array kLeafNames = {
    LeafName{TypeId::kBool, false, "bool"},         LeafName{TypeId::kInt8, false, "int8"},
    LeafName{TypeId::kInt16, false, "int16"},       LeafName{TypeId::kInt32, false, "int32"},
    LeafName{TypeId::kInt64, false, "int64"},       LeafName{TypeId::kUint8, false, "uint8"},
    LeafName{TypeId::kUint16, false, "uint16"},     LeafName{TypeId::kUint32, false, "uint32"},
    LeafName{TypeId::kUint64, false, "uint64"},     LeafName{TypeId::kFloat16, false, "halffloat"},
    LeafName{TypeId::kFloat32, false, "float"},     LeafName{TypeId::kFloat64, false, "double"},
    LeafName{TypeId::kDate32, false, "date32:day"}, LeafName{TypeId::kDate64, false, "date64:ms"},
    LeafName{TypeId::kUtf8, false, "string"},       LeafName{TypeId::kUtf8, true, "large_string"},
    LeafName{TypeId::kBinary, false, "binary"},     LeafName{TypeId::kBinary, true, "large_binary"},
};

std::string logical_type_of(const DataType& type) {
  for (const LeafName& leaf : kLeafNames) {
    if (leaf.id == type.id && leaf.large == type.large) return std::string(leaf.name);
  }
  switch (type.id) {
    case TypeId::kTimestamp: return "timestamp:" + type.unit + ":" + (type.zone.empty() ? "-" : type.zone);
    case TypeId::kList:
      return std::string(type.large ? "large_list" : "list") +
             (type.child(0).type.id == TypeId::kStruct ? ".struct" : "");
    case TypeId::kFixedSizeList:
      return "fixed_size_list:" + logical_type_of(type.child(0).type) + ":" + std::to_string(type.list_size);
    default: return "struct";
  }
}

std::optional<DataType> leaf_type(std::string_view name) {
  for (const LeafName& leaf : kLeafNames) {
    if (leaf.name != name) continue;
    DataType type = columnar::primitive(leaf.id);
    type.large = leaf.large;
    return type;
  }
  constexpr std::string_view kTimestamp = "timestamp:";
  if (name.starts_with(kTimestamp)) {
    name.remove_prefix(kTimestamp.size());
    const std::size_t colon = name.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    DataType type = columnar::primitive(TypeId::kTimestamp);
    type.unit = std::string(name.substr(0, colon));
    type.zone = std::string(name.substr(colon + 1));
    if (type.unit != "s" && type.unit != "ms" && type.unit != "us" && type.unit != "ns") return std::nullopt;
    return type;
  }
  constexpr std::string_view kVector = "fixed_size_list:";
  if (name.starts_with(kVector)) {
    name.remove_prefix(kVector.size());
    const std::size_t colon = name.rfind(':');
    if (colon == std::string_view::npos || name.starts_with(kVector)) return std::nullopt;
    const auto item = leaf_type(name.substr(0, colon));
    const std::string_view digits = name.substr(colon + 1);
    std::uint32_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (!item || !(item->is_fixed_width() || item->id == TypeId::kBool)) return std::nullopt;
    if (error != std::errc() || end != digits.data() + digits.size() || size == 0) return std::nullopt;
    if (item->id == TypeId::kTimestamp) return std::nullopt;
    return columnar::vector_of(item->id, size);
  }
  return std::nullopt;
}

Error unsupported_field(const SchemaField& field, std::string_view why) {
  return Error{Code::kUnsupportedFormat, "unsupported dataset: field '" + field.name + "' (id " +
                                             std::to_string(field.id) + ", type '" + field.logical_type +
                                             "'): " + std::string(why)};
}

struct SchemaTree {
  const std::vector<SchemaField>& fields;
  std::unordered_map<std::int32_t, std::vector<std::size_t>> children;  // by parent id, in list order
};

Result<Field> build_field(const SchemaTree& tree, std::size_t index, int depth) {
  const SchemaField& field = tree.fields[index];
  if (depth > kSchemaDepthMax) return std::unexpected(unsupported_field(field, "nested too deep"));
  const auto found = tree.children.find(field.id);
  const std::size_t child_count = found == tree.children.end() ? 0 : found->second.size();
  const std::string& name = field.logical_type;
  const bool is_list = name == "list" || name == "list.struct" || name == "large_list" || name == "large_list.struct";
  if (!is_list && name != "struct") {
    auto type = leaf_type(name);
    if (!type) return std::unexpected(unsupported_field(field, "this logical type is not readable"));
    if (child_count != 0) return std::unexpected(unsupported_field(field, "a leaf with children"));
    return Field{field.name, *std::move(type), field.nullable};
  }
  if (is_list && child_count != 1) {
    return std::unexpected(unsupported_field(field, "a list needs one child, has " + std::to_string(child_count)));
  }
  std::vector<Field> children;
  for (std::size_t i = 0; i < child_count; ++i) {
    OG_ASSIGN_OR_RETURN(Field child, build_field(tree, found->second[i], depth + 1));
    children.push_back(std::move(child));
  }
  if (!is_list) return Field{field.name, columnar::struct_of(std::move(children)), field.nullable};
  DataType type;
  type.id = TypeId::kList;
  type.large = name.starts_with("large_");
  type.children = std::make_shared<const std::vector<Field>>(std::move(children));
  return Field{field.name, std::move(type), field.nullable};
}

void append_schema_field(const Field& field, std::int32_t parent_id, std::int32_t& next_id,
                         std::vector<SchemaField>& out) {
  const std::int32_t id = next_id++;
  out.push_back({field.name, id, parent_id, logical_type_of(field.type), field.nullable, {}});
  if (field.type.id == TypeId::kFixedSizeList) return;
  for (std::size_t i = 0; i < field.type.child_count(); ++i) {
    append_schema_field(field.type.child(i), id, next_id, out);
  }
}

}  // namespace

Result<std::vector<Field>> column_fields(const std::vector<SchemaField>& schema) {
  SchemaTree tree{schema, {}};
  std::unordered_map<std::int32_t, bool> seen;
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const SchemaField& field = schema[i];
    if (field.id < 0 || !seen.emplace(field.id, true).second) {
      return std::unexpected(unsupported_field(field, "its id is negative or used twice"));
    }
    if (field.parent_id == -1) {
      roots.push_back(i);
      continue;
    }
    // Parents come first, so that the tree has no cycles.
    if (field.parent_id == field.id || !seen.contains(field.parent_id)) {
      return std::unexpected(unsupported_field(field, "its parent does not precede it"));
    }
    tree.children[field.parent_id].push_back(i);
  }
  std::vector<Field> fields;
  for (const std::size_t root : roots) {
    OG_ASSIGN_OR_RETURN(Field field, build_field(tree, root, 0));
    fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<SchemaField> schema_fields(const std::vector<Field>& fields, std::int32_t first_id) {
  std::vector<SchemaField> out;
  for (const Field& field : fields) append_schema_field(field, -1, first_id, out);
  return out;
}

}  // namespace omnigraph::lance
