// A parsed and admitted schema: what the rest of the system asks about types (chapter 01).
// Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/data_type.h"
#include "columnar/scalar.h"

namespace omnigraph::schema {

enum class ScalarType : std::uint8_t {
  kString,
  kBool,
  kI32,
  kI64,
  kU32,
  kU64,
  kF32,
  kF64,
  kDate,
  kDateTime,
  kBlob,
};
[[nodiscard]] std::string_view scalar_name(ScalarType type);  // String, Bool, I32 ..

// Type of a property, a parameter or an expression.
struct PropertyType {
  ScalarType scalar = ScalarType::kString;
  bool nullable = false;
  bool list = false;
  std::uint32_t vector_dimension = 0;      // 0 = not a Vector (scalar is then kF32)
  std::vector<std::string> enum_values{};  // sorted; empty = not an enum (scalar is then kString)

  [[nodiscard]] bool is_vector() const { return vector_dimension != 0; }
  [[nodiscard]] bool is_enum() const { return !enum_values.empty(); }
  [[nodiscard]] bool is_blob() const { return scalar == ScalarType::kBlob; }
  [[nodiscard]] bool is_plain_scalar() const { return !list && !is_vector(); }
  [[nodiscard]] bool is_numeric() const;  // plain scalar I32 .. F64
  [[nodiscard]] bool is_integer() const;
  friend bool operator==(const PropertyType&, const PropertyType&) = default;
};
[[nodiscard]] std::string type_text(const PropertyType& type);  // source form: [I32]?, Vector(8), enum(a, b)?
[[nodiscard]] columnar::DataType column_type(
    const PropertyType& type);  // the Lance column (Blob: the struct of chapter 09 section 6)

struct Annotation {
  std::string name;
  std::vector<std::string> values;
  std::map<std::string, std::string> keyword_values;
  friend bool operator==(const Annotation&, const Annotation&) = default;
};

struct EmbedBinding {
  std::string source;
  std::string model;  // empty = not recorded
};

struct Property {
  std::string name;
  PropertyType type;
  std::vector<Annotation> annotations;  // all but @key @unique @index @embed @rename_from
  std::optional<EmbedBinding> embed;
  bool injected = false;  // by an interface
  std::string rename_from;
  // Which constraints are written on the property itself; TypeConstraints holds both forms. The two forms mean the
  // same, but a migration that refuses to add or remove one names the form (chapter 01 section 9).
  bool declares_key = false;
  bool declares_unique = false;
  bool declares_index = false;
  std::vector<std::string> interfaces{};  // implemented interfaces that declare this property, sorted
};

// Bounds are inclusive and in the property's type: i64, or u64 above it, for integers; float for F32; double for
// F64. An integer property whose bound was written with a fraction keeps it as double.
struct RangeConstraint {
  std::string property;
  std::optional<columnar::Scalar> min;
  std::optional<columnar::Scalar> max;
  friend bool operator==(const RangeConstraint&, const RangeConstraint&) = default;
};

struct CheckConstraint {
  std::string property;
  std::string pattern;  // RE2
  friend bool operator==(const CheckConstraint&, const CheckConstraint&) = default;
};

// Both forms, normalized: column order, repetition and form have no meaning.
struct TypeConstraints {
  std::vector<std::string> key;                  // names sorted bytewise; empty = no key
  std::vector<std::vector<std::string>> unique;  // each sorted by name; sorted, no duplicates; the key not included
  std::vector<std::vector<std::string>> index;   // declared @index, likewise; list properties left out
  std::vector<RangeConstraint> range;
  std::vector<CheckConstraint> check;
};

struct NodeType {
  std::string name;
  std::vector<Property> properties;  // declared order, injected ones after
  TypeConstraints constraints;
  std::vector<Annotation> annotations;
  std::vector<std::string> implements;  // as written, without repetitions
  std::string rename_from;
  [[nodiscard]] const Property* find(std::string_view property) const;
  [[nodiscard]] std::size_t index_of(std::string_view property) const;  // npos = size()
};

inline constexpr std::uint32_t kUnbounded = 0xffffffffu;

struct EdgeType {
  std::string name;
  std::string source;  // node type
  std::string target;
  std::uint32_t source_index = 0;  // in Catalog::nodes
  std::uint32_t target_index = 0;
  std::uint32_t card_min = 0;
  std::uint32_t card_max = kUnbounded;
  std::vector<Property> properties;
  TypeConstraints constraints;
  std::vector<Annotation> annotations;
  std::string rename_from;
  [[nodiscard]] const Property* find(std::string_view property) const;
  [[nodiscard]] std::size_t index_of(std::string_view property) const;
};

struct InterfaceType {
  std::string name;
  std::vector<Property> properties;  // declared order
  [[nodiscard]] const Property* find(std::string_view property) const;
};

enum class EntityKind : std::uint8_t { kNode, kEdge };
[[nodiscard]] std::string_view kind_name(EntityKind kind);  // node, edge

// One declared type, node or edge.
struct TypeRef {
  EntityKind kind = EntityKind::kNode;
  std::uint32_t index = 0;
  friend auto operator<=>(const TypeRef&, const TypeRef&) = default;
};

class Catalog {
 public:
  std::vector<NodeType> nodes;            // sorted by name
  std::vector<EdgeType> edges;            // sorted by name
  std::vector<InterfaceType> interfaces;  // sorted by name
  // Positions in `edges`, sorted by ASCII-lower-cased name: finds an edge word without reading them all. A catalog
  // put together by hand may leave it empty.
  std::vector<std::uint32_t> edges_by_word;

  [[nodiscard]] std::optional<std::uint32_t> find_node(std::string_view name) const;
  [[nodiscard]] const InterfaceType* find_interface(std::string_view name) const;
  // Exact name first, then ignoring ASCII case (edge words, load records).
  [[nodiscard]] std::optional<std::uint32_t> find_edge(std::string_view word) const;
  [[nodiscard]] const std::string& name_of(TypeRef type) const;
  [[nodiscard]] std::string table_key(TypeRef type) const;  // node:T, edge:E
  [[nodiscard]] const std::vector<Property>& properties_of(TypeRef type) const;
  [[nodiscard]] const TypeConstraints& constraints_of(TypeRef type) const;
};

}  // namespace omnigraph::schema
