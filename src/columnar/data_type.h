// Column types: the Arrow types that Lance tables of ours and of other writers hold.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::columnar {

enum class TypeId : std::uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat16,
  kFloat32,
  kFloat64,
  kDate32,     // days, i32
  kDate64,     // milliseconds, i64
  kTimestamp,  // i64 in `unit`, `zone` as Lance spells it ("-" = none)
  kUtf8,
  kBinary,         // `large` keeps Arrow's large_* apart; the layout is the same here
  kList,           // one child
  kFixedSizeList,  // one child, `list_size` items a slot
  kStruct,         // children by name
};

struct Field;

// Value type; children are shared and immutable.
struct DataType {
  TypeId id = TypeId::kInt64;
  bool large = false;           // kUtf8, kBinary, kList
  std::string unit{};           // kTimestamp: s ms us ns
  std::string zone{};           // kTimestamp
  std::uint32_t list_size = 0;  // kFixedSizeList
  std::shared_ptr<const std::vector<Field>> children{};

  [[nodiscard]] const Field& child(std::size_t index) const;
  [[nodiscard]] std::size_t child_count() const { return children ? children->size() : 0; }
  // Bytes of one fixed-width value; 0 for bool (bits), strings, lists, structs.
  [[nodiscard]] std::uint32_t byte_width() const;
  [[nodiscard]] bool is_fixed_width() const { return byte_width() != 0; }
  [[nodiscard]] bool is_string_like() const { return id == TypeId::kUtf8 || id == TypeId::kBinary; }
  friend bool operator==(const DataType&, const DataType&);
};

struct Field {
  std::string name;
  DataType type;
  bool nullable = true;
  friend bool operator==(const Field&, const Field&) = default;
};

[[nodiscard]] DataType primitive(TypeId id);
[[nodiscard]] DataType utf8();
[[nodiscard]] DataType list_of(DataType item, bool item_nullable = true);
[[nodiscard]] DataType vector_of(TypeId item, std::uint32_t size);  // fixed-size list, items not null
[[nodiscard]] DataType struct_of(std::vector<Field> fields);
// int32, utf8, list<int32>, vector<float32,64>, struct<a:int32,b:utf8> .. (spelling of the fixture checker)
[[nodiscard]] std::string type_name(const DataType& type);

}  // namespace omnigraph::columnar
