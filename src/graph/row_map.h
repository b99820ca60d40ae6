// Row id -> ordinal of the live row that has it, for one table version. Large fragments with consecutive ids cost one
// entry; only small fragments and scattered ids are kept row by row, so that a new version after a small write is
// cheap to map. Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "lance/manifest.h"

namespace omnigraph::graph {

class RowMap {
 public:
  // `deleted`: bitmap over ordinals as TableView::deleted_words, empty = none. REQUIRES: every fragment has row ids.
  RowMap(const std::vector<lance::Fragment>& fragments, std::span<const std::uint64_t> deleted);

  // Ordinal, or kNone. A deleted row has none.
  static constexpr std::uint32_t kNone = 0xffffffffu;
  [[nodiscard]] std::uint32_t find(std::uint64_t row_id) const;
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  struct Run {
    std::uint64_t start = 0;
    std::uint64_t end = 0;  // exclusive
    std::uint32_t ordinal = 0;
  };
  [[nodiscard]] bool is_deleted(std::uint32_t ordinal) const {
    return !deleted_.empty() && ((deleted_[ordinal >> 6] >> (ordinal & 63)) & 1u) != 0;
  }

  std::vector<std::uint64_t> deleted_;
  std::vector<Run> runs_;             // disjoint, ascending
  std::vector<std::uint32_t> dense_;  // by row id - dense_start_; kNone = not there
  std::uint64_t dense_start_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> rows_;  // where a dense table would be mostly holes
};

}  // namespace omnigraph::graph
