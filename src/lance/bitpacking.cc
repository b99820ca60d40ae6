#include "lance/bitpacking.h"

#include <algorithm>

namespace omnigraph::lance {
namespace {

// Packed bytes and values may lie anywhere; the compiler still uses vector loads.
template <class T>
struct Unaligned {
  using Type __attribute__((aligned(1), may_alias)) = T;
};

template <class T>
constexpr unsigned first_value_of_row(unsigned row) {
  constexpr unsigned kOrder[8] = {0, 4, 2, 6, 1, 5, 3, 7};
  return kOrder[row / 8] * 16 + row % 8 * 128;
}

template <class T>
constexpr T low_bits(unsigned width) {
  return width == 8 * sizeof(T) ? static_cast<T>(~T{0}) : static_cast<T>((std::uint64_t{1} << width) - 1);
}

// One row at a time, all lanes of it: the shift is the same for the whole inner loop, so that it vectorizes for
// every width without a function of its own.
template <class T>
[[gnu::always_inline]] inline void unpack_rows(const std::byte* packed, unsigned width, T* values) {
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr unsigned kLanes = 1024 / kBits;
  using Word = typename Unaligned<T>::Type;
  const auto* words = reinterpret_cast<const Word*>(packed);
  const T mask = low_bits<T>(width);
  for (unsigned row = 0; row < kBits; ++row) {
    const unsigned at = row * width;
    const unsigned shift = at % kBits;
    const Word* in = words + std::size_t{at / kBits} * kLanes;
    T* out = values + first_value_of_row<T>(row);
    if (shift + width <= kBits) {
      for (unsigned lane = 0; lane < kLanes; ++lane) out[lane] = static_cast<T>((in[lane] >> shift) & mask);
    } else {
      const unsigned left = kBits - shift;
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        out[lane] = static_cast<T>(((in[lane] >> shift) | static_cast<T>(in[lane + kLanes] << left)) & mask);
      }
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void pack_rows(const T* values, unsigned width, std::byte* packed) {
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr unsigned kLanes = 1024 / kBits;
  using Word = typename Unaligned<T>::Type;
  auto* words = reinterpret_cast<Word*>(packed);
  for (unsigned row = 0; row < kBits; ++row) {
    const unsigned at = row * width;
    const unsigned shift = at % kBits;
    Word* out = words + std::size_t{at / kBits} * kLanes;
    const T* in = values + first_value_of_row<T>(row);
    if (shift == 0) {
      for (unsigned lane = 0; lane < kLanes; ++lane) out[lane] = in[lane];
    } else {
      for (unsigned lane = 0; lane < kLanes; ++lane)
        out[lane] = static_cast<T>(out[lane] | static_cast<T>(in[lane] << shift));
    }
    if (shift + width > kBits) {
      const unsigned left = kBits - shift;
      for (unsigned lane = 0; lane < kLanes; ++lane) out[lane + kLanes] = static_cast<T>(in[lane] >> left);
    }
  }
}

#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2")]] void unpack_rows_avx2(const std::byte* packed, unsigned width, T* values) {
  unpack_rows<T>(packed, width, values);
}
template <class T>
[[gnu::target("avx2")]] void pack_rows_avx2(const T* values, unsigned width, std::byte* packed) {
  pack_rows<T>(values, width, packed);
}
bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

}  // namespace

template <PackedValue T>
void pack_block(const T* values, unsigned width, std::byte* packed) {
  if (width == 0) return;
#if defined(__x86_64__)
  if (has_avx2()) return pack_rows_avx2<T>(values, width, packed);
#endif
  pack_rows<T>(values, width, packed);
}

template <PackedValue T>
void unpack_block(const std::byte* packed, unsigned width, T* values) {
  if (width == 0) {
    std::fill_n(values, kPackedBlockValues, T{0});
    return;
  }
#if defined(__x86_64__)
  if (has_avx2()) return unpack_rows_avx2<T>(packed, width, values);
#endif
  unpack_rows<T>(packed, width, values);
}

template <PackedValue T>
void pack_values(const std::byte* values, std::uint64_t count, unsigned width, std::byte* packed) {
  T block[kPackedBlockValues];
  while (count != 0) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(count, kPackedBlockValues));
    std::memcpy(block, values, taken * sizeof(T));
    std::fill(block + taken, block + kPackedBlockValues, T{0});
    pack_block<T>(block, width, packed);
    values += taken * sizeof(T);
    packed += packed_block_bytes(width);
    count -= taken;
  }
}

template <PackedValue T>
void unpack_values(const std::byte* packed, std::uint64_t count, unsigned width, T* values) {
  for (; count >= kPackedBlockValues; count -= kPackedBlockValues) {
    unpack_block<T>(packed, width, values);
    packed += packed_block_bytes(width);
    values += kPackedBlockValues;
  }
  if (count == 0) return;
  T block[kPackedBlockValues];
  unpack_block<T>(packed, width, block);
  std::memcpy(values, block, static_cast<std::size_t>(count) * sizeof(T));
}

#define OMNIGRAPH_INSTANTIATE(T)                                                       \
  template void pack_block<T>(const T*, unsigned, std::byte*);                         \
  template void unpack_block<T>(const std::byte*, unsigned, T*);                       \
  template void pack_values<T>(const std::byte*, std::uint64_t, unsigned, std::byte*); \
  template void unpack_values<T>(const std::byte*, std::uint64_t, unsigned, T*);
OMNIGRAPH_INSTANTIATE(std::uint8_t)
OMNIGRAPH_INSTANTIATE(std::uint16_t)
OMNIGRAPH_INSTANTIATE(std::uint32_t)
OMNIGRAPH_INSTANTIATE(std::uint64_t)
#undef OMNIGRAPH_INSTANTIATE

}  // namespace omnigraph::lance
