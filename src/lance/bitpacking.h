// Bit packing of 1024-value blocks (chapter 10 sections 8.2 and 9.5): T-bit unsigned values kept in W bits each, in an
// order that lets 1024/T lanes be packed side by side (FastLanes). A block takes 128*W bytes whatever T is.
// Packed bytes need no alignment. Source: Afroozeh, Boncz, "The FastLanes Compression Layout", VLDB 2023.
// Thread safety: free functions.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace omnigraph::lance {

inline constexpr std::size_t kPackedBlockValues = 1024;
[[nodiscard]] constexpr std::size_t packed_block_bytes(unsigned width) { return std::size_t{128} * width; }
[[nodiscard]] constexpr std::uint64_t packed_block_count(std::uint64_t values) {
  return values / kPackedBlockValues + (values % kPackedBlockValues != 0 ? 1 : 0);
}

template <class T>
concept PackedValue = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
                      std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

// `values`: 1024 of them, each < 2^width. `packed`: 128*width bytes. REQUIRES: width <= 8*sizeof(T).
template <PackedValue T>
void pack_block(const T* values, unsigned width, std::byte* packed);
// The inverse; width 0 gives zeros.
template <PackedValue T>
void unpack_block(const std::byte* packed, unsigned width, T* values);

// Packs `count` values into packed_block_count(count) blocks back to back, the last padded with zeros.
// `values` may be unaligned.
template <PackedValue T>
void pack_values(const std::byte* values, std::uint64_t count, unsigned width, std::byte* packed);
// Unpacks the first `count` values of such blocks.
template <PackedValue T>
void unpack_values(const std::byte* packed, std::uint64_t count, unsigned width, T* values);

// Value `index` (0..1023) of one block. REQUIRES: width <= 8*sizeof(T).
template <PackedValue T>
[[nodiscard]] T unpack_one(const std::byte* packed, unsigned width, unsigned index) {
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr unsigned kLanes = 1024 / kBits;
  constexpr unsigned kReversed[8] = {0, 4, 2, 6, 1, 5, 3, 7};
  if (width == 0) return 0;
  const unsigned q = index % 128;
  const unsigned lane = q % kLanes;
  const unsigned row = 8 * kReversed[(q - lane) / 16] + index / 128;
  const unsigned at = row * width;
  const unsigned shift = at % kBits;
  const auto word = [&](unsigned w) {
    T value;
    std::memcpy(&value, packed + (std::size_t{w} * kLanes + lane) * sizeof(T), sizeof(T));
    return value;
  };
  std::uint64_t value = std::uint64_t{word(at / kBits)} >> shift;
  if (shift + width > kBits) value |= std::uint64_t{word(at / kBits + 1)} << (kBits - shift);
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  return static_cast<T>(value & mask);
}
// Value `index` of blocks back to back.
template <PackedValue T>
[[nodiscard]] T unpack_at(const std::byte* packed, unsigned width, std::uint64_t index) {
  return unpack_one<T>(packed + index / kPackedBlockValues * packed_block_bytes(width), width,
                       static_cast<unsigned>(index % kPackedBlockValues));
}

}  // namespace omnigraph::lance
