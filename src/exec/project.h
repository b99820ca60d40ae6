// Result columns of a query without aggregates: properties are read here, for the rows that are returned.
#pragma once

#include <cstdint>
#include <limits>

#include "base/result.h"
#include "columnar/builder.h"
#include "exec/expression.h"
#include "exec/rank.h"
#include "exec/read.h"

namespace omnigraph::exec {

// One value under the builder's type; integers are narrowed.
void append_value(columnar::ArrayBuilder& builder, const Value& value);

// Variables the projections read.
void projected_variables(const query::ReadQuery& read, VariableSet& out);

// Which rows of the ordered result are returned.
struct Window {
  std::uint64_t offset = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  // Rows that have to be known in order.
  [[nodiscard]] std::uint64_t end() const {
    const std::uint64_t sum = offset + limit;
    return sum < offset ? std::numeric_limits<std::uint64_t>::max() : sum;
  }
};

// `rows`: of all projected variables; a row of weight n stands for n rows. Errors: arithmetic without a value.
[[nodiscard]] Result<ReadResult> project_rows(const query::ReadQuery& read, Tuples rows, const Window& window,
                                              Runtime& runtime);

// Column names and types, no rows.
[[nodiscard]] ReadResult empty_result(const query::ReadQuery& read);

}  // namespace omnigraph::exec
