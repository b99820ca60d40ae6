// The vectors of one column of one data file, for a nearest search that is exact and yet skips most of them: lists
// around centres, and every vector in 8 bits a dimension (an inverted file with scalar quantization). It is an index
// file (index/index_file.h) and searched where it lies.
//
// What is skipped is proven to be too far. A list: no vector of it is nearer than the distance to its centre less its
// radius (triangle inequality), nor than the boundary between its centre and another one, for every vector is in the
// list whose centre is nearest. A vector: its code stands for a point whose distance to it is known, so that it is no
// nearer than that point less this distance. What is left is compared as it is stored, by the caller.
//
// Vectors with a non-finite element are in no list: they have no distance. Numbers of the index are rounded so that
// the bounds hold. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "index/index_file.h"

namespace omnigraph::index {

class VectorSegment {
 public:
  // What the digest of its parameters is made of, besides the column.
  static constexpr std::string_view kRecipe = "lists and 8-bit codes 1";

  // `column`: fixed-size lists of float32.
  [[nodiscard]] static Buffer build(const columnar::ChunkedArray& column, const IndexSource& source);
  // Errors: those of IndexFile::open; kCorruptObject for arrays that contradict each other.
  [[nodiscard]] static Result<std::shared_ptr<const VectorSegment>> open(Buffer bytes, const IndexSource& source);

  // False: the vectors are not here (their range exceeds a float).
  [[nodiscard]] bool is_complete() const { return step_ > 0; }
  [[nodiscard]] std::size_t dimension() const { return dimension_; }
  [[nodiscard]] std::size_t list_count() const { return radii_.size(); }
  [[nodiscard]] std::uint32_t row_count() const { return row_count_; }
  [[nodiscard]] std::size_t vector_count() const { return rows_.size(); }  // those in a list
  // Positions in the data file, ascending.
  [[nodiscard]] std::span<const std::uint32_t> rows(std::size_t list) const {
    return rows_.subspan(list_starts_[list], list_starts_[list + 1] - list_starts_[list]);
  }
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }

  // One query against one segment; borrows both. Distances are not squared.
  class Probe {
   public:
    // REQUIRES: segment.is_complete(), query.size() == segment.dimension(), all elements finite.
    Probe(const VectorSegment& segment, std::span<const float> query);
    // No vector of the list is nearer than this.
    [[nodiscard]] double list_bound(std::size_t list) const;
    // Nor than this: the query's distance to the half of the space that is nearer to the list's centre than to the
    // centre next to the query, negative inside of it. Where dimensions are many, it tells more of a list than its
    // radius, and neighbours rarely lie straight beyond such a boundary.
    [[nodiscard]] double boundary(std::size_t list) const;
    // The i-th vector of the list is no nearer than this.
    [[nodiscard]] double vector_bound(std::size_t list, std::size_t i) const;

   private:
    const VectorSegment& segment_;
    const std::span<const float> query_;
    std::vector<std::int16_t> codes_;  // of the query, beyond the range of a stored one if need be
    double error_ = 0;                 // distance of the query to the point its codes stand for
    std::vector<double> squares_;      // by list: of the distance to its centre
    std::size_t nearest_ = 0;          // the list whose centre is next
  };

 private:
  friend class Probe;
  [[nodiscard]] std::span<const float> center(std::size_t list) const {
    return centers_.subspan(list * dimension_, dimension_);
  }
  Buffer bytes_;  // what all below lies in
  std::uint32_t row_count_ = 0;
  std::size_t dimension_ = 0;
  std::size_t stride_ = 0;          // bytes of a code
  double step_ = 0;                 // between neighbouring codes
  std::span<const float> lows_;     // by dimension: what code 0 stands for
  std::span<const float> centers_;  // by list
  std::span<const float> radii_;
  std::span<const std::uint32_t> list_starts_;  // and the end
  std::span<const std::uint32_t> rows_;
  std::span<const std::uint8_t> codes_;
  std::span<const float> errors_;  // of a vector to the point its code stands for
};

using VectorSegmentPtr = std::shared_ptr<const VectorSegment>;

}  // namespace omnigraph::index
