// Result columns of a query without aggregates: properties are read here, for the rows that are returned.
#pragma once

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

// `rows`: of all projected variables; a row of weight n is returned n times, at most `limit` rows in all. Scores of
// rank functions come from `scores`.
[[nodiscard]] Result<ReadResult> project_rows(const query::ReadQuery& read, Tuples rows, std::uint64_t limit,
                                              RankScores& scores, Runtime& runtime);

// Column names and types, no rows.
[[nodiscard]] ReadResult empty_result(const query::ReadQuery& read);

}  // namespace omnigraph::exec
