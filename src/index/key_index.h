// id -> position inside one data file: open addressing over 64-bit hashes, verified against the id column. At most
// half of the slots are used, and a 16-bit tag of the hash decides most probes without a look at the ids. As an index
// file (index/index_file.h) it is the tags and the slots, and used where it lies.
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
#include "index/index_file.h"

namespace omnigraph::index {

class KeyIndex {
 public:
  // `ids`: the utf8 id column of one data file, kept alive by the index. Null slots are left out.
  static std::shared_ptr<const KeyIndex> build(columnar::ChunkedArray ids);
  // Errors: those of IndexFile::open; kCorruptObject for tables that do not fit the ids.
  [[nodiscard]] static Result<std::shared_ptr<const KeyIndex>> open(Buffer bytes, const IndexSource& source,
                                                                    columnar::ChunkedArray ids);
  [[nodiscard]] Buffer file(const IndexSource& source) const;
  // What the digest of its parameters is made of, besides the column.
  static constexpr std::string_view kRecipe = "ids by XXH3";

  // Calls visit(position) for each row whose id is `id`, ascending, until it returns false.
  template <class Visit>
  void find(std::string_view id, Visit&& visit) const {
    const std::uint64_t hash = hash_of(id);
    const std::uint16_t tag = tag_of(hash);
    for (std::size_t at = hash & mask_; tags_[at] != kEmpty; at = (at + 1) & mask_) {
      if (tags_[at] == tag && id_at(slots_[at]) == id && !visit(slots_[at])) return;
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
  static constexpr std::uint16_t kEmpty = 0;  // no tag is 0
  [[nodiscard]] static std::uint64_t hash_of(std::string_view id);
  // The low bits of the hash choose the slot, the high ones tell its neighbours apart.
  [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint16_t>(hash >> 48);
    return tag == kEmpty ? std::uint16_t{1} : tag;
  }
  [[nodiscard]] std::string_view id_at(std::uint32_t position) const {
    if (ids_.chunk_count() == 1) return ids_.chunk(0)->string_value(position);
    const columnar::ChunkedArray::Place place = ids_.locate(position);
    return ids_.chunk(place.chunk)->string_value(place.index);
  }

  columnar::ChunkedArray ids_;
  std::vector<std::uint16_t> own_tags_;  // empty if the tables lie in bytes_
  std::vector<std::uint32_t> own_slots_;
  Buffer bytes_;
  std::span<const std::uint16_t> tags_;
  std::span<const std::uint32_t> slots_;
  std::size_t mask_ = 0;
};

}  // namespace omnigraph::index
