// The edges of one data file by the row id of one endpoint, as compressed sparse rows: an index file
// (index/index_file.h) that is a function of the columns SrcRow and DstRow alone. Where row ids are ordinals, as in
// node tables that only ever grew, an adjacency takes them as they are (index/adjacency.h, Adjacency::assemble).
//
// The edges of row id r are at [offsets[r], offsets[r + 1]): row ids of the other endpoints, ascending, and positions
// in the data file, ascending among equal ones. Endpoints that were never resolved, and row ids that leave too many
// rows empty, make an index without edges that says so. Thread safety: immutable.
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

class EdgeRows {
 public:
  // What the digest of its parameters is made of, besides the columns `from` and `to`.
  static constexpr std::string_view kRecipe = "edges by row id";

  // `from`, `to`: u64 columns of one length.
  [[nodiscard]] static Buffer build(const columnar::ChunkedArray& from, const columnar::ChunkedArray& to,
                                    const IndexSource& source);
  // Errors: those of IndexFile::open; kCorruptObject for arrays that contradict each other.
  [[nodiscard]] static Result<std::shared_ptr<const EdgeRows>> open(Buffer bytes, const IndexSource& source);

  // False: the file's edges are not here.
  [[nodiscard]] bool is_complete() const { return complete_; }
  // Row ids from 0 that have a row, and what is greater than all of the other endpoints.
  [[nodiscard]] std::uint32_t from_end() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
  [[nodiscard]] std::uint32_t to_end() const { return to_end_; }
  [[nodiscard]] bool has_parallel_edges() const { return has_parallel_edges_; }

  [[nodiscard]] std::span<const std::uint32_t> offsets() const { return offsets_; }
  [[nodiscard]] std::span<const std::uint32_t> neighbors() const { return neighbors_; }
  [[nodiscard]] std::span<const std::uint32_t> positions() const { return positions_; }
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }

 private:
  Buffer bytes_;  // what the rows lie in
  bool complete_ = false;
  bool has_parallel_edges_ = false;
  std::uint32_t to_end_ = 0;
  std::span<const std::uint32_t> offsets_;
  std::span<const std::uint32_t> neighbors_;
  std::span<const std::uint32_t> positions_;
};

using EdgeRowsPtr = std::shared_ptr<const EdgeRows>;

}  // namespace omnigraph::index
