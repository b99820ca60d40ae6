#include "exec/text_top_k.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace omnigraph::exec {

using index::TextSegment;

namespace {

// Rows whose sums stay in the first-level cache.
constexpr std::uint32_t kWindowRows = 2048;

bool is_set(std::span<const std::uint64_t> words, graph::Ordinal o) { return ((words[o >> 6] >> (o & 63)) & 1u) != 0; }

}  // namespace

bool TextTopK::Rows::contain(std::uint32_t row) const {
  const graph::Ordinal o = first + row;
  return (deleted.empty() || !is_set(deleted, o)) && (accepted.empty() || is_set(accepted, o));
}

// Postings of one term, read forward: a block is unpacked when the cursor is in it, its counts when one is asked for.
struct TextTopK::Cursor {
  Cursor(const TextSegment& of, const Term& what) : segment(&of), term(what), postings(of.postings(what.term)) {
    load(0);
  }

  [[nodiscard]] bool is_done() const { return block == postings.block_count(); }
  // REQUIRES: !is_done().
  [[nodiscard]] std::uint32_t row() const { return rows[at]; }
  [[nodiscard]] bool is_before(std::uint32_t end) const { return !is_done() && row() < end; }

  // At most this is what the term gives a row of [row(), end); 0 = it is in none of them.
  [[nodiscard]] double bound_before(std::uint32_t end, const RoughNorm& norm) const {
    if (!is_before(end)) return 0;
    double highest = 0;
    for (std::size_t b = block; b < postings.block_count() && (b == block || postings.least_row(b) < end); ++b) {
      const TextSegment::Block bounds = postings.block(b);
      const double count = bounds.max_count;
      highest = std::max(highest, term.weight * count / (count + norm(bounds.min_length)));
    }
    return highest;
  }
  [[nodiscard]] double score_here(const RoughNorm& norm) {
    if (counted != block) {
      postings.counts(block, counts);
      counted = block;
    }
    const double count = counts[at];
    return term.weight * count / (count + norm(segment->length(row())));
  }
  void advance() {
    if (++at == held) load(block + 1);
  }
  // To the first posting at or behind `to`; over blocks by steps that double.
  void seek(std::uint32_t to) {
    if (is_done()) return;
    if (postings.last_row(block) < to) {
      std::size_t step = 1, low = block;
      while (low + step < postings.block_count() && postings.last_row(low + step) < to) {
        low += step;
        step *= 2;
      }
      std::size_t high = std::min(low + step, postings.block_count());  // low ends before `to`, high does not
      while (low + 1 < high) {
        const std::size_t middle = low + (high - low) / 2;
        (postings.last_row(middle) < to ? low : high) = middle;
      }
      load(high);
      if (is_done()) return;
    }
    at = static_cast<std::size_t>(std::lower_bound(rows + at, rows + held, to) - rows);
    if (at == held) load(block + 1);  // only of a damaged block
  }

  const TextSegment* segment;
  Term term;
  double most = 0;         // in the window
  double most_so_far = 0;  // the same of all terms up to this one

 private:
  void load(std::size_t b) {
    block = b;
    at = 0;
    held = is_done() ? 0 : postings.rows(b, rows);
  }

  TextSegment::Postings postings;
  std::size_t block = 0, at = 0, held = 0;  // the next posting, and rows of its block
  std::size_t counted = static_cast<std::size_t>(-1);
  index::BlockNumbers rows, counts;
};

// One segment. Terms are kept in the order of what they can give in the window, the least first.
class TextTopK::Visit {
 public:
  Visit(TextTopK& ranking, const TextSegment& segment, std::span<const Term> terms, const Rows& wanted,
        const Found& found)
      : ranking_(ranking), wanted_(wanted), found_(found), row_count_(segment.row_count()) {
    for (const Term& term : terms) cursors_.push_back(std::make_unique<Cursor>(segment, term));
  }

  void run() {
    while (true) {
      std::erase_if(cursors_, [](const CursorPtr& c) { return c->is_done(); });
      if (cursors_.empty()) return;
      const CursorPtr& first = *std::ranges::min_element(cursors_, {}, [](const CursorPtr& c) { return c->row(); });
      begin_ = first->row() / kWindowRows * kWindowRows;
      end_ = std::min(row_count_ - begin_, kWindowRows) + begin_;
      const std::size_t needed = order_terms();
      if (needed < cursors_.size()) rank_window(needed);
      for (const CursorPtr& cursor : cursors_) {
        if (cursor->is_before(end_)) cursor->seek(end_);
      }
    }
  }

 private:
  using CursorPtr = std::unique_ptr<Cursor>;  // it holds an unpacked block and is sorted

  // Returns how many terms, from the first, cannot bring a row to the bound together.
  std::size_t order_terms() {
    for (const CursorPtr& cursor : cursors_) cursor->most = cursor->bound_before(end_, ranking_.norm_);
    std::ranges::sort(cursors_, {}, [](const CursorPtr& cursor) { return cursor->most; });
    double sum = 0;
    std::size_t idle = 0;
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      sum += cursors_[i]->most;
      cursors_[i]->most_so_far = sum;
      if (is_below_bound(sum)) idle = i + 1;
    }
    return idle;
  }

  [[nodiscard]] bool is_below_bound(double most) const { return most * (1 + kRoughSlack) < ranking_.bound(); }

  // Adds up the terms from `needed` on, then asks the others about the rows that hold one of these.
  void rank_window(std::size_t needed) {
    for (std::size_t i = needed; i < cursors_.size(); ++i) {
      Cursor& cursor = *cursors_[i];
      for (; cursor.is_before(end_); cursor.advance()) {
        const std::uint32_t row = cursor.row() - begin_;
        ranking_.sums_[row] += cursor.score_here(ranking_.norm_);
        ranking_.touched_[row >> 6] |= std::uint64_t{1} << (row & 63);
      }
    }
    for (std::size_t w = 0; w < ranking_.touched_.size(); ++w) {
      for (std::uint64_t word = std::exchange(ranking_.touched_[w], 0); word != 0; word &= word - 1) {
        const auto row = static_cast<std::uint32_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
        rank_row(begin_ + row, std::exchange(ranking_.sums_[row], 0.0), needed);
      }
    }
  }

  void rank_row(std::uint32_t row, double score, std::size_t needed) {
    if (!wanted_.contain(row)) return;
    for (std::size_t i = needed; i-- > 0;) {
      Cursor& cursor = *cursors_[i];
      if (is_below_bound(score + cursor.most_so_far)) return;
      cursor.seek(row);
      if (!cursor.is_done() && cursor.row() == row) score += cursor.score_here(ranking_.norm_);
    }
    if (score < ranking_.bound()) return;
    found_(row, score);
    ranking_.note(score);
  }

  TextTopK& ranking_;
  const Rows& wanted_;
  const Found& found_;
  const std::uint32_t row_count_;
  std::vector<CursorPtr> cursors_;
  std::uint32_t begin_ = 0, end_ = 0;  // of the window
};

TextTopK::TextTopK(std::size_t best, RoughNorm norm)
    : best_(best), norm_(norm), sums_(kWindowRows), touched_(kWindowRows / 64) {}

void TextTopK::visit(const TextSegment& segment, std::span<const Term> terms, const Rows& rows, const Found& found) {
  Visit(*this, segment, terms, rows, found).run();
}

double TextTopK::bound() const { return scores_.size() < best_ ? 0 : scores_.front() * (1 - kRoughSlack); }

void TextTopK::note(double score) {
  if (scores_.size() == best_) {
    if (score <= scores_.front()) return;
    std::ranges::pop_heap(scores_, std::greater<>());
    scores_.pop_back();
  }
  scores_.push_back(score);
  std::ranges::push_heap(scores_, std::greater<>());
}

}  // namespace omnigraph::exec
