// The index file of a text segment (index/text_segment.h), term by term. Its arrays: rows with a token, tokens and bits
// of a length; the dictionary's buckets and bytes; by term where its postings are; by term with blocks the first one,
// and the end; by block its last row, its offset, and the end, its bounds; the blocks; the lengths.
// Inner to this room. Thread safety: none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "columnar/byte_sink.h"
#include "index/index_file.h"
#include "index/term_dictionary.h"
#include "index/text_segment.h"

namespace omnigraph::index {

class TextSegmentWriter {
 public:
  // The next term in the order of bytes and the rows that hold it, at least one. For a token how often each does, and
  // the lengths of all rows; else neither.
  void append(std::string_view term, std::span<const std::uint32_t> rows, std::span<const std::uint32_t> counts,
              std::span<const std::uint32_t> lengths);
  // `lengths`: as above.
  [[nodiscard]] Buffer finish(std::span<const std::uint32_t> lengths, const IndexSource& source);

 private:
  TermDictionaryWriter terms_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint32_t> first_blocks_;
  std::vector<std::uint32_t> last_rows_;
  std::vector<std::uint32_t> offsets_;
  std::vector<TextSegment::Bounds> bounds_;
  columnar::ByteSink blocks_;
};

}  // namespace omnigraph::index
