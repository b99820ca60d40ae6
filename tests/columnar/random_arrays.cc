#include "tests/columnar/random_arrays.h"

#include <cstring>

namespace omnigraph::columnar::testing {

std::vector<DataType> all_types() {
  std::vector<DataType> types;
  for (const TypeId id : {TypeId::kBool, TypeId::kInt8, TypeId::kInt16, TypeId::kInt32, TypeId::kInt64, TypeId::kUint8,
                          TypeId::kUint16, TypeId::kUint32, TypeId::kUint64, TypeId::kFloat16, TypeId::kFloat32,
                          TypeId::kFloat64, TypeId::kDate32, TypeId::kDate64, TypeId::kUtf8, TypeId::kBinary}) {
    types.push_back(primitive(id));
  }
  types.push_back(DataType{.id = TypeId::kTimestamp, .unit = "us", .zone = "UTC"});
  types.push_back(list_of(primitive(TypeId::kInt32)));
  types.push_back(list_of(utf8()));
  types.push_back(list_of(primitive(TypeId::kBool), /*item_nullable=*/false));
  types.push_back(list_of(list_of(primitive(TypeId::kInt16))));
  types.push_back(vector_of(TypeId::kFloat32, 3));
  types.push_back(vector_of(TypeId::kBool, 5));
  DataType nullable_items = vector_of(TypeId::kInt64, 2);
  nullable_items.children = list_of(primitive(TypeId::kInt64)).children;
  types.push_back(nullable_items);
  types.push_back(struct_of({{.name = "a", .type = primitive(TypeId::kInt32)},
                             {.name = "b", .type = utf8()},
                             {.name = "c", .type = primitive(TypeId::kUint64), .nullable = false}}));
  types.push_back(struct_of({{.name = "v", .type = vector_of(TypeId::kFloat32, 2)},
                             {.name = "l", .type = list_of(struct_of({{.name = "x", .type = utf8()}}))}}));
  return types;
}

namespace {

void append_random(ArrayBuilder& builder, bool nullable, unsigned null_percent, std::mt19937_64& random) {
  const DataType& type = builder.type();
  if (nullable && random() % 100 < null_percent) return builder.append_null();
  switch (type.id) {
    case TypeId::kBool: return builder.append_bool(random() % 2 == 0);
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      std::string text;
      for (std::uint64_t n = random() % 12; n > 0; --n) text += static_cast<char>('a' + random() % 26);
      return builder.append_string(text);
    }
    case TypeId::kList:
    case TypeId::kFixedSizeList: {
      const std::uint64_t count = type.id == TypeId::kList ? random() % 4 : type.list_size;
      for (std::uint64_t i = 0; i < count; ++i) {
        append_random(builder.child(0), type.child(0).nullable, null_percent, random);
      }
      return builder.close_list();
    }
    case TypeId::kStruct:
      for (std::size_t i = 0; i < type.child_count(); ++i) {
        append_random(builder.child(i), type.child(i).nullable, null_percent, random);
      }
      return builder.close_struct();
    default: break;
  }
  const std::uint64_t value = random();
  switch (type.byte_width()) {
    case 1: return builder.append_value(static_cast<std::uint8_t>(value));
    case 2: return builder.append_value(static_cast<std::uint16_t>(value));
    case 4: return builder.append_value(static_cast<std::uint32_t>(value));
    default: return builder.append_value(value);
  }
}

}  // namespace

ArrayPtr random_array(const DataType& type, std::int64_t length, unsigned null_percent, std::mt19937_64& random) {
  ArrayBuilder builder(type);
  for (std::int64_t i = 0; i < length; ++i) append_random(builder, /*nullable=*/true, null_percent, random);
  return builder.finish();
}

std::string slot_text(const Array& array, std::int64_t i) {
  if (array.is_null(i)) return "null";
  switch (array.type().id) {
    case TypeId::kBool: return array.bool_value(i) ? "true" : "false";
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      std::string text(1, '\'');
      text += array.string_value(i);
      return text += '\'';
    }
    case TypeId::kList:
    case TypeId::kFixedSizeList: {
      std::string text = "[";
      for (std::uint64_t item = array.item_begin(i); item < array.item_end(i); ++item) {
        text += slot_text(*array.child(0), static_cast<std::int64_t>(item));
        text += ',';
      }
      return text + "]";
    }
    case TypeId::kStruct: {
      std::string text = "{";
      for (std::size_t field = 0; field < array.child_count(); ++field) {
        text += slot_text(*array.child(field), i);
        text += ',';
      }
      return text + "}";
    }
    default: break;
  }
  switch (array.type().byte_width()) {
    case 1: return std::to_string(array.value<std::uint8_t>(i));
    case 2: return std::to_string(array.value<std::uint16_t>(i));
    case 4: return std::to_string(array.value<std::uint32_t>(i));
    default: return std::to_string(array.value<std::uint64_t>(i));
  }
}

std::vector<std::string> slot_texts(const Array& array) {
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < array.length(); ++i) texts.push_back(slot_text(array, i));
  return texts;
}

}  // namespace omnigraph::columnar::testing
