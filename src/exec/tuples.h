// Intermediate rows: one ordinal per live variable, column by column, and how many equal rows each stands for.
// Columns of variables that are not live stay empty. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/table_view.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

using graph::kNoOrdinal;
using graph::Ordinal;
using query::kNoVariable;
using query::VariableId;

// Rows a stage collects before it hands them on: columns of a few variables stay in the first cache levels.
inline constexpr std::size_t kBatchRows = 4096;

struct Tuples {
  std::vector<std::vector<Ordinal>> columns;  // by VariableId
  std::vector<std::uint64_t> weights;         // empty = all 1
  std::size_t size = 0;

  explicit Tuples(std::size_t variable_count = 0) : columns(variable_count) {}

  [[nodiscard]] std::uint64_t weight(std::size_t row) const { return weights.empty() ? 1 : weights[row]; }
  void clear() {
    for (auto& column : columns) column.clear();
    weights.clear();
    size = 0;
  }
};

}  // namespace omnigraph::exec
