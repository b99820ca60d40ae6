// Makes the text segment of a column from its rows as they come (index/text_segment.h). The terms of a row are kept as
// numbers, 2 bytes each and some of 4, until all rows are known; then they are dealt out to their posting lists, 2^24
// postings a pass, which sorts them by term and row because it keeps the order of the rows (single-pass inversion:
// Heinz and Zobel, Efficient Single-Pass Index Construction for Text Databases, JASIST 54, 2003, without its runs on
// disk). Thread safety: none; builders of different rows may work at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "columnar/array.h"
#include "index/index_file.h"
#include "index/text_segment.h"

namespace omnigraph::index {

class TextSegmentBuilder {
 public:
  explicit TextSegmentBuilder(TermKind kind);
  ~TextSegmentBuilder();
  TextSegmentBuilder(TextSegmentBuilder&&) noexcept;

  // Rows [first, first + count) of `column`, a string array, are the next ones.
  void append(const columnar::Array& column, std::int64_t first, std::int64_t count);
  void append(const columnar::Array& column) { append(column, 0, column.length()); }

  // The index file of the rows of all `builders`, of one kind, one after the other. Ends their use.
  [[nodiscard]] static Buffer finish(std::span<TextSegmentBuilder> builders, std::uint64_t parameters);
  [[nodiscard]] Buffer finish(std::uint64_t parameters) { return finish({this, 1}, parameters); }

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
};

}  // namespace omnigraph::index
