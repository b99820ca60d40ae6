// Shortest paths between two nodes (chapter 14 section 6): the path that admits a pair of a traversal with hop bounds,
// and of equally short ones the least by node ids in order, then by edge ids.
//
// Search: breadth first from both ends at once, the side with less work first, until the two meet (Pohl,
// "Bi-directional search", Machine Intelligence 6, 1971). The side of the source is kept between calls, so that the
// many targets of one source share it. Once the length D is known, the nodes on shortest paths are those with d(source)
// + d(target) = D; walking from the source and taking the least id among them gives the least sequence, since sequences
// compare in that order.
//
// Thread safety: find() may be called concurrently; searches are lent to one caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "exec/column.h"
#include "exec/neighbors.h"
#include "exec/runtime.h"

namespace omnigraph::exec {

// The edge of a traversal seen from its left end (`backward`: from its right end).
[[nodiscard]] Result<Neighbors> neighbors_of(const query::Traversal& traversal, bool backward, Runtime& runtime);

struct FoundPath {
  std::vector<Ordinal> nodes;  // both ends included; empty: no path
  std::vector<Ordinal> edges;
};

class PathFinder {
 public:
  // Opens what it needs. Errors: storage errors.
  static Result<std::shared_ptr<const PathFinder>> make(const query::Traversal& traversal, Runtime& runtime);
  ~PathFinder();

  [[nodiscard]] FoundPath find(Ordinal from, Ordinal to) const;
  [[nodiscard]] std::string_view node_id(const FoundPath& path, std::size_t i) const {
    return (i == 0 ? from_ids_ : to_ids_)->text(path.nodes[i]);
  }
  [[nodiscard]] std::string_view edge_id(Ordinal edge) const { return edge_ids_->text(edge); }

 private:
  class Search;
  PathFinder() = default;
  [[nodiscard]] std::unique_ptr<Search> borrow(Ordinal from) const;
  [[nodiscard]] Ordinal least_edge(Ordinal from, Ordinal to) const;

  Neighbors forward_;   // seen from the source
  Neighbors backward_;  // seen from the target
  std::uint32_t min_hops_ = 1;
  std::uint32_t max_hops_ = 1;
  bool chains_ = false;  // both ends are of one type
  Ordinal rows_ = 0;     // of the node table, if it chains
  const Column* from_ids_ = nullptr;
  const Column* to_ids_ = nullptr;
  const Column* edge_ids_ = nullptr;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Search>> idle_;  // Guarded by mutex_.
};

}  // namespace omnigraph::exec
