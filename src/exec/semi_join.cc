// not { }: correlated NOT EXISTS (chapter 02 section 6.1 rule 8). The inner pipeline runs for many outer rows at once;
// a row that was answered is not followed further. With one correlated variable each of its values is asked once.
#include <map>

#include "exec/operators.h"

namespace omnigraph::exec {
namespace {

// End of the inner pipeline: marks the outer rows that have an extension.
class FoundSink final : public Stage {
 public:
  FoundSink(VariableId row_variable, std::vector<std::uint8_t>& found) : row_variable_(row_variable), found_(found) {}
  void push(const Tuples& batch) override {
    for (const Ordinal row : batch.columns[row_variable_]) found_[row] = 1;
  }
  void finish() override {}

 private:
  const VariableId row_variable_;
  std::vector<std::uint8_t>& found_;
};

class SemiJoinStage final : public Stage {
 public:
  SemiJoinStage(const SemiJoinOperator& op, const StageContext& context, Stage& next)
      : op_(op),
        context_(context),
        question_(context.variable_count),
        out_(context.variable_count),
        next_(next),
        sink_(op.row_variable, found_) {
    if (memorizes()) memo_.assign(op.memo_rows, kUnasked);
  }

  void push(const Tuples& batch) override {
    mask_.assign(batch.size, 1);
    if (memorizes()) {
      answer_by_value(batch);
    } else {
      answer_by_row(batch);
    }
    // A search that was stopped midway found nothing yet; that is no answer.
    if (context_.runtime->stopped()) return;
    keep_rows(batch, mask_, op_.carry, out_);
    if (out_.size > 0) next_.push(out_);
  }
  void finish() override { next_.finish(); }

 private:
  static constexpr std::uint8_t kUnasked = 2;

  [[nodiscard]] bool memorizes() const { return op_.correlated.size() == 1 && op_.memo_rows > 0; }

  void ask() {
    found_.assign(question_.size, 0);
    if (op_.inner.empty || question_.size == 0) return;
    StageContext inner = context_;
    inner.answered = &found_;
    inner.row_variable = op_.row_variable;
    Chain chain(op_.inner, inner, sink_);
    chain.head().push(question_);
    chain.head().finish();
  }

  void answer_by_value(const Tuples& batch) {
    const std::vector<Ordinal>& values = batch.columns[op_.correlated[0]];
    question_.clear();
    std::vector<Ordinal>& asked = question_.columns[op_.correlated[0]];
    for (const Ordinal v : values) {
      if (memo_[v] != kUnasked) continue;
      memo_[v] = 0;
      question_.columns[op_.row_variable].push_back(static_cast<Ordinal>(asked.size()));
      asked.push_back(v);
    }
    question_.size = asked.size();
    ask();
    for (std::size_t i = 0; i < found_.size(); ++i) memo_[asked[i]] = found_[i];
    for (std::size_t i = 0; i < values.size(); ++i) mask_[i] = memo_[values[i]] == 0 ? 1 : 0;
  }

  void answer_by_row(const Tuples& batch) {
    question_.clear();
    for (const VariableId v : op_.correlated) question_.columns[v] = batch.columns[v];
    for (std::size_t i = 0; i < batch.size; ++i) {
      question_.columns[op_.row_variable].push_back(static_cast<Ordinal>(i));
    }
    question_.size = batch.size;
    ask();
    for (std::size_t i = 0; i < batch.size; ++i) mask_[i] = found_[i] == 0 ? 1 : 0;
  }

  const SemiJoinOperator& op_;
  const StageContext context_;
  Tuples question_;
  Tuples out_;
  Stage& next_;
  std::vector<std::uint8_t> found_;
  std::vector<std::uint8_t> mask_;
  std::vector<std::uint8_t> memo_;  // by ordinal of the one correlated variable: 0, 1 or kUnasked
  FoundSink sink_;
};

}  // namespace

std::unique_ptr<Stage> SemiJoinOperator::open(const StageContext& context, Stage& next) const {
  return std::make_unique<SemiJoinStage>(*this, context, next);
}

}  // namespace omnigraph::exec
