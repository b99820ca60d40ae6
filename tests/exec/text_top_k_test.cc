// The best rows of a bm25 ranking, found with block maxima, against all rows and the formula.
#include "exec/text_top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "exec/text_match.h"
#include "graph/indexed_table.h"
#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

struct Corpus {
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> deleted;
  std::unique_ptr<FakeGraph> graph;
};

// Words of Zipf's law, so that a query mixes lists of very different lengths; some rows are alike and tie.
Corpus random_corpus(std::mt19937_64& random, std::size_t row_count, std::size_t rows_per_fragment) {
  Corpus corpus;
  corpus.graph = std::make_unique<FakeGraph>("node Doc { slug: String @key  body: String }", rows_per_fragment);
  std::ostringstream lines;
  for (std::size_t i = 0; i < row_count; ++i) {
    std::vector<std::string> words;
    for (std::size_t w = random() % 14; w > 0; --w) {
      const double u = static_cast<double>(random() % 100'000 + 1) / 100'000;
      words.push_back(std::string("w").append(std::to_string(static_cast<int>(1 / u))));
    }
    if (i % 13 == 7) words = {"zulu", "w1"};
    lines << R"({"type":"Doc","data":{"slug":"d)" << i << R"(","body":")";
    for (const std::string& word : words) lines << word << ' ';
    lines << "\"}}\n";
    corpus.rows.push_back(std::move(words));
  }
  corpus.graph->add(lines.str());
  (void)corpus.graph->snapshot();
  corpus.deleted.resize(row_count);
  for (std::size_t i = 0; i < row_count; ++i) {
    if (random() % 7 != 0) continue;
    corpus.deleted[i] = true;
    corpus.graph->remove("Doc", std::string("d").append(std::to_string(i)));
  }
  return corpus;
}

// By the formula, from the words.
std::map<Ordinal, double> all_scores(const Corpus& corpus, const std::vector<std::string>& query) {
  index::Bm25Statistics statistics;
  statistics.document_frequency.resize(query.size());
  double length = 0;
  for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
    if (corpus.deleted[i] || corpus.rows[i].empty()) continue;
    ++statistics.row_count;
    length += static_cast<double>(corpus.rows[i].size());
    for (std::size_t t = 0; t < query.size(); ++t) {
      statistics.document_frequency[t] += std::ranges::find(corpus.rows[i], query[t]) != corpus.rows[i].end() ? 1 : 0;
    }
  }
  statistics.average_length = length / static_cast<double>(statistics.row_count);
  std::map<Ordinal, double> scores;
  for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
    std::vector<std::uint32_t> counts;
    for (const std::string& token : query) {
      counts.push_back(static_cast<std::uint32_t>(std::ranges::count(corpus.rows[i], token)));
    }
    const double score = index::bm25_score(statistics, counts, corpus.rows[i].size());
    if (!corpus.deleted[i] && score > 0) scores[static_cast<Ordinal>(i)] = score;
  }
  return scores;
}

// Goal: exactly the best rows and all that tie with the last of them, with the formula's very numbers.
// Method: random corpora in several fragments, deletions, candidate bitmaps, queries with repeated and unknown words.
TEST(TextTopK, FindsTheBestRowsWithTheirTies) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t rows_per_fragment : {40u, 2600u, 9000u}) {
    const Corpus corpus = random_corpus(random, 6000, rows_per_fragment);
    const graph::SnapshotPtr snapshot = corpus.graph->snapshot();
    const graph::TableViewPtr table = snapshot->node_table(0).value();
    for (int round = 0; round < 12; ++round) {
      std::vector<std::string> query{random() % 3 == 0 ? "zulu" : "unknown"};
      for (std::size_t w = 1 + random() % 5; w > 0; --w) {
        query.push_back(std::string("w").append(std::to_string(1 + random() % 40 * (random() % 40) / 20)));
      }
      if (random() % 2 == 0) query.push_back(query.back());
      std::string text;
      for (const std::string& word : query) text.append(word).append(" ");
      std::vector<std::uint64_t> candidates;
      if (random() % 2 == 0) {
        candidates.resize((table->physical_rows() + 63) / 64);
        for (std::uint64_t& word : candidates) word = random() % 4 == 0 ? random() & random() : 0;
      }
      std::map<Ordinal, double> scores = all_scores(corpus, query);
      std::erase_if(scores, [&](const auto& item) {
        return !candidates.empty() && (candidates[item.first >> 6] >> (item.first & 63) & 1u) == 0;
      });
      const auto scorer = Bm25Scorer::make(*table, 1, text).value();
      for (const std::size_t best : {1u, 10u, 400u, 100'000u}) {
        std::vector<double> sorted;
        for (const auto& [row, score] : scores) sorted.push_back(score);
        std::ranges::sort(sorted, std::greater<>());
        const double least = best < sorted.size() ? sorted[best - 1] : 0;
        std::map<Ordinal, double> expected;
        for (const auto& [row, score] : scores) {
          if (score >= least) expected[row] = score;
        }
        std::map<Ordinal, double> found;
        for (const Scored& s : scorer->collect(candidates, best)) {
          if (s.score >= least) found[s.row] = s.score;
        }
        ASSERT_EQ(found, expected) << "best " << best << " of '" << text << "', fragments of " << rows_per_fragment;
      }
    }
  }
}

// Goal: what cannot win is not looked at.
// Method: a rare word and a word of every row; only rows with the rare one, and the first ones seen, come out.
TEST(TextTopK, LeavesOutWhatCannotWin) {
  FakeGraph graph("node Doc { slug: String @key  body: String }", 20'000);
  std::ostringstream lines;
  for (int i = 0; i < 20'000; ++i) {
    lines << R"({"type":"Doc","data":{"slug":"d)" << i << R"(","body":"common )" << (i % 100 == 3 ? "rare" : "other")
          << "\"}}\n";
  }
  graph.add(lines.str());
  const graph::TableViewPtr table = graph.snapshot()->node_table(0).value();
  const auto scorer = Bm25Scorer::make(*table, 1, "common rare").value();
  EXPECT_EQ(scorer->matching({}).size(), 20'000u);
  EXPECT_EQ(scorer->top({}, 10).size(), 200u) << "the rows with both words tie";
  const auto segment = graph::text_segments(*table, 1, index::TermKind::kToken).value()[0];
  TextTopK ranking(10, RoughNorm(2));
  const std::vector<TextTopK::Term> terms{{segment->find("common"), 0.001}, {segment->find("rare"), 10}};
  std::size_t offered = 0;
  ranking.visit(*segment, terms, {}, [&](std::uint32_t, double) { ++offered; });
  EXPECT_LT(offered, 1500u) << "after the first window only rows with the rare word are of interest";
}

}  // namespace
}  // namespace omnigraph::exec::testing
