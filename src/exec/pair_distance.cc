#include "exec/pair_distance.h"

namespace omnigraph::exec {

PairDistance::PairDistance(const Neighbors& forward, const Neighbors& backward, Ordinal rows)
    : source_(forward, (std::size_t{rows} + 63) / 64), target_(backward, (std::size_t{rows} + 63) / 64) {}

std::optional<std::uint32_t> PairDistance::distance(Ordinal a, Ordinal b, std::uint32_t hops_max) {
  if (a == b) return 0;
  source_.start(a);
  target_.start(b);
  const auto found = search(hops_max);
  source_.forget();
  target_.forget();
  return found;
}

std::optional<std::uint32_t> PairDistance::search(std::uint32_t hops_max) {
  for (std::uint32_t hops = 1; hops <= hops_max; ++hops) {
    if (source_.is_exhausted() || target_.is_exhausted()) return std::nullopt;
    // No node was known to both sides before, so a path through the new ones is a shortest.
    const bool meets = source_.work() <= target_.work() ? source_.expand(target_) : target_.expand(source_);
    if (meets) return hops;
  }
  return std::nullopt;
}

void PairDistance::Side::start(Ordinal origin) {
  begin_ = 0;
  visit(origin);
}

bool PairDistance::Side::expand(Side& other) {
  bool meets = false;
  const std::size_t end = queue_.size();
  for (std::size_t i = begin_; i < end && !meets; ++i) {
    neighbors_.for_each(queue_[i], [&](Ordinal w) {
      if (knows(w)) return;
      visit(w);
      meets = meets || other.knows(w);
    });
  }
  begin_ = end;
  return meets;
}

std::uint64_t PairDistance::Side::work() const {
  std::uint64_t links = 0;
  for (std::size_t i = begin_; i < queue_.size(); ++i) links += neighbors_.listed(queue_[i]) + 1;
  return links;
}

void PairDistance::Side::forget() {
  for (const Ordinal v : queue_) visited_[v >> 6] = 0;
  queue_.clear();
}

}  // namespace omnigraph::exec
