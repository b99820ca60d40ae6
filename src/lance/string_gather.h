// The items of a string dictionary, and rows made of them. Thread safety: values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "lance/file_layout.h"
#include "lance/leaf_builder.h"

namespace omnigraph::lance {

class StringTable {
 public:
  // `ends`: u64 end offsets, not decreasing, within `bytes`. `validity` empty: no item is null. Copies all.
  void assign(const std::byte* ends, std::uint64_t count, std::span<const std::byte> bytes, const Buffer& validity);

  // Appends item number - first_number for each number; smaller numbers are null.
  // Errors: kCorruptObject for a number behind the last item.
  [[nodiscard]] Result<void> gather(std::span<const std::uint32_t> numbers, std::uint32_t first_number,
                                    const PagePlace& place, LeafBuilder& out) const;

 private:
  struct Item {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
  };
  std::vector<Item> items_;
  std::vector<bool> is_null_;     // empty: none
  std::vector<std::byte> bytes_;  // and a few more, so that short items are copied as 16 bytes
};

}  // namespace omnigraph::lance
