#include "graph/derived_data.h"

#include "base/hash.h"
#include "base/warning.h"
#include "columnar/kernels.h"

namespace omnigraph::graph {
namespace {

// Enough for the text of a few million rows; beyond it the least recently used segments are taken up anew.
constexpr std::uint64_t kTextCost = std::uint64_t{512} << 20;
constexpr std::uint64_t kVectorCost = std::uint64_t{512} << 20;
constexpr std::uint64_t kOrderedCost = std::uint64_t{256} << 20;

// An index that another process stores is used this much later at most; until then a query asks for none again.
constexpr std::chrono::seconds kMissingFor{10};
constexpr std::size_t kMissingMax = 10'000;

// 16 digits, the highest first.
std::string hex_digits(std::uint64_t value) {
  value = __builtin_bswap64(value);
  return base::to_hex({reinterpret_cast<const char*>(&value), sizeof(value)});
}

}  // namespace

std::uint64_t index_parameters(std::string_view recipe, std::span<const std::int32_t> columns) {
  std::string text(recipe);
  for (const std::int32_t column : columns) text.append(" ").append(std::to_string(column));
  return base::hash64(text);
}

std::string index_key(index::IndexKind kind, std::string_view data_file_path, std::uint64_t parameters) {
  std::string key("index/");
  key.append(index::index_folder(kind)).append("/");
  key.append(data_file_path.substr(0, data_file_path.rfind('.'))).append("-").append(hex_digits(parameters));
  return key;
}

DerivedData::DerivedData(std::shared_ptr<const ObjectReader> objects)
    : objects_(std::move(objects)),
      texts_("text_indexes", kTextCost),
      vectors_("vector_indexes", kVectorCost),
      ordered_("ordered_indexes", kOrderedCost) {}

Result<index::TextSegmentPtr> DerivedData::text(std::string_view data_file_path, std::uint64_t rows,
                                                std::span<const std::int32_t> columns, index::TermKind kind,
                                                const std::function<Result<ColumnPtr>()>& column) {
  const index::IndexSource source{.kind = index::TextSegment::index_kind(kind),
                                  .rows = rows,
                                  .parameters = index_parameters(index::TextSegment::recipe(kind), columns)};
  const std::string key = index_key(source.kind, data_file_path, source.parameters);
  if (auto known = texts_.find(key)) return known;
  const std::lock_guard lock(turn_of(key));
  if (auto known = texts_.find(key)) return known;
  index::TextSegmentPtr segment;
  if (rows >= kIndexedRowsMin) {
    segment = stored(key, [&](Buffer bytes) { return index::TextSegment::open(std::move(bytes), source); });
  }
  if (segment == nullptr) {
    OG_ASSIGN_OR_RETURN(const ColumnPtr values, column());
    segment = index::TextSegment::build(*values, 0, static_cast<std::int64_t>(rows), kind, source.parameters);
  }
  const std::uint64_t cost = key.size() + segment->bytes().size();
  return texts_.insert(key, std::move(segment), cost);
}

index::TextSegmentPtr DerivedData::no_text(std::uint64_t rows, index::TermKind kind) {
  std::string key("nulls ");
  key.append(std::to_string(rows)).append(kind == index::TermKind::kToken ? " tokens" : " words");
  if (auto known = texts_.find(key)) return known;
  const auto count = static_cast<std::int64_t>(rows);
  const columnar::ChunkedArray nulls(columnar::utf8(), {columnar::all_null(columnar::utf8(), count)});
  index::TextSegmentPtr segment = index::TextSegment::build(nulls, 0, count, kind);
  const std::uint64_t cost = segment->bytes().size();
  return texts_.insert(key, std::move(segment), cost);
}

template <class T, class Open>
std::shared_ptr<const T> DerivedData::cached(LruCache<const T>& cache, const std::string& key, const Open& open) {
  if (auto known = cache.find(key)) return known;
  if (is_missing(key)) return nullptr;
  const std::lock_guard lock(turn_of(key));
  if (auto known = cache.find(key)) return known;
  if (is_missing(key)) return nullptr;
  Result<std::shared_ptr<const T>> looked = look(key, open);
  if (!looked) return nullptr;
  if (*looked == nullptr) {
    note_missing(key);
    return nullptr;
  }
  const std::uint64_t cost = (*looked)->bytes().size();
  return cache.insert(key, *std::move(looked), cost);
}

index::VectorSegmentPtr DerivedData::vectors(const std::string& key, const index::IndexSource& source,
                                             std::size_t dimension) {
  return cached(vectors_, key, [&](Buffer bytes) -> Result<index::VectorSegmentPtr> {
    OG_ASSIGN_OR_RETURN(index::VectorSegmentPtr segment, index::VectorSegment::open(std::move(bytes), source));
    if (segment->dimension() == dimension) return segment;
    return std::unexpected(Error{Code::kCorruptObject, "its vectors have another dimension"});
  });
}

index::OrderedIndexPtr DerivedData::ordered(const std::string& key, const index::IndexSource& source) {
  return cached(ordered_, key, [&](Buffer bytes) { return index::OrderedIndex::open(std::move(bytes), source); });
}

bool DerivedData::is_missing(const std::string& key) {
  const std::lock_guard lock(missing_mutex_);
  const auto found = missing_.find(key);
  return found != missing_.end() && std::chrono::steady_clock::now() - found->second < kMissingFor;
}

void DerivedData::note_missing(const std::string& key) {
  const std::lock_guard lock(missing_mutex_);
  if (missing_.size() >= kMissingMax) missing_.clear();
  missing_.insert_or_assign(key, std::chrono::steady_clock::now());
}

void DerivedData::note_stored(const std::string& key) {
  const std::lock_guard lock(missing_mutex_);
  missing_.erase(key);
}

void DerivedData::note_unreadable(const std::string& key, const Error& why) {
  {
    const std::lock_guard lock(unreadable_mutex_);
    if (!unreadable_.insert(key).second) return;
  }
  base::warn("index_unreadable",
             "'" + key + "' is passed over until `omnigraph optimize` makes it anew: " + why.message);
}

std::mutex& DerivedData::turn_of(const std::string& key) { return turns_[base::hash64(key) % turns_.size()]; }

}  // namespace omnigraph::graph
