#include "policy/cedar_ast.h"

#include <algorithm>

namespace omnigraph::policy::cedar {

namespace {

Expr node(ExprKind kind, std::vector<Expr> operands) {
  Expr expr;
  expr.kind = kind;
  expr.operands = std::move(operands);
  for (const Expr& operand : expr.operands) {
    expr.height = std::max(expr.height, operand.height + 1);
    expr.size += operand.size;
  }
  return expr;
}

Expr literal(Value value) {
  Expr expr;
  expr.literal = std::move(value);
  return expr;
}

Expr variable(Variable which) {
  Expr expr;
  expr.kind = ExprKind::kVariable;
  expr.variable = which;
  return expr;
}

Expr is_type(Variable which, const std::string& type) {
  Expr expr = node(ExprKind::kIs, {variable(which)});
  expr.names.push_back(type);
  return expr;
}

Expr to_expression(const ScopeTest& test, Variable which) {
  switch (test.kind) {
    case ScopeTest::Kind::kAny: break;
    case ScopeTest::Kind::kEqual: return node(ExprKind::kEqual, {variable(which), literal(test.entities.front())});
    case ScopeTest::Kind::kIn: return node(ExprKind::kIn, {variable(which), literal(test.entities.front())});
    case ScopeTest::Kind::kIs: return is_type(which, test.type);
    case ScopeTest::Kind::kIsIn: {
      return node(ExprKind::kAnd,
                  {is_type(which, test.type), node(ExprKind::kIn, {variable(which), literal(test.entities.front())})});
    }
    case ScopeTest::Kind::kInAny: {
      std::vector<Expr> members;
      for (const Value& entity : test.entities) members.push_back(literal(entity));
      return node(ExprKind::kIn, {variable(which), node(ExprKind::kSet, std::move(members))});
    }
  }
  return literal(Value::boolean(true));
}

}  // namespace

bool same(const Expr& a, const Expr& b) {
  return a.kind == b.kind && a.height == b.height && a.size == b.size && a.names == b.names &&
         (a.kind != ExprKind::kVariable || a.variable == b.variable) &&
         (a.kind != ExprKind::kCall || a.function == b.function) &&
         (a.kind != ExprKind::kLiteral || a.literal == b.literal) &&
         std::ranges::equal(a.operands, b.operands, [](const Expr& x, const Expr& y) { return same(x, y); });
}

Expr scope_expression(const Policy& policy) {
  return node(ExprKind::kAnd,
              {to_expression(policy.principal, Variable::kPrincipal), to_expression(policy.action, Variable::kAction),
               to_expression(policy.resource, Variable::kResource)});
}

Expr to_expression(const Policy& policy) {
  std::vector<Expr> parts = scope_expression(policy).operands;
  for (const Condition& condition : policy.conditions) {
    parts.push_back(condition.unless ? node(ExprKind::kNot, {condition.test}) : condition.test);
  }
  return node(ExprKind::kAnd, std::move(parts));
}

}  // namespace omnigraph::policy::cedar
