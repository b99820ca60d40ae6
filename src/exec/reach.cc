// Traversals with hop bounds: shortest-distance reachability by breadth-first search (chapter 02 section 6.2).
//
// With d the distance from the start s: v is reached iff 1 <= d(v) and m <= d(v) <= n, or a self-loop adds one step and
// m <= d+1 <= n. Since all of m .. n is reached anyway, the self-loop matters only for the nodes at distance m-1. The
// loop that counts is the one of the traversal's destination: searched backwards, that of the start.
#include <algorithm>
#include <bit>
#include <optional>

#include "exec/operators.h"
#include "exec/pair_distance.h"
#include "exec/scratch.h"

namespace omnigraph::exec {
namespace {

class ReachSearch {
 public:
  explicit ReachSearch(const ReachOperator& op) : op_(op), words_((std::size_t{op.rows} + 63) / 64), visited_(words_) {}

  // The nodes reached from `start`, each once, in order of distance (those a self-loop adds come first).
  void list(Ordinal start, std::vector<Ordinal>& out) {
    search(start, op_.max_hops);
    out.clear();
    add_looped(start, out);
    const std::size_t first = level_begin(op_.min_hops);
    out.insert(out.end(), queue_.begin() + static_cast<std::ptrdiff_t>(first),
               queue_.begin() + static_cast<std::ptrdiff_t>(filled_));
    forget();
  }

  // How many there are; the last level is only counted.
  std::uint64_t count(Ordinal start) {
    search(start, op_.max_hops - 1);
    looped_.clear();
    add_looped(start, looped_);
    std::uint64_t total = looped_.size();
    const std::size_t first = level_begin(op_.min_hops);
    total += filled_ - first;
    if (levels_.size() > op_.max_hops - 1) total += count_last_level();
    forget();
    return total;
  }

 private:
  template <class Each>
  void for_each_link(Ordinal v, Each&& each) const {
    for (const Ordinal w : op_.neighbors.forward->neighbors(v)) each(w);
    if (op_.neighbors.backward == nullptr) return;
    for (const Ordinal w : op_.neighbors.backward->neighbors(v)) each(w);
  }

  // Start of level d in the queue; its end if the search ended before.
  [[nodiscard]] std::size_t level_begin(std::size_t d) const { return d < levels_.size() ? levels_[d] : filled_; }

  // Fills the queue level by level up to `depth`; levels_[d] is where level d begins. Levels that are empty and those
  // after them are not listed.
  void search(Ordinal start, std::uint32_t depth) {
    if (queue_.empty()) queue_.resize(1);
    queue_[0] = start;
    filled_ = 1;
    levels_.assign(1, 0);
    std::uint64_t* bits = visited_.data();
    bits[start >> 6] |= std::uint64_t{1} << (start & 63);
    std::size_t begin = 0;
    for (std::uint32_t d = 1; d <= depth; ++d) {
      const std::size_t end = filled_;
      for (std::size_t i = begin; i < end; ++i) {
        const Ordinal v = queue_[i];
        // Room for all first, so that the inner loop has neither a branch nor a check.
        std::size_t used = filled_;
        const std::size_t room = used + op_.neighbors.listed(v);
        if (queue_.size() < room) queue_.resize(std::max(room, queue_.size() * 2));
        Ordinal* out = queue_.data();
        for_each_link(v, [&](Ordinal w) {
          const std::uint64_t mask = std::uint64_t{1} << (w & 63);
          const std::uint64_t word = bits[w >> 6];
          out[used] = w;
          used += (word & mask) == 0 ? 1 : 0;
          bits[w >> 6] = word | mask;
        });
        filled_ = used;
      }
      if (filled_ == end) return;
      levels_.push_back(end);
      begin = end;
    }
  }

  void add_looped(Ordinal start, std::vector<Ordinal>& out) const {
    const std::size_t d = op_.min_hops - 1;
    if (d >= levels_.size()) return;
    if (op_.loop_at_start && !op_.neighbors.connects(start, start)) return;
    for (std::size_t i = levels_[d]; i < level_begin(d + 1); ++i) {
      if (op_.loop_at_start || op_.neighbors.connects(queue_[i], queue_[i])) out.push_back(queue_[i]);
    }
  }

  // Nodes first met from the last listed level. Leaves the bitmap with at most the bits of the queue.
  std::uint64_t count_last_level() {
    const std::size_t begin = levels_.back();
    std::uint64_t links = 0;
    for (std::size_t i = begin; i < filled_; ++i) links += op_.neighbors.listed(queue_[i]);
    std::uint64_t* bits = visited_.data();
    std::uint64_t met = 0;
    if (links >= words_) {
      for (std::size_t i = begin; i < filled_; ++i) {
        for_each_link(queue_[i], [&](Ordinal w) { bits[w >> 6] |= std::uint64_t{1} << (w & 63); });
      }
      for (std::size_t i = 0; i < words_; ++i) {
        met += static_cast<std::uint64_t>(std::popcount(bits[i]));
        bits[i] = 0;
      }
      return met - filled_;
    }
    for (std::size_t i = begin; i < filled_; ++i) {
      for_each_link(queue_[i], [&](Ordinal w) {
        const std::uint64_t mask = std::uint64_t{1} << (w & 63);
        met += (bits[w >> 6] & mask) == 0 ? 1 : 0;
        bits[w >> 6] |= mask;
      });
    }
    for (std::size_t i = begin; i < filled_; ++i) {
      for_each_link(queue_[i], [&](Ordinal w) { bits[w >> 6] = 0; });
    }
    return met;
  }

  void forget() {
    if (filled_ >= words_) {
      std::fill_n(visited_.data(), words_, std::uint64_t{0});
    } else {
      for (std::size_t i = 0; i < filled_; ++i) visited_[queue_[i] >> 6] = 0;
    }
  }

  const ReachOperator& op_;
  const std::size_t words_;
  ZeroedScratch visited_;       // bitmap; all zero between searches
  std::vector<Ordinal> queue_;  // the first filled_ items
  std::size_t filled_ = 0;
  std::vector<std::size_t> levels_;
  std::vector<Ordinal> looped_;
};

class ReachStage final : public Stage {
 public:
  ReachStage(const ReachOperator& op, const StageContext& context, Stage& next)
      : op_(op), context_(context), out_(context.variable_count, next), search_(op) {
    if (op.only != kNoOrdinal) pair_.emplace(op.neighbors, op.toward, op.rows);
  }

  void push(const Tuples& batch) override {
    for (std::size_t row = 0; row < batch.size; ++row) {
      if (context_.is_answered(batch, row)) continue;
      if ((row & 255) == 255 && context_.runtime->poll_cancelled()) return;
      const Ordinal start = batch.columns[op_.from][row];
      if (pair_.has_value()) {
        emit_only(batch, row, start);
      } else if (op_.to == kNoVariable) {
        if (start != start_) count_ = search_.count(start);
        start_ = start;
        if (count_ > 0) out_.repeat(batch, row, op_.carry, 1, batch.weight(row) * count_);
      } else {
        if (start != start_) search_.list(start, reached_);
        if (start != start_ && op_.to_bound) std::ranges::sort(reached_);
        start_ = start;
        emit(batch, row);
      }
      out_.flush_if_full();
    }
    if (context_.answered != nullptr) out_.flush();
  }
  void finish() override { out_.finish(); }

 private:
  void emit(const Tuples& batch, std::size_t row) {
    if (op_.to_bound) {
      if (std::ranges::binary_search(reached_, batch.columns[op_.to][row])) {
        out_.repeat(batch, row, op_.carry, 1, batch.weight(row));
      }
      return;
    }
    std::vector<Ordinal>& to = out_.rows().columns[op_.to];
    to.insert(to.end(), reached_.begin(), reached_.end());
    out_.repeat(batch, row, op_.carry, reached_.size(), batch.weight(row));
  }

  // The traversal yields v iff 1 <= d(v), m <= d(v) <= n, or with a self-loop m <= d(v) + 1 <= n.
  [[nodiscard]] bool admits(Ordinal start) {
    const auto distance = pair_->distance(start, op_.only, op_.max_hops);
    if (!distance.has_value()) return false;
    if (*distance >= 1 && *distance >= op_.min_hops) return true;
    const Ordinal looped = op_.loop_at_start ? start : op_.only;
    return *distance + 1 >= op_.min_hops && *distance + 1 <= op_.max_hops && op_.neighbors.connects(looped, looped);
  }

  void emit_only(const Tuples& batch, std::size_t row, Ordinal start) {
    if (op_.to_bound && batch.columns[op_.to][row] != op_.only) return;
    if (start != start_) only_reached_ = admits(start);
    start_ = start;
    if (!only_reached_) return;
    if (op_.to != kNoVariable && !op_.to_bound) out_.rows().columns[op_.to].push_back(op_.only);
    out_.repeat(batch, row, op_.carry, 1, batch.weight(row));
  }

  const ReachOperator& op_;
  const StageContext context_;
  OutputBuffer out_;
  ReachSearch search_;
  std::optional<PairDistance> pair_;  // only with op_.only
  bool only_reached_ = false;         // from start_
  Ordinal start_ = kNoOrdinal;        // whose result is kept
  std::uint64_t count_ = 0;
  std::vector<Ordinal> reached_;
};

}  // namespace

std::unique_ptr<Stage> ReachOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<ReachStage>(*this, context, next);
}

}  // namespace omnigraph::exec
