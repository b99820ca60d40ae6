#include "index/adjacency.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/result.h"

namespace omnigraph::index {
namespace {

// neighbour << 32 | edge, so that one comparison orders both.
using Packed = std::uint64_t;

Packed pack(std::uint32_t neighbor, std::uint32_t edge) { return static_cast<Packed>(neighbor) << 32 | edge; }
std::uint32_t neighbor_of(Packed packed) { return static_cast<std::uint32_t>(packed >> 32); }
std::uint32_t edge_of(Packed packed) { return static_cast<std::uint32_t>(packed); }

// Longer rows are sorted by radix, which keeps the whole build linear.
constexpr std::size_t kComparisonSortMax = 2048;

// Least significant byte first; bytes that all values share are passed over.
void radix_sort(std::span<Packed> row, std::vector<Packed>& spare) {
  spare.resize(row.size());
  std::span<Packed> from = row;
  std::span<Packed> to(spare);
  for (int shift = 0; shift < 64; shift += 8) {
    std::array<std::size_t, 256> starts{};
    for (const Packed packed : from) ++starts[packed >> shift & 0xff];
    if (std::ranges::find(starts, row.size()) != starts.end()) continue;
    std::size_t sum = 0;
    for (std::size_t& start : starts) start = std::exchange(sum, sum + start);
    for (const Packed packed : from) to[starts[packed >> shift & 0xff]++] = packed;
    std::swap(from, to);
  }
  if (from.data() != row.data()) std::ranges::copy(from, row.begin());
}

void sort_row(std::span<Packed> row, std::vector<Packed>& spare) {
  if (row.size() < 2 || std::ranges::is_sorted(row)) return;
  if (row.size() <= kComparisonSortMax) {
    std::ranges::sort(row);
  } else {
    radix_sort(row, spare);
  }
}

}  // namespace

Adjacency Adjacency::build(std::span<const std::uint32_t> from, std::span<const std::uint32_t> to,
                           std::span<const std::uint32_t> edge, std::uint32_t from_count, std::uint32_t to_count) {
  OG_CHECK(from.size() == to.size() && from.size() == edge.size() && from.size() < kNone);
  Adjacency result;
  std::vector<std::uint32_t>& offsets = result.offsets_;
  offsets.assign(static_cast<std::size_t>(from_count) + 1, 0);
  const auto is_skipped = [&](std::size_t i) { return from[i] == kNone || to[i] == kNone; };
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (is_skipped(i)) continue;
    OG_CHECK(from[i] < from_count && to[i] < to_count);
    ++offsets[from[i]];
  }
  // offsets[v] becomes the start of row v, moves to its end while the row fills, and is shifted back at the end.
  std::uint32_t total = 0;
  for (std::uint32_t& offset : offsets) offset = std::exchange(total, total + offset);
  const auto rows = std::make_unique_for_overwrite<Packed[]>(total);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!is_skipped(i)) rows[offsets[from[i]]++] = pack(to[i], edge[i]);
  }
  std::move_backward(offsets.begin(), offsets.end() - 1, offsets.end());
  offsets.front() = 0;

  result.neighbors_.resize(total);
  result.edges_.resize(total);
  std::vector<Packed> spare;
  for (std::uint32_t v = 0; v < from_count; ++v) {
    const std::span<Packed> row(rows.get() + offsets[v], offsets[v + 1] - offsets[v]);
    sort_row(row, spare);
    for (std::size_t k = 0; k < row.size(); ++k) {
      result.neighbors_[offsets[v] + k] = neighbor_of(row[k]);
      result.edges_[offsets[v] + k] = edge_of(row[k]);
      if (k > 0 && neighbor_of(row[k - 1]) == neighbor_of(row[k])) result.has_parallel_edges_ = true;
    }
  }
  return result;
}

}  // namespace omnigraph::index
