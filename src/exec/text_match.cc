#include "exec/text_match.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <utility>

#include "base/text.h"
#include "exec/scratch.h"

namespace omnigraph::exec {
namespace {

// Asked about more than a 16th of the rows, the segments pay for themselves.
constexpr std::uint32_t kBitmapShare = 16;
constexpr double kK1 = 1.2;
constexpr double kB = 0.75;
// Far above the rounding of a sum of a few thousand terms, far below any real gap.
constexpr double kRoughSlack = 1e-9;

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

TextMatcher::TextMatcher(graph::TableViewPtr table, std::size_t property, std::string property_name,
                         const Column& column, TermKind kind, std::string_view query, std::uint32_t edits)
    : table_(std::move(table)),
      property_(property),
      property_name_(std::move(property_name)),
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
  const auto index = text_index(*table_, property_, property_name_, kind_);
  if (!index) return;  // The rows themselves still answer.
  bitmap_.assign((std::size_t{table_->physical_rows()} + 63) / 64, 0);
  const auto mark = [&](const TextIndex::Part& part, std::uint32_t term) {
    for (const std::uint32_t row : part.segment->rows(term)) {
      const Ordinal o = part.first + row;
      bitmap_[o >> 6] |= std::uint64_t{1} << (o & 63);
    }
  };
  for (const TextIndex::Part& part : (*index)->parts) {
    if (kind_ == TermKind::kToken) {
      for (const std::string& term : terms_) {
        if (const std::uint32_t id = part.segment->terms().find(term); id != TermTable::kNone) mark(part, id);
      }
      continue;
    }
    for (std::uint32_t id = 0; id < part.segment->terms().size(); ++id) {
      if (near_any(decode(part.segment->terms().term(id)), wide_terms_, edits_)) mark(part, id);
    }
  }
  ready_.store(bitmap_.data(), std::memory_order_release);
}

Result<std::unique_ptr<Bm25Scorer>> Bm25Scorer::make(const graph::TableView& table, std::size_t property,
                                                     std::string_view property_name, std::string_view query) {
  OG_ASSIGN_OR_RETURN(const auto index, text_index(table, property, property_name, TermKind::kToken));
  auto scorer = std::make_unique<Bm25Scorer>();
  const std::vector<std::string> tokens = analyzer().tokens(query);
  scorer->token_count_ = tokens.size();
  scorer->deleted_.assign(table.deleted_words().begin(), table.deleted_words().end());
  const auto& deleted = scorer->deleted_;
  std::uint64_t rows = 0;
  std::uint64_t length = 0;
  std::vector<std::uint64_t> frequency(tokens.size());
  for (const TextIndex::Part& part : index->parts) {
    const TextSegment& segment = *part.segment;
    rows += segment.filled_rows();
    length += segment.total_length();
    if (!deleted.empty()) {
      for (std::uint32_t row = 0; row < segment.row_count(); ++row) {
        if (segment.length(row) == 0 || !bit(deleted, part.first + row)) continue;
        --rows;
        length -= segment.length(row);
      }
    }
    Part own{part.first, part.segment, {}};
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const std::uint32_t id = segment.terms().find(tokens[t]);
      own.terms.push_back(id);
      if (id == TermTable::kNone) continue;
      const auto holders = segment.rows(id);
      frequency[t] += holders.size();
      if (deleted.empty()) continue;
      for (const std::uint32_t row : holders) frequency[t] -= bit(deleted, part.first + row) ? 1 : 0;
    }
    scorer->parts_.push_back(std::move(own));
  }
  scorer->statistics_.row_count = rows;
  scorer->statistics_.average_length = rows == 0 ? 0 : static_cast<double>(length) / static_cast<double>(rows);
  scorer->statistics_.document_frequency = std::move(frequency);
  return scorer;
}

double Bm25Scorer::exact_score(const Part& part, std::uint32_t row, std::vector<std::uint32_t>& counts) const {
  counts.assign(token_count_, 0);
  bool any = false;
  for (std::size_t t = 0; t < token_count_; ++t) {
    if (part.terms[t] == TermTable::kNone) continue;
    const auto rows = part.segment->rows(part.terms[t]);
    const auto it = std::ranges::lower_bound(rows, row);
    if (it == rows.end() || *it != row) continue;
    counts[t] = part.segment->count(part.terms[t], static_cast<std::size_t>(it - rows.begin()));
    any = true;
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

// Each posting is read once; the exact formula only decides among those that can still win.
std::vector<Bm25Scorer::Rough> Bm25Scorer::matching(std::span<const std::uint64_t> candidates) const {
  const double n = static_cast<double>(statistics_.row_count);
  std::vector<double> weights;
  for (const std::uint64_t df : statistics_.document_frequency) {
    const auto d = static_cast<double>(df);
    weights.push_back(std::log(1.0 + (n - d + 0.5) / (d + 0.5)) * (kK1 + 1));
  }
  const double per_token = kK1 * kB / statistics_.average_length;
  std::vector<Rough> out;
  for (const Part& part : parts_) {
    const TextSegment& segment = *part.segment;
    ZeroedScratch sums(segment.row_count());  // doubles, by bits
    const std::size_t before = out.size();
    for (std::size_t t = 0; t < token_count_; ++t) {
      if (part.terms[t] == TermTable::kNone) continue;
      const auto rows = segment.rows(part.terms[t]);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const double f = segment.count(part.terms[t], i);
        const double norm = kK1 * (1 - kB) + per_token * static_cast<double>(segment.length(rows[i]));
        std::uint64_t& sum = sums[rows[i]];
        if (sum == 0) out.push_back({&part, rows[i], 0});
        sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) + weights[t] * f / (f + norm));
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
