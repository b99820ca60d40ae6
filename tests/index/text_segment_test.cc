#include "index/text_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
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

std::vector<std::uint32_t> rows_of(const TextSegment& segment, std::string_view term) {
  std::vector<std::uint32_t> rows;
  segment.postings(segment.find(term)).for_each([&](std::uint32_t row) { rows.push_back(row); });
  return rows;
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
  std::map<std::string, std::map<std::uint32_t, std::uint32_t>> model;
  std::uint64_t filled = 0, total = 0;
  ASSERT_EQ(segment.row_count(), texts.size());
  for (std::uint32_t row = 0; row < texts.size(); ++row) {
    const auto tokens = texts[row] ? analyzer.tokens(*texts[row]) : std::vector<std::string>();
    for (const std::string& token : tokens) ++model[token][row];
    ASSERT_EQ(segment.length(row), tokens.size());
    filled += tokens.empty() ? 0 : 1;
    total += tokens.size();
  }
  EXPECT_EQ(segment.filled_rows(), filled);
  EXPECT_EQ(segment.total_length(), total);
  ASSERT_EQ(segment.term_count(), model.size());
  EXPECT_EQ(segment.find("nowhere"), TextSegment::kNoTerm);
  EXPECT_EQ(segment.find(""), TextSegment::kNoTerm);
  std::uint32_t number = 0;
  for (const auto& [term, rows] : model) {
    const std::uint32_t id = segment.find(term);
    ASSERT_EQ(id, number++) << term << ": terms are numbered in the order of their bytes";
    ASSERT_EQ(segment.term(id), term);
    const TextSegment::Postings postings = segment.postings(id);
    ASSERT_EQ(postings.size(), rows.size());
    ASSERT_EQ(postings.block_count(), (rows.size() + kPostingBlock - 1) / kPostingBlock);
    auto expected = rows.begin();
    for (std::size_t b = 0; b < postings.block_count(); ++b) {
      BlockNumbers held, counts;
      const std::size_t held_count = postings.rows(b, held);
      postings.counts(b, counts);
      const TextSegment::Block block = postings.block(b);
      ASSERT_EQ(held_count, std::min(rows.size() - b * kPostingBlock, kPostingBlock));
      EXPECT_LE(postings.least_row(b), held[0]);
      EXPECT_EQ(block.last_row, held[held_count - 1]);
      for (std::size_t i = 0; i < held_count; ++i, ++expected) {
        ASSERT_EQ(held[i], expected->first);
        ASSERT_EQ(counts[i], expected->second) << term << " in row " << held[i];
        EXPECT_GE(block.max_count, counts[i]);
        EXPECT_LE(block.min_length, segment.length(held[i]));
      }
    }
    ASSERT_EQ(postings.count_in(rows.begin()->first), rows.begin()->second);
    ASSERT_EQ(postings.count_in(rows.rbegin()->first), rows.rbegin()->second);
    ASSERT_EQ(postings.count_in(rows.rbegin()->first + 1), 0u);
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
    EXPECT_THAT(rows_of(*segment, "running"), ::testing::ElementsAre(0, 2));
    EXPECT_THAT(rows_of(*segment, "tugs"), ::testing::ElementsAre(0));
  }
}

// Goal: no bytes lead a reader of postings out of the rows, not even those whose checksum is right.
// Method: random bits flipped, the checksum made anew; what is not refused is read whole.
TEST(TextSegment, RefusesOrSurvivesDamage) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const Texts texts = random_texts(random, 600);
  int refused = 0;
  for (const TermKind kind : {TermKind::kToken, TermKind::kFuzzyWord}) {
    const TextSegmentPtr whole = built(texts, kind);
    for (int round = 0; round < 1000; ++round) {
      std::vector<std::byte> bytes(whole->bytes().bytes().begin(), whole->bytes().bytes().end());
      const std::size_t content = bytes.size() - sizeof(std::uint64_t);
      for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
        bytes[random() % content] ^= static_cast<std::byte>(1u << random() % 8);
      }
      const std::uint64_t checksum = base::hash64({reinterpret_cast<const char*>(bytes.data()), content});
      std::memcpy(bytes.data() + content, &checksum, sizeof(checksum));
      const auto opened = TextSegment::open(Buffer::from(std::move(bytes)), source_of(texts, kind));
      if (!opened) {
        ++refused;
        continue;
      }
      const TextSegment& segment = **opened;
      for (std::uint32_t term = 0; term < segment.term_count(); ++term) {
        (void)segment.find(segment.term(term));
        std::uint32_t least = 0;
        segment.postings(term).for_each([&](std::uint32_t row) {
          ASSERT_GE(row, least);
          ASSERT_LT(row, texts.size());
          least = row;
        });
        if (kind == TermKind::kFuzzyWord) continue;
        for (std::uint32_t row = 0; row < 20; ++row) (void)segment.postings(term).count_in(row);
        EXPECT_GE(segment.postings(term).block(0).max_count, 0u);
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(TextSegment, RefusesArraysThatContradictEachOther) {
  const IndexSource source{.kind = IndexKind::kText, .rows = 1, .parameters = 5};
  IndexFileWriter writer(source);
  const std::vector<std::uint64_t> numbers{1, 1};
  for (int i = 0; i < 10; ++i) writer.add(std::span<const std::uint64_t>(numbers));
  const auto opened = TextSegment::open(writer.finish(), source);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorruptObject);
}

}  // namespace
}  // namespace omnigraph::index
