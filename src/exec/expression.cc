#include "exec/expression.h"

#include <algorithm>
#include <utility>

#include "exec/member_set.h"
#include "exec/path_finder.h"
#include "exec/rank.h"

namespace omnigraph::exec {
namespace {

using query::ExprKind;

Value value_of_truth(Truth t) { return t == Truth::kUnknown ? Value() : Value::of_bool(t == Truth::kTrue); }

Result<std::uint32_t> fuzzy_edits(const query::Expr& expr, const Runtime& runtime) {
  if (expr.args.size() < 3 || !Runtime::is_constant(expr.args[2])) return kFuzzyEditsMax;
  const Value v = value_of(runtime.scalar(expr.args[2]));
  if (v.is_null()) return kFuzzyEditsMax;
  if (v.kind == Value::Kind::kInt && v.integer < 0) {
    return std::unexpected(query_error("fuzzy max_edits must not be negative, got " + std::to_string(v.integer)));
  }
  if (v.kind != Value::Kind::kInt || v.integer > kFuzzyEditsMax) return kFuzzyEditsMax;
  return static_cast<std::uint32_t>(v.integer);
}

// search, match_text and fuzzy. A fixed query over a property gets a matcher.
Result<RowExpr> bind_text_function(const query::Expr& expr, Runtime& runtime) {
  RowExpr out;
  const bool fuzzy = expr.kind == ExprKind::kFuzzy;
  OG_ASSIGN_OR_RETURN(out.edits, fuzzy_edits(expr, runtime));
  const query::Expr& field = expr.args[0];
  if (field.kind == ExprKind::kProperty && Runtime::is_constant(expr.args[1])) {
    const columnar::Scalar& query = runtime.scalar(expr.args[1]);
    const auto* text = std::get_if<std::string>(&query.value);
    if (text == nullptr) return out;  // A null query: unknown for every row.
    const schema::TypeRef type = runtime.type_of(field.variable);
    OG_ASSIGN_OR_RETURN(const Column* column, runtime.property(type, field.property));
    OG_ASSIGN_OR_RETURN(auto table, runtime.table(type));
    out.kind = RowExpr::Kind::kMatcher;
    out.variable = field.variable;
    out.matcher =
        std::make_shared<TextMatcher>(std::move(table), field.property, *column,
                                      fuzzy ? index::TermKind::kFuzzyWord : index::TermKind::kToken, *text, out.edits);
    return out;
  }
  out.kind = fuzzy ? RowExpr::Kind::kFuzzy : RowExpr::Kind::kTextMatch;
  for (std::size_t i = 0; i < 2; ++i) {
    OG_ASSIGN_OR_RETURN(RowExpr arg, bind_expression(expr.args[i], runtime, WithoutValue::kIsNull));
    out.args.push_back(std::move(arg));
  }
  return out;
}

Value evaluate_logic(const RowExpr& expr, const Tuples& tuples, std::size_t row) {
  const bool decisive = expr.kind == RowExpr::Kind::kOr;  // What settles the result whatever the rest is.
  bool unknown = false;
  for (const RowExpr& arg : expr.args) {
    const Value v = evaluate(arg, tuples, row);
    if (v.is_null()) {
      unknown = true;
    } else if ((v.integer != 0) == decisive) {
      return Value::of_bool(decisive);
    }
  }
  return unknown ? Value() : Value::of_bool(!decisive);
}

Value evaluate_arithmetic(const RowExpr& expr, const Tuples& tuples, std::size_t row) {
  const Value a = evaluate(expr.args[0], tuples, row);
  const Value b = expr.args.size() > 1 ? evaluate(expr.args[1], tuples, row) : Value();
  const auto result = arithmetic(expr.arithmetic, a, b);
  if (result) return *result;
  if (expr.strict_runtime != nullptr) {
    expr.strict_runtime->fail(
        query_error(std::string(query::no_value_text(result.error())) + " in " + std::string(expr.written)));
  }
  return {};
}

Value evaluate_path(const RowExpr& expr, const Tuples& tuples, std::size_t row) {
  if (expr.variable != kNoVariable && tuples.columns[expr.variable][row] == kNoOrdinal) return {};
  const Ordinal from = tuples.columns[expr.args[0].variable][row];
  const Ordinal to = tuples.columns[expr.args[1].variable][row];
  if (from == kNoOrdinal || to == kNoOrdinal) return {};
  const FoundPath path = expr.path->find(from, to);
  if (path.nodes.empty()) return {};
  if (expr.part == RowExpr::PathPart::kLength) return Value::of_int(static_cast<std::int64_t>(path.edges.size()));
  columnar::ScalarList ids;
  if (expr.part == RowExpr::PathPart::kNodes) {
    for (std::size_t i = 0; i < path.nodes.size(); ++i) ids.push_back({std::string(expr.path->node_id(path, i))});
  } else {
    for (const Ordinal edge : path.edges) ids.push_back({std::string(expr.path->edge_id(edge))});
  }
  Value list;
  list.kind = Value::Kind::kScalars;
  list.scalars = EvaluationScope::keep(std::move(ids));
  return list;
}

Value evaluate_text(const RowExpr& expr, const Tuples& tuples, std::size_t row) {
  const Value field = evaluate(expr.args[0], tuples, row);
  const Value query = evaluate(expr.args[1], tuples, row);
  if (field.kind != Value::Kind::kString || query.kind != Value::Kind::kString) return {};
  return Value::of_bool(expr.kind == RowExpr::Kind::kFuzzy ? words_overlap(field.text, query.text, expr.edits)
                                                           : tokens_overlap(field.text, query.text));
}

}  // namespace

void collect_variables(const query::Expr& expr, std::set<VariableId>& out) {
  if (expr.variable != kNoVariable) out.insert(expr.variable);
  for (const query::Expr& arg : expr.args) collect_variables(arg, out);
}

const query::Expr& resolve_alias(const query::Expr& expr, const query::ReadQuery& read) {
  const query::Expr* at = &expr;
  while (at->kind == ExprKind::kProjection) at = &read.projections[at->projection].expr;
  return *at;
}

// A constant list, not null, asked for an item.
static bool is_membership(const query::Expr& expr, const Runtime& runtime) {
  return expr.op == query::CompareOp::kContains && Runtime::is_constant(expr.args[0]) &&
         value_of(runtime.scalar(expr.args[0])).kind == Value::Kind::kScalars;
}

bool makes_values(const RowExpr& expr) {
  return expr.kind == RowExpr::Kind::kArithmetic || expr.kind == RowExpr::Kind::kPath ||
         std::ranges::any_of(expr.args, makes_values);
}

Result<RowExpr> bind_expression(const query::Expr& expr, Runtime& runtime, WithoutValue without_value) {
  RowExpr out;
  switch (expr.kind) {
    case ExprKind::kLiteral:
    case ExprKind::kParameter:
    case ExprKind::kNow: out.constant = value_of(runtime.scalar(expr)); return out;
    case ExprKind::kEntityId:
    case ExprKind::kProperty: {
      const schema::TypeRef type = runtime.type_of(expr.variable);
      out.kind = RowExpr::Kind::kColumn;
      out.variable = expr.variable;
      OG_ASSIGN_OR_RETURN(out.column,
                          expr.kind == ExprKind::kEntityId ? runtime.ids(type) : runtime.property(type, expr.property));
      return out;
    }
    case ExprKind::kTextMatch:
    case ExprKind::kFuzzy: return bind_text_function(expr, runtime);
    case ExprKind::kCompare:
      if (is_membership(expr, runtime)) {
        out.kind = RowExpr::Kind::kMember;
        out.members = std::make_shared<MemberSet>(value_of(runtime.scalar(expr.args[0])));
        OG_ASSIGN_OR_RETURN(RowExpr item, bind_expression(expr.args[1], runtime, without_value));
        out.args.push_back(std::move(item));
        return out;
      }
      out.kind = RowExpr::Kind::kCompare;
      break;
    case ExprKind::kAnd: out.kind = RowExpr::Kind::kAnd; break;
    case ExprKind::kOr: out.kind = RowExpr::Kind::kOr; break;
    case ExprKind::kNot: out.kind = RowExpr::Kind::kNot; break;
    case ExprKind::kIsNull:
      out.kind = RowExpr::Kind::kIsNull;
      out.negated = expr.negated;
      break;
    case ExprKind::kArithmetic:
      out.kind = RowExpr::Kind::kArithmetic;
      out.arithmetic = expr.arithmetic;
      out.written = expr.written;
      if (without_value == WithoutValue::kFails) out.strict_runtime = &runtime;
      break;
    case ExprKind::kPath: {
      out.kind = RowExpr::Kind::kPath;
      out.variable = expr.variable;
      out.part = expr.function == "length"  ? RowExpr::PathPart::kLength
                 : expr.function == "nodes" ? RowExpr::PathPart::kNodes
                                            : RowExpr::PathPart::kEdges;
      OG_ASSIGN_OR_RETURN(out.path, runtime.path_finder(expr.path));
      break;
    }
    case ExprKind::kNearest:
    case ExprKind::kBm25:
    case ExprKind::kRrf: OG_CHECK(runtime.scores() != nullptr); return runtime.scores()->bind(expr);
    case ExprKind::kProjection:
      return bind_expression(resolve_alias(expr, *runtime.query().read), runtime, without_value);
    default: return std::unexpected(internal_error("expression of this kind cannot be evaluated by row"));
  }
  out.op = expr.op;
  for (const query::Expr& arg : expr.args) {
    OG_ASSIGN_OR_RETURN(RowExpr bound, bind_expression(arg, runtime, without_value));
    out.args.push_back(std::move(bound));
  }
  return out;
}

Value evaluate(const RowExpr& expr, const Tuples& tuples, std::size_t row) {
  switch (expr.kind) {
    case RowExpr::Kind::kConstant: return expr.constant;
    case RowExpr::Kind::kColumn: {
      const Ordinal ordinal = tuples.columns[expr.variable][row];
      return ordinal == kNoOrdinal ? Value() : expr.column->value(ordinal);
    }
    case RowExpr::Kind::kMatcher: {
      const Ordinal ordinal = tuples.columns[expr.variable][row];
      return ordinal == kNoOrdinal ? Value() : value_of_truth(expr.matcher->match(ordinal));
    }
    case RowExpr::Kind::kScore: return expr.scorer(tuples.columns[expr.variable][row]);
    case RowExpr::Kind::kCompare:
      return value_of_truth(compare(expr.op, evaluate(expr.args[0], tuples, row), evaluate(expr.args[1], tuples, row)));
    case RowExpr::Kind::kAnd:
    case RowExpr::Kind::kOr: return evaluate_logic(expr, tuples, row);
    case RowExpr::Kind::kNot: {
      const Value v = evaluate(expr.args[0], tuples, row);
      return v.is_null() ? Value() : Value::of_bool(v.integer == 0);
    }
    case RowExpr::Kind::kTextMatch:
    case RowExpr::Kind::kFuzzy: return evaluate_text(expr, tuples, row);
    case RowExpr::Kind::kIsNull: return Value::of_bool(evaluate(expr.args[0], tuples, row).is_null() != expr.negated);
    case RowExpr::Kind::kMember: {
      const Value item = evaluate(expr.args[0], tuples, row);
      return item.is_null() ? Value() : Value::of_bool(expr.members->contains(item));
    }
    case RowExpr::Kind::kArithmetic: return evaluate_arithmetic(expr, tuples, row);
    case RowExpr::Kind::kPath: return evaluate_path(expr, tuples, row);
  }
  return {};
}

}  // namespace omnigraph::exec
