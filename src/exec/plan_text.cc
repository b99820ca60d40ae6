#include "exec/plan_text.h"

#include <span>
#include <string_view>

#include "exec/operators.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;

std::string variable_text(VariableId v, const query::BoundQuery& query) {
  std::string text = "$";
  return text.append(query.read->variables[v].name);
}

std::string type_text(schema::TypeRef type, const schema::Catalog& catalog) {
  return type.kind == schema::EntityKind::kNode ? catalog.nodes[type.index].name : catalog.edges[type.index].name;
}

std::string joined_texts(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out.append(between);
    out.append(part);
  }
  return out;
}

// Conditions and arithmetic inside others get parentheses.
std::string operand_text(const Expr& expr, const query::BoundQuery& query) {
  const bool compound = expr.kind == ExprKind::kCompare || expr.kind == ExprKind::kAnd || expr.kind == ExprKind::kOr ||
                        expr.kind == ExprKind::kArithmetic || expr.kind == ExprKind::kIsNull;
  std::string text = expression_text(expr, query);
  return compound ? std::string("(").append(text).append(")") : text;
}

std::string call_text(std::string_view function, const Expr& expr, const query::BoundQuery& query) {
  std::vector<std::string> args;
  for (const Expr& arg : expr.args) args.push_back(expression_text(arg, query));
  return std::string(function).append("(").append(joined_texts(args, ", ")).append(")");
}

std::string infix_text(std::string_view word, const Expr& expr, const query::BoundQuery& query) {
  std::vector<std::string> operands;
  for (const Expr& arg : expr.args) operands.push_back(operand_text(arg, query));
  return joined_texts(operands, std::string(" ").append(word).append(" "));
}

std::string comparison_text(const Expr& expr, const query::BoundQuery& query) {
  // `x in list` and a list property with one value are bound as the list that contains x.
  const bool membership = expr.op == query::CompareOp::kContains && expr.args[0].kind != ExprKind::kProperty;
  if (!membership) return infix_text(query::op_text(expr.op), expr, query);
  return operand_text(expr.args[1], query).append(" in ").append(operand_text(expr.args[0], query));
}

std::string conditions_text(std::span<const Expr* const> conditions, const query::BoundQuery& query) {
  std::vector<std::string> parts;
  for (const Expr* condition : conditions) parts.push_back(operand_text(*condition, query));
  return joined_texts(parts, " and ");
}

std::string hops_text(const query::Traversal& t) {
  if (t.min_hops == 1 && t.max_hops == 1) return {};
  return std::string("{").append(std::to_string(t.min_hops)).append(",").append(std::to_string(t.max_hops)).append("}");
}

// As written, with an arrow for the end that is given.
std::string traversal_text(const query::Traversal& t, const query::BoundQuery& query) {
  const std::string& word = query.catalog->edges[t.edge_type].name;
  std::string out = variable_text(t.from, query);
  out.append(" ");
  if (t.edge != kNoVariable) out.append(variable_text(t.edge, query)).append(":");
  const bool both = t.direction == query::Direction::kBoth;
  out.append(both ? "<" : "").append(word).append(both ? ">" : "").append(hops_text(t)).append(" ");
  return out.append(variable_text(t.to, query));
}

std::string variables_text(const std::vector<VariableId>& variables, const query::BoundQuery& query) {
  std::vector<std::string> parts;
  for (const VariableId v : variables) {
    if (v < query.read->variables.size()) parts.push_back(variable_text(v, query));
  }
  return joined_texts(parts, ", ");
}

void describe(const ExpandOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = op.to == kNoVariable && op.edge == kNoVariable && op.probes.empty() ? "count" : "expand";
  out.detail = traversal_text(*op.traversal, query).append(" from ").append(variable_text(op.from, query));
  for (const Probe& probe : op.probes) out.detail.append(" where ").append(traversal_text(*probe.traversal, query));
  if (op.merge) out.detail.append(", equal ends merged");
}

void describe(const ReachOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = "reach";
  out.detail = traversal_text(*op.traversal, query).append(" from ").append(variable_text(op.from, query));
  if (op.to == kNoVariable) out.detail.append(", counted");
}

void describe(const ProbeOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = "probe";
  out.detail = traversal_text(*op.traversal, query);
}

void describe(const FilterOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = "filter";
  out.detail = conditions_text(op.written, query);
  if (op.not_null.empty()) return;
  if (!out.detail.empty()) out.detail.append(" and ");
  out.detail.append(variables_text(op.not_null, query)).append(" is not null");
}

void describe(const CrossOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = op.key.has_value() ? "hash join" : "cross product";
  out.detail = op.key.has_value() ? conditions_text({&op.written, 1}, query) : variables_text(op.part_variables, query);
}

void describe(const MergeOperator& op, const query::BoundQuery& query, OperatorProfile& out) {
  out.name = "merge";
  std::vector<VariableId> kept = op.run;
  if (op.dense != kNoVariable) kept.push_back(op.dense);
  out.detail = variables_text(kept, query);
}

}  // namespace

std::string expression_text(const Expr& expr, const query::BoundQuery& query) {
  switch (expr.kind) {
    case ExprKind::kLiteral: {
      std::string text;
      columnar::append_json(text, expr.literal);
      return text;
    }
    case ExprKind::kParameter: return std::string("$").append(query.parameters[expr.parameter].name);
    case ExprKind::kNow: return "now()";
    case ExprKind::kEntityId: return variable_text(expr.variable, query).append(".id");
    case ExprKind::kProperty: {
      const schema::TypeRef type = query.read->variables[expr.variable].type;
      const std::string& name = query.catalog->properties_of(type)[expr.property].name;
      return variable_text(expr.variable, query).append(".").append(name);
    }
    case ExprKind::kCompare: return comparison_text(expr, query);
    case ExprKind::kAnd: return infix_text("and", expr, query);
    case ExprKind::kOr: return infix_text("or", expr, query);
    case ExprKind::kNot: return std::string("not ").append(operand_text(expr.args[0], query));
    case ExprKind::kIsNull: return operand_text(expr.args[0], query).append(expr.negated ? " is not null" : " is null");
    case ExprKind::kArithmetic: return expr.written;
    case ExprKind::kAggregate: return call_text(query::aggregate_name(expr.aggregate), expr, query);
    case ExprKind::kProjection: return expression_text(query.read->projections[expr.projection].expr, query);
    case ExprKind::kPath:
      return std::string(expr.function)
          .append("(")
          .append(variable_text(query.read->paths[expr.path].variable, query))
          .append(")");
    default: return call_text(expr.function, expr, query);
  }
}

std::string result_text(const query::BoundQuery& query) {
  const query::ReadQuery& read = *query.read;
  std::vector<std::string> columns;
  for (const query::Projection& projection : read.projections)
    columns.push_back(expression_text(projection.expr, query));
  std::string out = read.distinct ? "distinct " : "";
  out.append(joined_texts(columns, ", "));
  std::vector<std::string> keys;
  for (const query::OrderItem& item : read.order) {
    keys.push_back(expression_text(item.expr, query).append(item.descending ? " desc" : ""));
  }
  if (!keys.empty()) out.append(" order ").append(joined_texts(keys, ", "));
  if (read.offset.has_value()) out.append(" offset ").append(expression_text(*read.offset, query));
  if (read.limit.has_value()) out.append(" limit ").append(expression_text(*read.limit, query));
  return out;
}

OperatorProfile text_of_source(const ScanSource& source, const Runtime& runtime) {
  const query::BoundQuery& query = runtime.query();
  OperatorProfile out;
  out.name = source.is_lookup() ? "look-up" : "scan";
  out.estimated_rows = source.estimated_rows;
  out.detail = variable_text(source.variable, query)
                   .append(": ")
                   .append(type_text(runtime.type_of(source.variable), runtime.catalog()));
  const std::string conditions = conditions_text(source.written, query);
  if (!conditions.empty()) out.detail.append(" where ").append(conditions);
  return out;
}

OperatorProfile text_of_input(const Pipeline& pipeline) {
  OperatorProfile out;
  out.name = pipeline.empty ? "nothing" : "input";
  if (pipeline.empty) out.detail = "a condition never holds";
  return out;
}

OperatorProfile text_of_operator(const Operator& op, const Runtime& runtime) {
  const query::BoundQuery& query = runtime.query();
  OperatorProfile out;
  if (op.estimated_rows >= 0) out.estimated_rows = op.estimated_rows;
  if (const auto* expand = dynamic_cast<const ExpandOperator*>(&op)) {
    describe(*expand, query, out);
  } else if (const auto* reach = dynamic_cast<const ReachOperator*>(&op)) {
    describe(*reach, query, out);
  } else if (const auto* probe = dynamic_cast<const ProbeOperator*>(&op)) {
    describe(*probe, query, out);
  } else if (const auto* filter = dynamic_cast<const FilterOperator*>(&op)) {
    describe(*filter, query, out);
  } else if (const auto* cross = dynamic_cast<const CrossOperator*>(&op)) {
    describe(*cross, query, out);
  } else if (const auto* merge = dynamic_cast<const MergeOperator*>(&op)) {
    describe(*merge, query, out);
  } else if (const auto* semi = dynamic_cast<const SemiJoinOperator*>(&op)) {
    out.name = "not";
    out.detail = std::string("for ").append(variables_text(semi->correlated, query));
  } else if (const auto* optional = dynamic_cast<const OptionalOperator*>(&op)) {
    out.name = "optional";
    out.detail = std::string("for ").append(variables_text(optional->correlated, query));
  }
  return out;
}

}  // namespace omnigraph::exec
