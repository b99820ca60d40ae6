// Prints src/index/word_ranges.inc: the code points that belong to words in the analysis chain `text-1`
// (chapter 04 section 1.1, step 1): Alphabetic, or category Nd, Nl or No, as ranges {first, last}.
//
//   g++ -std=c++20 tools/make_word_ranges.cc -o /tmp/make_word_ranges -licuuc && /tmp/make_word_ranges >
//   src/index/word_ranges.inc
//
// The Unicode version is part of the chain: utf8proc, which lower-cases and normalizes, must have the same one.
#include <unicode/uchar.h>

#include <cstdio>

namespace {

bool is_word(int code_point) {
  const int category = u_charType(code_point);
  return u_hasBinaryProperty(code_point, UCHAR_ALPHABETIC) || category == U_DECIMAL_DIGIT_NUMBER ||
         category == U_LETTER_NUMBER || category == U_OTHER_NUMBER;
}

}  // namespace

int main() {
  constexpr int kEnd = 0x110000;
  std::printf("// Made by tools/make_word_ranges.cc from Unicode %s. Do not edit.\n", U_UNICODE_VERSION);
  int printed = 0;
  for (int first = 0; first < kEnd; ++first) {
    if (!is_word(first)) continue;
    int last = first;
    while (last + 1 < kEnd && is_word(last + 1)) ++last;
    std::printf("%s{0x%x, 0x%x},", printed % 6 == 0 ? (printed == 0 ? "" : "\n") : " ", static_cast<unsigned>(first),
                static_cast<unsigned>(last));
    ++printed;
    first = last;
  }
  std::printf("\n");
}
