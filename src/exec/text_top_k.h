// The best rows of a bm25 ranking without a look at most of the others: MaxScore over windows of rows with the block
// maxima of the postings (Turtle and Flood, Query Evaluation: Strategies and Optimizations, 1995; Ding and Suel, Faster
// Top-k Document Retrieval Using Block-Max Indexes, 2011). In a window, terms that together cannot reach the best
// rows found so far are only looked up for rows that hold another term; a window in which all terms together cannot is
// passed over.
//
// Scores are rough: they differ from index::bm25_score in the last digits, and what is dropped is below the bound by
// more than that, so that the exact formula decides among all that can win or tie.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "graph/table_view.h"
#include "index/text_analysis.h"
#include "index/text_segment.h"

namespace omnigraph::exec {

// Far above the rounding of a sum of a few thousand terms, far below any real gap.
inline constexpr double kRoughSlack = 1e-9;

// What bm25 adds to a term's count, by the row's length. A term of weight w and count f scores w * f / (f + norm).
class RoughNorm {
 public:
  explicit RoughNorm(double average_length) : per_token_(index::kBm25K1 * index::kBm25B / average_length) {}
  [[nodiscard]] double operator()(std::uint32_t length) const {
    return index::kBm25K1 * (1 - index::kBm25B) + per_token_ * static_cast<double>(length);
  }

 private:
  double per_token_;
};

class TextTopK {
 public:
  struct Term {
    std::uint32_t term;  // of the segment, each once
    double weight;
  };
  // The rows that count, by bitmaps over the ordinals of the table.
  struct Rows {
    graph::Ordinal first = 0;                 // of the segment
    std::span<const std::uint64_t> deleted;   // empty: none
    std::span<const std::uint64_t> accepted;  // empty: all
    [[nodiscard]] bool contain(std::uint32_t row) const;
  };
  using Found = std::function<void(std::uint32_t row, double score)>;

  TextTopK(std::size_t best, RoughNorm norm);

  // Calls found() for the rows of one segment that may be among the best of all segments visited, ascending.
  void visit(const index::TextSegment& segment, std::span<const Term> terms, const Rows& rows, const Found& found);
  // What a row needs to be among the best rows found so far, or to tie with the last of them.
  [[nodiscard]] double bound() const;

 private:
  struct Cursor;
  class Visit;
  void note(double score);

  const std::size_t best_;
  const RoughNorm norm_;
  std::vector<double> scores_;  // of the best rows so far, a heap with the least in front
  std::vector<double> sums_;    // by row of the window
  std::vector<std::uint64_t> touched_;
};

}  // namespace omnigraph::exec
