#include "index/adjacency.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/result.h"
#include "index/edge_rows.h"

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

struct Entry {
  std::uint32_t from;
  std::uint32_t to;
  std::uint32_t edge;
};

// Sources are dealt out to partitions before their rows are filled: filling writes all over a partition, which then
// stays in the second-level cache, while dealing writes as many streams as there are partitions.
constexpr std::size_t kPartitionEntries = 1 << 15;
constexpr std::size_t kPartitionsMax = 512;

// Sources v with v >> shift equal share a partition.
int partition_shift(std::size_t entry_count, std::uint32_t from_count) {
  const std::size_t wanted = std::clamp<std::size_t>(entry_count / kPartitionEntries, 1, kPartitionsMax);
  int shift = 0;
  while ((static_cast<std::uint64_t>(from_count) + (std::uint64_t{1} << shift) - 1) >> shift > wanted) ++shift;
  return shift;
}

struct Rows {
  std::vector<std::uint32_t>& offsets;
  std::vector<std::uint32_t>& neighbors;
  std::vector<std::uint32_t>& edges;
  bool has_parallel_edges = false;
  std::vector<std::uint32_t> cursors{};
  std::vector<Packed> packed{};
  std::vector<Packed> spare{};

  // Fills the rows of sources [first, last) from all their entries.
  void fill(std::uint32_t first, std::uint32_t last, std::span<const Entry> entries) {
    const std::uint32_t base = offsets[first];
    cursors.assign(offsets.begin() + first, offsets.begin() + last);
    if (packed.size() < entries.size()) packed.resize(entries.size());
    for (const Entry& entry : entries) packed[cursors[entry.from - first]++ - base] = pack(entry.to, entry.edge);
    for (std::uint32_t v = first; v < last; ++v) {
      const std::span<Packed> row(packed.data() + (offsets[v] - base), offsets[v + 1] - offsets[v]);
      sort_row(row, spare);
      for (std::size_t k = 0; k < row.size(); ++k) {
        neighbors[offsets[v] + k] = neighbor_of(row[k]);
        edges[offsets[v] + k] = edge_of(row[k]);
        if (k > 0 && neighbor_of(row[k - 1]) == neighbor_of(row[k])) has_parallel_edges = true;
      }
    }
  }
};

}  // namespace

Adjacency Adjacency::build(std::span<const std::uint32_t> from, std::span<const std::uint32_t> to,
                           std::span<const std::uint32_t> edge, std::uint32_t from_count, std::uint32_t to_count) {
  OG_CHECK(from.size() == to.size() && from.size() == edge.size() && from.size() < kNone);
  Adjacency result;
  std::vector<std::uint32_t>& offsets = result.own_offsets_;
  offsets.assign(static_cast<std::size_t>(from_count) + 1, 0);
  const auto is_skipped = [&](std::size_t i) { return from[i] == kNone || to[i] == kNone; };
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (is_skipped(i)) continue;
    OG_CHECK(from[i] < from_count && to[i] < to_count);
    ++offsets[from[i]];
  }
  std::uint32_t total = 0;
  for (std::uint32_t& offset : offsets) offset = std::exchange(total, total + offset);
  result.own_neighbors_.resize(total);
  result.own_edges_.resize(total);

  const int shift = partition_shift(total, from_count);
  std::vector<std::uint32_t> cursors;  // of the partitions in `dealt`
  for (std::uint64_t v = 0; v < from_count; v += std::uint64_t{1} << shift) cursors.push_back(offsets[v]);
  const auto dealt = std::make_unique_for_overwrite<Entry[]>(total);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!is_skipped(i)) dealt[cursors[static_cast<std::uint64_t>(from[i]) >> shift]++] = {from[i], to[i], edge[i]};
  }

  Rows rows{offsets, result.own_neighbors_, result.own_edges_};
  for (std::size_t partition = 0; partition < cursors.size(); ++partition) {
    const std::uint64_t begin = static_cast<std::uint64_t>(partition) << shift;
    const auto first = static_cast<std::uint32_t>(begin);
    const auto last =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(begin + (std::uint64_t{1} << shift), from_count));
    rows.fill(first, last, {dealt.get() + offsets[first], offsets[last] - offsets[first]});
  }
  result.has_parallel_edges_ = rows.has_parallel_edges;
  result.offsets_ = result.own_offsets_;
  result.neighbors_ = result.own_neighbors_;
  result.edges_ = result.own_edges_;
  return result;
}

Adjacency Adjacency::assemble(const Pieces& pieces) {
  OG_CHECK(pieces.files.size() == pieces.first.size());
  Adjacency result;
  const bool nothing_left_out =
      pieces.deleted_edges.empty() && pieces.deleted_from.empty() && pieces.deleted_to.empty();
  if (pieces.files.size() == 1 && pieces.first[0] == 0 && pieces.loose.empty() && nothing_left_out) {
    const EdgeRows& file = *pieces.files[0];
    OG_CHECK(file.from_end() <= pieces.from_count);
    result.own_offsets_.assign(file.offsets().begin(), file.offsets().end());
    result.own_offsets_.resize(static_cast<std::size_t>(pieces.from_count) + 1, file.offsets().back());
    result.file_ = pieces.files[0];
    result.offsets_ = result.own_offsets_;
    result.neighbors_ = file.neighbors();
    result.edges_ = file.positions();
    result.has_parallel_edges_ = file.has_parallel_edges();
    return result;
  }
  result.merge(pieces);
  result.offsets_ = result.own_offsets_;
  result.neighbors_ = result.own_neighbors_;
  result.edges_ = result.own_edges_;
  return result;
}

void Adjacency::merge(const Pieces& pieces) {
  const auto is_left_out = [](std::span<const std::uint64_t> words, std::uint32_t o) {
    return !words.empty() && ((words[o >> 6] >> (o & 63)) & 1u) != 0;
  };
  std::size_t total = pieces.loose.size();
  for (const auto& file : pieces.files) {
    OG_CHECK(file->from_end() <= pieces.from_count);
    total += file->positions().size();
  }
  OG_CHECK(total < kNone && (pieces.loose.empty() || pieces.loose.back().from < pieces.from_count));
  own_neighbors_.reserve(total);
  own_edges_.reserve(total);
  own_offsets_.assign(static_cast<std::size_t>(pieces.from_count) + 1, 0);
  std::vector<Packed> row;
  std::size_t loose = 0;
  for (std::uint32_t v = 0; v < pieces.from_count; ++v) {
    row.clear();
    std::size_t sources = 0;  // of which each alone is in order
    const auto add = [&](std::uint32_t neighbor, std::uint32_t edge) {
      if (is_left_out(pieces.deleted_edges, edge) || is_left_out(pieces.deleted_to, neighbor)) return;
      row.push_back(pack(neighbor, edge));
    };
    for (std::size_t f = 0; f < pieces.files.size(); ++f) {
      const EdgeRows& file = *pieces.files[f];
      if (v >= file.from_end() || file.offsets()[v] == file.offsets()[v + 1]) continue;
      ++sources;
      for (std::uint32_t at = file.offsets()[v]; at < file.offsets()[v + 1]; ++at) {
        add(file.neighbors()[at], pieces.first[f] + file.positions()[at]);
      }
    }
    for (; loose < pieces.loose.size() && pieces.loose[loose].from == v; ++loose) {
      sources = 2;
      add(pieces.loose[loose].to, pieces.loose[loose].edge);
    }
    if (sources > 1) std::ranges::sort(row);
    if (is_left_out(pieces.deleted_from, v)) row.clear();
    for (std::size_t k = 0; k < row.size(); ++k) {
      own_neighbors_.push_back(neighbor_of(row[k]));
      own_edges_.push_back(edge_of(row[k]));
      if (k > 0 && neighbor_of(row[k - 1]) == neighbor_of(row[k])) has_parallel_edges_ = true;
    }
    own_offsets_[v + 1] = static_cast<std::uint32_t>(own_edges_.size());
  }
}

}  // namespace omnigraph::index
