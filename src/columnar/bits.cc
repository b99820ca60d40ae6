#include "columnar/bits.h"

#include <bit>
#include <cstring>

namespace omnigraph::columnar {
namespace {

bool get_bit(const std::byte* bits, std::int64_t i) {
  return ((static_cast<unsigned>(bits[i >> 3]) >> (i & 7)) & 1u) != 0;
}

}  // namespace

std::int64_t count_zero_bits(const std::byte* bits, std::int64_t offset, std::int64_t count) {
  const std::int64_t end = offset + count;
  std::int64_t ones = 0;
  std::int64_t at = offset;
  for (; at < end && (at & 7) != 0; ++at) ones += get_bit(bits, at) ? 1 : 0;
  for (; end - at >= 64; at += 64) {
    std::uint64_t word = 0;
    std::memcpy(&word, bits + (at >> 3), 8);
    ones += std::popcount(word);
  }
  for (; at < end; ++at) ones += get_bit(bits, at) ? 1 : 0;
  return count - ones;
}

void copy_bits(std::byte* target, std::int64_t target_offset, const std::byte* source, std::int64_t source_offset,
               std::int64_t count) {
  std::int64_t i = 0;
  for (; i < count && ((target_offset + i) & 7) != 0; ++i) {
    set_bit(target, target_offset + i, get_bit(source, source_offset + i));
  }
  const int shift = static_cast<int>((source_offset + i) & 7);
  const std::byte* from = source + ((source_offset + i) >> 3);
  std::byte* to = target + ((target_offset + i) >> 3);
  const std::int64_t whole_bytes = (count - i) / 8;
  if (shift == 0) {
    if (whole_bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(whole_bytes));
  } else {
    // A whole target byte has bits in both source bytes, so the second one exists.
    for (std::int64_t k = 0; k < whole_bytes; ++k) to[k] = (from[k] >> shift) | (from[k + 1] << (8 - shift));
  }
  for (i += whole_bytes * 8; i < count; ++i) {
    set_bit(target, target_offset + i, get_bit(source, source_offset + i));
  }
}

void fill_bits(std::byte* target, std::int64_t offset, std::int64_t count, bool value) {
  std::int64_t i = 0;
  for (; i < count && ((offset + i) & 7) != 0; ++i) set_bit(target, offset + i, value);
  const std::int64_t whole_bytes = (count - i) / 8;
  if (whole_bytes > 0) {
    std::memset(target + ((offset + i) >> 3), value ? 0xff : 0, static_cast<std::size_t>(whole_bytes));
  }
  for (i += whole_bytes * 8; i < count; ++i) set_bit(target, offset + i, value);
}

}  // namespace omnigraph::columnar
