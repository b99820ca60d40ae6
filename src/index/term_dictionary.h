// Distinct strings in the order of their bytes, numbered 0, 1, .., front coded: buckets of kTermBucket strings, of
// which each but the first is kept as how much it shares with the one before and the rest (Witten, Moffat and Bell,
// Managing Gigabytes, 1999, section 4.1). Searched where it lies.
//
// A string of a bucket is a byte of two digits, bytes shared (high) and bytes left; a digit of 15 is followed by the
// rest of its number, 7 bits a byte, low bits first, the last byte below 128. Then come the bytes left.
// Damaged bytes give wrong strings and nothing worse. Thread safety: immutable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::index {

inline constexpr std::uint32_t kTermBucket = 16;

class TermDictionary {
 public:
  static constexpr std::uint32_t kNotThere = 0xffffffffu;

  TermDictionary() = default;
  // Both as TermDictionaryWriter makes them, kept by the caller.
  TermDictionary(std::uint32_t count, std::span<const std::uint32_t> buckets, std::span<const char> bytes)
      : count_(count), buckets_(buckets), bytes_(bytes.data(), bytes.size()) {}

  // Whether `count` strings can lie in so many buckets, and these in so many bytes.
  [[nodiscard]] bool is_consistent() const;
  [[nodiscard]] std::uint32_t size() const { return count_; }
  [[nodiscard]] std::string string(std::uint32_t number) const;
  [[nodiscard]] std::uint32_t find(std::string_view wanted) const;
  // Calls visit(number, string_view) for all in order; the view is valid during the call.
  template <class Visit>
  void for_each(Visit&& visit) const {
    std::string text;
    for (std::uint32_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      std::string_view left = bucket_bytes(bucket);
      for (std::uint32_t n = bucket * kTermBucket; n < bucket_end(bucket); ++n) {
        read_next(left, text);
        visit(n, std::string_view(text));
      }
    }
  }

 private:
  [[nodiscard]] std::string_view bucket_bytes(std::uint32_t bucket) const {
    return bytes_.substr(std::min<std::size_t>(buckets_[bucket], bytes_.size()));
  }
  [[nodiscard]] std::uint32_t bucket_end(std::uint32_t bucket) const {
    return std::min(count_, (bucket + 1) * kTermBucket);
  }
  // From the string before to the next one.
  static void read_next(std::string_view& left, std::string& text);

  std::uint32_t count_ = 0;
  std::span<const std::uint32_t> buckets_;  // where each begins
  std::string_view bytes_;
};

class TermDictionaryWriter {
 public:
  // REQUIRES: greater than the one before; all together are below 4 GiB.
  void append(std::string_view term);

  [[nodiscard]] std::uint32_t size() const { return count_; }
  [[nodiscard]] std::span<const std::uint32_t> buckets() const { return buckets_; }
  [[nodiscard]] std::span<const char> bytes() const { return bytes_; }

 private:
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> buckets_;
  std::string bytes_;
  std::string last_;
};

}  // namespace omnigraph::index
