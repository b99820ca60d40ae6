// optional { }: left outer join with the inner pipeline (chapter 14 section 5). The inner pipeline runs for a batch of
// outer rows at once; its rows carry the number of the outer row they extend.
#include <algorithm>

#include "exec/collect.h"
#include "exec/operators.h"

namespace omnigraph::exec {
namespace {

std::vector<VariableId> with(std::vector<VariableId> variables, VariableId more) {
  variables.push_back(more);
  return variables;
}

class OptionalStage final : public Stage {
 public:
  OptionalStage(const OptionalOperator& op, const StageContext& context, Stage& next)
      : op_(op),
        context_(context),
        inner_variables_(with(op.introduced, op.row_variable)),
        question_(context.variable_count),
        out_(context.variable_count, next) {
    context_.answered = nullptr;
  }

  void push(const Tuples& batch) override {
    const Tuples found = ask(batch);
    sort_by_row(found, batch.size);
    // Once stopped, what was found may be incomplete: nothing is said of rows without extension then.
    for (std::size_t row = 0; row < batch.size && !context_.runtime->poll_cancelled(); ++row) {
      for (std::size_t i = begins_[row]; i < begins_[row + 1]; ++i) extend(batch, row, found, order_[i]);
      if (begins_[row] == begins_[row + 1]) fill_with_nulls(batch, row);
      out_.flush_if_full();
    }
  }
  void finish() override { out_.finish(); }

 private:
  Tuples ask(const Tuples& batch) {
    CollectSink sink(inner_variables_, context_.variable_count);
    if (op_.inner.empty || batch.size == 0) return sink.take();
    question_.clear();
    for (const VariableId v : op_.correlated) question_.columns[v] = batch.columns[v];
    std::vector<Ordinal>& numbers = question_.columns[op_.row_variable];
    for (std::size_t row = 0; row < batch.size; ++row) numbers.push_back(static_cast<Ordinal>(row));
    question_.size = batch.size;
    Chain chain(op_.inner, context_, sink);
    chain.head().push(question_);
    chain.head().finish();
    return sink.take();
  }

  // Counting sort: order_[begins_[r] .. begins_[r + 1]) are the extensions of outer row r.
  void sort_by_row(const Tuples& found, std::size_t rows) {
    const std::vector<Ordinal>& numbers = found.columns[op_.row_variable];
    begins_.assign(rows + 1, 0);
    for (const Ordinal row : numbers) ++begins_[row + 1];
    for (std::size_t row = 0; row < rows; ++row) begins_[row + 1] += begins_[row];
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    order_.resize(found.size);
    for (std::size_t i = 0; i < found.size; ++i) order_[next[numbers[i]]++] = static_cast<std::uint32_t>(i);
  }

  void extend(const Tuples& batch, std::size_t row, const Tuples& found, std::uint32_t extension) {
    for (const VariableId v : op_.introduced) out_.rows().columns[v].push_back(found.columns[v][extension]);
    for (const VariableId v : op_.markers) out_.rows().columns[v].push_back(0);
    out_.repeat(batch, row, op_.carry, 1, batch.weight(row) * found.weight(extension));
  }

  void fill_with_nulls(const Tuples& batch, std::size_t row) {
    for (const VariableId v : op_.introduced) out_.rows().columns[v].push_back(kNoOrdinal);
    for (const VariableId v : op_.markers) out_.rows().columns[v].push_back(kNoOrdinal);
    out_.repeat(batch, row, op_.carry, 1, batch.weight(row));
  }

  const OptionalOperator& op_;
  StageContext context_;
  const std::vector<VariableId> inner_variables_;
  Tuples question_;
  OutputBuffer out_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::unique_ptr<Stage> OptionalOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<OptionalStage>(*this, context, next);
}

}  // namespace omnigraph::exec
