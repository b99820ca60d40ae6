// Texts to the numbers of their terms, for the texts of a whole column: a word is stemmed, stopped and folded when it
// is first met, and looked up by its bytes from then on. Words of up to eight ASCII bytes, most of a text, are keys of
// eight bytes, found without a comparison of strings.
// Inner to this room. Thread safety: a reader belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/term_table.h"
#include "index/text_analysis.h"
#include "index/text_segment.h"
#include "index/word_split.h"

namespace omnigraph::index {

class TermReader {
 public:
  explicit TermReader(TermKind kind);

  // The numbers of the text's terms in order, duplicates included; valid until the next call. The terms are those of
  // TextAnalyzer.
  [[nodiscard]] std::span<const std::uint32_t> read(std::string_view text);

  // By number, which is the order of first sight.
  [[nodiscard]] const TermTable& terms() const { return terms_; }

 private:
  static constexpr std::uint32_t kNoTerm = TextSegment::kNoTerm;  // of a stop word
  struct ShortWord {
    std::uint64_t bytes = 0;  // of the word, then zeros; 0: free
    std::uint32_t term = kNoTerm;
  };

  // Term of a lower-case ASCII word that lies before kPadding readable bytes.
  std::uint32_t ascii_word(const char* word, std::size_t size);
  std::uint32_t short_word(std::uint64_t bytes, std::size_t size);
  std::uint32_t new_short_word(std::uint64_t bytes, std::size_t size, std::size_t at);
  std::uint32_t long_word(std::string_view word, bool is_ascii);
  std::uint32_t term_of(std::string_view word, bool is_ascii);
  std::size_t read_ascii();
  std::size_t read_any(std::string_view normalized);
  // Room for the terms of a text: a word and what ends it take two bytes.
  void make_room(std::size_t text_bytes);
  void grow();

  const TermKind kind_;
  TextAnalyzer analyzer_;
  TermTable terms_;
  AsciiWords ascii_;
  std::vector<ShortWord> short_words_;  // a power of two, at most half full
  std::size_t short_count_ = 0;
  unsigned shift_ = 0;                         // of a hash, to a place in short_words_
  TermTable long_words_;                       // ASCII in lower case, others as they are
  std::vector<std::uint32_t> long_word_term_;  // by number in long_words_
  std::string normalized_;
  std::vector<std::uint32_t> numbers_;  // what read() returns, and room for more
};

}  // namespace omnigraph::index
