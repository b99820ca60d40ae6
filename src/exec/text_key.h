// Short texts as integers: grouping compares and hashes most keys without a call. Thread safety: values.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace omnigraph::exec {

// A text of up to 16 bytes is told by its length and two words, which overlap in the middle (the way wyhash reads short
// keys, Wang Yi); of a longer one the words are a digest.
struct TextKey {
  static constexpr std::size_t kExactBytes = 16;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t length = 0;

  static TextKey of_null() { return {0, 0, ~std::uint64_t{0}}; }
  static TextKey of(std::string_view text) {
    const char* const begin = text.data();
    const std::size_t n = text.size();
    if (n > kExactBytes) return {base::hash64(text), 0, n};
    if (n >= 8) return {load<std::uint64_t>(begin), load<std::uint64_t>(begin + n - 8), n};
    if (n >= 4) return {load<std::uint32_t>(begin), load<std::uint32_t>(begin + n - 4), n};
    if (n == 0) return {};
    // One to three bytes: the first, the middle and the last are all of them.
    const auto byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(begin[at])}; };
    return {byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16, 0, n};
  }

  // Equal keys mean equal texts, or both null.
  [[nodiscard]] bool is_exact() const { return length <= kExactBytes || length == ~std::uint64_t{0}; }
  [[nodiscard]] std::uint64_t hash() const {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{first ^ 0xa0761d6478bd642fu} * Wide{second ^ length ^ 0xe7037ed1a0b428dbu};
    // The words themselves again, since a product with 0 says nothing of the other factor.
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ std::rotl(first, 32) ^
           second;
  }
  friend bool operator==(const TextKey&, const TextKey&) = default;

 private:
  template <class T>
  static T load(const char* from) {
    T v;
    std::memcpy(&v, from, sizeof(T));
    return v;
  }
};

}  // namespace omnigraph::exec
