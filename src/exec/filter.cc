// Conditions on variables that are bound.
#include <algorithm>

#include "exec/operators.h"

namespace omnigraph::exec {
namespace {

class FilterStage final : public Stage {
 public:
  FilterStage(const FilterOperator& op, const StageContext& context, Stage& next)
      : op_(op), out_(context.variable_count), next_(next) {}

  void push(const Tuples& batch) override {
    mask_.assign(batch.size, 1);
    for (const VariableId v : op_.not_null) {
      for (std::size_t row = 0; row < batch.size; ++row) {
        if (batch.columns[v][row] == kNoOrdinal) mask_[row] = 0;
      }
    }
    for (const RowFilter& filter : op_.filters) filter.mask_rows(batch.columns[filter.variable()], mask_);
    const EvaluationScope scope;
    for (const RowExpr& condition : op_.conditions) {
      for (std::size_t row = 0; row < batch.size; ++row) {
        if (mask_[row] != 0 && !is_true(evaluate(condition, batch, row))) mask_[row] = 0;
      }
    }
    keep_rows(batch, mask_, op_.carry, out_);
    if (out_.size > 0) next_.push(out_);
  }
  void finish() override { next_.finish(); }

 private:
  const FilterOperator& op_;
  Tuples out_;
  Stage& next_;
  std::vector<std::uint8_t> mask_;
};

}  // namespace

void keep_rows(const Tuples& batch, std::span<const std::uint8_t> mask, const std::vector<VariableId>& carry,
               Tuples& out) {
  out.clear();
  for (const std::uint8_t m : mask) out.size += m;
  const auto compact = [&](const auto& in, auto& to) {
    to.resize(in.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      to[kept] = in[i];
      kept += mask[i];
    }
    to.resize(kept);
  };
  for (const VariableId v : carry) compact(batch.columns[v], out.columns[v]);
  if (!batch.weights.empty()) compact(batch.weights, out.weights);
}

std::unique_ptr<Stage> FilterOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<FilterStage>(*this, context, next);
}

}  // namespace omnigraph::exec
