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
  index->tags_.assign(capacity, kEmpty);
  index->slots_.assign(capacity, 0);
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
        __builtin_prefetch(&index->tags_[hash & index->mask_], 1);
        __builtin_prefetch(&index->slots_[hash & index->mask_], 1);
      }
      for (std::int64_t i = begin; i < end; ++i) {
        if (chunk.is_null(i)) continue;
        const std::uint64_t hash = hashes[static_cast<std::size_t>(i - begin)];
        std::size_t at = hash & index->mask_;
        while (index->tags_[at] != kEmpty) at = (at + 1) & index->mask_;
        index->tags_[at] = tag_of(hash);
        index->slots_[at] = start + static_cast<std::uint32_t>(i);
      }
    }
  }
  index->ids_ = std::move(ids);
  return index;
}

}  // namespace omnigraph::index
