// Rows of an unconnected part beside each row: a product, or a hash join where an equality connects the two.
#include <algorithm>

#include "exec/collect.h"
#include "exec/operators.h"

namespace omnigraph::exec {

// The part's rows, computed once for all workers.
struct CrossOperator::Materialized {
  Tuples rows;
  struct Entry {
    std::uint64_t hash;
    std::uint32_t row;
  };
  std::vector<Entry> by_hash;  // only with a key; rows with a null key are left out
};

const CrossOperator::Materialized& CrossOperator::materialize(const StageContext& context) const {
  std::call_once(once_, [&] {
    auto made = std::make_shared<Materialized>();
    StageContext own = context;
    own.answered = nullptr;
    CollectSink sink(part_variables, context.variable_count);
    run_pipeline(part, own, sink);
    made->rows = sink.take();
    if (key.has_value()) {
      for (std::size_t row = 0; row < made->rows.size; ++row) {
        const EvaluationScope scope;
        const Value v = evaluate(key->second, made->rows, row);
        if (!v.is_null()) made->by_hash.push_back({join_hash(v), static_cast<std::uint32_t>(row)});
      }
      std::ranges::sort(made->by_hash, {}, &Materialized::Entry::hash);
    }
    rows_ = std::move(made);
  });
  return *rows_;
}

class CrossStage final : public Stage {
 public:
  CrossStage(const CrossOperator& op, const StageContext& context, Stage& next)
      : op_(op), context_(context), out_(context.variable_count, next), part_(op.materialize(context)) {}

  void push(const Tuples& batch) override {
    for (std::size_t row = 0; row < batch.size && !context_.runtime->poll_cancelled(); ++row) {
      if (context_.is_answered(batch, row)) continue;
      if (op_.key.has_value()) {
        const EvaluationScope scope;
        const Value v = evaluate(op_.key->first, batch, row);
        if (v.is_null()) continue;
        const auto range =
            std::ranges::equal_range(part_.by_hash, join_hash(v), {}, &CrossOperator::Materialized::Entry::hash);
        for (const auto& entry : range) pair(batch, row, entry.row);
      } else {
        for (std::size_t i = 0; i < part_.rows.size; ++i) {
          pair(batch, row, i);
          if (context_.is_answered(batch, row)) break;
        }
      }
    }
    if (context_.answered != nullptr) out_.flush();
  }
  void finish() override { out_.finish(); }

 private:
  void pair(const Tuples& batch, std::size_t row, std::size_t part_row) {
    for (const VariableId v : op_.part_variables) out_.rows().columns[v].push_back(part_.rows.columns[v][part_row]);
    out_.repeat(batch, row, op_.carry, 1, batch.weight(row) * part_.rows.weight(part_row));
    out_.flush_if_full();
  }

  const CrossOperator& op_;
  const StageContext context_;
  OutputBuffer out_;
  const CrossOperator::Materialized& part_;
};

std::unique_ptr<Stage> CrossOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<CrossStage>(*this, context, next);
}

}  // namespace omnigraph::exec
