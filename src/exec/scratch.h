// Zeroed arrays as large as a table, kept per thread between queries so that a small query does not pay for clearing
// one. Whoever borrows an array gives it back zeroed. Not shared between threads.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace omnigraph::exec {

// Arrays above this are freed instead of kept: idle threads must not hoard memory.
inline constexpr std::size_t kScratchKeptBytesMax = std::size_t{32} << 20;

// Array of zeros of at least `size` items; T is a u64 for bitmaps and counters.
class ZeroedScratch {
 public:
  explicit ZeroedScratch(std::size_t size) {
    auto& pool = spare();
    if (!pool.empty()) {
      items_ = std::move(pool.back());
      pool.pop_back();
    }
    if (items_.size() < size) items_.resize(size);
  }
  // REQUIRES: all zero again.
  ~ZeroedScratch() {
    if (items_.size() * sizeof(std::uint64_t) <= kScratchKeptBytesMax && spare().size() < 4) {
      spare().push_back(std::move(items_));
    }
  }
  ZeroedScratch(const ZeroedScratch&) = delete;
  ZeroedScratch& operator=(const ZeroedScratch&) = delete;

  [[nodiscard]] std::uint64_t* data() { return items_.data(); }
  std::uint64_t& operator[](std::size_t i) { return items_[i]; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  static std::vector<std::vector<std::uint64_t>>& spare() {
    thread_local std::vector<std::vector<std::uint64_t>> pool;
    return pool;
  }
  std::vector<std::uint64_t> items_;
};

}  // namespace omnigraph::exec
