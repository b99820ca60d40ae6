// Inverted index of one text column of one data file: derived data, a pure function of the file and the analysis chain
// (chapter 09 section 7). Built in memory on first use and kept in a bounded process-wide cache under the file's name;
// deletions are applied by the reader, so snapshots and branches share segments.
//
// Rows are positions inside the file. Thread safety: immutable once built; the cache is guarded.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/table_view.h"

namespace omnigraph::exec {

// What a term is: a token of search and bm25, or a word as fuzzy() compares it.
enum class TermKind : std::uint8_t { kToken, kFuzzyWord };

// Interns strings: ids 0, 1, .. in order of first sight.
class TermTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  TermTable();
  std::uint32_t intern(std::string_view term);
  [[nodiscard]] std::uint32_t find(std::string_view term) const;
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  [[nodiscard]] std::string_view term(std::uint32_t id) const {
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_.size() + ends_.size() * 4 + slots_.size() * 8; }

 private:
  void grow();
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  struct Slot {
    std::uint32_t tag;
    std::uint32_t id;
  };
  std::vector<Slot> slots_;
};

class TextSegment {
 public:
  // Rows [first, first + count) of `column`, a string column. Uses the shared task pool for large columns.
  static std::shared_ptr<const TextSegment> build(const columnar::ChunkedArray& column, std::int64_t first,
                                                  std::int64_t count, TermKind kind);

  [[nodiscard]] const TermTable& terms() const { return terms_; }
  // Rows that hold the term, ascending.
  [[nodiscard]] std::span<const std::uint32_t> rows(std::uint32_t term) const {
    return {rows_.data() + starts_[term], starts_[term + 1] - starts_[term]};
  }
  // How often the i-th of these rows holds it.
  [[nodiscard]] std::uint32_t count(std::uint32_t term, std::size_t i) const;
  // Tokens of a row, 0 for null and empty text.
  [[nodiscard]] std::uint32_t length(std::uint32_t row) const { return lengths_[row]; }
  [[nodiscard]] std::uint32_t row_count() const { return static_cast<std::uint32_t>(lengths_.size()); }
  [[nodiscard]] std::uint64_t filled_rows() const { return filled_rows_; }  // length > 0
  [[nodiscard]] std::uint64_t total_length() const { return total_length_; }
  [[nodiscard]] std::size_t size_bytes() const;

 private:
  TermTable terms_;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint8_t> counts_;  // 255: look into large_counts_
  struct LargeCount {
    std::uint64_t at;
    std::uint32_t count;
  };
  std::vector<LargeCount> large_counts_;  // ascending
  std::vector<std::uint32_t> lengths_;
  std::uint64_t filled_rows_ = 0;
  std::uint64_t total_length_ = 0;
};

// The segments of one property over all data files of a table, in ordinal order.
struct TextIndex {
  struct Part {
    graph::Ordinal first;
    std::shared_ptr<const TextSegment> segment;
  };
  std::vector<Part> parts;
};

[[nodiscard]] Result<std::shared_ptr<const TextIndex>> text_index(const graph::TableView& table, std::size_t property,
                                                                  std::string_view property_name, TermKind kind);

}  // namespace omnigraph::exec
