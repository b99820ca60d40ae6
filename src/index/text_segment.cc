#include "exec/text_segment.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/hash.h"
#include "base/task_pool.h"
#include "index/text_analysis.h"

namespace omnigraph::exec {
namespace {

// Enough for the text of a few million rows; beyond it the least recently used segments are built again.
constexpr std::size_t kCacheBytesMax = std::size_t{512} << 20;
// Rows a task analyses: large enough to amortize its term table.
constexpr std::int64_t kRowsPerTask = 8192;

class SegmentCache {
 public:
  std::shared_ptr<const TextSegment> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->segment;
  }
  void put(const std::string& key, std::shared_ptr<const TextSegment> segment) {
    const std::lock_guard lock(mutex_);
    if (by_key_.contains(key)) return;
    bytes_ += segment->size_bytes();
    order_.push_front({key, std::move(segment)});
    by_key_[key] = order_.begin();
    while (bytes_ > kCacheBytesMax && order_.size() > 1) {
      bytes_ -= order_.back().segment->size_bytes();
      by_key_.erase(order_.back().key);
      order_.pop_back();
    }
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const TextSegment> segment;
  };
  std::mutex mutex_;
  std::list<Entry> order_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

SegmentCache& segment_cache() {
  static SegmentCache cache;
  return cache;
}

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
  index::TextAnalyzer analyzer;
  std::vector<std::uint32_t> place_of;  // per term: its place in term_ids for the current row, plus one
  std::uint32_t row_begin = 0;
  std::uint32_t length = 0;
  const auto add = [&](std::string_view term) {
    ++length;
    const std::uint32_t id = out.terms.intern(term);
    if (id == place_of.size()) place_of.push_back(0);
    if (place_of[id] > row_begin) {
      ++out.counts[place_of[id] - 1];
      return;
    }
    out.term_ids.push_back(id);
    out.counts.push_back(1);
    place_of[id] = static_cast<std::uint32_t>(out.term_ids.size());
  };
  const std::function<void(std::string_view)> emit = add;
  for (std::int64_t i = begin; i < end; ++i) {
    const auto place = column.locate(i);
    const columnar::Array& chunk = *column.chunk(place.chunk);
    length = 0;
    if (chunk.is_valid(place.index)) {
      const std::string_view text = chunk.string_value(place.index);
      if (kind == TermKind::kToken) {
        analyzer.tokens(text, emit);
      } else {
        for (const std::string& word : analyzer.fuzzy_words(text)) add(word);
      }
    }
    row_begin = static_cast<std::uint32_t>(out.term_ids.size());
    out.row_ends.push_back(row_begin);
    out.lengths.push_back(length);
  }
}

// Names of the files that hold one fragment's columns; empty if there are none to name it by.
std::string fragment_key(const lance::Fragment& fragment) {
  std::string key;
  for (const lance::DataFileEntry& file : fragment.files) {
    key += file.path;
    key += '\n';
  }
  return key;
}

}  // namespace

TermTable::TermTable() : slots_(64, Slot{0, kNone}) {}

std::uint32_t TermTable::intern(std::string_view term) {
  const std::uint64_t hash = base::hash64(term);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].id == kNone) {
      const auto id = static_cast<std::uint32_t>(ends_.size());
      slots_[at] = {tag, id};
      bytes_ += term;
      ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
      if (ends_.size() * 2 > slots_.size()) grow();
      return id;
    }
    if (slots_[at].tag == tag && this->term(slots_[at].id) == term) return slots_[at].id;
  }
}

std::uint32_t TermTable::find(std::string_view term) const {
  const std::uint64_t hash = base::hash64(term);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].id == kNone) return kNone;
    if (slots_[at].tag == tag && this->term(slots_[at].id) == term) return slots_[at].id;
  }
}

void TermTable::grow() {
  std::vector<Slot> larger(slots_.size() * 2, Slot{0, kNone});
  for (std::uint32_t id = 0; id < ends_.size(); ++id) {
    const std::uint64_t hash = base::hash64(term(id));
    std::size_t at = hash & (larger.size() - 1);
    while (larger[at].id != kNone) at = (at + 1) & (larger.size() - 1);
    larger[at] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
  slots_ = std::move(larger);
}

std::shared_ptr<const TextSegment> TextSegment::build(const columnar::ChunkedArray& column, std::int64_t first,
                                                      std::int64_t count, TermKind kind) {
  const auto tasks = static_cast<std::size_t>((count + kRowsPerTask - 1) / kRowsPerTask);
  std::vector<Partial> partials(tasks);
  const auto run = [&](std::size_t t) {
    const std::int64_t begin = first + static_cast<std::int64_t>(t) * kRowsPerTask;
    analyse_rows(column, begin, std::min(begin + kRowsPerTask, first + count), kind, partials[t]);
  };
  if (tasks <= 1) {
    for (std::size_t t = 0; t < tasks; ++t) run(t);
  } else {
    base::TaskPool::shared().parallel_for(tasks, run);
  }

  auto segment = std::make_shared<TextSegment>();
  TextSegment& s = *segment;
  std::vector<std::vector<std::uint32_t>> global_ids(tasks);
  std::vector<std::uint64_t> frequency;
  for (std::size_t t = 0; t < tasks; ++t) {
    const Partial& p = partials[t];
    global_ids[t].reserve(p.terms.size());
    for (std::uint32_t id = 0; id < p.terms.size(); ++id) global_ids[t].push_back(s.terms_.intern(p.terms.term(id)));
    frequency.resize(s.terms_.size());
    for (const std::uint32_t id : p.term_ids) ++frequency[global_ids[t][id]];
  }
  s.starts_.resize(s.terms_.size() + 1);
  for (std::size_t i = 0; i < s.terms_.size(); ++i) s.starts_[i + 1] = s.starts_[i] + frequency[i];
  s.rows_.resize(s.starts_.back());
  s.counts_.resize(s.starts_.back());
  std::vector<std::uint64_t> next(s.starts_.begin(), s.starts_.end() - 1);
  std::uint32_t row = 0;
  for (std::size_t t = 0; t < tasks; ++t) {
    const Partial& p = partials[t];
    std::uint32_t at = 0;
    for (const std::uint32_t row_end : p.row_ends) {
      for (; at < row_end; ++at) {
        const std::uint64_t place = next[global_ids[t][p.term_ids[at]]]++;
        s.rows_[place] = row;
        s.counts_[place] = static_cast<std::uint8_t>(std::min<std::uint32_t>(p.counts[at], 255));
        if (p.counts[at] >= 255) s.large_counts_.push_back({place, p.counts[at]});
      }
      ++row;
    }
    for (const std::uint32_t length : p.lengths) {
      s.lengths_.push_back(length);
      s.total_length_ += length;
      s.filled_rows_ += length > 0 ? 1 : 0;
    }
    partials[t] = Partial();
  }
  std::ranges::sort(s.large_counts_, {}, &LargeCount::at);
  return segment;
}

std::uint32_t TextSegment::count(std::uint32_t term, std::size_t i) const {
  const std::uint64_t at = starts_[term] + i;
  if (counts_[at] < 255) return counts_[at];
  return std::ranges::lower_bound(large_counts_, at, {}, &LargeCount::at)->count;
}

std::size_t TextSegment::size_bytes() const {
  return terms_.size_bytes() + starts_.size() * 8 + rows_.size() * 5 + large_counts_.size() * sizeof(LargeCount) +
         lengths_.size() * 4;
}

Result<std::shared_ptr<const TextIndex>> text_index(const graph::TableView& table, std::size_t property,
                                                    std::string_view property_name, TermKind kind) {
  OG_ASSIGN_OR_RETURN(const auto column, table.property(property));
  auto out = std::make_shared<TextIndex>();
  const lance::Manifest& manifest = table.manifest();
  // A property keeps its field id through renames; one that no file holds is all null.
  std::int32_t field_id = -1;
  for (const lance::SchemaField& field : manifest.fields) {
    if (field.parent_id == -1 && field.name == property_name) field_id = field.id;
  }
  for (std::size_t i = 0; i < manifest.fragments.size(); ++i) {
    const lance::Fragment& fragment = manifest.fragments[i];
    const graph::Ordinal first = table.fragment_start(i);
    const auto count = static_cast<std::int64_t>(fragment.physical_rows);
    std::string key = fragment_key(fragment);
    if (key.empty() || field_id < 0) {
      out->parts.push_back({first, TextSegment::build(*column, first, count, kind)});
      continue;
    }
    key += std::to_string(field_id) + (kind == TermKind::kToken ? ":text-1" : ":fuzzy-1");
    std::shared_ptr<const TextSegment> segment = segment_cache().find(key);
    if (segment == nullptr || segment->row_count() != fragment.physical_rows) {
      segment = TextSegment::build(*column, first, count, kind);
      segment_cache().put(key, segment);
    }
    out->parts.push_back({first, std::move(segment)});
  }
  return out;
}

}  // namespace omnigraph::exec
