#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "index/text_analysis.h"

namespace omnigraph::index {
namespace {

std::uint32_t full_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<std::vector<std::uint32_t>> cell(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cell[i][j] = static_cast<std::uint32_t>(i + j);
      } else {
        cell[i][j] =
            std::min({cell[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u), cell[i - 1][j] + 1, cell[i][j - 1] + 1});
      }
    }
  }
  return cell[a.size()][b.size()];
}

TEST(EditDistance, Examples) {
  EXPECT_EQ(edit_distance(U"", U"", 0), 0u);
  EXPECT_EQ(edit_distance(U"ferry", U"ferry", 0), 0u);
  EXPECT_EQ(edit_distance(U"ferry", U"fery", 2), 1u);
  EXPECT_EQ(edit_distance(U"ab", U"ba", 2), 2u);  // a transposition is two edits
  EXPECT_EQ(edit_distance(U"kitten", U"sitting", 3), 3u);
  EXPECT_EQ(edit_distance(U"kitten", U"sitting", 2), 3u);
  EXPECT_EQ(edit_distance(U"東京", U"京都", 2), 2u);
  EXPECT_EQ(edit_distance(U"", U"abc", 2), 3u);
  EXPECT_EQ(edit_distance(std::u32string(200, U'a'), std::u32string(198, U'b') + U"aa", 1000), 198u);
}

// Goal: the band changes no result. Method: random words over two letters against the whole matrix.
TEST(EditDistance, AgreesWithTheWholeMatrix) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto word = [&] {
    std::u32string text(random() % 12, U'a');
    for (char32_t& c : text) c += static_cast<char32_t>(random() % 2);
    return text;
  };
  for (int round = 0; round < 30'000; ++round) {
    const std::u32string a = word();
    const std::u32string b = word();
    const auto limit = static_cast<std::uint32_t>(random() % 6);
    EXPECT_EQ(edit_distance(a, b, limit), std::min(full_distance(a, b), limit + 1));
  }
}

// Goal: the formula of chapter 04 section 1.3.
// Method: random corpora of token lists, scored here from the lists themselves.
TEST(Bm25, AgreesWithTheFormula) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<int>> rows(1 + random() % 40);
    for (auto& row : rows) {
      row.resize(1 + random() % 20);
      for (int& token : row) token = static_cast<int>(random() % 8);
    }
    std::vector<int> query(1 + random() % 5);
    for (int& token : query) token = static_cast<int>(random() % 10);

    Bm25Statistics statistics;
    statistics.row_count = rows.size();
    double length_sum = 0;
    for (const auto& row : rows) length_sum += static_cast<double>(row.size());
    statistics.average_length = length_sum / static_cast<double>(rows.size());
    for (const int token : query) {
      statistics.document_frequency.push_back(static_cast<std::uint64_t>(
          std::ranges::count_if(rows, [&](const auto& row) { return std::ranges::find(row, token) != row.end(); })));
    }
    for (const auto& row : rows) {
      double expected = 0;
      std::vector<std::uint32_t> counts;
      for (std::size_t i = 0; i < query.size(); ++i) {
        const auto f = static_cast<double>(std::ranges::count(row, query[i]));
        counts.push_back(static_cast<std::uint32_t>(f));
        const auto n = static_cast<double>(statistics.document_frequency[i]);
        const double idf = std::log(1 + (static_cast<double>(rows.size()) - n + 0.5) / (n + 0.5));
        expected +=
            idf * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * static_cast<double>(row.size()) / statistics.average_length));
      }
      const double score = bm25_score(statistics, counts, row.size());
      EXPECT_NEAR(score, expected, 1e-12 * (1 + expected));
      EXPECT_EQ(score, Bm25Scorer(statistics).score(counts, row.size()));
      EXPECT_EQ(score > 0, std::ranges::any_of(counts, [](std::uint32_t f) { return f > 0; }));
    }
  }
}

// Goal: the order of summation is the documented one, to the last bit, for every size.
// Method: the lanes summed here in plain arithmetic; values of very different size make any other order show.
TEST(SquaredDistance, SumsInTheDocumentedOrder) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<float> a(size);
    std::vector<float> b(size);
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = normal(random) * std::pow(10.0f, static_cast<float>(random() % 9));
      b[i] = normal(random);
    }
    std::array<double, 16> lane{};
    for (std::size_t i = 0; i < size; ++i) {
      const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
      lane[i % 16] += difference * difference;
    }
    for (const std::size_t half : {8u, 4u, 2u, 1u}) {
      for (std::size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
    }
    EXPECT_EQ(squared_distance(a, b), lane[0]) << size;
    EXPECT_EQ(squared_distance(a, a), 0.0);
    if (size > 1) {  // rows of a column start anywhere
      const std::span<const float> shifted_a(a.data() + 1, size - 1);
      const std::span<const float> shifted_b(b.data() + 1, size - 1);
      EXPECT_EQ(squared_distance(shifted_a, shifted_b),
                squared_distance(std::vector(a.begin() + 1, a.end()), std::vector(b.begin() + 1, b.end())));
    }
  }
  EXPECT_EQ(squared_distance(std::vector<float>{1, 2, 3}, std::vector<float>{4, 6, 3}), 25.0);
}

}  // namespace
}  // namespace omnigraph::index
