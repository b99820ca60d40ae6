// Inverted index of one text column of one data file: a pure function of the column and the analysis chain. It is an
// index file (index/index_file.h) whether it was just built or lies in the store, and is searched where it lies.
//
// Terms are numbered in the order of their bytes (index/term_dictionary.h); rows are positions inside the data file.
// The postings of a term are cut into blocks (index/posting_blocks.h), each with the largest count and the smallest
// length in it: as a BM25 score grows with the count and falls with the length, these bound every score of the block,
// whatever the snapshot's statistics are (Ding and Suel, Faster Top-k Document Retrieval Using Block-Max Indexes, SIGIR
// 2011). A term that one row holds once, as most terms of a key are, has no block: its row is kept in place of where
// blocks are. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "index/index_file.h"
#include "index/posting_blocks.h"
#include "index/term_dictionary.h"

namespace omnigraph::index {

// What a term is: a token of search and bm25, or a word as fuzzy() compares it.
enum class TermKind : std::uint8_t { kToken, kFuzzyWord };

class TextSegment {
 public:
  static constexpr std::uint32_t kNoTerm = TermDictionary::kNotThere;

  struct Block {
    std::uint32_t last_row;
    std::uint32_t max_count;   // of the term in a row, or more
    std::uint32_t min_length;  // of a row, or less
  };
  class Postings;

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

  [[nodiscard]] std::uint32_t term_count() const { return terms_.size(); }
  [[nodiscard]] std::string term(std::uint32_t id) const { return terms_.string(id); }
  [[nodiscard]] const TermDictionary& terms() const { return terms_; }
  // kNoTerm: it is in no row.
  [[nodiscard]] std::uint32_t find(std::string_view term) const { return terms_.find(term); }

  [[nodiscard]] Postings postings(std::uint32_t term) const;

  // The rest is of tokens only.

  // Tokens of a row, 0 for null and empty text.
  [[nodiscard]] std::uint32_t length(std::uint32_t row) const { return number_at(lengths_.data(), length_bits_, row); }
  [[nodiscard]] std::uint32_t row_count() const { return row_count_; }
  [[nodiscard]] std::uint64_t filled_rows() const { return filled_rows_; }  // length > 0
  [[nodiscard]] std::uint64_t total_length() const { return total_length_; }

 private:
  friend class TextSegmentWriter;
  // Instead of a number of a term with blocks: the only row, which holds the term once.
  static constexpr std::uint32_t kSingleRow = 0x80000000u;
  struct Bounds {
    std::uint16_t max_count, min_length;  // 0xffff: that or more
  };

  [[nodiscard]] Result<void> take_arrays(const IndexFile& file, TermKind kind);
  [[nodiscard]] bool is_consistent(TermKind kind) const;
  [[nodiscard]] bool is_block_sound(std::size_t b, std::uint32_t least, bool is_last) const;

  Buffer bytes_;  // what all below lies in
  std::uint32_t row_count_ = 0;
  std::uint64_t filled_rows_ = 0;
  std::uint64_t total_length_ = 0;
  TermDictionary terms_;
  std::span<const std::uint32_t> places_;        // by term: kSingleRow and the row, or its number among the others
  std::span<const std::uint32_t> first_blocks_;  // by that number, and the end
  std::span<const std::uint32_t> last_rows_;     // by block
  std::span<const std::uint32_t> offsets_;       // by block, and the end
  std::span<const Bounds> bounds_;               // by block, of tokens
  std::span<const std::byte> blocks_;
  unsigned length_bits_ = 0;
  std::span<const std::byte> lengths_;  // a stream of numbers
};

// The rows that hold one term, ascending; none is empty. Borrows the segment.
class TextSegment::Postings {
 public:
  [[nodiscard]] std::size_t block_count() const { return single_ ? 1 : blocks_; }
  [[nodiscard]] std::size_t size() const {
    return single_ ? 1 : (blocks_ - 1) * kPostingBlock + posting_block_rows(at(blocks_ - 1));
  }
  // All blocks but the last hold kPostingBlock rows.
  [[nodiscard]] std::uint32_t last_row(std::size_t b) const {
    return single_ ? *single_ : segment_->last_rows_[first_ + b];
  }
  // No row of the block is before this.
  [[nodiscard]] std::uint32_t least_row(std::size_t b) const {
    if (single_) return *single_;
    return b == 0 ? 0 : last_row(b - 1) + 1;
  }
  // Fill `out` with the rows of a block and return how many there are; with how often each holds the term.
  std::size_t rows(std::size_t b, BlockNumbers& out) const {
    if (!single_) {
      read_block_rows(at(b), least_row(b), out);
      return posting_block_rows(at(b));
    }
    out[0] = *single_;
    return 1;
  }
  void counts(std::size_t b, BlockNumbers& out) const {
    if (single_) {
      out[0] = 1;
    } else {
      read_block_counts(at(b), out);
    }
  }
  // Of tokens only.
  [[nodiscard]] Block block(std::size_t b) const;

  // Calls visit(row) for all.
  template <class Visit>
  void for_each(Visit&& visit) const {
    BlockNumbers rows_of_block;
    for (std::size_t b = 0; b < block_count(); ++b) {
      const std::size_t count = rows(b, rows_of_block);
      for (std::size_t i = 0; i < count; ++i) visit(rows_of_block[i]);
    }
  }
  // How often `row` holds the term.
  [[nodiscard]] std::uint32_t count_in(std::uint32_t row) const;

 private:
  friend class TextSegment;
  Postings(const TextSegment& segment, std::uint32_t place);
  [[nodiscard]] const std::byte* at(std::size_t b) const {
    return segment_->blocks_.data() + segment_->offsets_[first_ + b];
  }

  const TextSegment* segment_;
  std::optional<std::uint32_t> single_;  // the only row
  std::size_t first_ = 0, blocks_ = 0;   // of the segment's blocks
};

using TextSegmentPtr = std::shared_ptr<const TextSegment>;

}  // namespace omnigraph::index
