// A bitmap that grows at its end: LSB first, 1 = valid. Positions and counts are bits. Thread safety: values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "columnar/bits.h"
#include "columnar/byte_sink.h"

namespace omnigraph::lance {

[[nodiscard]] constexpr std::uint64_t bitmap_bytes(std::uint64_t bits) { return bits / 8 + (bits % 8 != 0 ? 1 : 0); }

// True if the first `count` bits are 1.
[[nodiscard]] inline bool all_bits_set(const std::byte* bits, std::uint64_t count) {
  return columnar::count_zero_bits(bits, 0, static_cast<std::int64_t>(count)) == 0;
}

class BitBuffer {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }

  void append_run(bool value, std::uint64_t count) {
    if (count == 0) return;
    const std::int64_t begin = end();
    columnar::fill_bits(extend(count), begin, signed_of(count), value);
  }
  void append_bits(const std::byte* bits, std::uint64_t begin, std::uint64_t count) {
    if (count == 0) return;
    const std::int64_t target_begin = end();
    columnar::copy_bits(extend(count), target_begin, bits, signed_of(begin), signed_of(count));
  }
  void append(bool value) {
    extend(1);
    columnar::set_bit(bytes_.data(), end() - 1, value);
  }
  // Bit i is test(i).
  template <class Test>
  void append_each(std::uint64_t count, Test&& test) {
    std::uint64_t at = 0;
    for (; at < count && size_ % 8 != 0; ++at) append(test(at));
    const std::uint64_t whole = (count - at) / 8;
    std::byte* out = bytes_.extend(whole);
    size_ += whole * 8;
    for (std::uint64_t k = 0; k < whole; ++k, at += 8) {
      unsigned word = 0;
      for (unsigned i = 0; i < 8; ++i) word |= static_cast<unsigned>(test(at + i)) << i;
      out[k] = static_cast<std::byte>(word);
    }
    for (; at < count; ++at) append(test(at));
  }

  [[nodiscard]] Buffer finish() {
    size_ = 0;
    return bytes_.finish();
  }

 private:
  static std::int64_t signed_of(std::uint64_t count) { return static_cast<std::int64_t>(count); }
  [[nodiscard]] std::int64_t end() const { return signed_of(size_); }
  // Returns the start of all bits.
  std::byte* extend(std::uint64_t count) {
    size_ += count;
    bytes_.extend(bitmap_bytes(size_) - bytes_.size());
    return bytes_.data();
  }

  columnar::ByteSink bytes_;
  std::uint64_t size_ = 0;
};

}  // namespace omnigraph::lance
