#include "index/text_segment_builder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "index/term_reader.h"
#include "index/text_segment_writer.h"

namespace omnigraph::index {

namespace {

constexpr std::size_t kUnitsPerChunk = std::size_t{1} << 19;
constexpr std::uint32_t kNoRow = 0xffffffffu;

// The numbers of the terms of whole rows, one row after the other. A number is one unit, or two: first sight orders the
// numbers, so that most of a text has small ones.
struct TermChunk {
  static constexpr std::uint32_t kWide = 0xc000;  // and above, as the first unit: the upper bits, less this
  static constexpr std::uint32_t kTermsMax = (0x10000 - kWide) << 16;

  std::unique_ptr<std::uint16_t[]> units;
  std::size_t size = 0, capacity = 0;

  // REQUIRES: room for two units.
  void append(std::uint32_t term) {
    if (term >= kWide) units[size++] = static_cast<std::uint16_t>(kWide + (term >> 16));
    units[size++] = static_cast<std::uint16_t>(term);
  }
  // The number at `at`, which moves behind it.
  [[nodiscard]] std::uint32_t next(std::size_t& at) const {
    const std::uint32_t unit = units[at++];
    return unit < kWide ? unit : (unit - kWide) << 16 | units[at++];
  }
};

// What is known of a term while rows are read.
struct SeenTerm {
  std::uint32_t rows = 0;
  std::uint32_t last_row = kNoRow;
};

}  // namespace

struct TextSegmentBuilder::Rows {
  explicit Rows(TermKind of_kind) : kind(of_kind), reader(of_kind) {}

  void append(std::string_view text) {
    const std::span<const std::uint32_t> terms = reader.read(text);
    OG_CHECK(reader.terms().size() <= TermChunk::kTermsMax);
    const std::size_t room = 2 * terms.size();
    if (chunks.empty() || chunks.back().capacity - chunks.back().size < room) {
      const std::size_t capacity = std::max(room, kUnitsPerChunk);
      chunks.push_back({std::make_unique_for_overwrite<std::uint16_t[]>(capacity), 0, capacity});
    }
    seen.resize(reader.terms().size());
    const auto row = static_cast<std::uint32_t>(lengths.size());
    for (const std::uint32_t term : terms) {
      seen[term].rows += seen[term].last_row == row ? 0 : 1;
      seen[term].last_row = row;
      chunks.back().append(term);
    }
    lengths.push_back(static_cast<std::uint32_t>(terms.size()));
  }

  // Calls visit(row, number of the term) for all, the rows from `row` on, which ends behind them. `last`: for the last
  // time; the numbers go on the way.
  template <class Visit>
  void for_each_term(bool last, std::uint32_t& row, Visit&& visit) {
    std::size_t chunk = 0, at = 0;
    for (const std::uint32_t length : lengths) {
      if (length > 0 && at == chunks[chunk].size) {
        if (last) chunks[chunk] = {};
        ++chunk;
        at = 0;
      }
      for (std::uint32_t i = 0; i < length; ++i) visit(row, chunks[chunk].next(at));
      ++row;
    }
  }

  const TermKind kind;
  TermReader reader;
  std::vector<TermChunk> chunks;
  std::vector<std::uint32_t> lengths;  // of each row, in terms
  std::vector<SeenTerm> seen;          // by term
};

namespace {

// Counts up to this have a byte.
constexpr std::uint8_t kLargeCount = 255;

// Postings are dealt out so many at a time, which bounds the memory of a large column.
constexpr std::uint64_t kPostingsPerPass = std::uint64_t{16} << 20;

// The terms of a segment in the order of their bytes.
struct SortedTerms {
  std::vector<std::uint32_t> ends;
  std::string bytes;
  std::vector<std::uint64_t> starts;  // of the postings of each among all, and the end

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends.size()); }
  [[nodiscard]] std::string_view term(std::uint32_t t) const {
    const std::uint32_t begin = t == 0 ? 0 : ends[t - 1];
    return std::string_view(bytes).substr(begin, ends[t] - begin);
  }
  // The end of the terms from `first` on that go in one pass; at least one.
  [[nodiscard]] std::uint32_t end_of_pass(std::uint32_t first) const {
    const auto after = std::upper_bound(starts.begin() + first + 1, starts.end(), starts[first] + kPostingsPerPass);
    return std::max(first + 1, static_cast<std::uint32_t>(after - starts.begin()) - 1);
  }
};

// The terms of all readers, each once.
struct AllTerms {
  TermTable table;
  std::vector<std::uint64_t> rows;             // by term
  std::vector<std::vector<std::uint32_t>> of;  // term by reader and the reader's term
};

// Terms in the order of their bytes: most differ in the first eight.
std::vector<std::uint32_t> sorted_terms(const TermTable& terms) {
  struct Entry {
    std::uint64_t prefix;  // the first eight bytes as a number that sorts like them
    std::uint32_t term;
  };
  std::vector<Entry> entries(terms.size());
  for (std::uint32_t id = 0; id < terms.size(); ++id) {
    const std::string_view term = terms.term(id);
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, term.data(), std::min(term.size(), sizeof(prefix)));
    entries[id] = {std::byteswap(prefix), id};
  }
  std::ranges::sort(entries, [&](const Entry& a, const Entry& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : terms.term(a.term) < terms.term(b.term);
  });
  std::vector<std::uint32_t> order;
  order.reserve(entries.size());
  for (const Entry& entry : entries) order.push_back(entry.term);
  return order;
}

// Numbers the terms in the order of their bytes; `terms.of` becomes these numbers.
SortedTerms number_terms(AllTerms& terms) {
  SortedTerms sorted;
  const std::vector<std::uint32_t> order = sorted_terms(terms.table);
  std::vector<std::uint32_t> rank(order.size());
  sorted.starts.push_back(0);
  for (std::uint32_t r = 0; r < order.size(); ++r) {
    rank[order[r]] = r;
    sorted.bytes += terms.table.term(order[r]);
    sorted.ends.push_back(static_cast<std::uint32_t>(sorted.bytes.size()));
    sorted.starts.push_back(sorted.starts.back() + terms.rows[order[r]]);
  }
  for (std::vector<std::uint32_t>& of_reader : terms.of) {
    for (std::uint32_t& term : of_reader) term = rank[term];
  }
  return sorted;
}

// Where the next posting of a term goes.
struct PostingEnd {
  std::uint64_t place = 0;
  std::uint32_t row = kNoRow;  // of the posting before it
};

// Deals out the postings of the terms [first, end).
class PostingDealer {
 public:
  PostingDealer(const SortedTerms& terms, std::uint32_t first, std::uint32_t end, bool scored)
      : terms_(terms), first_(first), scored_(scored), ends_(end - first) {
    for (std::uint32_t t = first; t < end; ++t) ends_[t - first].place = terms.starts[t] - terms.starts[first];
    rows_.resize(terms.starts[end] - terms.starts[first]);
    if (scored) counts_.resize(rows_.size());
  }

  void deal(std::uint32_t row, std::uint32_t term) {
    if (term - first_ >= ends_.size()) return;  // of another pass
    PostingEnd& end = ends_[term - first_];
    if (end.row == row) {
      if (scored_) count_again(end.place - 1);
      return;
    }
    end.row = row;
    rows_[end.place] = row;
    if (scored_) counts_[end.place] = 1;
    ++end.place;
  }

  // After all rows.
  void write(std::span<const std::uint32_t> lengths, TextSegmentWriter& writer) const {
    std::vector<std::uint32_t> counts;  // of a term
    auto next_large = large_.begin();
    std::uint64_t begin = 0;
    for (std::size_t t = 0; t < ends_.size(); ++t) {
      const std::uint64_t end = ends_[t].place;
      counts.clear();
      for (std::uint64_t at = begin; at < end && scored_; ++at) {
        counts.push_back(counts_[at] == kLargeCount ? (next_large++)->second : counts_[at]);
      }
      writer.append(terms_.term(first_ + static_cast<std::uint32_t>(t)), std::span(rows_).subspan(begin, end - begin),
                    counts, lengths);
      begin = end;
    }
  }

 private:
  void count_again(std::uint64_t place) {
    if (counts_[place] < kLargeCount) ++counts_[place];
    if (counts_[place] < kLargeCount) return;
    const auto [count, first] = large_.try_emplace(place, kLargeCount);
    if (!first) ++count->second;
  }

  const SortedTerms& terms_;
  const std::uint32_t first_;
  const bool scored_;
  std::vector<PostingEnd> ends_;  // by term
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint8_t> counts_;
  std::map<std::uint64_t, std::uint32_t> large_;  // counts of kLargeCount and more, by place
};

}  // namespace

TextSegmentBuilder::TextSegmentBuilder(TermKind kind) : rows_(std::make_unique<Rows>(kind)) {}
TextSegmentBuilder::~TextSegmentBuilder() = default;
TextSegmentBuilder::TextSegmentBuilder(TextSegmentBuilder&&) noexcept = default;

void TextSegmentBuilder::append(const columnar::Array& column, std::int64_t first, std::int64_t count) {
  for (std::int64_t i = first; i < first + count; ++i) {
    rows_->append(column.is_valid(i) ? column.string_value(i) : std::string_view());
  }
}

Buffer TextSegmentBuilder::finish(std::span<TextSegmentBuilder> builders, std::uint64_t parameters) {
  OG_CHECK(!builders.empty());
  const TermKind kind = builders.front().rows_->kind;
  AllTerms terms;
  std::vector<std::uint32_t> lengths;
  for (const TextSegmentBuilder& builder : builders) {
    const Rows& rows = *builder.rows_;
    lengths.insert(lengths.end(), rows.lengths.begin(), rows.lengths.end());
    std::vector<std::uint32_t>& of_reader = terms.of.emplace_back();
    for (std::uint32_t id = 0; id < rows.reader.terms().size(); ++id) {
      const std::uint32_t term = terms.table.intern(rows.reader.terms().term(id));
      terms.rows.resize(terms.table.size());
      terms.rows[term] += rows.seen[id].rows;
      of_reader.push_back(term);
    }
  }
  OG_CHECK(lengths.size() <= std::numeric_limits<std::uint32_t>::max());
  const SortedTerms sorted = number_terms(terms);
  terms.table = {};
  TextSegmentWriter writer;
  for (std::uint32_t first = 0; first < sorted.size();) {
    const std::uint32_t end = sorted.end_of_pass(first);
    PostingDealer dealer(sorted, first, end, kind == TermKind::kToken);
    std::uint32_t row = 0;
    for (std::size_t b = 0; b < builders.size(); ++b) {
      builders[b].rows_->for_each_term(end == sorted.size(), row, [&](std::uint32_t of_row, std::uint32_t term) {
        dealer.deal(of_row, terms.of[b][term]);
      });
    }
    dealer.write(lengths, writer);
    first = end;
  }
  for (TextSegmentBuilder& builder : builders) builder.rows_.reset();
  const IndexSource source{.kind = TextSegment::index_kind(kind), .rows = lengths.size(), .parameters = parameters};
  if (kind == TermKind::kFuzzyWord) lengths.clear();  // of tokens only
  return writer.finish(lengths, source);
}

}  // namespace omnigraph::index
