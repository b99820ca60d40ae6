// id -> position inside one data file: open addressing over 64-bit hashes, verified against the id column.
// Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "columnar/array.h"

namespace omnigraph::index {

class KeyIndex {
 public:
  // `ids`: the utf8 id column of one data file, kept alive by the index. Later positions win over earlier equal ids
  // only in iteration order: find() reports every position that holds the id through `next`.
  static std::shared_ptr<const KeyIndex> build(columnar::ChunkedArray ids);
  // Calls visit(position) for each row whose id is `id`, until it returns false.
  template <class Visit>
  void find(std::string_view id, Visit&& visit) const {
    const std::uint64_t hash = hash_of(id);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const std::uint32_t slot = slots_[at];
      if (slot == kEmpty) return;
      if (tags_[at] == static_cast<std::uint16_t>(hash >> 48) && id_at(slot) == id) {
        if (!visit(slot)) return;
      }
    }
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xffffffffu;
  [[nodiscard]] static std::uint64_t hash_of(std::string_view id);
  [[nodiscard]] std::string_view id_at(std::uint32_t position) const;
  columnar::ChunkedArray ids_;
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint16_t> tags_;
  std::size_t mask_ = 0;
};

}  // namespace omnigraph::index
