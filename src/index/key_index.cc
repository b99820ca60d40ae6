#include "index/key_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "base/result.h"

namespace omnigraph::index {

std::uint64_t KeyIndex::hash_of(std::string_view id) { return base::hash64(id); }

void KeyIndex::set_shape(std::uint64_t rows, std::span<const std::uint32_t> starts) {
  starts_ = starts;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(starts.size() - 1));
  position_bits_ = std::max(1u, static_cast<unsigned>(std::bit_width(rows == 0 ? 0 : rows - 1)));
  tag_bits_ = std::min(kTagBits, kEntryBits - position_bits_);
}

std::shared_ptr<const KeyIndex> KeyIndex::build(columnar::ChunkedArray ids) {
  constexpr std::int64_t kIdsMax = std::int64_t{1} << (kEntryBits - 1);
  OG_CHECK(ids.length() <= kIdsMax);
  auto index = std::make_shared<KeyIndex>();
  const auto rows = static_cast<std::size_t>(ids.length());
  std::vector<std::uint32_t>& starts = index->own_starts_;
  starts.assign(std::bit_ceil(std::max<std::size_t>(rows / kBucketKeys, 2)) + 1, 0);
  index->set_shape(rows, starts);

  // A counting sort by bucket: a bucket's entries stay in the order of the rows.
  std::vector<std::uint64_t> hashes(rows);
  const auto for_each = [&](auto&& visit) {
    for (std::size_t c = 0; c < ids.chunk_count(); ++c) {
      const columnar::Array& chunk = *ids.chunk(c);
      const auto start = static_cast<std::uint32_t>(ids.chunk_start(c));
      for (std::int64_t i = 0; i < chunk.length(); ++i) {
        if (chunk.is_valid(i)) visit(chunk, i, start + static_cast<std::uint32_t>(i));
      }
    }
  };
  for_each([&](const columnar::Array& chunk, std::int64_t i, std::uint32_t position) {
    hashes[position] = hash_of(chunk.string_value(i));
    ++starts[index->bucket_of(hashes[position]) + 1];
  });
  for (std::size_t b = 1; b < starts.size(); ++b) starts[b] += starts[b - 1];
  std::vector<std::uint32_t> next(starts.begin(), starts.end() - 1);
  std::vector<std::uint32_t> entries(starts.back());
  for_each([&](const columnar::Array&, std::int64_t, std::uint32_t position) {
    entries[next[index->bucket_of(hashes[position])]++] = position | index->tag_of(hashes[position])
                                                                         << index->position_bits_;
  });
  append_stream(entries, index->entry_bits(), index->own_entries_);
  std::memset(index->own_entries_.extend(kBitPadding), 0, kBitPadding);
  index->entries_ = {index->own_entries_.data(), index->own_entries_.size()};
  index->ids_ = std::move(ids);
  return index;
}

Buffer KeyIndex::file(const IndexSource& source) const {
  IndexFileWriter writer(source);
  writer.add(starts_);
  writer.add(entries_);
  return writer.finish();
}

bool KeyIndex::is_sound(std::uint64_t rows) const {
  if (starts_.front() != 0 || starts_.back() > rows || !std::ranges::is_sorted(starts_)) return false;
  if (entries_.size() != stream_bytes(starts_.back(), entry_bits()) + kBitPadding) return false;
  bool outside = false;
  for (std::size_t at = 0; at < starts_.back(); ++at) outside |= position_at(at) >= rows;
  return !outside;
}

Result<std::shared_ptr<const KeyIndex>> KeyIndex::open(Buffer bytes, const IndexSource& source,
                                                       columnar::ChunkedArray ids) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, 2));
  auto index = std::make_shared<KeyIndex>();
  OG_ASSIGN_OR_RETURN(const auto starts, file.array<std::uint32_t>(0));
  OG_ASSIGN_OR_RETURN(index->entries_, file.array<std::byte>(1));
  const bool has_shape = starts.size() >= 3 && std::has_single_bit(starts.size() - 1) &&
                         source.rows <= std::uint64_t{1} << (kEntryBits - 1) &&
                         static_cast<std::uint64_t>(ids.length()) == source.rows;
  if (has_shape) index->set_shape(source.rows, starts);
  if (!has_shape || !index->is_sound(source.rows)) {
    return std::unexpected(Error{Code::kCorruptObject, "its tables do not fit the ids"});
  }
  index->bytes_ = file.bytes();
  index->ids_ = std::move(ids);
  return index;
}

}  // namespace omnigraph::index
