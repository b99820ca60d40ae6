#include "exec/text_match.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <utility>

#include "base/text.h"
#include "exec/scratch.h"
#include "exec/text_top_k.h"
#include "graph/indexed_table.h"

namespace omnigraph::exec {

using index::TermKind;
using index::TextSegment;

namespace {

// Asked about more than a 16th of the rows, the segments pay for themselves.
constexpr std::uint32_t kBitmapShare = 16;
// So few candidates are looked up in the postings one by one.
constexpr std::size_t kLookedUpMax = 256;

index::TextAnalyzer& analyzer() {
  thread_local index::TextAnalyzer instance;
  return instance;
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) out.push_back(base::next_code_point(text, at));
  return out;
}

bool bit(std::span<const std::uint64_t> words, Ordinal o) { return ((words[o >> 6] >> (o & 63)) & 1u) != 0; }

// Rows of a part whose bits are set, as positions in the part. An empty bitmap has none.
std::vector<std::uint32_t> rows_between(std::span<const std::uint64_t> words, Ordinal begin, Ordinal end) {
  std::vector<std::uint32_t> rows;
  if (words.empty()) return rows;
  for (std::uint64_t at = begin / 64; at * 64 < end; ++at) {
    for (std::uint64_t word = words[at]; word != 0; word &= word - 1) {
      const std::uint64_t o = at * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
      if (o >= begin && o < end) rows.push_back(static_cast<std::uint32_t>(o - begin));
    }
  }
  return rows;
}

// Of two ascending lists.
std::size_t count_common(const TextSegment::Postings& postings, std::span<const std::uint32_t> rows) {
  std::size_t common = 0;
  if (rows.empty()) return 0;
  auto from = rows.begin();
  postings.for_each([&](std::uint32_t row) {
    from = std::find_if(from, rows.end(), [&](std::uint32_t r) { return r >= row; });
    common += from != rows.end() && *from == row ? 1 : 0;
  });
  return common;
}

bool near_any(std::u32string_view word, const std::vector<std::u32string>& targets, std::uint32_t edits) {
  return std::ranges::any_of(targets, [&](const std::u32string& target) {
    const std::size_t gap = word.size() > target.size() ? word.size() - target.size() : target.size() - word.size();
    return gap <= edits && index::edit_distance(word, target, edits) <= edits;
  });
}

std::vector<std::u32string> decoded(const std::vector<std::string>& words) {
  std::vector<std::u32string> out;
  for (const std::string& word : words) out.push_back(decode(word));
  return out;
}

std::vector<std::string> distinct_terms(std::string_view query, TermKind kind) {
  auto terms = kind == TermKind::kToken ? analyzer().tokens(query) : analyzer().fuzzy_words(query);
  std::ranges::sort(terms);
  terms.erase(std::ranges::unique(terms).begin(), terms.end());
  return terms;
}

bool shares_token(std::string_view text, const std::vector<std::string>& terms) {
  bool found = false;
  analyzer().tokens(text, [&](std::string_view token) {
    found = found || std::ranges::any_of(terms, [&](const std::string& term) { return term == token; });
  });
  return found;
}

bool shares_word(std::string_view text, const std::vector<std::u32string>& words, std::uint32_t edits) {
  return std::ranges::any_of(analyzer().fuzzy_words(text),
                             [&](const std::string& word) { return near_any(decode(word), words, edits); });
}

}  // namespace

bool tokens_overlap(std::string_view field, std::string_view query) {
  const auto terms = distinct_terms(query, TermKind::kToken);
  return !terms.empty() && shares_token(field, terms);
}

bool words_overlap(std::string_view field, std::string_view query, std::uint32_t edits) {
  const auto words = decoded(distinct_terms(query, TermKind::kFuzzyWord));
  return !words.empty() && shares_word(field, words, edits);
}

TextMatcher::TextMatcher(graph::TableViewPtr table, std::size_t property, const Column& column, TermKind kind,
                         std::string_view query, std::uint32_t edits)
    : table_(std::move(table)),
      property_(property),
      column_(column),
      kind_(kind),
      edits_(edits),
      terms_(distinct_terms(query, kind)) {
  if (kind == TermKind::kFuzzyWord) wide_terms_ = decoded(terms_);
}

bool TextMatcher::match_text(std::string_view text) const {
  return kind_ == TermKind::kToken ? shares_token(text, terms_) : shares_word(text, wide_terms_, edits_);
}

Truth TextMatcher::match(Ordinal row) const {
  if (column_.is_null(row)) return Truth::kUnknown;
  if (terms_.empty()) return Truth::kFalse;
  if (const std::uint64_t* words = ready_.load(std::memory_order_acquire); words != nullptr) {
    return truth_of(((words[row >> 6] >> (row & 63)) & 1u) != 0);
  }
  if (asked_.fetch_add(1, std::memory_order_relaxed) > 64 + table_->physical_rows() / kBitmapShare) {
    std::call_once(build_once_, [&] { build_bitmap(); });
    if (ready_.load(std::memory_order_acquire) != nullptr) return match(row);
  }
  return truth_of(match_text(column_.text(row)));
}

void TextMatcher::build_bitmap() const {
  const auto segments = graph::text_segments(*table_, property_, kind_);
  if (!segments) return;  // The rows themselves still answer.
  bitmap_.assign((std::size_t{table_->physical_rows()} + 63) / 64, 0);
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const TextSegment& segment = *(*segments)[i];
    const Ordinal first = table_->fragment_start(i);
    const auto mark = [&](std::uint32_t term) {
      segment.postings(term).for_each([&](std::uint32_t row) {
        const Ordinal o = first + row;
        bitmap_[o >> 6] |= std::uint64_t{1} << (o & 63);
      });
    };
    if (kind_ == TermKind::kToken) {
      for (const std::string& term : terms_) {
        if (const std::uint32_t id = segment.find(term); id != TextSegment::kNoTerm) mark(id);
      }
      continue;
    }
    segment.terms().for_each([&](std::uint32_t id, std::string_view word) {
      if (near_any(decode(word), wide_terms_, edits_)) mark(id);
    });
  }
  ready_.store(bitmap_.data(), std::memory_order_release);
}

Result<std::unique_ptr<Bm25Scorer>> Bm25Scorer::make(const graph::TableView& table, std::size_t property,
                                                     std::string_view query) {
  OG_ASSIGN_OR_RETURN(auto segments, graph::text_segments(table, property, TermKind::kToken));
  auto scorer = std::make_unique<Bm25Scorer>();
  const std::vector<std::string> tokens = analyzer().tokens(query);
  scorer->token_count_ = tokens.size();
  scorer->deleted_.assign(table.deleted_words().begin(), table.deleted_words().end());
  index::Bm25Statistics& statistics = scorer->statistics_;
  statistics.document_frequency.resize(tokens.size());
  for (std::size_t i = 0; i < segments.size(); ++i) {
    scorer->note_part(table.fragment_start(i), std::move(segments[i]), tokens);
  }
  const auto rows = static_cast<double>(statistics.row_count);
  statistics.average_length = statistics.row_count == 0 ? 0 : static_cast<double>(scorer->total_length_) / rows;
  return scorer;
}

void Bm25Scorer::note_part(Ordinal first, index::TextSegmentPtr segment, const std::vector<std::string>& tokens) {
  const std::vector<std::uint32_t> gone = rows_between(deleted_, first, first + segment->row_count());
  statistics_.row_count += segment->filled_rows();
  total_length_ += segment->total_length();
  for (const std::uint32_t row : gone) {
    statistics_.row_count -= segment->length(row) > 0 ? 1 : 0;
    total_length_ -= segment->length(row);
  }
  Part part{first, std::move(segment), {}};
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const std::uint32_t term = part.segment->find(tokens[t]);
    part.terms.push_back(term);
    if (term == TextSegment::kNoTerm) continue;
    const TextSegment::Postings holders = part.segment->postings(term);
    statistics_.document_frequency[t] += holders.size() - count_common(holders, gone);
  }
  parts_.push_back(std::move(part));
}

double Bm25Scorer::exact_score(const Part& part, std::uint32_t row, std::vector<std::uint32_t>& counts) const {
  counts.assign(token_count_, 0);
  bool any = false;
  for (std::size_t t = 0; t < token_count_; ++t) {
    if (part.terms[t] == TextSegment::kNoTerm) continue;
    counts[t] = part.segment->postings(part.terms[t]).count_in(row);
    any = any || counts[t] > 0;
  }
  return any ? index::bm25_score(statistics_, counts, part.segment->length(row)) : 0.0;
}

double Bm25Scorer::score(Ordinal row) const {
  auto part = std::ranges::upper_bound(parts_, row, {}, &Part::first);
  if (part == parts_.begin()) return 0;
  --part;
  if (row - part->first >= part->segment->row_count()) return 0;
  std::vector<std::uint32_t> counts;
  return exact_score(*part, row - part->first, counts);
}

std::vector<double> Bm25Scorer::rough_weights() const {
  const double n = static_cast<double>(statistics_.row_count);
  std::vector<double> weights;
  for (const std::uint64_t df : statistics_.document_frequency) {
    const auto d = static_cast<double>(df);
    weights.push_back(std::log(1.0 + (n - d + 0.5) / (d + 0.5)) * (index::kBm25K1 + 1));
  }
  return weights;
}

std::vector<Bm25Scorer::Rough> Bm25Scorer::looked_up(std::span<const std::uint64_t> candidates) const {
  std::vector<Rough> out;
  std::vector<std::uint32_t> counts;
  for (const Part& part : parts_) {
    for (const std::uint32_t row : rows_between(candidates, part.first, part.first + part.segment->row_count())) {
      if (!deleted_.empty() && bit(deleted_, part.first + row)) continue;
      if (const double score = exact_score(part, row, counts); score > 0) out.push_back({&part, row, score});
    }
  }
  return out;
}

std::vector<Bm25Scorer::Rough> Bm25Scorer::top(std::span<const std::uint64_t> candidates, std::size_t best) const {
  std::size_t candidate_count = 0;
  for (const std::uint64_t word : candidates) candidate_count += static_cast<std::size_t>(std::popcount(word));
  if (!candidates.empty() && candidate_count <= kLookedUpMax) return looked_up(candidates);
  const std::vector<double> weights = rough_weights();
  TextTopK ranking(best, RoughNorm(statistics_.average_length));
  std::vector<Rough> out;
  std::vector<TextTopK::Term> terms;
  for (const Part& part : parts_) {
    terms.clear();
    for (std::size_t t = 0; t < token_count_; ++t) {
      if (part.terms[t] == TextSegment::kNoTerm) continue;
      const auto same = std::ranges::find(terms, part.terms[t], &TextTopK::Term::term);
      if (same != terms.end()) {
        same->weight += weights[t];
      } else {
        terms.push_back({part.terms[t], weights[t]});
      }
    }
    ranking.visit(*part.segment, terms, {.first = part.first, .deleted = deleted_, .accepted = candidates},
                  [&](std::uint32_t row, double score) { out.push_back({&part, row, score}); });
  }
  std::erase_if(out, [bound = ranking.bound()](const Rough& r) { return r.score < bound; });
  return out;
}

// Each posting is read once; the exact formula only decides among those that can still win.
std::vector<Bm25Scorer::Rough> Bm25Scorer::matching(std::span<const std::uint64_t> candidates) const {
  const std::vector<double> weights = rough_weights();
  const RoughNorm norm(statistics_.average_length);
  std::vector<Rough> out;
  index::BlockNumbers rows, counts;
  for (const Part& part : parts_) {
    const TextSegment& segment = *part.segment;
    ZeroedScratch sums(segment.row_count());  // doubles, by bits
    const std::size_t before = out.size();
    for (std::size_t t = 0; t < token_count_; ++t) {
      if (part.terms[t] == TextSegment::kNoTerm) continue;
      const TextSegment::Postings postings = segment.postings(part.terms[t]);
      for (std::size_t b = 0; b < postings.block_count(); ++b) {
        const std::size_t held = postings.rows(b, rows);
        postings.counts(b, counts);
        for (std::size_t i = 0; i < held; ++i) {
          const double f = counts[i];
          std::uint64_t& sum = sums[rows[i]];
          if (sum == 0) out.push_back({&part, rows[i], 0});
          sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) +
                                             weights[t] * f / (f + norm(segment.length(rows[i]))));
        }
      }
    }
    std::size_t kept = before;
    for (std::size_t i = before; i < out.size(); ++i) {
      const std::uint32_t row = out[i].row;
      const double score = std::bit_cast<double>(std::exchange(sums[row], 0));
      const Ordinal o = part.first + row;
      if (!deleted_.empty() && bit(deleted_, o)) continue;
      if (!candidates.empty() && !bit(candidates, o)) continue;
      out[kept] = {&part, row, score};
      ++kept;
    }
    out.resize(kept);
  }
  return out;
}

std::vector<Scored> Bm25Scorer::best_of(const std::vector<Rough>& matching, std::size_t best) const {
  double bound = 0;
  if (best > 0 && matching.size() > best) {
    std::vector<double> scores;
    scores.reserve(matching.size());
    for (const Rough& r : matching) scores.push_back(r.score);
    std::ranges::nth_element(scores, scores.begin() + static_cast<std::ptrdiff_t>(best - 1), std::greater<>());
    bound = scores[best - 1] * (1 - kRoughSlack);
  }
  std::vector<Scored> out;
  std::vector<std::uint32_t> counts;
  for (const Rough& r : matching) {
    if (r.score >= bound) out.push_back({r.part->first + r.row, exact_score(*r.part, r.row, counts)});
  }
  return out;
}

std::size_t Bm25Scorer::count_before(const std::vector<Rough>& matching, const Scored& of,
                                     const std::function<bool(Ordinal, Ordinal)>& tie_before) const {
  std::size_t before = 0;
  std::vector<std::uint32_t> counts;
  const double above = of.score * (1 + kRoughSlack);
  const double below = of.score * (1 - kRoughSlack);
  for (const Rough& r : matching) {
    before += r.score > above ? 1 : 0;
    if (r.score > above || r.score < below) continue;
    const Ordinal row = r.part->first + r.row;
    const double exact = exact_score(*r.part, r.row, counts);
    if (row != of.row && (exact > of.score || (exact == of.score && tie_before(row, of.row)))) ++before;
  }
  return before;
}

}  // namespace omnigraph::exec
