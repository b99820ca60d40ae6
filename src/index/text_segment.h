// Inverted index of one text column of one data file: a pure function of the column and the analysis chain. It is an
// index file (index/index_file.h) whether it was just built or lies in the store, and is searched where it lies.
//
// Terms are numbered in the order of their bytes; rows are positions inside the data file. The postings of a term are
// cut into blocks of kPostingBlock, each with the largest count and the smallest length in it: as a BM25 score grows
// with the count and falls with the length, these bound every score of the block, whatever the snapshot's statistics
// are (Ding and Suel, Faster Top-k Document Retrieval Using Block-Max Indexes, SIGIR 2011).
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "index/index_file.h"

namespace omnigraph::index {

// What a term is: a token of search and bm25, or a word as fuzzy() compares it.
enum class TermKind : std::uint8_t { kToken, kFuzzyWord };

inline constexpr std::size_t kPostingBlock = 128;

class TextSegment {
 public:
  static constexpr std::uint32_t kNoTerm = 0xffffffffu;

  struct Block {
    std::uint32_t last_row;
    std::uint32_t max_count;   // of the term in a row
    std::uint32_t min_length;  // of a row
  };

  // Kind of index file, and what its parameters' digest is made of.
  [[nodiscard]] static IndexKind index_kind(TermKind kind);
  [[nodiscard]] static std::string_view recipe(TermKind kind);

  // Rows [first, first + count) of `column`, a string column. Uses the shared task pool for large columns.
  // `parameters`: the digest for the index file; it decides nothing else.
  [[nodiscard]] static std::shared_ptr<const TextSegment> build(const columnar::ChunkedArray& column,
                                                                std::int64_t first, std::int64_t count, TermKind kind,
                                                                std::uint64_t parameters = 0);
  // Errors: those of IndexFile::open; kCorruptObject for arrays that contradict each other.
  [[nodiscard]] static Result<std::shared_ptr<const TextSegment>> open(Buffer bytes, const IndexSource& source);
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }

  [[nodiscard]] std::uint32_t term_count() const { return static_cast<std::uint32_t>(term_ends_.size()); }
  [[nodiscard]] std::string_view term(std::uint32_t id) const {
    const std::uint32_t begin = id == 0 ? 0 : term_ends_[id - 1];
    return {term_bytes_.data() + begin, term_ends_[id] - begin};
  }
  [[nodiscard]] std::uint32_t find(std::string_view term) const;  // kNoTerm: it is in no row

  // Rows that hold the term, ascending.
  [[nodiscard]] std::span<const std::uint32_t> rows(std::uint32_t term) const {
    return rows_.subspan(starts_[term], starts_[term + 1] - starts_[term]);
  }

  // The rest is of tokens only.

  // How often the i-th of these rows holds it.
  [[nodiscard]] std::uint32_t count(std::uint32_t term, std::size_t i) const {
    const std::uint64_t at = starts_[term] + i;
    return counts_[at] < kLargeCount ? counts_[at] : large_count(at);
  }
  // Block b holds rows(term)[b * kPostingBlock ..].
  [[nodiscard]] std::span<const Block> blocks(std::uint32_t term) const {
    return blocks_.subspan(block_starts_[term], block_starts_[term + 1] - block_starts_[term]);
  }
  // Tokens of a row, 0 for null and empty text.
  [[nodiscard]] std::uint32_t length(std::uint32_t row) const { return lengths_[row]; }
  [[nodiscard]] std::uint32_t row_count() const { return row_count_; }
  [[nodiscard]] std::uint64_t filled_rows() const { return filled_rows_; }  // length > 0
  [[nodiscard]] std::uint64_t total_length() const { return total_length_; }

 private:
  static constexpr std::uint8_t kLargeCount = 255;  // as a count: look into large_counts_
  [[nodiscard]] std::uint32_t large_count(std::uint64_t at) const;
  [[nodiscard]] Result<void> take_arrays(const IndexFile& file, TermKind kind);
  [[nodiscard]] bool is_consistent(TermKind kind) const;

  Buffer bytes_;  // what all below lies in
  std::uint32_t row_count_ = 0;
  std::uint64_t filled_rows_ = 0;
  std::uint64_t total_length_ = 0;
  std::span<const std::uint32_t> term_ends_;
  std::span<const char> term_bytes_;
  std::span<const std::uint64_t> starts_;  // by term, and the end
  std::span<const std::uint32_t> rows_;
  std::span<const std::uint8_t> counts_;
  std::span<const std::uint64_t> large_at_;  // ascending
  std::span<const std::uint32_t> large_counts_;
  std::span<const std::uint32_t> lengths_;
  std::span<const std::uint64_t> block_starts_;  // by term, and the end
  std::span<const Block> blocks_;
};

using TextSegmentPtr = std::shared_ptr<const TextSegment>;

}  // namespace omnigraph::index
