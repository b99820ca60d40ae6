// Expressions and conditions over the one row that an update or delete has at hand (chapter 14 section 7), with
// three-valued logic. Arithmetic without a value ends the statement. Thread safety: free functions.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "exec/value.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

// A row's fields (kProperty, kEntityId, kEdgeFrom, kEdgeTo) and the constants of the query.
struct RowFields {
  std::function<Value(const query::Expr&)> field;  // empty: an insert, which has no row
  std::function<const columnar::Scalar&(const query::Expr&)> constant;
};

// The value may belong to the innermost EvaluationScope. Errors: `integer overflow in EXPR`, `division by zero in
// EXPR`.
[[nodiscard]] Result<Value> evaluate_row(const query::Expr& expr, const RowFields& fields);

[[nodiscard]] bool is_field(const query::Expr& expr);
[[nodiscard]] bool is_row_constant(const query::Expr& expr);  // literal, parameter, now()
// Whether evaluating it may fail.
[[nodiscard]] bool may_fail(const query::Expr& expr);
// The parts of a conjunction, from left to right.
[[nodiscard]] std::vector<const query::Expr*> conjuncts(const query::Expr& condition);
// `constant op field` as `field op constant`.
[[nodiscard]] query::CompareOp mirrored(query::CompareOp op);

}  // namespace omnigraph::exec
