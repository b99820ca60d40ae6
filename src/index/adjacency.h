// Compressed sparse rows of one edge type in one direction: for node ordinal v the neighbours are
// neighbors[offsets[v] .. offsets[v+1]), ascending, parallel edges side by side; `edges` holds the edge ordinals
// in the same order (ascending among equal neighbours). Thread safety: immutable.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace omnigraph::index {

class EdgeRows;

class Adjacency {
 public:
  Adjacency() = default;
  Adjacency(Adjacency&&) = default;  // what the spans look at moves along
  Adjacency& operator=(Adjacency&&) = default;
  Adjacency(const Adjacency&) = delete;
  Adjacency& operator=(const Adjacency&) = delete;

  // `from[i]`, `to[i]`: endpoint ordinals of edge `edge[i]`; entries with kNone in either are skipped, all others are
  // below the counts. The edges may come in any order. O(n + m) time: a counting sort by source in two steps, then
  // each row by neighbour and edge (short rows by comparison, long ones by radix). Takes 12 bytes an edge besides.
  static constexpr std::uint32_t kNone = 0xffffffffu;
  static Adjacency build(std::span<const std::uint32_t> from, std::span<const std::uint32_t> to,
                         std::span<const std::uint32_t> edge, std::uint32_t from_count, std::uint32_t to_count);

  // Edges whose endpoints' row ids are the ordinals of their tables.
  struct Edge {
    std::uint32_t from, to, edge;
    friend auto operator<=>(const Edge&, const Edge&) = default;
  };
  struct Pieces {
    std::vector<std::shared_ptr<const EdgeRows>> files;  // complete
    std::vector<std::uint32_t> first;                    // of each: ordinal of its first edge
    std::vector<Edge> loose;                             // ascending; edges of no file among these
    // Bitmaps of ordinals that are left out; empty = none.
    std::span<const std::uint64_t> deleted_edges{}, deleted_from{}, deleted_to{};
    std::uint32_t from_count = 0;
  };
  // One file of which nothing is left out is used where it lies, else O(n + m) time. REQUIRES: row ids of `from` are
  // below from_count, and all ordinals are in their bitmap if it is not empty.
  static Adjacency assemble(const Pieces& pieces);

  [[nodiscard]] std::span<const std::uint32_t> neighbors(std::uint32_t v) const {
    if (!has_row(v)) return {};
    return {neighbors_.data() + offsets_[v], offsets_[v + 1] - offsets_[v]};
  }
  [[nodiscard]] std::span<const std::uint32_t> edges(std::uint32_t v) const {
    if (!has_row(v)) return {};
    return {edges_.data() + offsets_[v], offsets_[v + 1] - offsets_[v]};
  }
  [[nodiscard]] std::uint32_t degree(std::uint32_t v) const { return has_row(v) ? offsets_[v + 1] - offsets_[v] : 0; }
  [[nodiscard]] std::uint64_t edge_count() const { return neighbors_.size(); }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    return offsets_.size_bytes() + neighbors_.size_bytes() + edges_.size_bytes();
  }
  // No two edges share both endpoints, so a row's neighbours need no deduplication.
  [[nodiscard]] bool has_parallel_edges() const { return has_parallel_edges_; }
  [[nodiscard]] std::span<const std::uint32_t> offsets() const { return offsets_; }
  [[nodiscard]] std::span<const std::uint32_t> all_neighbors() const { return neighbors_; }
  [[nodiscard]] std::span<const std::uint32_t> all_edges() const { return edges_; }

 private:
  void merge(const Pieces& pieces);
  // In 64 bits, so that kNone has no row either.
  [[nodiscard]] bool has_row(std::uint32_t v) const { return static_cast<std::size_t>(v) + 1 < offsets_.size(); }

  std::vector<std::uint32_t> own_offsets_, own_neighbors_, own_edges_;  // empty where the rows lie in file_
  std::shared_ptr<const EdgeRows> file_;
  std::span<const std::uint32_t> offsets_;
  std::span<const std::uint32_t> neighbors_;
  std::span<const std::uint32_t> edges_;
  bool has_parallel_edges_ = false;
};

}  // namespace omnigraph::index
