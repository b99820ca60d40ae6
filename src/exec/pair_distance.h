// Whether a traversal with hop bounds connects two given nodes (chapter 02 section 6.2): breadth first from both ends
// at once, the side with less work first, until the two meet (Pohl, "Bi-directional search", Machine Intelligence 6,
// 1971). Looks at about the square root of what a search from one end has to look at. Not thread safe; one a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exec/neighbors.h"
#include "exec/scratch.h"

namespace omnigraph::exec {

class PairDistance {
 public:
  // `forward` as seen from the first node, `backward` from the second; `rows`: of the node table they share.
  PairDistance(const Neighbors& forward, const Neighbors& backward, Ordinal rows);

  // Hops of a shortest walk from `a` to `b`, 0 for a == b; nullopt: more than `hops_max`.
  [[nodiscard]] std::optional<std::uint32_t> distance(Ordinal a, Ordinal b, std::uint32_t hops_max);

 private:
  class Side {
   public:
    Side(const Neighbors& neighbors, std::size_t words) : neighbors_(neighbors), visited_(words) {}
    void start(Ordinal origin);
    // One level more. True if it met a node that `other` knows.
    bool expand(Side& other);
    [[nodiscard]] bool is_exhausted() const { return begin_ == queue_.size(); }
    [[nodiscard]] std::uint64_t work() const;  // links the next level looks at
    [[nodiscard]] bool knows(Ordinal v) { return (visited_[v >> 6] >> (v & 63) & 1) != 0; }
    void forget();

   private:
    void visit(Ordinal v) {
      visited_[v >> 6] |= std::uint64_t{1} << (v & 63);
      queue_.push_back(v);
    }
    const Neighbors& neighbors_;
    ZeroedScratch visited_;  // bitmap; zero between searches
    std::vector<Ordinal> queue_;
    std::size_t begin_ = 0;  // where the deepest level starts
  };
  [[nodiscard]] std::optional<std::uint32_t> search(std::uint32_t hops_max);

  Side source_;
  Side target_;
};

}  // namespace omnigraph::exec
