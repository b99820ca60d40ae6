// Equal rows that come together become one row with the sum of their weights.
#include "exec/operators.h"
#include "exec/scratch.h"

namespace omnigraph::exec {
namespace {

class MergeStage final : public Stage {
 public:
  MergeStage(const MergeOperator& op, const StageContext& context, Stage& next)
      : op_(op), out_(context.variable_count, next), sums_(op.dense_rows), current_(op.run.size()) {}
  ~MergeStage() override {
    for (const Ordinal v : seen_) sums_[v] = 0;
  }

  void push(const Tuples& batch) override {
    for (std::size_t begin = 0; begin < batch.size;) {
      const std::size_t end = run_end(batch, begin);
      if (!open_ || !matches_current(batch, begin)) {
        emit();
        for (std::size_t i = 0; i < op_.run.size(); ++i) current_[i] = batch.columns[op_.run[i]][begin];
        open_ = true;
      }
      add(batch, begin, end);
      begin = end;
    }
  }
  // Where only their number matters.
  bool take_selected(const Selection& selection) override {
    if (!op_.run.empty() || op_.dense != kNoVariable) return false;
    const std::size_t rows = selection.passing();
    total_ += rows;
    open_ = open_ || rows > 0;
    return true;
  }
  void finish() override {
    emit();
    out_.finish();
  }

 private:
  std::size_t run_end(const Tuples& batch, std::size_t begin) const {
    std::size_t end = batch.size;
    for (const VariableId v : op_.run) {
      const std::vector<Ordinal>& column = batch.columns[v];
      std::size_t at = begin + 1;
      while (at < end && column[at] == column[begin]) ++at;
      end = at;
    }
    return end;
  }
  bool matches_current(const Tuples& batch, std::size_t row) const {
    for (std::size_t i = 0; i < op_.run.size(); ++i) {
      if (batch.columns[op_.run[i]][row] != current_[i]) return false;
    }
    return true;
  }
  void add(const Tuples& batch, std::size_t begin, std::size_t end) {
    if (op_.dense == kNoVariable) {
      if (batch.weights.empty()) {
        total_ += end - begin;
      } else {
        for (std::size_t row = begin; row < end; ++row) total_ += batch.weights[row];
      }
      return;
    }
    const std::vector<Ordinal>& column = batch.columns[op_.dense];
    std::uint64_t* sums = sums_.data();
    for (std::size_t row = begin; row < end; ++row) {
      const Ordinal v = column[row];
      if (sums[v] == 0) seen_.push_back(v);
      sums[v] += batch.weight(row);
    }
  }
  // Hands on the current run.
  void emit() {
    if (!open_) return;
    open_ = false;
    if (op_.dense == kNoVariable) {
      append(kNoOrdinal, total_);
      total_ = 0;
      return;
    }
    for (const Ordinal v : seen_) {
      const std::uint64_t weight = sums_[v];
      sums_[v] = 0;
      append(v, weight);
    }
    seen_.clear();
  }
  void append(Ordinal dense, std::uint64_t weight) {
    Tuples& out = out_.rows();
    for (std::size_t i = 0; i < op_.run.size(); ++i) out.columns[op_.run[i]].push_back(current_[i]);
    if (op_.dense != kNoVariable) out.columns[op_.dense].push_back(dense);
    out.weights.push_back(weight);
    ++out.size;
    out_.flush_if_full();
  }

  const MergeOperator& op_;
  OutputBuffer out_;
  ZeroedScratch sums_;
  std::vector<Ordinal> seen_;  // values with a sum, in order of first sight
  std::vector<Ordinal> current_;
  std::uint64_t total_ = 0;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<Stage> MergeOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<MergeStage>(*this, context, next);
}

}  // namespace omnigraph::exec
