// The rows of one column of one data file in the order of its values: a permutation, and counts of what is in it. The
// values themselves stay in the column, which whoever filters or orders by it reads anyway; so the index takes four
// bytes a row, is the same for every type, and a range of values is two binary searches. It is an index file
// (index/index_file.h) and searched where it lies.
//
// Order: numbers, dates and booleans by value, both zeros equal; strings by bytes; rows with equal values by position.
// Nulls and NaN have no place in it: no comparison holds for them. Thread safety: immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "index/index_file.h"

namespace omnigraph::index {

class OrderedIndex {
 public:
  // What the digest of its parameters is made of, besides the column.
  static constexpr std::string_view kRecipe = "rows by value 1";

  [[nodiscard]] static bool can_order(const columnar::DataType& type);
  // REQUIRES: can_order(column.type()).
  [[nodiscard]] static Buffer build(const columnar::ChunkedArray& column, const IndexSource& source);
  // Errors: those of IndexFile::open; kCorruptObject for a permutation that is none.
  [[nodiscard]] static Result<std::shared_ptr<const OrderedIndex>> open(Buffer bytes, const IndexSource& source);

  // Positions in the data file, by value.
  [[nodiscard]] std::span<const std::uint32_t> rows() const { return rows_; }
  [[nodiscard]] std::uint64_t null_count() const { return nulls_; }
  [[nodiscard]] std::uint64_t nan_count() const { return nans_; }
  [[nodiscard]] std::uint64_t distinct_count() const { return distinct_; }  // of rows()
  // Place in rows() of the first row for which `before` does not hold. REQUIRES: it holds for a prefix of rows().
  template <class Before>
  [[nodiscard]] std::size_t first_not(Before&& before) const {
    return static_cast<std::size_t>(std::ranges::partition_point(rows_, before) - rows_.begin());
  }
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }

 private:
  Buffer bytes_;
  std::span<const std::uint32_t> rows_;
  std::uint64_t nulls_ = 0, nans_ = 0, distinct_ = 0;
};

using OrderedIndexPtr = std::shared_ptr<const OrderedIndex>;

}  // namespace omnigraph::index
