// Values of property maps, assignments and predicates: literal, parameter or now().
#include <utility>

#include "base/text.h"
#include "query/binder.h"

namespace omnigraph::query {
namespace {

std::string join(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text.append(text.empty() ? "" : ", ").append(value);
  return text;
}

}  // namespace

Result<Expr> Binder::bind_value(const ast::Expr& value, const ValueTarget& target) {
  switch (value.kind) {
    case ast::ExprKind::kVariable: return bind_parameter_value(value, target);
    case ast::ExprKind::kNow: {
      const schema::PropertyType moment = scalar_type(schema::ScalarType::kDateTime);
      if (!target.type.is_plain_scalar() || target.type.scalar != schema::ScalarType::kDateTime) {
        return fail("T7", "now() is a DateTime, but property " + target.text() + " is " + type_name(target.type),
                    value.span);
      }
      return Expr{.kind = ExprKind::kNow, .type = moment, .span = value.span};
    }
    default: return bind_literal_value(value, target);
  }
}

Result<Expr> Binder::bind_literal_value(const ast::Expr& value, const ValueTarget& target) {
  OG_ASSIGN_OR_RETURN(Expr literal, bind_literal(value));
  if (target.type.is_blob()) {
    return fail("T3", "blob property " + target.text() + " takes no literal", value.span,
                "declare a String or Blob parameter and assign that");
  }
  if (target.type.is_vector()) return bind_vector_value(std::move(literal), target);
  if (!compatible(literal.type, target.type)) {
    std::string help;
    if (is_string(literal.type) && target.type.scalar == schema::ScalarType::kDate) help = "write date(\"..\")";
    if (is_string(literal.type) && target.type.scalar == schema::ScalarType::kDateTime) help = "write datetime(\"..\")";
    if (literal.type.list && target.type.list && value.args.empty()) {
      help = "an empty list literal is a list of String; pass a " + type_name(target.type) + " parameter";
    }
    return fail(
        "T3",
        "property " + target.text() + " is " + type_name(target.type) + ", the value is " + type_name(literal.type),
        value.span, help);
  }
  OG_RETURN_IF_ERROR(check_enum(literal, target));
  return literal;
}

Result<Expr> Binder::bind_vector_value(Expr literal, const ValueTarget& target) {
  const std::uint32_t dimension = target.type.vector_dimension;
  if (!literal.type.list) {
    return fail(
        "T3",
        "property " + target.text() + " is " + type_name(target.type) + ", the value is " + type_name(literal.type),
        literal.span);
  }
  const std::size_t count = std::get<columnar::ScalarList>(literal.literal.value).size();
  if (count != dimension) {
    return fail("T3",
                "property " + target.text() + " is " + type_name(target.type) + " and takes " +
                    std::to_string(dimension) + " values, got " + std::to_string(count),
                literal.span);
  }
  auto vector = as_vector(literal.literal);
  if (!vector) {
    return fail("T3", "vector literal for " + target.text() + " has a value that is not a finite F32", literal.span);
  }
  literal.literal.value = std::move(*vector);
  literal.type = scalar_type(schema::ScalarType::kF32);
  literal.type.vector_dimension = dimension;
  return literal;
}

Result<Expr> Binder::bind_parameter_value(const ast::Expr& value, const ValueTarget& target) {
  const auto parameter = find_parameter(value.name);
  if (!parameter) {
    std::vector<std::string> names;
    for (const Parameter& known : bound_->parameters) names.push_back(dollar(known.name));
    return fail("T14", "variable '$" + value.name + "' used as a value is not a declared parameter", value.span,
                base::did_you_mean(dollar(value.name), names));
  }
  Expr expr = parameter_expr(*parameter, value.span);
  const bool blob_source = target.type.is_blob() && target.use == ValueUse::kAssignment && is_string(expr.type);
  if (!blob_source && !compatible(expr.type, target.type)) {
    return fail(target.use == ValueUse::kMap ? "T3" : "T7",
                "property " + target.text() + " is " + type_name(target.type) + ", parameter '$" + value.name +
                    "' is " + type_name(expr.type),
                value.span);
  }
  return expr;
}

Result<void> Binder::check_enum(const Expr& literal, const ValueTarget& target) const {
  const auto* text = std::get_if<std::string>(&literal.literal.value);
  if (!target.type.is_enum() || text == nullptr) return {};
  for (const std::string& allowed : target.type.enum_values) {
    if (*text == allowed) return {};
  }
  return fail("T3",
              "invalid enum value '" + *text + "' for " + target.type_name + "." + target.property +
                  " (expected: " + join(target.type.enum_values) + ")",
              literal.span, base::did_you_mean(*text, target.type.enum_values));
}

}  // namespace omnigraph::query
