// The analysis chain `text-1` (chapter 04 section 1.1): NFC, split, length limit, lower-case, Porter2 stem,
// stop words, ASCII folding; and the numbers of search. Changing any step of the chain needs a new version.
// Thread safety: one TextAnalyzer per thread; the free functions are safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::index {

// Version of the chain in the parameters digest of text segments.
inline constexpr std::string_view kTextAnalysisVersion = "text-1";
// Words of this many UTF-8 bytes or more are dropped, measured before lower-casing.
inline constexpr std::size_t kWordBytesMax = 40;

// Keeps the stems of recent words, so keep one per thread rather than one per text. Invalid UTF-8 separates words.
class TextAnalyzer {
 public:
  // `cached_words`: a power of two; about 90 bytes each. Few for a query, many for the texts of a table.
  explicit TextAnalyzer(std::size_t cached_words = 4096);
  ~TextAnalyzer();
  TextAnalyzer(TextAnalyzer&&) noexcept;

  // Calls `emit` for each token in order, duplicates included. The view is valid during the call.
  void tokens(std::string_view text, const std::function<void(std::string_view)>& emit);
  [[nodiscard]] std::vector<std::string> tokens(std::string_view text);
  // Words for fuzzy(): steps 0-3, less stop words, folded, not stemmed. Duplicates included.
  void fuzzy_words(std::string_view text, const std::function<void(std::string_view)>& emit);
  [[nodiscard]] std::vector<std::string> fuzzy_words(std::string_view text);

  // The token of one word, and the word as fuzzy() has it; empty: it is a stop word. `word` is as the split leaves it,
  // upper case or lower. Valid until the next call.
  [[nodiscard]] std::string_view token_of(std::string_view word, bool is_ascii);
  [[nodiscard]] std::string_view fuzzy_word_of(std::string_view word, bool is_ascii);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Levenshtein distance in code points, or limit + 1 as soon as it exceeds `limit`.
[[nodiscard]] std::uint32_t edit_distance(std::u32string_view a, std::u32string_view b, std::uint32_t limit);

inline constexpr double kBm25K1 = 1.2;
inline constexpr double kBm25B = 0.75;

// BM25 of one row (chapter 04 section 1.3); one implementation for scan, index and projection.
struct Bm25Statistics {
  std::uint64_t row_count = 0;                    // N
  double average_length = 0;                      // avgL
  std::vector<std::uint64_t> document_frequency;  // n(t) per query token, duplicates kept
};
// `token_counts`: f(t) per query token, in the same order; `row_length`: all tokens of the row.
[[nodiscard]] double bm25_score(const Bm25Statistics& statistics, std::span<const std::uint32_t> token_counts,
                                std::uint64_t row_length);

// The same numbers bit for bit, for many rows: what does not depend on the row is computed once.
class Bm25Scorer {
 public:
  explicit Bm25Scorer(const Bm25Statistics& statistics);
  [[nodiscard]] double score(std::span<const std::uint32_t> token_counts, std::uint64_t row_length) const;

 private:
  std::vector<double> idf_;
  double average_length_;
};

// Squared Euclidean distance: differences, squares and sum in F64 (chapter 04 section 2.1). Order of the sum, the
// same on every path and processor: element i goes to lane i mod 16; then lane j takes lane j+8, +4, +2, +1 in.
// REQUIRES: equal sizes.
[[nodiscard]] double squared_distance(std::span<const float> a, std::span<const float> b);

}  // namespace omnigraph::index
