// Bitmaps: LSB first, 1 = valid. Positions and counts are bits. Thread safety: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lance/byte_buffer.h"

namespace omnigraph::lance {

[[nodiscard]] constexpr std::uint64_t bitmap_bytes(std::uint64_t bits) { return bits / 8 + (bits % 8 != 0 ? 1 : 0); }

[[nodiscard]] inline bool bit_at(const std::byte* bits, std::uint64_t at) {
  return ((std::to_integer<unsigned>(bits[at / 8]) >> (at % 8)) & 1u) != 0;
}

// `count` <= 56 bits from position `at`; reads no byte behind the last of them.
[[nodiscard]] inline std::uint64_t load_bits(const std::byte* bits, std::uint64_t at, unsigned count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bits + at / 8, (at % 8 + count + 7) / 8);
  return (word >> (at % 8)) & ((std::uint64_t{1} << count) - 1);
}

// True if all of the bits are 1.
[[nodiscard]] inline bool all_bits_set(const std::byte* bits, std::uint64_t begin, std::uint64_t count) {
  while (count != 0) {
    const unsigned step = count < 56 ? static_cast<unsigned>(count) : 56;
    if (load_bits(bits, begin, step) != (std::uint64_t{1} << step) - 1) return false;
    begin += step;
    count -= step;
  }
  return true;
}

class BitBuffer {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }

  void append_run(bool value, std::uint64_t count) {
    while (count != 0 && size_ % 8 != 0) {
      append(value);
      --count;
    }
    if (count == 0) return;
    std::memset(bytes_.extend(bitmap_bytes(count)), value ? 0xff : 0, bitmap_bytes(count));
    size_ += count;
    clear_behind_end();
  }
  void append_bits(const std::byte* bits, std::uint64_t begin, std::uint64_t count) {
    if (size_ % 8 == 0 && begin % 8 == 0) {
      bytes_.append(bits + begin / 8, bitmap_bytes(count));
      size_ += count;
      clear_behind_end();
      return;
    }
    while (count != 0) {
      // Never more than fits the byte that is open, or else whole bytes.
      const auto room = size_ % 8 != 0 ? static_cast<unsigned>(8 - size_ % 8) : 56u;
      const unsigned step = count < room ? static_cast<unsigned>(count) : room;
      append_word(load_bits(bits, begin, step), step);
      begin += step;
      count -= step;
    }
  }
  // Bit i is test(i).
  template <class Test>
  void append_each(std::uint64_t count, Test&& test) {
    std::uint64_t at = 0;
    for (; at < count && size_ % 8 != 0; ++at) append(test(at));
    for (; at + 8 <= count; at += 8) {
      unsigned word = 0;
      for (unsigned i = 0; i < 8; ++i) word |= static_cast<unsigned>(test(at + i)) << i;
      *bytes_.extend(1) = static_cast<std::byte>(word);
      size_ += 8;
    }
    for (; at < count; ++at) append(test(at));
  }
  void append(bool value) { append_word(value ? 1 : 0, 1); }

  [[nodiscard]] Buffer finish() {
    size_ = 0;
    return bytes_.finish();
  }

 private:
  // REQUIRES: the bits fit the open byte, or no byte is open.
  void append_word(std::uint64_t word, unsigned count) {
    if (size_ % 8 != 0) {
      bytes_.data()[size_ / 8] |= static_cast<std::byte>(word << (size_ % 8));
    } else {
      std::memcpy(bytes_.extend(bitmap_bytes(count)), &word, bitmap_bytes(count));
    }
    size_ += count;
  }
  // Bits behind the end stay 0, so that the open byte can be filled with |=.
  void clear_behind_end() {
    if (size_ % 8 != 0) bytes_.data()[size_ / 8] &= static_cast<std::byte>((1u << (size_ % 8)) - 1);
  }

  ByteBuffer bytes_;
  std::uint64_t size_ = 0;
};

}  // namespace omnigraph::lance
