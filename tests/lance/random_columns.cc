#include "tests/lance/random_columns.h"

#include "columnar/builder.h"
#include "columnar/kernels.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::DataType;
using columnar::TypeId;

struct Source {
  double null_share;
  Texture texture;
  std::mt19937_64& random;
  std::uint64_t counter = 0;

  std::uint64_t number() {
    switch (texture) {
      case Texture::kRandom: return random();
      case Texture::kAscending: return counter += random() % 3;
      default: return random() % 50;
    }
  }
  bool null() {
    if (null_share <= 0) return false;
    return null_share >= 1 || std::uniform_real_distribution<>(0, 1)(random) < null_share;
  }
  // `codes`: 256 for any bytes, 128 for ASCII.
  std::string text(std::uint64_t codes) {
    static constexpr const char* kWords[] = {"graph ", "harbour ", "of ",   "the ",
                                             "ship ",  "lantern ", "blue ", "north "};
    std::string out;
    switch (texture) {
      case Texture::kRandom:
        for (std::uint64_t left = random() % 60; left != 0; --left) out.push_back(static_cast<char>(random() % codes));
        break;
      case Texture::kSmall: out.append("city ").append(std::to_string(random() % 40)); break;
      case Texture::kText:
        for (std::uint64_t left = random() % 40; left != 0; --left) out += kWords[random() % 8];
        break;
      case Texture::kAscending: out.append("key-").append(std::to_string(100'000'000 + number())); break;
    }
    return out;
  }
};

void append_value(ArrayBuilder& out, Source& source) {
  const DataType& type = out.type();
  if (source.null()) return out.append_null();
  switch (type.id) {
    case TypeId::kBool: return out.append_bool(source.number() % 2 == 0);
    case TypeId::kUtf8:
    case TypeId::kBinary: return out.append_string(source.text(type.id == TypeId::kBinary ? 256 : 128));
    case TypeId::kFloat32: return out.append_value(static_cast<float>(source.number()) / 4);
    case TypeId::kFloat64: return out.append_value(static_cast<double>(source.number()) / 4);
    case TypeId::kList:
      for (std::uint64_t left = source.random() % 5; left != 0; --left) append_value(out.child(0), source);
      return out.close_list();
    case TypeId::kFixedSizeList: {
      Source whole{0, source.texture, source.random, source.counter};
      for (std::uint32_t i = 0; i < type.list_size; ++i) append_value(out.child(0), whole);
      return out.close_list();
    }
    case TypeId::kStruct:
      for (std::size_t i = 0; i < type.child_count(); ++i) append_value(out.child(i), source);
      return out.close_struct();
    default: break;
  }
  const std::uint64_t value = source.number();
  switch (type.byte_width()) {
    case 1: return out.append_value(static_cast<std::uint8_t>(value));
    case 2: return out.append_value(static_cast<std::uint16_t>(value));
    case 4: return out.append_value(static_cast<std::uint32_t>(value));
    default: return out.append_value(value);
  }
}

// 2.0 files have no struct validity: a struct of nulls and a null struct are one.
bool same(const columnar::Array& a, std::int64_t i, const columnar::Array& b, std::int64_t j) {
  const TypeId id = a.type().id;
  if (id == TypeId::kStruct) {
    for (std::size_t k = 0; k < a.child_count(); ++k) {
      const bool a_null = a.is_null(i) || a.child(k)->is_null(i);
      const bool b_null = b.is_null(j) || b.child(k)->is_null(j);
      const bool nested = a.child(k)->type().id == TypeId::kStruct;
      if (!nested && a_null != b_null) return false;
      if (!a_null && !b_null && !same(*a.child(k), i, *b.child(k), j)) return false;
    }
    return true;
  }
  if (id != TypeId::kList) return columnar::equal_at(a, i, b, j);
  if (a.is_null(i) || b.is_null(j)) return a.is_null(i) == b.is_null(j);
  const std::uint64_t count = a.item_end(i) - a.item_begin(i);
  if (count != b.item_end(j) - b.item_begin(j)) return false;
  for (std::uint64_t k = 0; k < count; ++k) {
    if (!same(*a.child(0), static_cast<std::int64_t>(a.item_begin(i) + k), *b.child(0),
              static_cast<std::int64_t>(b.item_begin(j) + k))) {
      return false;
    }
  }
  return true;
}

}  // namespace

columnar::ArrayPtr random_column(const DataType& type, std::int64_t length, double null_share, Texture texture,
                                 std::mt19937_64& random) {
  Source source{null_share, texture, random};
  ArrayBuilder builder(type);
  for (std::int64_t i = 0; i < length; ++i) append_value(builder, source);
  return builder.finish();
}

std::vector<DataType> all_types() {
  std::vector<DataType> types;
  for (const TypeId id : {TypeId::kBool, TypeId::kInt8, TypeId::kInt16, TypeId::kInt32, TypeId::kInt64, TypeId::kUint8,
                          TypeId::kUint16, TypeId::kUint32, TypeId::kUint64, TypeId::kFloat16, TypeId::kFloat32,
                          TypeId::kFloat64, TypeId::kDate32, TypeId::kDate64, TypeId::kUtf8, TypeId::kBinary}) {
    types.push_back(columnar::primitive(id));
  }
  DataType time = columnar::primitive(TypeId::kTimestamp);
  time.unit = "ms";
  time.zone = std::string("-");
  types.push_back(time);
  types.push_back(columnar::vector_of(TypeId::kFloat32, 5));
  types.push_back(columnar::list_of(columnar::primitive(TypeId::kInt32)));
  types.push_back(columnar::list_of(columnar::utf8()));
  types.push_back(columnar::list_of(columnar::list_of(columnar::primitive(TypeId::kUint8))));
  const DataType pair = columnar::struct_of({{"a", columnar::primitive(TypeId::kInt64), true},
                                             {"b", columnar::utf8(), true},
                                             {"c", columnar::vector_of(TypeId::kFloat32, 3), true}});
  types.push_back(pair);
  types.push_back(columnar::list_of(pair));
  types.push_back(columnar::struct_of({{"inner", pair, true}, {"l", columnar::list_of(columnar::utf8()), true}}));
  return types;
}

std::string difference(const columnar::ChunkedArray& got, const columnar::Array& want) {
  if (got.length() != want.length()) {
    return std::to_string(got.length()).append(" rows for ").append(std::to_string(want.length()));
  }
  if (!(got.type() == want.type())) return columnar::type_name(got.type());
  std::int64_t row = 0;
  for (std::size_t k = 0; k < got.chunk_count(); ++k) {
    const columnar::Array& chunk = *got.chunk(k);
    for (std::int64_t i = 0; i < chunk.length(); ++i, ++row) {
      if (!same(chunk, i, want, row)) return std::string("row ").append(std::to_string(row));
    }
  }
  return "";
}

}  // namespace omnigraph::lance
