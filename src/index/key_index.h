// id -> position inside one data file: a table of buckets by the first bits of a 64-bit hash, verified against the id
// column. An entry is the position and, above it, the last bits of the hash, which decide most probes without a look at
// the ids; entries lie in one stream of bits, those of a bucket side by side and in the order of their positions (the
// compact hashing of Cleary, Compact Hash Tables Using Bidirectional Linear Probing, IEEE Trans. Comput. 1984, with
// directory in place of probing). As an index file (index/index_file.h) it is where each bucket starts and the entries,
// 4 bytes an id, and used where it lies.
// Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "columnar/byte_sink.h"
#include "index/index_file.h"
#include "index/posting_blocks.h"

namespace omnigraph::index {

class KeyIndex {
 public:
  // `ids`: the utf8 id column of one data file, kept alive by the index. Null slots are left out.
  static std::shared_ptr<const KeyIndex> build(columnar::ChunkedArray ids);
  // Errors: those of IndexFile::open; kCorruptObject for tables that do not fit the ids.
  [[nodiscard]] static Result<std::shared_ptr<const KeyIndex>> open(Buffer bytes, const IndexSource& source,
                                                                    columnar::ChunkedArray ids);
  [[nodiscard]] Buffer file(const IndexSource& source) const;
  // Of its tables, wherever they lie.
  [[nodiscard]] std::uint64_t memory_bytes() const { return starts_.size_bytes() + entries_.size_bytes(); }
  // What the digest of its parameters is made of, besides the column.
  static constexpr std::string_view kRecipe = "ids by XXH3 in buckets";

  // Calls visit(position) for each row whose id is `id`, ascending, until it returns false.
  template <class Visit>
  void find(std::string_view id, Visit&& visit) const {
    const std::uint64_t hash = hash_of(id);
    const std::uint32_t tag = tag_of(hash);
    const std::size_t bucket = bucket_of(hash);
    for (std::size_t at = starts_[bucket]; at < starts_[bucket + 1]; ++at) {
      const std::uint32_t entry = number_at(entries_.data(), entry_bits(), at);
      const std::uint32_t position = entry & ((std::uint32_t{1} << position_bits_) - 1);
      if (entry >> position_bits_ == tag && id_at(position) == id && !visit(position)) return;
    }
  }
  // One position that holds `id`, the first.
  [[nodiscard]] std::optional<std::uint32_t> find_first(std::string_view id) const {
    std::optional<std::uint32_t> found;
    find(id, [&](std::uint32_t position) {
      found = position;
      return false;
    });
    return found;
  }

 private:
  static constexpr unsigned kEntryBits = 32;  // at most
  static constexpr unsigned kTagBits = 8;
  static constexpr std::size_t kBucketKeys = 16;  // at most so many on average, and at least half

  // Of `rows` ids in starts.size() - 1 buckets, a power of two and not 1.
  void set_shape(std::uint64_t rows, std::span<const std::uint32_t> starts);
  // Whether every entry is there and one of `rows` positions.
  [[nodiscard]] bool is_sound(std::uint64_t rows) const;
  [[nodiscard]] static std::uint64_t hash_of(std::string_view id);
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const { return hash >> shift_; }
  [[nodiscard]] std::uint32_t tag_of(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash) & ((std::uint32_t{1} << tag_bits_) - 1);
  }
  [[nodiscard]] unsigned entry_bits() const { return position_bits_ + tag_bits_; }
  [[nodiscard]] std::uint32_t position_at(std::size_t at) const {
    return number_at(entries_.data(), entry_bits(), at) & ((std::uint32_t{1} << position_bits_) - 1);
  }
  [[nodiscard]] std::string_view id_at(std::uint32_t position) const {
    if (ids_.chunk_count() == 1) return ids_.chunk(0)->string_value(position);
    const columnar::ChunkedArray::Place place = ids_.locate(position);
    return ids_.chunk(place.chunk)->string_value(place.index);
  }

  columnar::ChunkedArray ids_;
  std::vector<std::uint32_t> own_starts_;  // empty if the tables lie in bytes_
  columnar::ByteSink own_entries_;
  Buffer bytes_;
  std::span<const std::uint32_t> starts_;  // by bucket: its first entry, and the end
  std::span<const std::byte> entries_;
  unsigned shift_ = 63;
  unsigned position_bits_ = 1, tag_bits_ = 1;
};

}  // namespace omnigraph::index
