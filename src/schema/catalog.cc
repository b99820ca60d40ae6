#include "schema/catalog.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace omnigraph::schema {
namespace {

template <class Type>
std::size_t position_of(const std::vector<Type>& named, std::string_view name) {
  const auto found = std::ranges::find(named, name, &Type::name);
  return static_cast<std::size_t>(found - named.begin());
}

template <class Type>
const Property* find_property(const Type& type, std::string_view name) {
  const std::size_t at = position_of(type.properties, name);
  return at == type.properties.size() ? nullptr : &type.properties[at];
}

// In a list sorted by name.
template <class Type>
std::optional<std::uint32_t> find_sorted(const std::vector<Type>& types, std::string_view name) {
  const auto at = std::ranges::lower_bound(types, name, {}, [](const Type& t) { return std::string_view(t.name); });
  if (at == types.end() || at->name != name) return std::nullopt;
  return static_cast<std::uint32_t>(at - types.begin());
}

// sha256, size and either data or object describe a payload of ours; uri, start and length an external one.
columnar::DataType blob_column_type() {
  using columnar::Field;
  using columnar::primitive;
  using columnar::TypeId;
  return columnar::struct_of({Field{"sha256", columnar::utf8()}, Field{"size", primitive(TypeId::kUint64)},
                              Field{"data", primitive(TypeId::kBinary)}, Field{"object", columnar::utf8()},
                              Field{"uri", columnar::utf8()}, Field{"start", primitive(TypeId::kUint64)},
                              Field{"length", primitive(TypeId::kUint64)}});
}

columnar::DataType scalar_column_type(ScalarType scalar) {
  using columnar::primitive;
  using columnar::TypeId;
  switch (scalar) {
    case ScalarType::kString: return columnar::utf8();
    case ScalarType::kBool: return primitive(TypeId::kBool);
    case ScalarType::kI32: return primitive(TypeId::kInt32);
    case ScalarType::kI64: return primitive(TypeId::kInt64);
    case ScalarType::kU32: return primitive(TypeId::kUint32);
    case ScalarType::kU64: return primitive(TypeId::kUint64);
    case ScalarType::kF32: return primitive(TypeId::kFloat32);
    case ScalarType::kF64: return primitive(TypeId::kFloat64);
    case ScalarType::kDate: return primitive(TypeId::kDate32);
    case ScalarType::kDateTime: return primitive(TypeId::kDate64);
    case ScalarType::kBlob: return blob_column_type();
  }
  return columnar::utf8();
}

}  // namespace

std::string_view scalar_name(ScalarType type) {
  constexpr std::array<std::string_view, 11> kNames{"String", "Bool", "I32",  "I64",      "U32", "U64",
                                                    "F32",    "F64",  "Date", "DateTime", "Blob"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view kind_name(EntityKind kind) { return kind == EntityKind::kNode ? "node" : "edge"; }

bool PropertyType::is_integer() const {
  return is_plain_scalar() && (scalar == ScalarType::kI32 || scalar == ScalarType::kI64 || scalar == ScalarType::kU32 ||
                               scalar == ScalarType::kU64);
}

bool PropertyType::is_numeric() const {
  return is_integer() || (is_plain_scalar() && (scalar == ScalarType::kF32 || scalar == ScalarType::kF64));
}

std::string type_text(const PropertyType& type) {
  std::string text;
  if (type.is_vector()) {
    text = "Vector(" + std::to_string(type.vector_dimension) + ")";
  } else if (type.is_enum()) {
    text = "enum(";
    for (std::size_t i = 0; i < type.enum_values.size(); ++i) text += (i == 0 ? "" : ", ") + type.enum_values[i];
    text += ")";
  } else {
    text = scalar_name(type.scalar);
  }
  if (type.list) text = "[" + text + "]";
  if (type.nullable) text += "?";
  return text;
}

columnar::DataType column_type(const PropertyType& type) {
  if (type.is_vector()) return columnar::vector_of(columnar::TypeId::kFloat32, type.vector_dimension);
  if (type.list) return columnar::list_of(scalar_column_type(type.scalar));
  return scalar_column_type(type.scalar);
}

const Property* NodeType::find(std::string_view property) const { return find_property(*this, property); }
std::size_t NodeType::index_of(std::string_view property) const { return position_of(properties, property); }
const Property* EdgeType::find(std::string_view property) const { return find_property(*this, property); }
std::size_t EdgeType::index_of(std::string_view property) const { return position_of(properties, property); }
const Property* InterfaceType::find(std::string_view property) const { return find_property(*this, property); }

std::optional<std::uint32_t> Catalog::find_node(std::string_view name) const { return find_sorted(nodes, name); }

const InterfaceType* Catalog::find_interface(std::string_view name) const {
  const auto at = find_sorted(interfaces, name);
  return at ? &interfaces[*at] : nullptr;
}

std::optional<std::uint32_t> Catalog::find_edge(std::string_view word) const {
  if (const auto exact = find_sorted(edges, word)) return exact;
  if (edges_by_word.size() == edges.size()) {
    const std::string folded = base::to_lower_ascii(word);
    const auto at = std::ranges::lower_bound(edges_by_word, folded, {},
                                             [&](std::uint32_t i) { return base::to_lower_ascii(edges[i].name); });
    if (at == edges_by_word.end() || base::to_lower_ascii(edges[*at].name) != folded) return std::nullopt;
    return *at;
  }
  const auto at = std::ranges::find_if(
      edges, [&](const EdgeType& edge) { return base::equals_ignore_ascii_case(edge.name, word); });
  if (at == edges.end()) return std::nullopt;
  return static_cast<std::uint32_t>(at - edges.begin());
}

const std::string& Catalog::name_of(TypeRef type) const {
  return type.kind == EntityKind::kNode ? nodes[type.index].name : edges[type.index].name;
}

std::string Catalog::table_key(TypeRef type) const { return std::string(kind_name(type.kind)) + ":" + name_of(type); }

const std::vector<Property>& Catalog::properties_of(TypeRef type) const {
  return type.kind == EntityKind::kNode ? nodes[type.index].properties : edges[type.index].properties;
}

const TypeConstraints& Catalog::constraints_of(TypeRef type) const {
  return type.kind == EntityKind::kNode ? nodes[type.index].constraints : edges[type.index].constraints;
}

}  // namespace omnigraph::schema
