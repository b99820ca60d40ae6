// Traversals whose both ends are bound: the row stays if they are connected (chapter 02 section 6.1 rules 4 and 5).
#include "exec/operators.h"

namespace omnigraph::exec {
namespace {

class ProbeStage final : public Stage {
 public:
  ProbeStage(const ProbeOperator& op, const StageContext& context, Stage& next)
      : op_(op), out_(context.variable_count, next) {}

  void push(const Tuples& batch) override {
    for (std::size_t row = 0; row < batch.size; ++row) {
      const Ordinal v = batch.columns[op_.from][row];
      const Ordinal w = batch.columns[op_.to][row];
      if (!op_.per_edge) {
        if (op_.neighbors.connects(v, w)) out_.repeat(batch, row, op_.carry, 1, batch.weight(row));
      } else {
        std::size_t edges = 0;
        op_.neighbors.for_each_edge_between(v, w, [&](Ordinal edge) {
          if (op_.edge != kNoVariable) out_.rows().columns[op_.edge].push_back(edge);
          ++edges;
        });
        if (op_.edge != kNoVariable) {
          out_.repeat(batch, row, op_.carry, edges, batch.weight(row));
        } else if (edges > 0) {
          out_.repeat(batch, row, op_.carry, 1, batch.weight(row) * edges);
        }
      }
      out_.flush_if_full();
    }
  }
  void finish() override { out_.finish(); }

 private:
  const ProbeOperator& op_;
  OutputBuffer out_;
};

}  // namespace

std::unique_ptr<Stage> ProbeOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<ProbeStage>(*this, context, next);
}

}  // namespace omnigraph::exec
