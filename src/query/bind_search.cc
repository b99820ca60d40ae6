// Search and rank functions (chapter 02 sections 4 and 8: T15, T19, T20, T21, T23).
#include <utility>

#include "query/binder.h"

namespace omnigraph::query {

using schema::EntityKind;
using schema::ScalarType;

// A String property of a node variable.
Result<Expr> Binder::bind_text_field(const ast::Expr& field, std::string_view function, std::string_view code) {
  const std::string name(function);
  if (field.kind != ast::ExprKind::kProperty) {
    return fail(code, name + " requires a String property as first argument, got '" + written(field) + "'", field.span);
  }
  const auto variable = find_variable(field.name);
  if (variable) OG_RETURN_IF_ERROR(check_no_path(*variable, field.span));
  if (variable && (*variables_)[*variable].type.kind == EntityKind::kEdge) {
    return fail("T23", name + " cannot search edge variable '$" + field.name + "'", field.span);
  }
  if (variable) {
    // Before bind_property, which would speak of a read value where the field's type is what is wrong.
    const auto& node = catalog_->nodes[(*variables_)[*variable].type.index];
    const schema::Property* property = node.find(field.property);
    if (property != nullptr && !is_string(property->type)) {
      return fail(code, name + " requires a String property, '" + written(field) + "' is " + type_name(property->type),
                  field.span);
    }
    if (property == nullptr && field.property == "id") {
      return fail(code, name + " requires a String property, '" + written(field) + "' is an id", field.span);
    }
  }
  return bind_property(field);
}

Result<Expr> Binder::bind_text_query(const ast::Expr& query, std::string_view function, std::string_view code) {
  const bool value = query.kind == ast::ExprKind::kLiteral || query.kind == ast::ExprKind::kList ||
                     query.kind == ast::ExprKind::kVariable || query.kind == ast::ExprKind::kProperty;
  if (value) {
    OG_ASSIGN_OR_RETURN(Expr text, bind_expr(query, Place::kMatch));
    const bool node = text.kind == ExprKind::kEntityId && query.kind == ast::ExprKind::kVariable;
    if (is_string(text.type) && !node) return text;
  }
  return fail(code, std::string(function) + " requires a String query, got '" + written(query) + "'", query.span);
}

Result<Expr> Binder::bind_count_argument(const ast::Expr& argument, std::string_view what, std::string_view code) {
  const bool literal = argument.kind == ast::ExprKind::kLiteral;
  const bool parameter = argument.kind == ast::ExprKind::kVariable && find_parameter(argument.name);
  if (literal || parameter) {
    OG_ASSIGN_OR_RETURN(Expr count, bind_expr(argument, Place::kMatch));
    if (count.type.is_integer()) return count;
  }
  return fail(code, std::string(what) + " must be an integer literal or parameter, got '" + written(argument) + "'",
              argument.span);
}

Result<Expr> Binder::bind_text_match(const ast::Expr& expr, Place place) {
  if (in_mutation(place)) {
    return fail("T7", expr.name + " cannot stand in a mutation: text search reads, it does not pick rows to write",
                expr.span);
  }
  const bool fuzzy = expr.kind == ast::ExprKind::kFuzzy;
  const std::string_view code = expr.kind == ast::ExprKind::kMatchText ? "T20" : "T19";
  Expr match{.kind = fuzzy ? ExprKind::kFuzzy : ExprKind::kTextMatch,
             .type = scalar_type(ScalarType::kBool, true),
             .span = expr.span,
             .function = expr.name};
  OG_ASSIGN_OR_RETURN(Expr field, bind_text_field(expr.args[0], expr.name, code));
  match.args.push_back(std::move(field));
  OG_ASSIGN_OR_RETURN(Expr query, bind_text_query(expr.args[1], expr.name, code));
  match.args.push_back(std::move(query));
  if (expr.args.size() > 2) {
    OG_ASSIGN_OR_RETURN(Expr edits, bind_count_argument(expr.args[2], "fuzzy max_edits", code));
    match.args.push_back(std::move(edits));
  }
  return match;
}

// A rank function orders entities: the variable must be there in every row.
Result<void> Binder::check_ranked(const ast::Expr& field, std::string_view function) const {
  const auto variable = field.kind == ast::ExprKind::kProperty ? find_variable(field.name) : std::nullopt;
  if (!variable) return {};
  OG_RETURN_IF_ERROR(check_no_path(*variable, field.span));
  if (!may_be_null(*variable)) return {};
  return fail("T27",
              std::string(function) + " cannot rank '$" + field.name + "', a variable of an 'optional { }' block",
              field.span);
}

Result<Expr> Binder::bind_bm25(const ast::Expr& expr) {
  Expr score{.kind = ExprKind::kBm25, .type = scalar_type(ScalarType::kF64), .span = expr.span, .function = expr.name};
  OG_RETURN_IF_ERROR(check_ranked(expr.args[0], expr.name));
  OG_ASSIGN_OR_RETURN(Expr field, bind_text_field(expr.args[0], expr.name, "T20"));
  score.args.push_back(std::move(field));
  // A score ranks entities: its query must be the same for every row.
  if (expr.args[1].kind == ast::ExprKind::kProperty) {
    return fail("T20", "bm25 query must be a literal or parameter, got '" + written(expr.args[1]) + "'",
                expr.args[1].span);
  }
  OG_ASSIGN_OR_RETURN(Expr query, bind_text_query(expr.args[1], expr.name, "T20"));
  score.args.push_back(std::move(query));
  return score;
}

Result<Expr> Binder::bind_nearest(const ast::Expr& expr) {
  const ast::Expr& field = expr.args[0];
  const auto variable = find_variable(field.name);
  if (!variable) {
    return fail("T15", "nearest: variable '$" + field.name + "' is not bound", field.span,
                suggest_variable(field.name));
  }
  OG_RETURN_IF_ERROR(check_ranked(field, expr.name));
  const schema::TypeRef owner = (*variables_)[*variable].type;
  if (owner.kind == EntityKind::kEdge) {
    return fail("T23", "nearest cannot rank edge variable '$" + field.name + "'", field.span);
  }
  const schema::NodeType& node = catalog_->nodes[owner.index];
  const schema::Property* property = node.find(field.property);
  if (property == nullptr || !property->type.is_vector()) {
    return fail("T15",
                "nearest requires a Vector property, '" + written(field) + "' " +
                    (property == nullptr ? "does not exist on " + node.name : "is " + type_name(property->type)),
                field.span, property == nullptr ? property_hint(owner, field.property) : "");
  }
  Expr distance{.kind = ExprKind::kNearest,
                .type = scalar_type(ScalarType::kF64, property->type.nullable),
                .span = expr.span,
                .function = expr.name};
  OG_ASSIGN_OR_RETURN(Expr vector, bind_property(field));
  OG_ASSIGN_OR_RETURN(Expr query, bind_nearest_query(expr.args[1], property->type.vector_dimension));
  distance.args.push_back(std::move(vector));
  distance.args.push_back(std::move(query));
  return distance;
}

// Vector(N) or String, as literal or parameter. A list literal becomes the vector.
Result<Expr> Binder::bind_nearest_query(const ast::Expr& query, std::uint32_t dimension) {
  const std::string wanted =
      "Vector(" + std::to_string(dimension) + "), a list of " + std::to_string(dimension) + " numbers or a String";
  const bool literal = query.kind == ast::ExprKind::kLiteral || query.kind == ast::ExprKind::kList;
  const bool parameter = query.kind == ast::ExprKind::kVariable && find_parameter(query.name);
  if (!literal && !parameter) {
    return fail("T15", "nearest query must be a literal or parameter, got '" + written(query) + "'", query.span);
  }
  OG_ASSIGN_OR_RETURN(Expr value, bind_expr(query, Place::kMatch));
  if (is_string(value.type) || value.type.vector_dimension == dimension) return value;
  if (value.kind == ExprKind::kLiteral && value.type.list) {
    const std::size_t count = std::get<columnar::ScalarList>(value.literal.value).size();
    auto vector = as_vector(value.literal);
    if (count == dimension && vector) {
      value.literal.value = std::move(*vector);
      value.type = scalar_type(ScalarType::kF32);
      value.type.vector_dimension = dimension;
      return value;
    }
    if (count != dimension) {
      return fail("T15",
                  "nearest query has " + std::to_string(count) + " values, the property is Vector(" +
                      std::to_string(dimension) + ")",
                  query.span);
    }
  }
  return fail("T15", "nearest query must be " + wanted + ", got " + type_name(value.type), query.span);
}

Result<Expr> Binder::bind_rrf(const ast::Expr& expr) {
  Expr score{.kind = ExprKind::kRrf, .type = scalar_type(ScalarType::kF64), .span = expr.span, .function = expr.name};
  for (std::size_t i = 0; i < 2; ++i) {
    const ast::Expr& arm = expr.args[i];
    if (arm.kind != ast::ExprKind::kNearest && arm.kind != ast::ExprKind::kBm25) {
      return fail("T21", "rrf fuses nearest(..) and bm25(..), got '" + written(arm) + "'", arm.span);
    }
    OG_ASSIGN_OR_RETURN(Expr rank, bind_expr(arm, Place::kReturn));
    score.args.push_back(std::move(rank));
  }
  if (score.args[0].args[0].variable != score.args[1].args[0].variable) {
    return fail("T21", "both arms of rrf must rank the same variable", expr.span);
  }
  if (expr.args.size() > 2) {
    OG_ASSIGN_OR_RETURN(Expr k, bind_count_argument(expr.args[2], "rrf k", "T21"));
    const auto* value = std::get_if<std::int64_t>(&k.literal.value);
    if (value != nullptr && *value <= 0) {
      return fail("T21", "rrf k must be greater than 0, got " + std::to_string(*value), expr.args[2].span);
    }
    score.args.push_back(std::move(k));
  }
  return score;
}

}  // namespace omnigraph::query
