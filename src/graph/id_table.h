// Hash -> row number, open addressing: 16 bytes a slot, at most three quarters full. Rows are found by 96 bits of
// XXH3-128 under a seed drawn per process, without a look at the value itself: two of 4 million values meet by chance
// with probability 2^-53.
// Not thread safe while inserting; find() may be called concurrently.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace omnigraph::graph {

[[nodiscard]] base::Hash128 value_hash(std::string_view bytes);

class IdTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffu;

  explicit IdTable(std::uint64_t expected_rows = 0) { reset(expected_rows); }

  void reset(std::uint64_t expected_rows) {
    const std::uint64_t slots = std::bit_ceil(std::max<std::uint64_t>(16, expected_rows + expected_rows / 3 + 1));
    slots_.assign(slots, Slot{});
    mask_ = slots - 1;
    size_ = 0;
  }

  [[nodiscard]] std::uint32_t find(base::Hash128 hash) const {
    for (std::uint64_t at = hash.low & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.row == kNone) return kNone;
      if (slot.low == hash.low && slot.high == static_cast<std::uint32_t>(hash.high)) return slot.row;
    }
  }

  // Row that held the hash before; it is overwritten. kNone: it was new.
  std::uint32_t put(base::Hash128 hash, std::uint32_t row) {
    OG_CHECK(row != kNone);
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    for (std::uint64_t at = hash.low & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.row == kNone) {
        slot = {hash.low, static_cast<std::uint32_t>(hash.high), row};
        ++size_;
        return kNone;
      }
      if (slot.low == hash.low && slot.high == static_cast<std::uint32_t>(hash.high))
        return std::exchange(slot.row, row);
    }
  }

  // Brings the slot of a hash that will be asked for soon.
  void prefetch(base::Hash128 hash) const { __builtin_prefetch(&slots_[hash.low & mask_]); }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t row = kNone;
  };

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& moved : old) {
      if (moved.row == kNone) continue;
      std::uint64_t at = moved.low & mask_;
      while (slots_[at].row != kNone) at = (at + 1) & mask_;
      slots_[at] = moved;
    }
  }

  std::vector<Slot> slots_;
  std::uint64_t mask_ = 0;
  std::uint64_t size_ = 0;
};

// A table for more rows than this would not fit beside the rest of a load below 1 GiB: larger sets are handled in
// several passes over the rows, each with the hashes of one part.
inline std::uint64_t pass_rows_max = std::uint64_t{4} << 20;  // a variable for tests alone

class HashPasses {
 public:
  explicit HashPasses(std::uint64_t rows, std::uint64_t rows_max = pass_rows_max)
      : count_((rows + rows_max - 1) / rows_max), rows_(rows) {
    if (count_ == 0) count_ = 1;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t rows_per_pass() const { return rows_ / count_ + rows_ / count_ / 16; }
  [[nodiscard]] bool contains(std::uint64_t pass, base::Hash128 hash) const {
    return count_ == 1 || (hash.high >> 32) % count_ == pass;
  }

 private:
  std::uint64_t count_;
  std::uint64_t rows_;
};

}  // namespace omnigraph::graph
