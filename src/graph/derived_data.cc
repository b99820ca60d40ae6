#include "graph/derived_data.h"

#include "base/hash.h"
#include "base/warning.h"

namespace omnigraph::graph {
namespace {

// Enough for the text of a few million rows; beyond it the least recently used segments are taken up anew.
constexpr std::uint64_t kTextCost = std::uint64_t{512} << 20;
constexpr std::uint64_t kVectorCost = std::uint64_t{512} << 20;

std::string hex_digits(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = kDigits[value >> (60 - 4 * i) & 15];
  return text;
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
    : objects_(std::move(objects)), texts_(kTextCost), vectors_(kVectorCost) {}

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

index::VectorSegmentPtr DerivedData::vectors(const std::string& key, const index::IndexSource& source) {
  if (const auto known = vectors_.find(key)) return *known;
  index::VectorSegmentPtr segment =
      stored(key, [&](Buffer bytes) { return index::VectorSegment::open(std::move(bytes), source); });
  const std::uint64_t cost = key.size() + (segment == nullptr ? 0 : segment->bytes().size());
  return *vectors_.insert(key, std::make_shared<const index::VectorSegmentPtr>(std::move(segment)), cost);
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
