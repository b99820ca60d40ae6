#include "exec/text_top_k.h"

#include <algorithm>
#include <bit>
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

// Postings of one term, read forward.
struct TextTopK::Cursor {
  Cursor(const TextSegment& of, const Term& what)
      : segment(&of), term(what), rows(of.rows(what.term)), blocks(of.blocks(what.term)) {}

  // At most this is what the term gives a row of [begin, end); 0 = it is in none of them. REQUIRES: no posting before
  // `begin` is left.
  double bound_between(std::uint32_t begin, std::uint32_t end, const RoughNorm& norm) {
    while (block < blocks.size() && blocks[block].last_row < begin) ++block;
    double highest = 0;
    for (std::size_t b = block; b < blocks.size() && rows[b * index::kPostingBlock] < end; ++b) {
      const double count = blocks[b].max_count;
      highest = std::max(highest, term.weight * count / (count + norm(blocks[b].min_length)));
    }
    return at < rows.size() && rows[at] < end ? highest : 0;
  }
  [[nodiscard]] double score_here(const RoughNorm& norm) const {
    const double count = segment->count(term.term, at);
    return term.weight * count / (count + norm(segment->length(rows[at])));
  }
  // To the first posting at or behind `row`, by steps that double.
  void seek(std::uint32_t row) {
    std::size_t step = 1;
    std::size_t low = at;
    while (low + step < rows.size() && rows[low + step] < row) {
      low += step;
      step *= 2;
    }
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(low + step + 1, rows.size()));
    at = static_cast<std::size_t>(std::lower_bound(rows.begin() + static_cast<std::ptrdiff_t>(low), end, row) -
                                  rows.begin());
  }

  const TextSegment* segment;
  Term term;
  std::span<const std::uint32_t> rows;
  std::span<const TextSegment::Block> blocks;
  std::size_t at = 0;      // next posting
  std::size_t block = 0;   // the first that reaches into the window
  double most = 0;         // in the window
  double most_so_far = 0;  // the same of all terms up to this one
};

// One segment. Terms are kept in the order of what they can give in the window, the least first.
class TextTopK::Visit {
 public:
  Visit(TextTopK& ranking, const TextSegment& segment, std::span<const Term> terms, const Rows& wanted,
        const Found& found)
      : ranking_(ranking), wanted_(wanted), found_(found), row_count_(segment.row_count()) {
    for (const Term& term : terms) cursors_.emplace_back(segment, term);
  }

  void run() {
    while (true) {
      std::erase_if(cursors_, [](const Cursor& c) { return c.at == c.rows.size(); });
      if (cursors_.empty()) return;
      const Cursor& first = *std::ranges::min_element(cursors_, {}, [](const Cursor& c) { return c.rows[c.at]; });
      begin_ = first.rows[first.at] / kWindowRows * kWindowRows;
      end_ = std::min(row_count_ - begin_, kWindowRows) + begin_;
      const std::size_t needed = order_terms();
      if (needed < cursors_.size()) rank_window(needed);
      for (Cursor& cursor : cursors_) {
        if (cursor.at < cursor.rows.size() && cursor.rows[cursor.at] < end_) cursor.seek(end_);
      }
    }
  }

 private:
  // Returns how many terms, from the first, cannot bring a row to the bound together.
  std::size_t order_terms() {
    for (Cursor& cursor : cursors_) cursor.most = cursor.bound_between(begin_, end_, ranking_.norm_);
    std::ranges::sort(cursors_, {}, &Cursor::most);
    double sum = 0;
    std::size_t idle = 0;
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      sum += cursors_[i].most;
      cursors_[i].most_so_far = sum;
      if (is_below_bound(sum)) idle = i + 1;
    }
    return idle;
  }

  [[nodiscard]] bool is_below_bound(double most) const { return most * (1 + kRoughSlack) < ranking_.bound(); }

  // Adds up the terms from `needed` on, then asks the others about the rows that hold one of these.
  void rank_window(std::size_t needed) {
    for (std::size_t i = needed; i < cursors_.size(); ++i) {
      Cursor& cursor = cursors_[i];
      for (; cursor.at < cursor.rows.size() && cursor.rows[cursor.at] < end_; ++cursor.at) {
        const std::uint32_t row = cursor.rows[cursor.at] - begin_;
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
      Cursor& cursor = cursors_[i];
      if (is_below_bound(score + cursor.most_so_far)) return;
      cursor.seek(row);
      if (cursor.at < cursor.rows.size() && cursor.rows[cursor.at] == row) score += cursor.score_here(ranking_.norm_);
    }
    if (score < ranking_.bound()) return;
    found_(row, score);
    ranking_.note(score);
  }

  TextTopK& ranking_;
  const Rows& wanted_;
  const Found& found_;
  const std::uint32_t row_count_;
  std::vector<Cursor> cursors_;
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
