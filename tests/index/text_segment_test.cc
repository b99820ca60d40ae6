#include "index/text_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "columnar/builder.h"
#include "index/text_analysis.h"

namespace omnigraph::index {
namespace {

using Texts = std::vector<std::optional<std::string>>;

columnar::ChunkedArray column_of(const Texts& texts, std::size_t rows_per_chunk) {
  std::vector<columnar::ArrayPtr> chunks;
  for (std::size_t begin = 0; begin < texts.size(); begin += rows_per_chunk) {
    columnar::ArrayBuilder builder(columnar::utf8());
    for (std::size_t i = begin; i < std::min(begin + rows_per_chunk, texts.size()); ++i) {
      if (texts[i]) {
        builder.append_string(*texts[i]);
      } else {
        builder.append_null();
      }
    }
    chunks.push_back(builder.finish());
  }
  return {columnar::utf8(), std::move(chunks)};
}

TextSegmentPtr built(const Texts& texts, TermKind kind = TermKind::kToken, std::size_t rows_per_chunk = 1000) {
  return TextSegment::build(column_of(texts, rows_per_chunk), 0, static_cast<std::int64_t>(texts.size()), kind, 5);
}

IndexSource source_of(const Texts& texts, TermKind kind) {
  return {.kind = TextSegment::index_kind(kind), .rows = texts.size(), .parameters = 5};
}

// Rare and common words, some of them stop words, some texts without any, one word many times in a row.
Texts random_texts(std::mt19937_64& random, std::size_t rows) {
  Texts texts(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    if (random() % 9 == 0) continue;
    std::string& text = texts[i].emplace();
    for (std::size_t w = random() % 12; w > 0; --w) {
      const std::uint64_t word = random() % 300 * (random() % 300) / 300;
      if (word % 11 == 5) {
        text += "the ";
      } else {
        text.append("Word").append(std::to_string(word)).append(" ");
      }
    }
    if (random() % 400 == 0) {
      for (int repeat = 0; repeat < 300; ++repeat) text += "again! bis ";
    }
  }
  return texts;
}

void expect_model(const TextSegment& segment, const Texts& texts) {
  TextAnalyzer analyzer;
  std::map<std::string, std::map<std::uint32_t, std::uint32_t>> postings;
  std::uint64_t filled = 0, total = 0;
  ASSERT_EQ(segment.row_count(), texts.size());
  for (std::uint32_t row = 0; row < texts.size(); ++row) {
    const auto tokens = texts[row] ? analyzer.tokens(*texts[row]) : std::vector<std::string>();
    for (const std::string& token : tokens) ++postings[token][row];
    ASSERT_EQ(segment.length(row), tokens.size());
    filled += tokens.empty() ? 0 : 1;
    total += tokens.size();
  }
  EXPECT_EQ(segment.filled_rows(), filled);
  EXPECT_EQ(segment.total_length(), total);
  ASSERT_EQ(segment.term_count(), postings.size());
  EXPECT_EQ(segment.find("nowhere"), TextSegment::kNoTerm);
  EXPECT_EQ(segment.find(""), TextSegment::kNoTerm);
  std::uint32_t number = 0;
  for (const auto& [term, rows] : postings) {
    const std::uint32_t id = segment.find(term);
    ASSERT_EQ(id, number++) << term << ": terms are numbered in the order of their bytes";
    ASSERT_EQ(segment.term(id), term);
    ASSERT_EQ(segment.rows(id).size(), rows.size());
    const auto blocks = segment.blocks(id);
    ASSERT_EQ(blocks.size(), (rows.size() + kPostingBlock - 1) / kPostingBlock);
    std::size_t i = 0;
    for (const auto& [row, count] : rows) {
      ASSERT_EQ(segment.rows(id)[i], row);
      ASSERT_EQ(segment.count(id, i), count) << term << " in row " << row;
      const TextSegment::Block& block = blocks[i / kPostingBlock];
      EXPECT_GE(block.last_row, row);
      EXPECT_GE(block.max_count, count);
      EXPECT_LE(block.min_length, segment.length(row));
      ++i;
    }
    EXPECT_EQ(blocks.back().last_row, segment.rows(id).back());
  }
}

TEST(TextSegment, AgreesWithAModelBuiltAndOpened) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t rows : {0u, 1u, 130u, 9000u}) {
    const Texts texts = random_texts(random, rows);
    const TextSegmentPtr segment = built(texts);
    expect_model(*segment, texts);
    const auto opened = TextSegment::open(segment->bytes(), source_of(texts, TermKind::kToken));
    ASSERT_TRUE(opened) << opened.error().message;
    expect_model(**opened, texts);
  }
}

// A count that does not fit a byte.
TEST(TextSegment, KeepsLargeCounts) {
  Texts texts{"few words", std::string()};
  for (int i = 0; i < 1000; ++i) *texts[1] += "many few ";
  texts.push_back(std::string());
  for (int i = 0; i < 254; ++i) *texts[2] += "many ";
  expect_model(*built(texts), texts);
}

// Two builders of one data file make the same bytes, however the column lies in memory.
TEST(TextSegment, BytesDependOnTheRowsAlone) {
  std::mt19937_64 random(7);
  const Texts texts = random_texts(random, 20'000);
  for (const TermKind kind : {TermKind::kToken, TermKind::kFuzzyWord}) {
    const TextSegmentPtr segment = built(texts, kind, 100'000);
    EXPECT_EQ(segment->bytes().text(), built(texts, kind, 777)->bytes().text());
  }
}

TEST(TextSegment, WordsOfFuzzyKeepTheirForm) {
  const Texts texts{"Running tugs", std::nullopt, "tug running RUNNING"};
  const TextSegmentPtr words = built(texts, TermKind::kFuzzyWord);
  const auto opened = TextSegment::open(words->bytes(), source_of(texts, TermKind::kFuzzyWord));
  ASSERT_TRUE(opened) << opened.error().message;
  for (const TextSegmentPtr& segment : {words, *opened}) {
    ASSERT_EQ(segment->term_count(), 3u);
    EXPECT_THAT(segment->rows(segment->find("running")), ::testing::ElementsAre(0, 2));
    EXPECT_THAT(segment->rows(segment->find("tugs")), ::testing::ElementsAre(0));
  }
}

TEST(TextSegment, RefusesArraysThatContradictEachOther) {
  const IndexSource source{.kind = IndexKind::kText, .rows = 1, .parameters = 5};
  IndexFileWriter writer(source);
  const std::vector<std::uint64_t> numbers{1, 1};
  for (int i = 0; i < 11; ++i) writer.add(std::span<const std::uint64_t>(numbers));
  const auto opened = TextSegment::open(writer.finish(), source);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorruptObject);
}

}  // namespace
}  // namespace omnigraph::index
