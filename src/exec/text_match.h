// search, match_text, fuzzy and bm25 over one property of one table (chapter 04 section 1, chapter 02 section 8).
// A matcher starts by analysing the rows it is asked about; once these get many it asks the text segments for a bitmap
// of all rows. Thread safety: match() and score() may be called concurrently.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exec/column.h"
#include "graph/table_view.h"
#include "index/text_analysis.h"
#include "index/text_segment.h"

namespace omnigraph::exec {

// Words further apart than this are never asked for (chapter 02 section 8).
inline constexpr std::uint32_t kFuzzyEditsMax = 2;

// True if the texts share a token; if some word of each is within `edits`.
[[nodiscard]] bool tokens_overlap(std::string_view field, std::string_view query);
[[nodiscard]] bool words_overlap(std::string_view field, std::string_view query, std::uint32_t edits);

class TextMatcher {
 public:
  // search and match_text for kToken, fuzzy within `edits` for kFuzzyWord.
  TextMatcher(graph::TableViewPtr table, std::size_t property, const Column& column, index::TermKind kind,
              std::string_view query, std::uint32_t edits);

  // kUnknown for a null field.
  [[nodiscard]] Truth match(Ordinal row) const;

 private:
  [[nodiscard]] bool match_text(std::string_view text) const;
  void build_bitmap() const;

  const graph::TableViewPtr table_;
  const std::size_t property_;
  const Column& column_;
  const index::TermKind kind_;
  const std::uint32_t edits_;
  std::vector<std::string> terms_;          // of the query, distinct
  std::vector<std::u32string> wide_terms_;  // kFuzzyWord: decoded
  mutable std::atomic<std::uint32_t> asked_ = 0;
  mutable std::once_flag build_once_;
  mutable std::vector<std::uint64_t> bitmap_;
  mutable std::atomic<const std::uint64_t*> ready_ = nullptr;
};

struct Scored {
  Ordinal row = 0;
  double score = 0;
};

class Bm25Scorer {
 public:
  static Result<std::unique_ptr<Bm25Scorer>> make(const graph::TableView& table, std::size_t property,
                                                  std::string_view query);

  // 0 if the row holds no query token.
  [[nodiscard]] double score(Ordinal row) const;
  // Rows with a query token, live, and in `candidates` (a bitmap over ordinals; empty = all). With `best` > 0 only
  // the best that many and all that tie with the last of them. Any order.
  [[nodiscard]] std::vector<Scored> collect(std::span<const std::uint64_t> candidates, std::size_t best) const {
    return best_of(best == 0 ? matching(candidates) : top(candidates, best), best);
  }

  // The same in two steps. A rough score differs from the exact one in the last digits only.
  struct Part {
    Ordinal first;
    index::TextSegmentPtr segment;
    std::vector<std::uint32_t> terms;  // per query token; TextSegment::kNoTerm = not there
  };
  struct Rough {
    const Part* part;
    std::uint32_t row;  // in the part
    double score;
  };
  [[nodiscard]] std::vector<Rough> matching(std::span<const std::uint64_t> candidates) const;
  // Of these at least the best `best` and all that tie with the last of them; most others are never looked at
  // (exec/text_top_k.h).
  [[nodiscard]] std::vector<Rough> top(std::span<const std::uint64_t> candidates, std::size_t best) const;
  [[nodiscard]] std::vector<Scored> best_of(const std::vector<Rough>& matching, std::size_t best) const;
  // How many of the matching rows come before `of`: a greater score, or an equal one and tie_before.
  [[nodiscard]] std::size_t count_before(const std::vector<Rough>& matching, const Scored& of,
                                         const std::function<bool(Ordinal, Ordinal)>& tie_before) const;

 private:
  // Adds a part to the statistics.
  void note_part(Ordinal first, index::TextSegmentPtr segment, const std::vector<std::string>& tokens);
  [[nodiscard]] double exact_score(const Part& part, std::uint32_t row, std::vector<std::uint32_t>& counts) const;
  [[nodiscard]] std::vector<double> rough_weights() const;  // by query token
  // All of few candidates that match.
  [[nodiscard]] std::vector<Rough> looked_up(std::span<const std::uint64_t> candidates) const;

  std::vector<Part> parts_;
  std::vector<std::uint64_t> deleted_;
  std::size_t token_count_ = 0;
  std::uint64_t total_length_ = 0;
  index::Bm25Statistics statistics_;
};

}  // namespace omnigraph::exec
