#include "index/text_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "index/word_characters.h"

namespace omnigraph::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> tokens(std::string_view text) { return TextAnalyzer().tokens(text); }
std::vector<std::string> words(std::string_view text) { return TextAnalyzer().fuzzy_words(text); }

// Goal: the table of chapter 04 section 1.1.
TEST(TextAnalysis, TableOfTheChapter) {
  EXPECT_THAT(tokens("The Ferry's crew was running late"), ElementsAre("ferri", "crew", "run", "late"));
  EXPECT_THAT(tokens("Because of tides, very low"), ElementsAre("becaus", "tide", "veri", "low"));
  EXPECT_THAT(tokens("being having doing does"), ElementsAre("doe"));
  EXPECT_THAT(tokens("don't can't"), IsEmpty());
  EXPECT_THAT(tokens("C++ and C# v2.10"), ElementsAre("c", "c", "v2", "10"));
  EXPECT_THAT(tokens("snake_case e-mail"), ElementsAre("snake", "case", "e", "mail"));
  EXPECT_THAT(tokens("Café über naïve Straße Ørsted"), ElementsAre("cafe", "uber", "naiv", "strasse", "orsted"));
  EXPECT_THAT(tokens("universities"), ElementsAre("univers"));
}

TEST(TextAnalysis, StoppedIsTheStemmedWord) {
  EXPECT_THAT(tokens("once"), ElementsAre("onc"));
  EXPECT_THAT(tokens("having"), IsEmpty());
  EXPECT_THAT(words("having once were running"), ElementsAre("running"));
}

TEST(TextAnalysis, FoldingComesLast) {
  EXPECT_THAT(tokens("Résumé resume"), ElementsAre("resume", "resum"));
  EXPECT_THAT(tokens("Café cafe"), ElementsAre("cafe", "cafe"));
}

TEST(TextAnalysis, ComposedAndDecomposedTextAreOne) {
  EXPECT_EQ(tokens("Cafe\u0301 u\u0308ber"), tokens("Café über"));
  // A mark that composes with nothing is no letter and separates.
  EXPECT_THAT(tokens("x\u0301q"), ElementsAre("x", "q"));
}

TEST(TextAnalysis, LengthIsMeasuredInBytesBeforeLowerCasing) {
  EXPECT_THAT(tokens(std::string(39, 'x')), ElementsAre(std::string(39, 'x')));
  EXPECT_THAT(tokens(std::string(40, 'x')), IsEmpty());
  EXPECT_THAT(tokens("go " + std::string(40, 'x') + " far"), ElementsAre("go", "far"));
  std::string umlauts;
  for (int i = 0; i < 19; ++i) umlauts += "\u00fc";
  EXPECT_THAT(tokens(umlauts + "x"), ElementsAre(std::string(19, 'u') + "x"));  // 39 bytes
  EXPECT_THAT(tokens(umlauts + "\u00fc"), IsEmpty());                           // 40 bytes
  // U+023A grows from 2 to 3 bytes in lower case: still a word.
  std::string growing;
  for (int i = 0; i < 19; ++i) growing += "\u023a";
  EXPECT_EQ(tokens(growing).size(), 1u);
}

TEST(TextAnalysis, WordsOfOtherScripts) {
  EXPECT_THAT(tokens("東京都 タワー"), ElementsAre("東京都", "タワー"));
  EXPECT_THAT(tokens("Большой ЙОГУРТ"), ElementsAre("большой", "йогурт"));
  EXPECT_THAT(tokens("한국어"), ElementsAre("한국어"));
  // Vowel signs are Alphabetic (Other_Alphabetic): a Devanagari word stays whole.
  EXPECT_THAT(tokens("हिंदी"), ElementsAre("हिंदी"));
  EXPECT_THAT(tokens("ΟΔΟΣ"), ElementsAre("οδοσ"));  // no final sigma
}

TEST(TextAnalysis, LowerCasingAndFoldingByTheRule) {
  EXPECT_THAT(tokens("İZMİR"), ElementsAre("izmir"));  // i and a dot, which folding drops
  EXPECT_THAT(tokens("ﬁne ½ x² Ⅳ"), ElementsAre("fine", "12", "x2", "iv"));
  EXPECT_THAT(tokens("Þór Łódź ĸ ſo"), ElementsAre("thor", "lodz", "k", "so"));
  EXPECT_THAT(tokens("\u0345"), IsEmpty());
  EXPECT_THAT(tokens("ǽ"), ElementsAre("ae"));
}

TEST(TextAnalysis, TextWithoutTokens) {
  EXPECT_THAT(tokens(""), IsEmpty());
  EXPECT_THAT(tokens("!? ... --"), IsEmpty());
  EXPECT_THAT(words(""), IsEmpty());
}

TEST(TextAnalysis, MalformedBytesSeparate) {
  EXPECT_THAT(tokens("ferry\xff"
                     "boat"),
              ElementsAre("ferri", "boat"));
}

TEST(TextAnalysis, FuzzyWordsAreFoldedButNotStemmed) {
  EXPECT_THAT(words("The Ferries' café Straße"), ElementsAre("ferries", "cafe", "strasse"));
}

// Goal: the cache of stems never changes a token.
// Method: one analyzer over random words, many of them colliding, against a fresh one per word.
TEST(TextAnalysis, CachedTokensEqualFreshOnes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> endings{"", "s", "ing", "ation", "fulness", "ly", "ed", "ies"};
  TextAnalyzer analyzer;
  for (int round = 0; round < 3000; ++round) {
    std::string word;
    for (std::size_t i = 0; i < 1 + random() % 3; ++i) word += static_cast<char>('a' + random() % 26);
    word += endings[random() % endings.size()];
    const auto cached = analyzer.tokens(word + " " + word);
    const auto fresh = tokens(word);
    ASSERT_EQ(cached.size(), 2 * fresh.size()) << word;
    if (!fresh.empty()) {
      EXPECT_EQ(cached[1], fresh[0]) << word;
    }
  }
}

// Goal: text is normalized whenever it is not NFC.
// Method: what to_nfc returns for every code point, alone and after a letter, against utf8proc itself.
TEST(WordCharacters, NormalizationIsNeverSkippedWrongly) {
  for (char32_t point = 0x80; point < 0x110000; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    for (const std::string_view before : {"", "a", "\uac00", "か"}) {
      if (point >= 0x3400 && !before.empty()) continue;  // nothing there joins these letters
      std::string text(before);
      base::append_utf8(text, point);
      utf8proc_uint8_t* expected = utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str()));
      ASSERT_NE(expected, nullptr);
      std::string storage;
      EXPECT_EQ(to_nfc(text, storage), reinterpret_cast<const char*>(expected)) << static_cast<std::uint32_t>(point);
      std::free(expected);
    }
  }
}

// Goal: the table of word characters fits the library that lower-cases and normalizes.
// Method: every letter and number of utf8proc is a word character, and nothing it leaves unassigned is.
TEST(WordCharacters, TableAndLibraryKnowTheSameUnicode) {
  for (char32_t point = 0; point < 0x110000; ++point) {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(point))) {
      case UTF8PROC_CATEGORY_LU:
      case UTF8PROC_CATEGORY_LL:
      case UTF8PROC_CATEGORY_LT:
      case UTF8PROC_CATEGORY_LM:
      case UTF8PROC_CATEGORY_LO:
      case UTF8PROC_CATEGORY_ND:
      case UTF8PROC_CATEGORY_NL:
      case UTF8PROC_CATEGORY_NO: EXPECT_TRUE(is_word_character(point)) << static_cast<std::uint32_t>(point); break;
      case UTF8PROC_CATEGORY_CN:
      case UTF8PROC_CATEGORY_ZS:
      case UTF8PROC_CATEGORY_PO:
      case UTF8PROC_CATEGORY_SM: EXPECT_FALSE(is_word_character(point)) << static_cast<std::uint32_t>(point); break;
      default: break;
    }
  }
  EXPECT_TRUE(is_word_character(0x93f));   // a vowel sign
  EXPECT_FALSE(is_word_character(0x94d));  // a virama
  EXPECT_FALSE(is_word_character('_'));
}

}  // namespace
}  // namespace omnigraph::index
