#include "index/key_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/hash.h"
#include "base/result.h"

namespace omnigraph::index {

std::uint64_t KeyIndex::hash_of(std::string_view id) { return base::hash64(id); }

std::shared_ptr<const KeyIndex> KeyIndex::build(columnar::ChunkedArray ids) {
  constexpr std::int64_t kIdsMax = std::int64_t{1} << 31;  // positions and a table of twice as many slots
  OG_CHECK(ids.length() <= kIdsMax);
  auto index = std::make_shared<KeyIndex>();
  const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(2 * static_cast<std::size_t>(ids.length()), 1));
  std::vector<std::uint16_t>& tags = index->own_tags_;
  std::vector<std::uint32_t>& slots = index->own_slots_;
  tags.assign(capacity, kEmpty);
  slots.assign(capacity, 0);
  index->tags_ = tags;
  index->slots_ = slots;
  index->mask_ = capacity - 1;

  // The table is far larger than the caches: hash a block first, so that its slots are on their way when needed.
  constexpr std::int64_t kBlock = 32;
  std::array<std::uint64_t, kBlock> hashes;
  for (std::size_t c = 0; c < ids.chunk_count(); ++c) {
    const columnar::Array& chunk = *ids.chunk(c);
    const auto start = static_cast<std::uint32_t>(ids.chunk_start(c));
    for (std::int64_t begin = 0; begin < chunk.length(); begin += kBlock) {
      const std::int64_t end = std::min(begin + kBlock, chunk.length());
      for (std::int64_t i = begin; i < end; ++i) {
        const std::uint64_t hash = chunk.is_valid(i) ? hash_of(chunk.string_value(i)) : 0;
        hashes[static_cast<std::size_t>(i - begin)] = hash;
        __builtin_prefetch(&tags[hash & index->mask_], 1);
        __builtin_prefetch(&slots[hash & index->mask_], 1);
      }
      for (std::int64_t i = begin; i < end; ++i) {
        if (chunk.is_null(i)) continue;
        const std::uint64_t hash = hashes[static_cast<std::size_t>(i - begin)];
        std::size_t at = hash & index->mask_;
        while (tags[at] != kEmpty) at = (at + 1) & index->mask_;
        tags[at] = tag_of(hash);
        slots[at] = start + static_cast<std::uint32_t>(i);
      }
    }
  }
  index->ids_ = std::move(ids);
  return index;
}

Buffer KeyIndex::file(const IndexSource& source) const {
  IndexFileWriter writer(source);
  writer.add(tags_);
  writer.add(slots_);
  return writer.finish();
}

Result<std::shared_ptr<const KeyIndex>> KeyIndex::open(Buffer bytes, const IndexSource& source,
                                                       columnar::ChunkedArray ids) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, 2));
  auto index = std::make_shared<KeyIndex>();
  OG_ASSIGN_OR_RETURN(index->tags_, file.array<std::uint16_t>(0));
  OG_ASSIGN_OR_RETURN(index->slots_, file.array<std::uint32_t>(1));
  const std::size_t capacity = index->tags_.size();
  if (!std::has_single_bit(capacity) || index->slots_.size() != capacity || capacity < 2 * source.rows ||
      static_cast<std::uint64_t>(ids.length()) != source.rows) {
    return std::unexpected(Error{Code::kCorruptObject, "its tables do not fit the ids"});
  }
  index->bytes_ = file.bytes();
  index->mask_ = capacity - 1;
  index->ids_ = std::move(ids);
  return index;
}

}  // namespace omnigraph::index
