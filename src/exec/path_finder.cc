#include "exec/path_finder.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace omnigraph::exec {
namespace {

constexpr std::uint32_t kFar = std::numeric_limits<std::uint32_t>::max();

// One side of a search: distances from its origin, complete up to `depth`.
class Side {
 public:
  explicit Side(Ordinal rows) : distance_(rows, kFar) {}

  void start(Ordinal origin) {
    for (const Ordinal v : met_) distance_[v] = kFar;
    met_.assign(1, origin);
    distance_[origin] = 0;
    begin_ = 0;
    depth_ = 0;
  }
  [[nodiscard]] Ordinal origin() const { return met_.empty() ? kNoOrdinal : met_[0]; }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] std::uint32_t distance(Ordinal v) const { return distance_[v]; }
  [[nodiscard]] bool is_exhausted() const { return begin_ == met_.size(); }
  // Links that the next level has to look at.
  [[nodiscard]] std::uint64_t work(const Neighbors& neighbors) const {
    std::uint64_t links = 0;
    for (std::size_t i = begin_; i < met_.size(); ++i) links += neighbors.listed(met_[i]) + 1;
    return links;
  }
  // One level more. True if it met a node that the other side knows.
  bool expand(const Neighbors& neighbors, const Side& other) {
    bool meets = false;
    const std::size_t end = met_.size();
    ++depth_;
    for (std::size_t i = begin_; i < end; ++i) {
      neighbors.for_each(met_[i], [&](Ordinal w) {
        if (distance_[w] != kFar) return;
        distance_[w] = depth_;
        met_.push_back(w);
        meets = meets || other.distance_[w] != kFar;
      });
    }
    begin_ = end;
    return meets;
  }
  // A node whose distance follows from elsewhere; false: known before.
  bool note(Ordinal v, std::uint32_t distance) {
    if (distance_[v] != kFar) return false;
    distance_[v] = distance;
    met_.push_back(v);
    return true;
  }
  [[nodiscard]] const std::vector<Ordinal>& met() const { return met_; }

 private:
  std::vector<std::uint32_t> distance_;
  std::vector<Ordinal> met_;  // by distance, the origin first
  std::size_t begin_ = 0;     // where the deepest level starts
  std::uint32_t depth_ = 0;
};

}  // namespace

class PathFinder::Search {
 public:
  explicit Search(const PathFinder& finder) : finder_(finder), source_(finder.rows_), target_(finder.rows_) {}

  [[nodiscard]] Ordinal origin() const { return source_.origin(); }

  // The least shortest path; without edges. Empty: none within the greatest length.
  std::vector<Ordinal> nodes(Ordinal from, Ordinal to) {
    if (source_.origin() != from) source_.start(from);
    target_.start(to);
    const std::uint32_t length = distance(to);
    if (length == kFar) return {};
    mark(length);
    return walk(from, length);
  }

 private:
  std::uint32_t distance(Ordinal to) {
    if (source_.distance(to) != kFar) return source_.distance(to) <= finder_.max_hops_ ? source_.distance(to) : kFar;
    while (source_.depth() + target_.depth() < finder_.max_hops_) {
      if (source_.is_exhausted() || target_.is_exhausted()) return kFar;
      const bool from_source = source_.work(finder_.forward_) <= target_.work(finder_.backward_);
      const bool meets =
          from_source ? source_.expand(finder_.forward_, target_) : target_.expand(finder_.backward_, source_);
      // No node was known to both sides before, so the path through the new ones is a shortest.
      if (meets) return source_.depth() + target_.depth();
    }
    return kFar;
  }

  // Gives every node on a shortest path its distance to the target, from where the sides met back to the source.
  void mark(std::uint32_t length) {
    const std::uint32_t met_at = length - target_.depth();  // from the source
    std::vector<Ordinal> level;
    for (const Ordinal v : target_.met()) {
      if (target_.distance(v) == target_.depth() && source_.distance(v) == met_at) level.push_back(v);
    }
    std::vector<Ordinal> next;
    for (std::uint32_t at = met_at; at-- > 0;) {
      next.clear();
      for (const Ordinal v : level) {
        finder_.backward_.for_each(v, [&](Ordinal u) {
          if (source_.distance(u) == at && target_.note(u, length - at)) next.push_back(u);
        });
      }
      level.swap(next);
    }
  }

  std::vector<Ordinal> walk(Ordinal from, std::uint32_t length) const {
    std::vector<Ordinal> nodes{from};
    for (std::uint32_t left = length; left-- > 0;) {
      Ordinal least = kNoOrdinal;
      finder_.forward_.for_each(nodes.back(), [&](Ordinal w) {
        if (target_.distance(w) != left) return;
        if (least == kNoOrdinal || finder_.to_ids_->text(w) < finder_.to_ids_->text(least)) least = w;
      });
      OG_CHECK(least != kNoOrdinal);
      nodes.push_back(least);
    }
    return nodes;
  }

  const PathFinder& finder_;
  Side source_;
  Side target_;
};

Result<Neighbors> neighbors_of(const query::Traversal& t, bool backward, Runtime& runtime) {
  using graph::AdjacencyDirection;
  Neighbors out;
  const bool both = t.direction == query::Direction::kBoth;
  const bool in = both ? backward : (t.direction == query::Direction::kIn) != backward;
  OG_ASSIGN_OR_RETURN(out.forward,
                      runtime.adjacency(t.edge_type, in ? AdjacencyDirection::kIn : AdjacencyDirection::kOut));
  if (both) {
    OG_ASSIGN_OR_RETURN(out.backward,
                        runtime.adjacency(t.edge_type, in ? AdjacencyDirection::kOut : AdjacencyDirection::kIn));
  }
  return out;
}

PathFinder::~PathFinder() = default;

Result<std::shared_ptr<const PathFinder>> PathFinder::make(const query::Traversal& traversal, Runtime& runtime) {
  auto finder = std::shared_ptr<PathFinder>(new PathFinder());
  const schema::EdgeType& type = runtime.catalog().edges[traversal.edge_type];
  OG_ASSIGN_OR_RETURN(finder->forward_, neighbors_of(traversal, false, runtime));
  OG_ASSIGN_OR_RETURN(finder->backward_, neighbors_of(traversal, true, runtime));
  OG_ASSIGN_OR_RETURN(finder->from_ids_, runtime.ids(runtime.type_of(traversal.from)));
  OG_ASSIGN_OR_RETURN(finder->to_ids_, runtime.ids(runtime.type_of(traversal.to)));
  OG_ASSIGN_OR_RETURN(finder->edge_ids_, runtime.ids({schema::EntityKind::kEdge, traversal.edge_type}));
  finder->min_hops_ = traversal.min_hops;
  finder->max_hops_ = traversal.max_hops;
  finder->chains_ = type.source_index == type.target_index;
  if (finder->chains_) {
    OG_ASSIGN_OR_RETURN(const auto table, runtime.table(runtime.type_of(traversal.from)));
    finder->rows_ = table->physical_rows();
  }
  return std::shared_ptr<const PathFinder>(std::move(finder));
}

// A search that already started from this node, if one is idle.
std::unique_ptr<PathFinder::Search> PathFinder::borrow(Ordinal from) const {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Search>(*this);
  const auto started = std::ranges::find(idle_, from, [](const auto& search) { return search->origin(); });
  const auto chosen = started == idle_.end() ? idle_.end() - 1 : started;
  std::unique_ptr<Search> search = std::move(*chosen);
  idle_.erase(chosen);
  return search;
}

Ordinal PathFinder::least_edge(Ordinal from, Ordinal to) const {
  Ordinal least = kNoOrdinal;
  forward_.for_each_edge_between(from, to, [&](Ordinal edge) {
    if (least == kNoOrdinal || edge_id(edge) < edge_id(least)) least = edge;
  });
  OG_CHECK(least != kNoOrdinal);
  return least;
}

FoundPath PathFinder::find(Ordinal from, Ordinal to) const {
  FoundPath path;
  if (!chains_) {
    if (min_hops_ == 1 && forward_.connects(from, to)) path.nodes = {from, to};
  } else {
    std::unique_ptr<Search> search = borrow(from);
    path.nodes = search->nodes(from, to);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(search));
  }
  if (path.nodes.empty()) return path;
  const std::size_t length = path.nodes.size() - 1;
  if (chains_ && (length < 1 || length < min_hops_)) {
    // The target's self-loop counts as one more step.
    if (length + 1 < min_hops_ || length + 1 > max_hops_ || !forward_.connects(to, to)) return {};
    path.nodes.push_back(to);
  }
  for (std::size_t i = 0; i + 1 < path.nodes.size(); ++i) {
    path.edges.push_back(least_edge(path.nodes[i], path.nodes[i + 1]));
  }
  return path;
}

}  // namespace omnigraph::exec
