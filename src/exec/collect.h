// Sink that keeps the rows of some variables.
#pragma once

#include <limits>
#include <vector>

#include "exec/plan.h"

namespace omnigraph::exec {

class CollectSink final : public Stage {
 public:
  // Stops the runtime, if there is one, once `limit` rows (weights counted) are in.
  CollectSink(std::vector<VariableId> variables, std::size_t variable_count,
              std::uint64_t limit = std::numeric_limits<std::uint64_t>::max(), Runtime* runtime = nullptr)
      : variables_(std::move(variables)), rows_(variable_count), limit_(limit), runtime_(runtime) {}

  void reserve(std::size_t rows) {
    for (const VariableId v : variables_) rows_.columns[v].reserve(rows);
  }
  void push(const Tuples& batch) override {
    if (total_ >= limit_) return;
    for (const VariableId v : variables_) {
      rows_.columns[v].insert(rows_.columns[v].end(), batch.columns[v].begin(), batch.columns[v].end());
    }
    if (!batch.weights.empty() && rows_.weights.empty()) rows_.weights.assign(rows_.size, 1);
    if (!batch.weights.empty()) {
      rows_.weights.insert(rows_.weights.end(), batch.weights.begin(), batch.weights.end());
    } else if (!rows_.weights.empty()) {
      rows_.weights.insert(rows_.weights.end(), batch.size, 1);
    }
    rows_.size += batch.size;
    if (batch.weights.empty()) {
      total_ += batch.size;
    } else {
      for (std::size_t i = 0; i < batch.size && total_ < limit_; ++i) total_ += batch.weight(i);
    }
    if (total_ >= limit_ && runtime_ != nullptr) runtime_->stop();
  }
  void finish() override {}
  [[nodiscard]] Tuples take() { return std::move(rows_); }

 private:
  const std::vector<VariableId> variables_;
  Tuples rows_;
  const std::uint64_t limit_;
  Runtime* runtime_;
  std::uint64_t total_ = 0;
};

}  // namespace omnigraph::exec
