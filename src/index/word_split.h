// Step 1 of the analysis chain (chapter 04 section 1.1): words are runs of word characters, those of kWordBytesMax
// bytes or more are dropped. Any text one byte at a time, and ASCII text 64 bytes at a time: which bytes belong to
// words becomes a bit each, and words are where the bits change (as Langdale and Lemire find the structure of JSON,
// Parsing Gigabytes of JSON per Second, VLDB Journal 28, 2019).
// Inner to this room. Thread safety: split() is safe; an AsciiWords belongs to one thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "index/text_analysis.h"
#include "index/word_characters.h"

namespace omnigraph::index {

// 0 for a byte that is no word character; ASCII letters in lower case.
inline constexpr std::array<char, 128> kAsciiLower = [] {
  std::array<char, 128> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
  return table;
}();

// Calls word(text, is_ascii) for each word of a text that to_nfc() has seen.
template <class Word>
void split(std::string_view text, Word&& word) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    std::size_t end = at;
    bool ascii = true;
    while (at < text.size()) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80) {
        ++at;
        if (kAsciiLower[byte] == 0) break;
      } else {
        if (!is_word_character(next_code_point_lossy(text, at))) break;
        ascii = false;
      }
      end = at;
    }
    if (end > begin && end - begin < kWordBytesMax) word(text.substr(begin, end - begin), ascii);
  }
}

// The words of one ASCII text, in lower case.
class AsciiWords {
 public:
  // Bytes that may be read beyond the end of a word.
  static constexpr std::size_t kPadding = 64;

  // False, and no words: the text is not ASCII.
  [[nodiscard]] bool take(std::string_view text);

  // Calls word(first byte, size) for each.
  template <class Word>
  void for_each(Word&& word) const {
    std::uint64_t inside = 0;  // 1: the block before ended within a word
    std::size_t begin = 0;
    for (std::size_t block = 0; block < blocks_; ++block) {
      const std::uint64_t bits = bits_[block];
      // Ones where a word begins, or where the first byte behind one is.
      for (std::uint64_t edges = bits ^ (bits << 1 | inside); edges != 0; edges &= edges - 1) {
        const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(edges));
        if ((bits >> (at % 64) & 1) != 0) {
          begin = at;
        } else if (at - begin < kWordBytesMax) {
          word(lowered_.data() + begin, at - begin);
        }
      }
      inside = bits >> 63;
    }
  }

 private:
  std::vector<char> lowered_;        // blocks_ * 64 bytes of text, then kPadding
  std::vector<std::uint64_t> bits_;  // of word characters
  std::size_t blocks_ = 0;           // the last of them ends with a byte that is in no word
};

}  // namespace omnigraph::index
