#include "index/text_segment.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/task_pool.h"
#include "index/text_analysis.h"

namespace omnigraph::index {
namespace {

// Rows a task analyses: large enough to amortize its term table.
constexpr std::int64_t kRowsPerTask = 8192;
// Words whose tokens a thread remembers: by Zipf's law nearly all of a text's.
constexpr std::size_t kCachedWords = 32'768;
constexpr std::size_t kTextArrays = 11;

// Interns strings: ids 0, 1, .. in order of first sight.
class TermTable {
 public:
  TermTable() : slots_(64, Slot{0, TextSegment::kNoTerm}) {}

  std::uint32_t intern(std::string_view term) {
    const std::uint64_t hash = base::hash64(term);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].id == TextSegment::kNoTerm) {
        const auto id = static_cast<std::uint32_t>(ends_.size());
        slots_[at] = {tag, id};
        bytes_ += term;
        OG_CHECK(bytes_.size() <= std::numeric_limits<std::uint32_t>::max());
        ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
        if (ends_.size() * 2 > slots_.size()) grow();
        return id;
      }
      if (slots_[at].tag == tag && this->term(slots_[at].id) == term) return slots_[at].id;
    }
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  [[nodiscard]] std::string_view term(std::uint32_t id) const {
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t id;
  };

  void grow() {
    std::vector<Slot> larger(slots_.size() * 2, Slot{0, TextSegment::kNoTerm});
    for (std::uint32_t id = 0; id < ends_.size(); ++id) {
      const std::uint64_t hash = base::hash64(term(id));
      std::size_t at = hash & (larger.size() - 1);
      while (larger[at].id != TextSegment::kNoTerm) at = (at + 1) & (larger.size() - 1);
      larger[at] = {static_cast<std::uint32_t>(hash >> 32), id};
    }
    slots_ = std::move(larger);
  }

  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  std::vector<Slot> slots_;
};

// What one task found: per row its distinct terms with counts, in row order.
struct Partial {
  TermTable terms;
  std::vector<std::uint32_t> row_ends;
  std::vector<std::uint32_t> term_ids;
  std::vector<std::uint32_t> counts;
  std::vector<std::uint32_t> lengths;
};

void analyse_rows(const columnar::ChunkedArray& column, std::int64_t begin, std::int64_t end, TermKind kind,
                  Partial& out) {
  thread_local TextAnalyzer analyzer(kCachedWords);
  std::vector<std::uint32_t> place_of;  // per term: its place in term_ids for the current row, plus one
  std::uint32_t row_begin = 0;
  std::uint32_t length = 0;
  const auto count = [&](std::uint32_t id) {
    ++length;
    if (id == place_of.size()) place_of.push_back(0);
    if (place_of[id] > row_begin) {
      ++out.counts[place_of[id] - 1];
      return;
    }
    out.term_ids.push_back(id);
    out.counts.push_back(1);
    place_of[id] = static_cast<std::uint32_t>(out.term_ids.size());
  };
  // Term of the word that the analyzer remembers in a place, so that most words are not looked up a second time.
  struct Known {
    std::uint64_t number = 0;
    std::uint32_t id = 0;
  };
  std::vector<Known> known(kind == TermKind::kToken ? analyzer.cached_words() : 0);
  const std::function<void(std::string_view, TextAnalyzer::Memory)> add_token = [&](std::string_view term,
                                                                                    TextAnalyzer::Memory memory) {
    Known& here = known[memory.place];
    if (memory.number == 0) return count(out.terms.intern(term));
    if (here.number != memory.number) here = {memory.number, out.terms.intern(term)};
    count(here.id);
  };
  const std::function<void(std::string_view)> add_word = [&](std::string_view word) { count(out.terms.intern(word)); };
  for (std::int64_t i = begin; i < end; ++i) {
    const auto place = column.locate(i);
    const columnar::Array& chunk = *column.chunk(place.chunk);
    length = 0;
    if (chunk.is_valid(place.index)) {
      const std::string_view text = chunk.string_value(place.index);
      if (kind == TermKind::kToken) {
        analyzer.remembered_tokens(text, add_token);
      } else {
        analyzer.fuzzy_words(text, add_word);
      }
    }
    row_begin = static_cast<std::uint32_t>(out.term_ids.size());
    out.row_ends.push_back(row_begin);
    out.lengths.push_back(length);
  }
}

std::vector<Partial> analyse(const columnar::ChunkedArray& column, std::int64_t first, std::int64_t count,
                             TermKind kind) {
  const auto tasks = static_cast<std::size_t>((count + kRowsPerTask - 1) / kRowsPerTask);
  std::vector<Partial> partials(tasks);
  const auto run = [&](std::size_t t) {
    const std::int64_t begin = first + static_cast<std::int64_t>(t) * kRowsPerTask;
    analyse_rows(column, begin, std::min(begin + kRowsPerTask, first + count), kind, partials[t]);
  };
  if (tasks == 1) {
    run(0);
  } else {
    base::TaskPool::shared().parallel_for(tasks, run);
  }
  return partials;
}

// The arrays of a segment in the making.
struct Arrays {
  std::array<std::uint64_t, 2> totals{};  // rows with a token, tokens
  std::vector<std::uint32_t> term_ends;
  std::string term_bytes;
  std::vector<std::uint64_t> starts;
  std::vector<std::uint32_t> rows;
  std::vector<std::uint8_t> counts;
  std::vector<std::uint64_t> large_at;
  std::vector<std::uint32_t> large_counts;
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint64_t> block_starts;
  std::vector<TextSegment::Block> blocks;
};

// Number of each of a partial's terms in the whole segment.
using TermIds = std::vector<std::vector<std::uint32_t>>;

// Numbers the terms in the order of their bytes and counts their rows.
TermIds number_terms(const std::vector<Partial>& partials, Arrays& out) {
  TermTable terms;
  TermIds ids(partials.size());
  std::vector<std::uint64_t> frequency;
  for (std::size_t t = 0; t < partials.size(); ++t) {
    const Partial& partial = partials[t];
    for (std::uint32_t id = 0; id < partial.terms.size(); ++id) ids[t].push_back(terms.intern(partial.terms.term(id)));
    frequency.resize(terms.size());
    for (const std::uint32_t id : partial.term_ids) ++frequency[ids[t][id]];
  }
  std::vector<std::uint32_t> order(terms.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t id) { return terms.term(id); });
  std::vector<std::uint32_t> rank(terms.size());
  out.starts.push_back(0);
  for (std::uint32_t r = 0; r < order.size(); ++r) {
    rank[order[r]] = r;
    out.term_bytes += terms.term(order[r]);
    out.term_ends.push_back(static_cast<std::uint32_t>(out.term_bytes.size()));
    out.starts.push_back(out.starts.back() + frequency[order[r]]);
  }
  for (std::vector<std::uint32_t>& of_partial : ids) {
    for (std::uint32_t& id : of_partial) id = rank[id];
  }
  return ids;
}

// Frees each partial once its postings are dealt out.
void deal_out(std::vector<Partial>& partials, const TermIds& ids, TermKind kind, std::uint8_t large, Arrays& out) {
  const bool scored = kind == TermKind::kToken;
  out.rows.resize(out.starts.back());
  if (scored) out.counts.resize(out.starts.back());
  std::vector<std::pair<std::uint64_t, std::uint32_t>> large_counts;
  std::vector<std::uint64_t> next(out.starts.begin(), out.starts.end() - 1);
  std::uint32_t row = 0;
  for (std::size_t t = 0; t < partials.size(); ++t) {
    const Partial& partial = partials[t];
    std::uint32_t at = 0;
    for (const std::uint32_t row_end : partial.row_ends) {
      for (; at < row_end; ++at) {
        const std::uint64_t place = next[ids[t][partial.term_ids[at]]]++;
        out.rows[place] = row;
        if (!scored) continue;
        out.counts[place] = static_cast<std::uint8_t>(std::min<std::uint32_t>(partial.counts[at], large));
        if (partial.counts[at] >= large) large_counts.emplace_back(place, partial.counts[at]);
      }
      ++row;
    }
    if (scored) {
      for (const std::uint32_t length : partial.lengths) {
        out.lengths.push_back(length);
        out.totals[0] += length > 0 ? 1 : 0;
        out.totals[1] += length;
      }
    }
    partials[t] = Partial();
  }
  std::ranges::sort(large_counts);
  for (const auto& [place, count] : large_counts) {
    out.large_at.push_back(place);
    out.large_counts.push_back(count);
  }
}

void cut_blocks(std::uint8_t large, Arrays& out) {
  std::size_t next_large = 0;
  out.block_starts.push_back(0);
  for (std::size_t t = 0; t + 1 < out.starts.size(); ++t) {
    for (std::uint64_t begin = out.starts[t]; begin < out.starts[t + 1]; begin += kPostingBlock) {
      const std::uint64_t end = std::min<std::uint64_t>(begin + kPostingBlock, out.starts[t + 1]);
      TextSegment::Block block{out.rows[end - 1], 0, std::numeric_limits<std::uint32_t>::max()};
      for (std::uint64_t at = begin; at < end; ++at) {
        const std::uint32_t count = out.counts[at] < large ? out.counts[at] : out.large_counts[next_large++];
        block.max_count = std::max(block.max_count, count);
        block.min_length = std::min(block.min_length, out.lengths[out.rows[at]]);
      }
      out.blocks.push_back(block);
    }
    out.block_starts.push_back(out.blocks.size());
  }
}

Buffer index_file(const Arrays& arrays, const IndexSource& source) {
  IndexFileWriter writer(source);
  const auto add = [&]<class T>(const std::vector<T>& items) { writer.add(std::span<const T>(items)); };
  writer.add(std::span<const std::uint64_t>(arrays.totals));
  add(arrays.term_ends);
  writer.add(std::span<const char>(arrays.term_bytes));
  add(arrays.starts);
  add(arrays.rows);
  add(arrays.counts);
  add(arrays.large_at);
  add(arrays.large_counts);
  add(arrays.lengths);
  add(arrays.block_starts);
  add(arrays.blocks);
  return writer.finish();
}

// Both are counters of ends: each at least the one before.
template <class T>
bool ascends(std::span<const T> ends) {
  return std::ranges::is_sorted(ends);
}

}  // namespace

IndexKind TextSegment::index_kind(TermKind kind) {
  return kind == TermKind::kToken ? IndexKind::kText : IndexKind::kWords;
}

// The words of fuzzy() are made by steps of the same chain.
std::string_view TextSegment::recipe(TermKind kind) {
  return kind == TermKind::kToken ? kTextAnalysisVersion : "words of text-1";
}

TextSegmentPtr TextSegment::build(const columnar::ChunkedArray& column, std::int64_t first, std::int64_t count,
                                  TermKind kind, std::uint64_t parameters) {
  OG_CHECK(count <= std::numeric_limits<std::uint32_t>::max());
  Arrays arrays;
  {
    std::vector<Partial> partials = analyse(column, first, count, kind);
    const TermIds ids = number_terms(partials, arrays);
    deal_out(partials, ids, kind, kLargeCount, arrays);
  }
  if (kind == TermKind::kToken) cut_blocks(kLargeCount, arrays);
  const IndexSource source{
      .kind = index_kind(kind), .rows = static_cast<std::uint64_t>(count), .parameters = parameters};
  Result<TextSegmentPtr> segment = open(index_file(arrays, source), source);
  OG_CHECK(segment.has_value());
  return *std::move(segment);
}

Result<TextSegmentPtr> TextSegment::open(Buffer bytes, const IndexSource& source) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, kTextArrays));
  const TermKind kind = source.kind == IndexKind::kText ? TermKind::kToken : TermKind::kFuzzyWord;
  auto segment = std::make_shared<TextSegment>();
  segment->bytes_ = file.bytes();
  segment->row_count_ = static_cast<std::uint32_t>(source.rows);
  OG_RETURN_IF_ERROR(segment->take_arrays(file, kind));
  return segment;
}

Result<void> TextSegment::take_arrays(const IndexFile& file, TermKind kind) {
  OG_ASSIGN_OR_RETURN(const auto totals, file.array<std::uint64_t>(0));
  OG_ASSIGN_OR_RETURN(term_ends_, file.array<std::uint32_t>(1));
  OG_ASSIGN_OR_RETURN(term_bytes_, file.array<char>(2));
  OG_ASSIGN_OR_RETURN(starts_, file.array<std::uint64_t>(3));
  OG_ASSIGN_OR_RETURN(rows_, file.array<std::uint32_t>(4));
  OG_ASSIGN_OR_RETURN(counts_, file.array<std::uint8_t>(5));
  OG_ASSIGN_OR_RETURN(large_at_, file.array<std::uint64_t>(6));
  OG_ASSIGN_OR_RETURN(large_counts_, file.array<std::uint32_t>(7));
  OG_ASSIGN_OR_RETURN(lengths_, file.array<std::uint32_t>(8));
  OG_ASSIGN_OR_RETURN(block_starts_, file.array<std::uint64_t>(9));
  OG_ASSIGN_OR_RETURN(blocks_, file.array<Block>(10));
  if (totals.size() != 2 || !is_consistent(kind)) {
    return std::unexpected(Error{Code::kCorruptObject, "its arrays contradict each other"});
  }
  filled_rows_ = totals[0];
  total_length_ = totals[1];
  return {};
}

bool TextSegment::is_consistent(TermKind kind) const {
  if (starts_.size() != term_ends_.size() + 1 || starts_[0] != 0 || starts_.back() != rows_.size()) return false;
  if ((term_ends_.empty() ? 0 : term_ends_.back()) != term_bytes_.size()) return false;
  if (!ascends(term_ends_) || !ascends(starts_)) return false;
  if (kind == TermKind::kFuzzyWord) return true;
  if (counts_.size() != rows_.size() || lengths_.size() != row_count_) return false;
  if (large_at_.size() != large_counts_.size() || block_starts_.size() != starts_.size()) return false;
  if (block_starts_[0] != 0 || block_starts_.back() != blocks_.size()) return false;
  for (std::size_t t = 0; t < term_ends_.size(); ++t) {
    const std::uint64_t postings = starts_[t + 1] - starts_[t];
    if (block_starts_[t] + (postings + kPostingBlock - 1) / kPostingBlock != block_starts_[t + 1]) return false;
  }
  return true;
}

std::uint32_t TextSegment::find(std::string_view term) const {
  std::uint32_t first = 0;
  for (std::uint32_t count = term_count(); count > 0;) {
    const std::uint32_t half = count / 2;
    if (this->term(first + half) < term) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first < term_count() && this->term(first) == term ? first : kNoTerm;
}

std::uint32_t TextSegment::large_count(std::uint64_t at) const {
  const auto found = std::ranges::lower_bound(large_at_, at);
  return found == large_at_.end() || *found != at ? kLargeCount
                                                  : large_counts_[static_cast<std::size_t>(found - large_at_.begin())];
}

}  // namespace omnigraph::index
