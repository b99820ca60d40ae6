// Runs of bits in LSB-first bitmaps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnigraph::columnar {

// Zero bits among [offset, offset + count).
[[nodiscard]] std::int64_t count_zero_bits(const std::byte* bits, std::int64_t offset, std::int64_t count);
// Copies [source_offset, source_offset + count) to `target_offset`; the target's other bits stay as they are.
void copy_bits(std::byte* target, std::int64_t target_offset, const std::byte* source, std::int64_t source_offset,
               std::int64_t count);
// Sets [offset, offset + count) to `value`.
void fill_bits(std::byte* target, std::int64_t offset, std::int64_t count, bool value);

inline void set_bit(std::byte* bits, std::int64_t i, bool value) {
  const auto mask = static_cast<std::byte>(1u << (i & 7));
  if (value) {
    bits[i >> 3] |= mask;
  } else {
    bits[i >> 3] &= ~mask;
  }
}

[[nodiscard]] inline std::size_t bytes_for_bits(std::int64_t count) { return static_cast<std::size_t>(count + 7) / 8; }

}  // namespace omnigraph::columnar
