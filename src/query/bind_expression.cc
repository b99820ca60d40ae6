// Expressions and comparisons (chapter 02 section 4: T6, T7, T8, T24).
#include <utility>

#include "base/text.h"
#include "query/binder.h"

namespace omnigraph::query {

using schema::EntityKind;
using schema::ScalarType;
using schema::TypeRef;

// The text of an expression as messages quote it.
std::string Binder::written(const ast::Expr& expr) const {
  return std::string(source_.text.substr(expr.span.begin, expr.span.end - expr.span.begin));
}

std::string Binder::property_hint(TypeRef type, std::string_view property) const {
  const bool edge = type.kind == EntityKind::kEdge;
  if (edge && (property == "from" || property == "to" || property == "src" || property == "dst")) {
    return "bind the endpoints of the traversal and return them";
  }
  if (property == "id") return edge ? "an edge's id is not readable" : "a bare variable is the id of its node";
  std::vector<std::string> names;
  for (const schema::Property& known : catalog_->properties_of(type)) names.push_back(known.name);
  return base::did_you_mean(property, names);
}

Result<Expr> Binder::bind_expr(const ast::Expr& expr, Place place) {
  switch (expr.kind) {
    case ast::ExprKind::kLiteral:
    case ast::ExprKind::kList: return bind_literal(expr);
    case ast::ExprKind::kNow:
      return Expr{.kind = ExprKind::kNow, .type = scalar_type(ScalarType::kDateTime), .span = expr.span};
    case ast::ExprKind::kVariable: return bind_variable(expr);
    case ast::ExprKind::kProperty: return bind_property(expr);
    case ast::ExprKind::kAlias: return bind_alias(expr, place);
    case ast::ExprKind::kAggregate: return bind_aggregate(expr, place);
    case ast::ExprKind::kNearest: return bind_nearest(expr);
    case ast::ExprKind::kBm25: return bind_bm25(expr);
    case ast::ExprKind::kRrf: return bind_rrf(expr);
    case ast::ExprKind::kSearch:
    case ast::ExprKind::kFuzzy:
    case ast::ExprKind::kMatchText: return bind_text_match(expr, place);
  }
  return fail("", "unknown expression", expr.span);
}

Result<Expr> Binder::bind_property(const ast::Expr& expr) {
  const auto variable = find_variable(expr.name);
  if (!variable) {
    return fail("T6", "property access '" + written(expr) + "' on unbound variable '$" + expr.name + "'", expr.span,
                suggest_variable(expr.name));
  }
  const TypeRef type = (*variables_)[*variable].type;
  const auto& properties = catalog_->properties_of(type);
  std::uint32_t index = 0;
  while (index < properties.size() && properties[index].name != expr.property) ++index;
  if (index == properties.size()) {
    return fail("T6", std::string(schema::kind_name(type.kind)) + " type '" + catalog_->name_of(type) +
                          "' has no property '" + expr.property + "' ('" + written(expr) + "')",
                expr.property_span, property_hint(type, expr.property));
  }
  if (properties[index].type.is_blob()) {
    return fail("T24", "blob property '" + written(expr) + "' cannot be read as a value", expr.span,
                "read blobs with the blob commands");
  }
  return Expr{.kind = ExprKind::kProperty,
              .type = properties[index].type,
              .span = expr.span,
              .variable = *variable,
              .property = index};
}

// A parameter if one has the name, else the id of a bound node.
Result<Expr> Binder::bind_variable(const ast::Expr& expr) {
  if (const auto parameter = find_parameter(expr.name)) {
    if (bound_->parameters[*parameter].type.is_blob()) {
      return fail("T24", "blob parameter '$" + expr.name + "' cannot be read as a value", expr.span);
    }
    return parameter_expr(*parameter, expr.span);
  }
  const auto variable = find_variable(expr.name);
  if (!variable) {
    return fail("", "variable '$" + expr.name + "' is not bound", expr.span, suggest_variable(expr.name));
  }
  if ((*variables_)[*variable].type.kind == EntityKind::kEdge) {
    return fail("T23", "edge variable '$" + expr.name + "' cannot be used bare", expr.span,
                "name one of its properties, e.g. $" + expr.name + ".p");
  }
  return Expr{.kind = ExprKind::kEntityId,
              .type = scalar_type(ScalarType::kString),
              .span = expr.span,
              .variable = *variable};
}

Result<Expr> Binder::bind_alias(const ast::Expr& expr, Place place) {
  // Aliases name results, which no clause of `match` can see; `null` is no name at all.
  if (place == Place::kMatch) {
    const auto* read = std::get_if<ast::Read>(&query_.body);
    for (const ast::Projection& projection : read->projections) {
      if (projection.alias == expr.name) {
        return fail("T7", "alias '" + expr.name + "' is not a value in match", expr.span);
      }
    }
    if (expr.name == "null") {
      return fail("T7", "'null' is not a value: a comparison with null keeps no row", expr.span,
                  "there is no null literal");
    }
  } else if (const auto projection = find_alias(expr.name)) {
    Expr value = bound_->read->projections[*projection].expr;
    value.span = expr.span;
    return value;
  }
  std::vector<std::string> names;
  for (const auto& alias : aliases_) {
    if (alias) names.push_back(*alias);
  }
  std::string help = base::did_you_mean(expr.name, names);
  if (help.empty() && find_variable(expr.name)) help = "variables are written with '$': $" + expr.name;
  return fail("T6", quoted(expr.name) + " names no return alias", expr.span, help);
}

Result<Expr> Binder::bind_aggregate(const ast::Expr& expr, Place place) {
  const ast::Expr& written_argument = expr.args.front();
  OG_ASSIGN_OR_RETURN(Expr argument, bind_expr(written_argument, place));
  const std::string name(aggregate_name(expr.aggregate));
  if (argument.kind == ExprKind::kAggregate) {
    return fail("T8", "aggregates do not nest: '" + written(expr) + "'", expr.span);
  }
  Expr aggregate{.kind = ExprKind::kAggregate,
                 .type = scalar_type(ScalarType::kF64, true),
                 .span = expr.span,
                 .aggregate = expr.aggregate,
                 .function = name};
  if (expr.aggregate == Aggregate::kCount) {
    aggregate.type = scalar_type(ScalarType::kI64, true);
  } else if (argument.kind == ExprKind::kEntityId) {
    return fail("T8", name + " needs a value, '" + written(written_argument) + "' is a node", expr.span,
                "only count accepts a node");
  } else if (expr.aggregate == Aggregate::kSum || expr.aggregate == Aggregate::kAvg) {
    if (!argument.type.is_numeric()) {
      return fail("T8", name + " needs a number, '" + written(written_argument) + "' is " + type_name(argument.type),
                  expr.span);
    }
  } else {
    if (!argument.type.is_numeric() && !is_string(argument.type)) {
      return fail("T8", name + " needs a number or a String, '" + written(written_argument) + "' is " +
                            type_name(argument.type),
                  expr.span);
    }
    aggregate.type = argument.type;
    aggregate.type.nullable = true;
  }
  aggregate.args.push_back(std::move(argument));
  return aggregate;
}

Result<Expr> Binder::bind_filter_operand(const ast::Expr& expr) {
  if (expr.kind == ast::ExprKind::kAggregate) {
    return fail("T7", "aggregate '" + written(expr) + "' cannot stand in match", expr.span);
  }
  OG_ASSIGN_OR_RETURN(Expr operand, bind_expr(expr, Place::kMatch));
  if (operand.kind == ExprKind::kEntityId) {
    return fail("T7", "filter operand '" + written(expr) + "' is a node, not a scalar", expr.span,
                "compare one of its properties");
  }
  if (is_rank(operand)) {
    return fail("T7", operand.function + " ranks rows and cannot filter them", expr.span,
                "put it into order { } or return { }");
  }
  if (operand.type.is_vector()) {
    return fail("T7", "vector '" + written(expr) + "' cannot stand in a filter", expr.span, "order by nearest(..)");
  }
  return operand;
}

std::string Binder::date_hint(const Expr& left, const Expr& right) const {
  for (const auto& [one, other] : {std::pair(&left, &right), std::pair(&right, &left)}) {
    if (!is_string(one->type) || one->kind != ExprKind::kLiteral || other->type.list) continue;
    const std::string text(source_.text.substr(one->span.begin, one->span.end - one->span.begin));
    if (other->type.scalar == ScalarType::kDate) return "write date(" + text + ")";
    if (other->type.scalar == ScalarType::kDateTime) return "write datetime(" + text + ")";
  }
  return "";
}

Result<void> Binder::check_comparison(const ast::Filter& filter, const Expr& left, const Expr& right) const {
  if (filter.op == CompareOp::kContains) return check_contains(filter, left, right);
  if (filter.op == CompareOp::kStartsWith) {
    if (left.kind != ExprKind::kProperty || !is_string(left.type)) {
      return fail("T7", "starts_with requires a String property on the left, got " + type_name(left.type), filter.span);
    }
    if (!is_string(right.type)) {
      return fail("T7", "starts_with requires a String right operand, got " + type_name(right.type), filter.span);
    }
    return {};
  }
  if (left.type.list || right.type.list) {
    return fail("T7", "a list can only be compared with contains: '" + written(left.type.list ? filter.left : filter.right) +
                          "' is " + type_name(left.type.list ? left.type : right.type),
                filter.span);
  }
  if (!compatible(left.type, right.type)) {
    const bool now = left.kind == ExprKind::kNow || right.kind == ExprKind::kNow;
    return fail("T7", std::string(now ? "now() is a DateTime: " : "") + "cannot compare " + type_name(left.type) +
                          " with " + type_name(right.type),
                filter.span, date_hint(left, right));
  }
  return {};
}

Result<void> Binder::check_contains(const ast::Filter& filter, const Expr& left, const Expr& right) const {
  if (left.type.list) {
    if (right.type.list) {
      return fail("T7", "contains requires a scalar right operand, got " + type_name(right.type), filter.span);
    }
    if (!compatible(item_type(left.type), right.type)) {
      return fail("T7", "cannot look for " + type_name(right.type) + " in " + type_name(left.type), filter.span,
                  date_hint(Expr{.type = item_type(left.type)}, right));
    }
    return {};
  }
  if (!is_string(left.type)) {
    return fail("T7", "contains requires a list or a String on the left, got " + type_name(left.type), filter.span);
  }
  if (!is_string(right.type)) {
    return fail("T7", "string contains requires a String right operand, got " + type_name(right.type), filter.span);
  }
  return {};
}

}  // namespace omnigraph::query
