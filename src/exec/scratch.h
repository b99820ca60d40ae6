// Zeroed arrays as large as a table, kept per thread between queries so that a small query does not pay for clearing
// one. Whoever borrows an array gives it back zeroed. Not shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace omnigraph::exec {

// Arrays above this are freed instead of kept: idle threads must not hoard memory.
inline constexpr std::size_t kScratchKeptBytesMax = std::size_t{32} << 20;

inline constexpr std::size_t kScratchKept = 6;  // arrays a thread keeps

// Array of zeros of at least `size` items; T is a u64 for bitmaps and counters.
class ZeroedScratch {
 public:
  explicit ZeroedScratch(std::size_t size) {
    if (size == 0) return;
    // The smallest that is large enough, so that bitmaps leave the counters alone.
    auto& pool = spare();
    std::size_t best = pool.size();
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (pool[i].size() >= size && (best == pool.size() || pool[i].size() < pool[best].size())) best = i;
    }
    if (best == pool.size()) {
      items_.resize(size);
      return;
    }
    items_ = std::move(pool[best]);
    pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(best));
  }
  // REQUIRES: all zero again.
  ~ZeroedScratch() {
    if (items_.empty() || items_.size() * sizeof(std::uint64_t) > kScratchKeptBytesMax) return;
    if (spare().size() == kScratchKept) spare().erase(spare().begin());
    spare().push_back(std::move(items_));
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
