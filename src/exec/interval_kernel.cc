#include "exec/interval_kernel.h"

#include <bit>
#include <cstring>

namespace omnigraph::exec {
namespace {

// The same loop for every processor; the compiler makes it wide.
template <class T>
[[gnu::always_inline]] inline void and_interval_loop(const std::byte* __restrict values, std::size_t count, T low,
                                                     T high, std::uint8_t flip, std::uint8_t* __restrict mask) {
  for (std::size_t i = 0; i < count; ++i) {
    T v;
    std::memcpy(&v, values + i * sizeof(T), sizeof(T));
    const auto inside = static_cast<std::uint8_t>(static_cast<unsigned>(v >= low) & static_cast<unsigned>(v <= high));
    mask[i] = static_cast<std::uint8_t>(mask[i] & (inside ^ flip));
  }
}

#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2")]] void and_interval_avx2(const std::byte* values, std::size_t count, T low, T high,
                                               std::uint8_t flip, std::uint8_t* mask) {
  and_interval_loop<T>(values, count, low, high, flip, mask);
}
#endif

}  // namespace

template <class T>
void and_interval(const void* values, std::size_t count, T low, T high, bool negated, std::uint8_t* mask) {
  const auto* bytes = static_cast<const std::byte*>(values);
  const std::uint8_t flip = negated ? 1 : 0;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) return and_interval_avx2<T>(bytes, count, low, high, flip, mask);
#endif
  and_interval_loop<T>(bytes, count, low, high, flip, mask);
}

template void and_interval(const void*, std::size_t, std::int32_t, std::int32_t, bool, std::uint8_t*);
template void and_interval(const void*, std::size_t, std::int64_t, std::int64_t, bool, std::uint8_t*);
template void and_interval(const void*, std::size_t, std::uint32_t, std::uint32_t, bool, std::uint8_t*);
template void and_interval(const void*, std::size_t, std::uint64_t, std::uint64_t, bool, std::uint8_t*);
template void and_interval(const void*, std::size_t, float, float, bool, std::uint8_t*);
template void and_interval(const void*, std::size_t, double, double, bool, std::uint8_t*);

std::size_t positions_of_ones(const std::uint8_t* mask, std::size_t count, std::uint32_t first, std::uint32_t* out) {
  // Gathers the lowest bits of eight bytes into one byte (the multiplication adds no two of them at one place).
  constexpr std::uint64_t kGather = 0x0102040810204080u;
  constexpr std::uint64_t kAllOnes = 0x0101010101010101u;
  std::size_t found = 0;
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, mask + i, sizeof(bytes));
    const auto base = first + static_cast<std::uint32_t>(i);
    if (bytes == kAllOnes) {
      for (std::uint32_t j = 0; j < 8; ++j) out[found + j] = base + j;
      found += 8;
      continue;
    }
    for (std::uint64_t bits = (bytes * kGather) >> 56; bits != 0; bits &= bits - 1) {
      out[found++] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
    }
  }
  for (; i < count; ++i) {
    out[found] = first + static_cast<std::uint32_t>(i);
    found += mask[i];
  }
  return found;
}

}  // namespace omnigraph::exec
