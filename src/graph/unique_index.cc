#include "graph/unique_index.h"

#include <bit>

#include "graph/id_table.h"
#include "graph/lru_cache.h"

namespace omnigraph::graph {
namespace {

constexpr std::uint64_t kCachedBytesMax = std::uint64_t{128} << 20;

template <class Float>
void append_float(std::string& bytes, Float value) {
  if (value == 0) value = 0;  // Both zeros are one value.
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::optional<base::Hash128> TupleHasher::hash(const std::vector<const columnar::Array*>& columns, std::int64_t i) {
  if (columns.size() == 1 && columns[0]->type().is_string_like()) {
    if (columns[0]->is_null(i)) return std::nullopt;
    return value_hash(columns[0]->string_value(i));
  }
  bytes_.clear();
  for (const columnar::Array* column : columns) {
    if (column->is_null(i)) return std::nullopt;
    append(*column, i);
  }
  return value_hash(bytes_);
}

std::optional<base::Hash128> TupleHasher::hash(const std::vector<const columnar::Array*>& columns,
                                               const std::vector<std::int64_t>& indexes) {
  if (columns.size() == 1) return hash(columns, indexes[0]);
  bytes_.clear();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c]->is_null(indexes[c])) return std::nullopt;
    append(*columns[c], indexes[c]);
  }
  return value_hash(bytes_);
}

void TupleHasher::append(const columnar::Array& column, std::int64_t i) {
  using columnar::TypeId;
  switch (column.type().id) {
    case TypeId::kBool: bytes_ += column.bool_value(i) ? '\1' : '\0'; return;
    case TypeId::kFloat32: append_float(bytes_, column.value<float>(i)); return;
    case TypeId::kFloat64: append_float(bytes_, column.value<double>(i)); return;
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      const std::string_view text = column.string_value(i);
      const std::uint64_t size = text.size();  // Keeps ("ab", "c") and ("a", "bc") apart.
      bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
      bytes_ += text;
      return;
    }
    default: break;
  }
  const std::uint32_t width = column.type().byte_width();
  OG_CHECK(width != 0 && column.type().id != TypeId::kFixedSizeList);
  const auto at = static_cast<std::size_t>(column.offset() + i) * width;
  bytes_.append(reinterpret_cast<const char*>(column.values_buffer().data()) + at, width);
}

UniqueIndex::UniqueIndex(const std::vector<columnar::ArrayPtr>& columns) {
  const std::int64_t rows = columns.front()->length();
  const auto wanted = static_cast<std::uint64_t>(rows + rows / 3 + 1);
  slots_.resize(std::bit_ceil(std::max<std::uint64_t>(4, wanted)));
  mask_ = slots_.size() - 1;
  std::vector<const columnar::Array*> raw;
  for (const columnar::ArrayPtr& column : columns) raw.push_back(column.get());
  TupleHasher hasher;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::optional<base::Hash128> hash = hasher.hash(raw, i);
    if (!hash) continue;
    std::uint64_t at = hash->low & mask_;
    while (slots_[at].position != kNoOrdinal) at = (at + 1) & mask_;
    slots_[at] = {hash->low, static_cast<std::uint32_t>(hash->high), static_cast<std::uint32_t>(i)};
  }
}

Result<std::shared_ptr<const UniqueIndex>> UniqueIndex::of(const std::string& key, const Columns& columns) {
  static LruCache<const UniqueIndex> cache("unique_indexes", kCachedBytesMax);
  if (auto cached = cache.find(key)) return cached;
  OG_ASSIGN_OR_RETURN(const std::vector<columnar::ArrayPtr> read, columns());
  const std::shared_ptr<const UniqueIndex> built(new UniqueIndex(read));
  return cache.insert(key, built, built->slots_.size() * sizeof(Slot) + 256);
}

}  // namespace omnigraph::graph
