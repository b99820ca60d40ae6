#include "graph/row_map.h"

#include <algorithm>

namespace omnigraph::graph {
namespace {

// Shorter runs are not worth a step of the binary search.
constexpr std::uint64_t kRunRowsMin = 1024;

struct Place {
  std::uint64_t row_id = 0;
  std::uint32_t ordinal = 0;
};

}  // namespace

RowMap::RowMap(const std::vector<lance::Fragment>& fragments, std::span<const std::uint64_t> deleted)
    : deleted_(deleted.begin(), deleted.end()) {
  std::vector<Place> singles;
  std::uint32_t ordinal = 0;
  const auto add_single = [&](std::uint64_t row_id, std::uint32_t at) {
    if (!is_deleted(at)) singles.push_back({row_id, at});
  };
  std::vector<Run> candidates;
  for (const lance::Fragment& fragment : fragments) {
    std::uint32_t at = ordinal;
    for (const lance::RowIdSequence::Segment& segment : fragment.row_ids->segments()) {
      const auto size = static_cast<std::uint32_t>(segment.size());
      if (segment.values.empty() && size >= kRunRowsMin) {
        candidates.push_back({segment.range.start, segment.range.end, at});
      } else {
        for (std::uint32_t i = 0; i < size; ++i) {
          add_single(segment.values.empty() ? segment.range.start + i : segment.values[i], at + i);
        }
      }
      at += size;
    }
    ordinal += static_cast<std::uint32_t>(fragment.physical_rows);
  }
  // Two runs may share ids when rows were rewritten in bulk; then the older run's rows are deleted. Those go row by
  // row.
  std::sort(candidates.begin(), candidates.end(), [](const Run& a, const Run& b) { return a.start < b.start; });
  std::uint64_t covered_to = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Run& run = candidates[i];
    const bool next_overlaps = i + 1 < candidates.size() && candidates[i + 1].start < run.end;
    if (run.start >= covered_to && !next_overlaps) {
      runs_.push_back(run);
    } else {
      for (std::uint64_t id = run.start; id < run.end; ++id) {
        add_single(id, run.ordinal + static_cast<std::uint32_t>(id - run.start));
      }
    }
    covered_to = std::max(covered_to, run.end);
  }
  if (singles.empty()) return;

  std::uint64_t first = ~std::uint64_t{0}, last = 0;
  for (const Place& place : singles) {
    first = std::min(first, place.row_id);
    last = std::max(last, place.row_id);
  }
  if (last - first < 4 * singles.size() + 4096) {
    dense_start_ = first;
    dense_.assign(last - first + 1, kNone);
    for (const Place& place : singles) dense_[place.row_id - first] = place.ordinal;
  } else {
    rows_.reserve(singles.size());
    for (const Place& place : singles) rows_[place.row_id] = place.ordinal;
  }
}

std::uint64_t RowMap::memory_bytes() const {
  constexpr std::uint64_t kHashedRowBytes = 64;  // its node, bucket and allocation
  return sizeof(*this) + deleted_.capacity() * sizeof(deleted_[0]) + runs_.capacity() * sizeof(Run) +
         dense_.capacity() * sizeof(dense_[0]) + rows_.size() * kHashedRowBytes;
}

std::uint32_t RowMap::find(std::uint64_t row_id) const {
  if (row_id >= dense_start_ && row_id - dense_start_ < dense_.size()) {
    if (const std::uint32_t ordinal = dense_[row_id - dense_start_]; ordinal != kNone) return ordinal;
  }
  if (!rows_.empty()) {
    if (const auto found = rows_.find(row_id); found != rows_.end()) return found->second;
  }
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), row_id,
                                      [](std::uint64_t id, const Run& run) { return id < run.start; });
  if (after == runs_.begin()) return kNone;
  const Run& run = *(after - 1);
  if (row_id >= run.end) return kNone;
  const auto ordinal = run.ordinal + static_cast<std::uint32_t>(row_id - run.start);
  return is_deleted(ordinal) ? kNone : ordinal;
}

}  // namespace omnigraph::graph
