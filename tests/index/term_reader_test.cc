#include "index/term_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/text.h"

namespace omnigraph::index {
namespace {

std::vector<std::string> terms_read(TermReader& reader, const std::string& text) {
  std::vector<std::string> terms;
  for (const std::uint32_t number : reader.read(text)) terms.emplace_back(reader.terms().term(number));
  return terms;
}

// The chain one word at a time.
std::vector<std::string> terms_analysed(TextAnalyzer& analyzer, TermKind kind, const std::string& text) {
  return kind == TermKind::kToken ? analyzer.tokens(text) : analyzer.fuzzy_words(text);
}

char random_ascii(std::mt19937_64& random) {
  constexpr std::string_view kEdges = "@AZ[`az{/09: \t\n'-_.,\x7f";
  switch (random() % 4) {
    case 0: return kEdges[random() % kEdges.size()];
    case 1: return static_cast<char>(random() % 128);
    default: return static_cast<char>("aeinstAEINST0189"[random() % 16]);
  }
}

// Letters, marks that compose, Hangul parts, letters whose lower case or folding is longer, and what is no letter.
char32_t random_point(std::mt19937_64& random) {
  constexpr char32_t kOdd[] = {0xe9,   0xc9,   0xdf,   0x130,  0x131,  0x301,  0x308,  0x327,   0x345,  0x212b,
                               0x958,  0x1100, 0x1161, 0x11a8, 0xac00, 0x1e9e, 0xfb01, 0x2126,  0xfdfa, 0x1d7d8,
                               0x2019, 0x3042, 0x4e2d, 0x0663, 0x2160, 0xb2,   0xa0,   0x10400, 0x344,  0xfb2c};
  if (random() % 3 != 0) return kOdd[random() % std::size(kOdd)];
  const char32_t point = static_cast<char32_t>(random() % 0x11000);
  return point >= 0xd800 && point < 0xe000 ? U'x' : point;
}

std::string random_text(std::mt19937_64& random) {
  const std::uint64_t kind = random() % 4;  // ASCII twice as often as mixed and as broken text
  std::string text;
  for (std::uint64_t pieces = random() % 12; pieces > 0; --pieces) {
    if (random() % 3 == 0) text.append(random() % 60, static_cast<char>('a' + random() % 3));
    for (std::uint64_t size = random() % 20; size > 0; --size) {
      if (kind >= 2 && random() % 6 == 0) {
        base::append_utf8(text, random_point(random));
      } else if (kind == 3 && random() % 9 == 0) {
        text += static_cast<char>(random());
      } else {
        text += random_ascii(random);
      }
    }
    text += random() % 2 == 0 ? " The Running " : " ";
  }
  return text;
}

TEST(TermReader, ReadsWhatTheAnalyzerReads) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const TermKind kind : {TermKind::kToken, TermKind::kFuzzyWord}) {
    TermReader reader(kind);
    TextAnalyzer analyzer;
    for (int i = 0; i < 4000; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(terms_read(reader, text), terms_analysed(analyzer, kind, text)) << ::testing::PrintToString(text);
    }
  }
}

// Words at every place of the blocks of 64 bytes, of every length around the limits.
TEST(TermReader, FindsWordsAcrossBlocks) {
  TermReader reader(TermKind::kToken);
  TextAnalyzer analyzer;
  for (const std::size_t size : {1u, 2u, 7u, 8u, 9u, 38u, 39u, 40u, 41u, 63u, 64u, 65u, 128u, 130u}) {
    for (std::size_t at = 0; at < 132; ++at) {
      std::string text(at, '.');
      for (std::size_t i = 0; i < size; ++i) text += static_cast<char>((i % 2 == 0 ? 'A' : 'a') + (at + i * 7) % 26);
      ASSERT_EQ(terms_read(reader, text), terms_analysed(analyzer, TermKind::kToken, text)) << text;
      text += '-';
      text.append(text);
      ASSERT_EQ(terms_read(reader, text), terms_analysed(analyzer, TermKind::kToken, text)) << text;
    }
  }
}

// More words than the table of short words begins with; words that differ in their last byte alone.
TEST(TermReader, TellsManyWordsApart) {
  TermReader reader(TermKind::kFuzzyWord);
  for (const char* const base : {"", "v", "abcdefg", "abcdefgh", "\u00e9"}) {
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 5000; ++i) {
        std::string word(base);
        word.append(std::to_string(i));
        const std::vector<std::string> terms = terms_read(reader, word);
        ASSERT_EQ(terms.size(), 1u);
        if (static_cast<unsigned char>(word[0]) < 0x80) {
          ASSERT_EQ(terms[0], word);
        } else {
          ASSERT_EQ(terms[0], std::string("e").append(std::to_string(i)));
        }
      }
    }
  }
  EXPECT_EQ(reader.terms().size(), 25'000u);
}

}  // namespace
}  // namespace omnigraph::index
