#include "columnar/data_type.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace omnigraph::columnar {

const Field& DataType::child(std::size_t index) const {
  OG_CHECK(index < child_count());
  return (*children)[index];
}

std::uint32_t DataType::byte_width() const {
  switch (id) {
    case TypeId::kInt8:
    case TypeId::kUint8: return 1;
    case TypeId::kInt16:
    case TypeId::kUint16:
    case TypeId::kFloat16: return 2;
    case TypeId::kInt32:
    case TypeId::kUint32:
    case TypeId::kFloat32:
    case TypeId::kDate32: return 4;
    case TypeId::kInt64:
    case TypeId::kUint64:
    case TypeId::kFloat64:
    case TypeId::kDate64:
    case TypeId::kTimestamp: return 8;
    case TypeId::kBool:
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kList:
    case TypeId::kFixedSizeList:
    case TypeId::kStruct: return 0;
  }
  return 0;
}

bool operator==(const DataType& a, const DataType& b) {
  if (a.id != b.id || a.large != b.large || a.list_size != b.list_size || a.unit != b.unit || a.zone != b.zone) {
    return false;
  }
  if (a.children == b.children) return true;
  if (a.child_count() != b.child_count()) return false;
  return a.child_count() == 0 || std::ranges::equal(*a.children, *b.children);
}

DataType primitive(TypeId id) { return DataType{.id = id}; }

DataType utf8() { return DataType{.id = TypeId::kUtf8}; }

namespace {

std::shared_ptr<const std::vector<Field>> one_child(DataType item, bool nullable) {
  std::vector<Field> fields;
  fields.push_back(Field{.name = "item", .type = std::move(item), .nullable = nullable});
  return std::make_shared<const std::vector<Field>>(std::move(fields));
}

std::string_view plain_name(TypeId id) {
  switch (id) {
    case TypeId::kBool: return "bool";
    case TypeId::kInt8: return "int8";
    case TypeId::kInt16: return "int16";
    case TypeId::kInt32: return "int32";
    case TypeId::kInt64: return "int64";
    case TypeId::kUint8: return "uint8";
    case TypeId::kUint16: return "uint16";
    case TypeId::kUint32: return "uint32";
    case TypeId::kUint64: return "uint64";
    case TypeId::kFloat16: return "float16";
    case TypeId::kFloat32: return "float32";
    case TypeId::kFloat64: return "float64";
    case TypeId::kDate32: return "date32";
    case TypeId::kDate64: return "date64";
    case TypeId::kTimestamp: return "timestamp";
    case TypeId::kUtf8: return "utf8";
    case TypeId::kBinary: return "binary";
    case TypeId::kList: return "list";
    case TypeId::kFixedSizeList: return "vector";
    case TypeId::kStruct: return "struct";
  }
  return "?";
}

}  // namespace

DataType list_of(DataType item, bool item_nullable) {
  return DataType{.id = TypeId::kList, .children = one_child(std::move(item), item_nullable)};
}

DataType vector_of(TypeId item, std::uint32_t size) {
  return DataType{
      .id = TypeId::kFixedSizeList, .list_size = size, .children = one_child(primitive(item), /*nullable=*/false)};
}

DataType struct_of(std::vector<Field> fields) {
  return DataType{.id = TypeId::kStruct, .children = std::make_shared<const std::vector<Field>>(std::move(fields))};
}

std::string type_name(const DataType& type) {
  std::string name;
  switch (type.id) {
    case TypeId::kUtf8:
    case TypeId::kBinary:
      if (type.large) name = "large_";
      name += plain_name(type.id);
      return name;
    case TypeId::kTimestamp:
      name = "timestamp[";
      name += type.unit;
      if (!type.zone.empty() && type.zone != "-") {
        name += ',';
        name += type.zone;
      }
      name += ']';
      return name;
    case TypeId::kList:
      name = "list<";
      name += type_name(type.child(0).type);
      name += '>';
      return name;
    case TypeId::kFixedSizeList:
      name = "vector<";
      name += type_name(type.child(0).type);
      name += ',';
      name += std::to_string(type.list_size);
      name += '>';
      return name;
    case TypeId::kStruct:
      name = "struct<";
      for (std::size_t i = 0; i < type.child_count(); ++i) {
        if (i > 0) name += ',';
        name += type.child(i).name;
        name += ':';
        name += type_name(type.child(i).type);
      }
      name += '>';
      return name;
    default: name = plain_name(type.id); return name;
  }
}

}  // namespace omnigraph::columnar
