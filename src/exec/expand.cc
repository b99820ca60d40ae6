// One traversal from a bound variable, with the memberships that close cycles tested on the way: what two or more bound
// variables lead to is the intersection of their neighbours, found in the time of the shortest list. Taking variable by
// variable so never does more work than the largest result that a graph of this size can have (Ngo, Re, Rudra, "Skew
// Strikes Back: New Developments in the Theory of Join Algorithms", SIGMOD Record 2013).
#include <algorithm>
#include <utility>

#include "exec/operators.h"
#include "exec/scratch.h"

namespace omnigraph::exec {
namespace {

// A neighbour that is searched for in a list takes about as long as so many that are tested in a bitmap.
constexpr std::uint32_t kTestsPerSearch = 8;

// Bitmap of the neighbours of one row, kept while consecutive rows ask for the same one.
class MarkedNeighbors {
 public:
  explicit MarkedNeighbors(Ordinal rows) : bits_((std::size_t{rows} + 63) / 64) {}
  ~MarkedNeighbors() { unmark(); }
  MarkedNeighbors(const MarkedNeighbors&) = delete;
  MarkedNeighbors& operator=(const MarkedNeighbors&) = delete;

  [[nodiscard]] bool marks(Ordinal v) const { return marked_ == v; }
  void mark(const Neighbors& neighbors, Ordinal v) {
    if (marked_ == v) return;
    unmark();
    neighbors_ = &neighbors;
    marked_ = v;
    for_each_listed([&](Ordinal w) { bits_[w >> 6] |= std::uint64_t{1} << (w & 63); });
  }
  [[nodiscard]] std::uint64_t test(Ordinal w) { return (bits_[w >> 6] >> (w & 63)) & 1u; }

 private:
  template <class Each>
  void for_each_listed(Each&& each) {
    for (const Ordinal w : neighbors_->forward->neighbors(marked_)) each(w);
    if (neighbors_->backward == nullptr) return;
    for (const Ordinal w : neighbors_->backward->neighbors(marked_)) each(w);
  }
  void unmark() {
    if (marked_ == kNoOrdinal) return;
    for_each_listed([&](Ordinal w) { bits_[w >> 6] = 0; });
    marked_ = kNoOrdinal;
  }

  ZeroedScratch bits_;
  const Neighbors* neighbors_ = nullptr;
  Ordinal marked_ = kNoOrdinal;
};

class ExpandStage final : public Stage {
 public:
  ExpandStage(const ExpandOperator& op, const StageContext& context, Stage& next)
      : op_(op),
        context_(context),
        out_(context.variable_count, next),
        counted_(context.variable_count),
        sums_(op.merge ? op.to_rows : 0) {
    for (std::size_t i = 0; i < op.probes.size(); ++i) marks_.push_back(std::make_unique<MarkedNeighbors>(op.to_rows));
  }

  ~ExpandStage() override {
    for (std::size_t i = 0; i < seen_count_; ++i) sums_[seen_[i]] = 0;
  }

  void push(const Tuples& batch) override {
    if (op_.merge) return merge_batch(batch);
    if (op_.to == kNoVariable && op_.edge == kNoVariable && op_.probes.empty()) return count_batch(batch);
    for (std::size_t row = 0; row < batch.size && !context_.runtime->stopped(); ++row) {
      if ((row & 255) == 255 && context_.runtime->poll_cancelled()) return;
      if (context_.is_answered(batch, row)) continue;
      if (op_.per_edge) {
        expand_edges(batch, row);
      } else if (!op_.probes.empty()) {
        expand_probed(batch, row);
      } else {
        expand_distinct(batch, row);
      }
      out_.flush_if_full();
    }
    // Rows that were found early end the work on the others of this batch.
    if (context_.answered != nullptr) out_.flush();
  }
  void finish() override {
    if (op_.merge) emit_merged();
    out_.finish();
  }

 private:
  // Only the degree matters: rows stay, their weights are multiplied.
  void count_batch(const Tuples& batch) {
    const std::vector<Ordinal>& from = batch.columns[op_.from];
    counted_.clear();
    counted_.weights.resize(batch.size);
    kept_.resize(batch.size);
    const Neighbors& neighbors = op_.neighbors;
    std::size_t kept = 0;
    if (neighbors.is_plain() || (op_.per_edge && neighbors.backward == nullptr)) {
      kept = count_rows(from, [&](Ordinal v) { return neighbors.forward->degree(v); });
    } else if (op_.per_edge) {
      kept = count_rows(from, [&](Ordinal v) { return neighbors.edge_degree(v); });
    } else {
      kept = count_rows(from, [&](Ordinal v) { return neighbors.distinct_degree(v); });
    }
    for (std::size_t i = 0; i < kept && !batch.weights.empty(); ++i) {
      counted_.weights[i] *= batch.weights[kept_[i]];
    }
    counted_.weights.resize(kept);
    counted_.size = kept;
    for (const VariableId v : op_.carry) {
      std::vector<Ordinal>& column = counted_.columns[v];
      if (kept == batch.size) {
        column = batch.columns[v];
        continue;
      }
      column.resize(kept);
      for (std::size_t i = 0; i < kept; ++i) column[i] = batch.columns[v][kept_[i]];
    }
    out_.pass(counted_);
  }

  // The rows with a neighbour into kept_, their degrees into the weights; returns how many.
  template <class Degree>
  std::size_t count_rows(const std::vector<Ordinal>& from, Degree&& degree_of) {
    std::uint32_t* const rows = kept_.data();
    std::uint64_t* const degrees = counted_.weights.data();
    std::size_t kept = 0;
    for (std::size_t row = 0; row < from.size(); ++row) {
      const std::uint32_t degree = degree_of(from[row]);
      rows[kept] = static_cast<std::uint32_t>(row);
      degrees[kept] = degree;
      kept += degree != 0 ? 1 : 0;
    }
    return kept;
  }

  void merge_batch(const Tuples& batch) {
    const std::vector<Ordinal>& from = batch.columns[op_.from];
    std::uint64_t* sums = sums_.data();
    for (std::size_t row = 0; row < batch.size; ++row) {
      const std::size_t room = seen_count_ + op_.neighbors.listed(from[row]);
      if (seen_.size() < room) seen_.resize(std::max(room, seen_.size() * 2));
      const std::uint64_t weight = batch.weight(row);
      Ordinal* seen = seen_.data();
      std::size_t count = seen_count_;
      op_.neighbors.for_each(from[row], [&](Ordinal w) {
        seen[count] = w;
        count += sums[w] == 0 ? 1 : 0;
        sums[w] += weight;
      });
      seen_count_ = count;
    }
  }

  void emit_merged() {
    for (std::size_t begin = 0; begin < seen_count_; begin += kBatchRows) {
      const std::size_t count = std::min(kBatchRows, seen_count_ - begin);
      counted_.clear();
      counted_.weights.resize(count);
      counted_.columns[op_.to].assign(seen_.begin() + static_cast<std::ptrdiff_t>(begin),
                                      seen_.begin() + static_cast<std::ptrdiff_t>(begin + count));
      for (std::size_t i = 0; i < count; ++i) counted_.weights[i] = std::exchange(sums_[seen_[begin + i]], 0);
      counted_.size = count;
      out_.pass(counted_);
    }
    seen_count_ = 0;
  }

  void count(const Tuples& batch, std::size_t row, std::uint64_t matches) {
    if (matches != 0) out_.repeat(batch, row, op_.carry, 1, batch.weight(row) * matches);
  }

  void expand_distinct(const Tuples& batch, std::size_t row) {
    const Ordinal v = batch.columns[op_.from][row];
    std::vector<Ordinal>& to = out_.rows().columns[op_.to];
    const std::size_t before = to.size();
    if (op_.neighbors.is_plain()) {
      const auto neighbors = op_.neighbors.forward->neighbors(v);
      to.insert(to.end(), neighbors.begin(), neighbors.end());
    } else {
      op_.neighbors.for_each(v, [&](Ordinal w) { to.push_back(w); });
    }
    out_.repeat(batch, row, op_.carry, to.size() - before, batch.weight(row));
  }

  void expand_edges(const Tuples& batch, std::size_t row) {
    const Ordinal v = batch.columns[op_.from][row];
    Tuples& out = out_.rows();
    std::size_t added = 0;
    op_.neighbors.for_each_edge(v, [&](Ordinal w, Ordinal edge) {
      if (op_.to != kNoVariable) out.columns[op_.to].push_back(w);
      if (op_.edge != kNoVariable) out.columns[op_.edge].push_back(edge);
      ++added;
    });
    out_.repeat(batch, row, op_.carry, added, batch.weight(row));
  }

  // A bitmap is worth making when the next row will use it again or the row's own neighbours are many.
  bool prepare_probe(const Tuples& batch, std::size_t row, std::size_t p, Ordinal other) {
    if (marks_[p]->marks(other)) return true;
    const auto& column = batch.columns[op_.probes[p].other];
    const bool again = row + 1 < batch.size && column[row + 1] == other;
    const std::uint32_t own = op_.neighbors.listed(batch.columns[op_.from][row]);
    if (!again && own < op_.probes[p].neighbors.listed(other)) return false;
    marks_[p]->mark(op_.probes[p].neighbors, other);
    return true;
  }

  // The probe whose neighbours are so few that they are gone through instead of the row's own; probes.size(): none.
  std::size_t shortest_probe(const Tuples& batch, std::size_t row) const {
    std::size_t shortest = op_.probes.size();
    std::uint32_t least = op_.neighbors.listed(batch.columns[op_.from][row]) / kTestsPerSearch;
    for (std::size_t p = 0; p < op_.probes.size(); ++p) {
      const std::uint32_t listed = op_.probes[p].neighbors.listed(batch.columns[op_.probes[p].other][row]);
      if (listed >= least) continue;
      shortest = p;
      least = listed;
    }
    return shortest;
  }

  void expand_probed(const Tuples& batch, std::size_t row) {
    const Ordinal v = batch.columns[op_.from][row];
    const Ordinal first_other = batch.columns[op_.probes[0].other][row];
    const std::size_t shortest = shortest_probe(batch, row);
    if (op_.probes.size() == 1 && op_.to == kNoVariable && op_.neighbors.is_plain() && shortest == op_.probes.size() &&
        prepare_probe(batch, row, 0, first_other)) {
      std::uint64_t matches = 0;
      MarkedNeighbors& marks = *marks_[0];
      for (const Ordinal w : op_.neighbors.forward->neighbors(v)) matches += marks.test(w);
      return count(batch, row, matches);
    }
    found_.clear();
    if (shortest == op_.probes.size()) {
      op_.neighbors.for_each(v, [&](Ordinal w) { found_.push_back(w); });
    } else {
      const Probe& probe = op_.probes[shortest];
      probe.neighbors.for_each(batch.columns[probe.other][row], [&](Ordinal w) {
        if (op_.neighbors.connects(v, w)) found_.push_back(w);
      });
    }
    for (std::size_t p = 0; p < op_.probes.size() && !found_.empty(); ++p) {
      if (p == shortest) continue;
      const Ordinal other = batch.columns[op_.probes[p].other][row];
      const bool marked = prepare_probe(batch, row, p, other);
      std::erase_if(found_, [&](Ordinal w) {
        return marked ? marks_[p]->test(w) == 0 : !op_.probes[p].neighbors.connects(other, w);
      });
    }
    if (op_.to == kNoVariable) return count(batch, row, found_.size());
    std::vector<Ordinal>& to = out_.rows().columns[op_.to];
    to.insert(to.end(), found_.begin(), found_.end());
    out_.repeat(batch, row, op_.carry, found_.size(), batch.weight(row));
  }

  const ExpandOperator& op_;
  const StageContext context_;
  OutputBuffer out_;
  std::vector<std::unique_ptr<MarkedNeighbors>> marks_;
  std::vector<Ordinal> found_;
  Tuples counted_;
  std::vector<std::uint32_t> kept_;
  ZeroedScratch sums_;         // by neighbour, zero between uses
  std::vector<Ordinal> seen_;  // the first seen_count_: neighbours with a sum
  std::size_t seen_count_ = 0;
};

}  // namespace

std::unique_ptr<Stage> ExpandOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<ExpandStage>(*this, context, next);
}

}  // namespace omnigraph::exec
