#include "exec/row_condition.h"

#include <algorithm>

namespace omnigraph::exec {
namespace {

using query::CompareOp;
using query::Expr;
using query::ExprKind;

// From left to right; what settles the result ends the evaluation, as in `tons != 0 and 10 / tons > 1`.
Result<Value> evaluate_logic(const Expr& expr, const RowFields& fields) {
  const bool decisive = expr.kind == ExprKind::kOr;
  bool unknown = false;
  for (const Expr& arg : expr.args) {
    OG_ASSIGN_OR_RETURN(const Value v, evaluate_row(arg, fields));
    if (v.is_null()) {
      unknown = true;
    } else if ((v.integer != 0) == decisive) {
      return Value::of_bool(decisive);
    }
  }
  return unknown ? Value() : Value::of_bool(!decisive);
}

}  // namespace

bool is_field(const Expr& expr) {
  return expr.kind == ExprKind::kProperty || expr.kind == ExprKind::kEntityId || expr.kind == ExprKind::kEdgeFrom ||
         expr.kind == ExprKind::kEdgeTo;
}

bool is_row_constant(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral || expr.kind == ExprKind::kParameter || expr.kind == ExprKind::kNow;
}

bool may_fail(const Expr& expr) {
  return expr.kind == ExprKind::kArithmetic || std::ranges::any_of(expr.args, may_fail);
}

std::vector<const Expr*> conjuncts(const Expr& condition) {
  if (condition.kind != ExprKind::kAnd) return {&condition};
  std::vector<const Expr*> out;
  for (const Expr& arg : condition.args) {
    const std::vector<const Expr*> inner = conjuncts(arg);
    out.insert(out.end(), inner.begin(), inner.end());
  }
  return out;
}

CompareOp mirrored(CompareOp op) {
  switch (op) {
    case CompareOp::kLess: return CompareOp::kGreater;
    case CompareOp::kLessEqual: return CompareOp::kGreaterEqual;
    case CompareOp::kGreater: return CompareOp::kLess;
    case CompareOp::kGreaterEqual: return CompareOp::kLessEqual;
    default: return op;
  }
}

Result<Value> evaluate_row(const Expr& expr, const RowFields& fields) {
  if (is_row_constant(expr)) return value_of(fields.constant(expr));
  if (is_field(expr)) return fields.field(expr);
  if (expr.kind == ExprKind::kAnd || expr.kind == ExprKind::kOr) return evaluate_logic(expr, fields);
  OG_CHECK(!expr.args.empty());
  OG_ASSIGN_OR_RETURN(const Value a, evaluate_row(expr.args[0], fields));
  if (expr.kind == ExprKind::kNot) return a.is_null() ? Value() : Value::of_bool(a.integer == 0);
  if (expr.kind == ExprKind::kIsNull) return Value::of_bool(a.is_null() != expr.negated);
  Value b;
  if (expr.args.size() > 1) {
    OG_ASSIGN_OR_RETURN(b, evaluate_row(expr.args[1], fields));
  }
  if (expr.kind == ExprKind::kCompare) {
    const Truth truth = compare(expr.op, a, b);
    return truth == Truth::kUnknown ? Value() : Value::of_bool(truth == Truth::kTrue);
  }
  OG_CHECK(expr.kind == ExprKind::kArithmetic);
  const auto result = arithmetic(expr.arithmetic, a, b);
  if (result) return *result;
  return std::unexpected(bad_request(std::string(query::no_value_text(result.error())) + " in " + expr.written));
}

}  // namespace omnigraph::exec
