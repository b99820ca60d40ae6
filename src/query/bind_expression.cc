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
    case ast::ExprKind::kVariable: return bind_variable(expr, place);
    case ast::ExprKind::kProperty: return bind_property(expr);
    case ast::ExprKind::kAlias: return in_mutation(place) ? bind_row_name(expr, place) : bind_alias(expr, place);
    case ast::ExprKind::kArithmetic: return bind_arithmetic(expr, place);
    case ast::ExprKind::kPath: return bind_path_call(expr);
    case ast::ExprKind::kAggregate: return bind_aggregate(expr, place);
    case ast::ExprKind::kNearest: return bind_nearest(expr);
    case ast::ExprKind::kBm25: return bind_bm25(expr);
    case ast::ExprKind::kRrf: return bind_rrf(expr);
    case ast::ExprKind::kSearch:
    case ast::ExprKind::kFuzzy:
    case ast::ExprKind::kMatchText: return bind_text_match(expr, place);
    default: break;  // The parser lets no condition and no null stand for a value.
  }
  return fail("", "unknown expression", expr.span);
}

Result<Expr> Binder::bind_property(const ast::Expr& expr, Blobs blobs) {
  const auto variable = find_variable(expr.name);
  if (!variable) {
    return fail("T6", "property access '" + written(expr) + "' on unbound variable '$" + expr.name + "'", expr.span,
                suggest_variable(expr.name));
  }
  OG_RETURN_IF_ERROR(check_no_path(*variable, expr.span));
  const TypeRef type = (*variables_)[*variable].type;
  const auto& properties = catalog_->properties_of(type);
  std::uint32_t index = 0;
  while (index < properties.size() && properties[index].name != expr.property) ++index;
  if (index == properties.size() && expr.property == "id") {
    return Expr{.kind = ExprKind::kEntityId,
                .type = scalar_type(ScalarType::kString, may_be_null(*variable)),
                .span = expr.span,
                .variable = *variable};
  }
  if (index == properties.size()) {
    return fail("T6",
                std::string(schema::kind_name(type.kind)) + " type '" + catalog_->name_of(type) +
                    "' has no property '" + expr.property + "' ('" + written(expr) + "')",
                expr.property_span, property_hint(type, expr.property));
  }
  if (properties[index].type.is_blob() && blobs == Blobs::kRefused) {
    return fail("T24", "blob property '" + written(expr) + "' cannot be read as a value", expr.span,
                "read blobs with the blob commands");
  }
  Expr property{.kind = ExprKind::kProperty,
                .type = properties[index].type,
                .span = expr.span,
                .variable = *variable,
                .property = index};
  property.type.nullable = property.type.nullable || may_be_null(*variable);
  return property;
}

// A parameter if one has the name, else the id of a bound node.
Result<Expr> Binder::bind_variable(const ast::Expr& expr, Place place) {
  if (const auto parameter = find_parameter(expr.name)) {
    if (bound_->parameters[*parameter].type.is_blob()) {
      return fail("T24", "blob parameter '$" + expr.name + "' cannot be read as a value", expr.span);
    }
    return parameter_expr(*parameter, expr.span);
  }
  if (in_mutation(place)) {
    return fail("T14", "variable '$" + expr.name + "' used as a value is not a declared parameter", expr.span,
                suggest_variable(expr.name));
  }
  const auto variable = find_variable(expr.name);
  if (!variable) {
    return fail("", "variable '$" + expr.name + "' is not bound", expr.span, suggest_variable(expr.name));
  }
  OG_RETURN_IF_ERROR(check_no_path(*variable, expr.span));
  if ((*variables_)[*variable].type.kind == EntityKind::kEdge) {
    return fail("T23", "edge variable '$" + expr.name + "' cannot be used bare", expr.span,
                "name one of its properties, e.g. $" + expr.name + ".p");
  }
  return Expr{.kind = ExprKind::kEntityId,
              .type = scalar_type(ScalarType::kString, may_be_null(*variable)),
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
      return fail("T7", "'null' is not a value: a comparison with null keeps no row, use 'is null'", expr.span,
                  "write 'is null' or 'is not null'");
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
  if (place == Place::kMatch || in_mutation(place)) {
    return fail(
        "T7", "aggregate '" + written(expr) + "' cannot stand in " + (place == Place::kMatch ? "match" : "a mutation"),
        expr.span);
  }
  OG_ASSIGN_OR_RETURN(Expr argument, bind_expr(written_argument, place));
  const std::string name(aggregate_name(expr.aggregate));
  const bool node = argument.kind == ExprKind::kEntityId && written_argument.kind == ast::ExprKind::kVariable;
  if (holds_aggregate(argument)) {
    return fail("T8", "aggregates do not nest: '" + written(expr) + "'", expr.span);
  }
  Expr aggregate{.kind = ExprKind::kAggregate,
                 .type = scalar_type(ScalarType::kF64, true),
                 .span = expr.span,
                 .aggregate = expr.aggregate,
                 .distinct = expr.distinct,
                 .function = name};
  if (expr.aggregate == Aggregate::kCount) {
    aggregate.type = scalar_type(ScalarType::kI64, true);
  } else if (node) {
    return fail("T8", name + " needs a value, '" + written(written_argument) + "' is a node", expr.span,
                "only count accepts a node");
  } else if (expr.aggregate == Aggregate::kSum || expr.aggregate == Aggregate::kAvg) {
    if (!argument.type.is_numeric()) {
      return fail("T8", name + " needs a number, '" + written(written_argument) + "' is " + type_name(argument.type),
                  expr.span);
    }
  } else {
    if (!argument.type.is_numeric() && !is_string(argument.type)) {
      return fail(
          "T8",
          name + " needs a number or a String, '" + written(written_argument) + "' is " + type_name(argument.type),
          expr.span);
    }
    aggregate.type = argument.type;
    aggregate.type.nullable = true;
  }
  aggregate.args.push_back(std::move(argument));
  return aggregate;
}

// length, nodes or edges of a path.
Result<Expr> Binder::bind_path_call(const ast::Expr& expr) {
  const ast::Expr& name = expr.args.front();
  const auto variable = find_variable(name.name);
  if (!variable || !(*variables_)[*variable].path) {
    return fail("T28", expr.name + "(..) takes a path variable, '$" + name.name + "' is none", name.span,
                "bind one: $" + name.name + " = shortest $a word{1,N} $b");
  }
  const auto& paths = bound_->read->paths;
  Expr call{.kind = ExprKind::kPath, .type = scalar_type(ScalarType::kI64), .span = expr.span, .function = expr.name};
  while (paths[call.path].variable != *variable) ++call.path;
  if (expr.name != "length") {
    call.type = scalar_type(ScalarType::kString);
    call.type.list = true;
  }
  call.type.nullable = may_be_null(*variable);
  if (call.type.nullable) call.variable = *variable;
  for (const VariableId end : {paths[call.path].traversal.from, paths[call.path].traversal.to}) {
    call.args.push_back({.kind = ExprKind::kEntityId, .type = scalar_type(ScalarType::kString), .variable = end});
  }
  return call;
}

}  // namespace omnigraph::query
