#include "tests/lance_digest/samples.h"

#include <string>
#include <utility>
#include <vector>

#include "columnar/builder.h"
#include "objectstore/object_store.h"
#include "tests/lance/dataset_writer.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayBuilder;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::Field;
using columnar::TypeId;

enum class Nulls { kNone, kSome, kAll };

// SplitMix64: the same samples everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t end) { return next() % end; }

 private:
  std::uint64_t state_;
};

struct SampleType {
  std::string name;
  DataType type;
  bool narrow = false;  // small numbers, few distinct strings: what packing is for
};

DataType large(DataType type) {
  type.large = true;
  return type;
}

DataType timestamp(std::string unit, std::string zone) {
  DataType type = columnar::primitive(TypeId::kTimestamp);
  type.unit = std::move(unit);
  type.zone = std::move(zone);
  return type;
}

std::vector<SampleType> sample_types() {
  using columnar::list_of;
  using columnar::primitive;
  using columnar::utf8;
  std::vector<SampleType> types;
  const std::pair<const char*, TypeId> scalars[] = {
      {"bool", TypeId::kBool},       {"int8", TypeId::kInt8},       {"int16", TypeId::kInt16},
      {"int32", TypeId::kInt32},     {"int64", TypeId::kInt64},     {"uint8", TypeId::kUint8},
      {"uint16", TypeId::kUint16},   {"uint32", TypeId::kUint32},   {"uint64", TypeId::kUint64},
      {"float16", TypeId::kFloat16}, {"float32", TypeId::kFloat32}, {"float64", TypeId::kFloat64},
      {"date32", TypeId::kDate32},   {"date64", TypeId::kDate64},   {"binary", TypeId::kBinary}};
  for (const auto& [name, id] : scalars) types.push_back({name, primitive(id)});
  for (const auto& [name, id] : scalars) {
    if (id >= TypeId::kInt8 && id <= TypeId::kUint64)
      types.push_back({std::string("narrow_") + name, primitive(id), true});
  }
  types.push_back({"utf8", utf8()});
  types.push_back({"narrow_utf8", utf8(), true});
  // Few distinct values that are no UTF-8: the reference decodes the items of any dictionary as text.
  types.push_back({"narrow_binary", primitive(TypeId::kBinary), true});
  types.push_back({"large_utf8", large(utf8())});
  types.push_back({"large_binary", large(primitive(TypeId::kBinary))});
  types.push_back({"ts_s", timestamp("s", "-")});
  types.push_back({"ts_ms", timestamp("ms", "-")});
  types.push_back({"ts_us_utc", timestamp("us", "UTC")});
  types.push_back({"ts_ns", timestamp("ns", "-")});
  types.push_back({"vector8", columnar::vector_of(TypeId::kFloat32, 8)});
  types.push_back({"list_int64", list_of(primitive(TypeId::kInt64))});
  types.push_back({"list_bool", list_of(primitive(TypeId::kBool))});
  types.push_back({"list_utf8", list_of(utf8())});
  types.push_back({"list_list_int32", list_of(list_of(primitive(TypeId::kInt32)))});
  types.push_back({"struct", columnar::struct_of({{"size", primitive(TypeId::kUint64), true},
                                                  {"sha256", utf8(), true},
                                                  {"data", primitive(TypeId::kBinary), true}})});
  return types;
}

void append_number(ArrayBuilder& out, std::uint64_t value, std::uint32_t width) {
  switch (width) {
    case 1: return out.append_value(static_cast<std::uint8_t>(value));
    case 2: return out.append_value(static_cast<std::uint16_t>(value));
    case 4: return out.append_value(static_cast<std::uint32_t>(value));
    default: return out.append_value(value);
  }
}

std::string random_text(Random& random, bool narrow) {
  if (narrow) return "kind-" + std::to_string(random.below(9));
  std::string text;
  for (std::uint64_t words = random.below(4); words > 0; --words) {
    text += "z\u00fcrich-" + std::to_string(random.below(100'000)) + ' ';
  }
  return text;
}

void append_slot(ArrayBuilder& out, Random& random, Nulls nulls, bool narrow) {
  const DataType& type = out.type();
  if (nulls == Nulls::kAll || (nulls == Nulls::kSome && random.below(4) == 0)) return out.append_null();
  switch (type.id) {
    case TypeId::kBool: return out.append_bool(random.below(2) == 0);
    case TypeId::kFloat32:
      return out.append_value(static_cast<float>(static_cast<double>(random.below(1000)) / 8 - 50));
    case TypeId::kFloat64: return out.append_value(static_cast<double>(random.next() >> 12) / 1024);
    // Bits below 0x7c00 are finite.
    case TypeId::kFloat16: return out.append_value(static_cast<std::uint16_t>(random.below(0x7c00)));
    // The reference converts to datetime objects on the way, so that only sensible times come through.
    case TypeId::kDate32: return out.append_value(static_cast<std::int32_t>(random.below(40'000)) - 10'000);
    case TypeId::kDate64: return out.append_value(static_cast<std::int64_t>(random.below(20'000)) * 86'400'000);
    case TypeId::kTimestamp: return out.append_value(static_cast<std::int64_t>(random.below(1'000'000'000)));
    case TypeId::kUtf8: return out.append_string(random_text(random, narrow));
    case TypeId::kBinary: {
      const std::uint64_t bytes = narrow ? 0xff - random.below(5) : random.next();
      return out.append_string({reinterpret_cast<const char*>(&bytes), narrow ? 2 : random.below(8)});
    }
    case TypeId::kFixedSizeList: {
      std::vector<float> items(type.list_size);
      for (float& item : items) item = static_cast<float>(random.below(4096)) / 64;
      return out.append_vector(items);
    }
    case TypeId::kList:
      for (std::uint64_t k = random.below(4); k > 0; --k) append_slot(out.child(0), random, nulls, narrow);
      return out.close_list();
    case TypeId::kStruct:
      for (std::size_t k = 0; k < type.child_count(); ++k) append_slot(out.child(k), random, Nulls::kSome, narrow);
      return out.close_struct();
    default: return append_number(out, narrow ? random.below(100) : random.next(), type.byte_width());
  }
}

}  // namespace

Result<void> write_samples(const std::filesystem::path& folder) {
  OG_ASSIGN_OR_RETURN(const auto store, objectstore::create_local_store(folder));
  const std::pair<const char*, Nulls> null_kinds[] = {
      {"none", Nulls::kNone}, {"some", Nulls::kSome}, {"all", Nulls::kAll}};
  for (const SampleType& sample : sample_types()) {
    for (const auto& [null_name, nulls] : null_kinds) {
      for (const std::int64_t rows : {0, 1, 2, 100, 1000, 70'000}) {
        Random random(static_cast<std::uint64_t>(rows) * 3 + static_cast<std::uint64_t>(nulls));
        ArrayBuilder builder(sample.type);
        for (std::int64_t i = 0; i < rows; ++i) append_slot(builder, random, nulls, sample.narrow);
        // A table without rows has no fragments: the reference refuses one of zero rows.
        std::vector<std::vector<ArrayPtr>> batches;
        if (rows != 0) batches.push_back({builder.finish()});
        for (const bool packed : {false, true}) {
          DatasetOptions options;
          options.packed = packed;
          const std::string root = std::string(packed ? "packed/" : "plain/") + sample.name + "_" + null_name + "_" +
                                   std::to_string(rows) + ".lance";
          OG_RETURN_IF_ERROR(write_dataset(*store, root, {Field{"c", sample.type, true}}, batches, options));
        }
      }
    }
  }
  return {};
}

}  // namespace omnigraph::lance
