#include "lance/string_gather.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace omnigraph::lance {
namespace {

constexpr std::size_t kShortItem = 16;

}  // namespace

void StringTable::assign(const std::byte* ends, std::uint64_t count, std::span<const std::byte> bytes,
                         const Buffer& validity) {
  items_.resize(count);
  std::uint64_t begin = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t end;
    std::memcpy(&end, ends + i * 8, 8);
    items_[i] = Item{begin, end - begin};
    begin = end;
  }
  bytes_.assign(begin + kShortItem, std::byte{0});
  if (begin != 0) std::memcpy(bytes_.data(), bytes.data(), begin);
  is_null_.clear();
  if (validity.empty()) return;
  is_null_.resize(count);
  for (std::uint64_t i = 0; i < count; ++i)
    is_null_[i] = !columnar::Array::bit(validity.data(), static_cast<std::int64_t>(i));
}

Result<void> StringTable::gather(std::span<const std::uint32_t> numbers, std::uint32_t first_number,
                                 const PagePlace& place, LeafBuilder& out) const {
  const std::uint64_t number_end = items_.size() + first_number;
  columnar::ByteSink& bytes = out.string_bytes();
  std::uint64_t end = bytes.size();
  const std::uint64_t start = end;
  bool has_nulls = !is_null_.empty();
  std::uint32_t most = 0;
  for (const std::uint32_t number : numbers) most = std::max(most, number);
  if (!numbers.empty() && most >= number_end) {
    return std::unexpected(
        place.corrupt("dictionary index " + std::to_string(most) + " of " + std::to_string(items_.size()) + " items"));
  }
  // No overflow: fewer than 2^32 numbers, items below 2^31 bytes.
  for (const std::uint32_t number : numbers) {
    if (number < first_number) {
      has_nulls = true;
    } else {
      end += items_[number - first_number].size;
    }
  }
  if (end - start > kDecompressedMax) return std::unexpected(place.corrupt("dictionary page expands beyond 2 GiB"));
  bytes.extend(end - start + kShortItem);
  std::uint64_t* ends = out.add_ends(numbers.size());
  std::byte* base = bytes.data();
  std::uint64_t at = start;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] >= first_number) {
      const Item item = items_[numbers[i] - first_number];
      const std::byte* from = bytes_.data() + item.begin;
      if (item.size <= kShortItem) {
        std::memcpy(base + at, from, kShortItem);
      } else {
        std::memcpy(base + at, from, item.size);
      }
      at += item.size;
    }
    ends[i] = at;
  }
  bytes.truncate(at);
  if (!has_nulls) return {};
  out.add_validity_each(numbers.size(), [&](std::uint64_t i) {
    return numbers[i] >= first_number && (is_null_.empty() || !is_null_[numbers[i] - first_number]);
  });
  return {};
}

}  // namespace omnigraph::lance
