#include "exec/vector_scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/task_pool.h"
#include "exec/distance_kernel.h"
#include "index/text_analysis.h"

namespace omnigraph::exec {
namespace {

// Floats compared before a second thread is worth waking.
constexpr std::size_t kParallelFloatsMin = std::size_t{1} << 20;
// Shares of the last distance that an approximate search looks beyond a boundary: four roots of the dimension, but not
// below a half, for vectors that lie near a plane of fewer dimensions.
constexpr double kRootsBeyond = 4, kShareBeyondMin = 0.5;

// The best rows so far with their ties.
class BestDistances {
 public:
  BestDistances(std::size_t best, std::vector<Scored> rows) : best_(best) {
    for (const Scored& row : rows) add(row);
  }
  // No row at least this far away, not squared, can be among the best or tie with the last of them.
  [[nodiscard]] bool excludes(double distance) const {
    return squares_.size() == best_ && distance > 0 && distance * distance * (1 - 1e-9) > squares_.front();
  }
  void add(const Scored& row) {
    if (squares_.size() == best_) {
      if (row.score > squares_.front()) return;
      if (row.score < squares_.front()) {
        std::ranges::pop_heap(squares_);
        squares_.back() = row.score;
        std::ranges::push_heap(squares_);
      }
    } else {
      squares_.push_back(row.score);
      std::ranges::push_heap(squares_);
    }
    rows_.push_back(row);
  }
  [[nodiscard]] std::vector<Scored> take() && {
    keep_smallest(rows_, best_);
    return std::move(rows_);
  }

 private:
  const std::size_t best_;
  std::vector<double> squares_;  // a heap with the greatest in front
  std::vector<Scored> rows_;     // these, ties, and some that were among the best once
};

}  // namespace

void keep_smallest(std::vector<Scored>& scored, std::size_t best) {
  if (best == 0 || scored.size() <= best) return;
  std::ranges::nth_element(scored, scored.begin() + static_cast<std::ptrdiff_t>(best - 1), {}, &Scored::score);
  const double last = scored[best - 1].score;
  std::erase_if(scored, [&](const Scored& s) { return s.score > last; });
}

std::span<const float> VectorScan::stored(Ordinal row) const {
  const Column::Slot slot = column_.slot(row);
  if (slot.array->is_null(slot.index)) return {};
  const columnar::Array& items = *slot.array->child(0);
  const std::uint64_t begin = slot.array->item_begin(slot.index);
  return items.values<float>().subspan(begin, slot.array->item_end(slot.index) - begin);
}

std::optional<double> VectorScan::distance(Ordinal row) const {
  const std::span<const float> vector = stored(row);
  if (vector.size() != query_.size()) return std::nullopt;
  const double d = index::squared_distance(vector, query_);
  // The squares of F32 values cannot overflow F64: only a non-finite element makes the sum so.
  if (!std::isfinite(d)) return std::nullopt;
  return d;
}

void VectorScan::scan(std::span<const Ordinal> rows, std::size_t best, std::vector<Scored>& out) const {
  // All terms are positive, so the relative error of the F32 sum is below (terms + a few) roundings; the absolute part
  // covers squares that underflow.
  const auto dimension = static_cast<double>(query_.size());
  const double shrink = 1.0 - (dimension + 8) * 0x1p-22;
  const double underflow = dimension * 1e-36;
  double bound = std::numeric_limits<double>::infinity();
  constexpr std::size_t kBlockRows = 128;
  std::array<Ordinal, kBlockRows> block;
  std::array<const float*, kBlockRows> vectors;
  std::array<float, kBlockRows> rough;
  for (std::size_t next = 0; next < rows.size();) {
    std::size_t count = 0;
    for (; next < rows.size() && count < kBlockRows; ++next) {
      const std::span<const float> vector = stored(rows[next]);
      block[count] = rows[next];
      vectors[count] = vector.data();
      count += vector.size() == query_.size() ? 1 : 0;
    }
    squared_distances({vectors.data(), count}, query_, rough.data());
    for (std::size_t i = 0; i < count; ++i) {
      const auto approximate = static_cast<double>(rough[i]);
      // An overflow to infinity or a NaN says nothing.
      if (approximate * shrink - underflow > bound && std::isfinite(approximate)) continue;
      const double d = index::squared_distance({vectors[i], query_.size()}, query_);
      if (!std::isfinite(d) || d > bound) continue;
      out.push_back({block[i], d});
      if (best > 0 && out.size() >= 2 * best + 64) {
        keep_smallest(out, best);
        bound = std::ranges::max(out, {}, &Scored::score).score;
      }
    }
  }
  keep_smallest(out, best);
}

std::vector<Scored> VectorScan::collect(std::span<const Ordinal> rows, std::size_t best) const {
  const bool finite = std::ranges::all_of(query_, [](float v) { return std::isfinite(v); });
  if (best > 0 && rows.size() > limits_.scanned_max && !parts_.empty() && finite) return search(rows, best);
  return scan_all(rows, best);
}

std::vector<Scored> VectorScan::search(std::span<const Ordinal> rows, std::size_t best) const {
  // What lies in no segment is looked at first, so that the lists meet a bound.
  std::vector<Ordinal> others;
  std::vector<std::uint64_t> wanted(rows.empty() ? 0 : rows.back() / 64 + 1);
  std::size_t part = 0;
  for (const Ordinal row : rows) {
    while (part < parts_.size() && row >= parts_[part].first + parts_[part].segment->row_count()) ++part;
    if (part < parts_.size() && row >= parts_[part].first) {
      wanted[row >> 6] |= std::uint64_t{1} << (row & 63);
    } else {
      others.push_back(row);
    }
  }
  BestDistances found(best, scan_all(others, best));

  struct List {
    double bound;
    std::size_t part, list;
  };
  const bool approximate = rows.size() > limits_.exact_max;
  const double share = std::clamp(kRootsBeyond / std::sqrt(static_cast<double>(query_.size())), kShareBeyondMin, 1.0);
  std::vector<index::VectorSegment::Probe> probes;
  std::vector<List> lists;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    probes.emplace_back(*parts_[p].segment, query_);
    for (std::size_t l = 0; l < parts_[p].segment->list_count(); ++l) {
      const double bound = probes[p].list_bound(l);
      lists.push_back({approximate ? std::max(bound, probes[p].boundary(l) / share) : bound, p, l});
    }
  }
  std::ranges::sort(lists, {}, &List::bound);
  for (const List& list : lists) {
    if (found.excludes(list.bound)) break;
    if (!approximate && found.excludes(probes[list.part].boundary(list.list))) continue;
    const Part& in = parts_[list.part];
    const auto members = in.segment->rows(list.list);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Ordinal row = in.first + members[i];
      if ((row >> 6) >= wanted.size() || ((wanted[row >> 6] >> (row & 63)) & 1u) == 0) continue;
      if (found.excludes(probes[list.part].vector_bound(list.list, i))) continue;
      if (const auto d = distance(row)) found.add({row, *d});
    }
  }
  return std::move(found).take();
}

std::vector<Scored> VectorScan::scan_all(std::span<const Ordinal> rows, std::size_t best) const {
  std::vector<Scored> out;
  base::TaskPool& pool = base::TaskPool::shared();
  const std::size_t tasks = rows.size() * query_.size() < kParallelFloatsMin ? 1 : pool.thread_count();
  if (tasks <= 1) {
    scan(rows, best, out);
    return out;
  }
  std::vector<std::vector<Scored>> parts(tasks);
  pool.parallel_for(tasks, [&](std::size_t t) {
    const std::size_t begin = rows.size() * t / tasks;
    scan(rows.subspan(begin, rows.size() * (t + 1) / tasks - begin), best, parts[t]);
  });
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  keep_smallest(out, best);
  return out;
}

}  // namespace omnigraph::exec
