// Conditions and arithmetic (chapter 02 section 4: T7; chapter 14 sections 2 and 3: T25).
#include <utility>

#include "query/arithmetic.h"
#include "query/binder.h"

namespace omnigraph::query {

using schema::EntityKind;
using schema::ScalarType;

namespace {

bool is_number(const Expr& expr) { return expr.type.is_plain_scalar() && expr.type.is_numeric(); }

double number_of(const columnar::Scalar& literal) {
  if (const auto* integer = std::get_if<std::int64_t>(&literal.value)) return static_cast<double>(*integer);
  return std::get<double>(literal.value);
}

}  // namespace

Result<Expr> Binder::bind_condition(const ast::Expr& condition, Place place) {
  Expr bound{.kind = ExprKind::kAnd, .type = scalar_type(ScalarType::kBool, true), .span = condition.span};
  switch (condition.kind) {
    case ast::ExprKind::kAnd: break;
    case ast::ExprKind::kOr: bound.kind = ExprKind::kOr; break;
    case ast::ExprKind::kNot: bound.kind = ExprKind::kNot; break;
    case ast::ExprKind::kCompare: return bind_comparison(condition, place);
    case ast::ExprKind::kIn: return bind_membership(condition, place);
    case ast::ExprKind::kIsNull: return bind_null_test(condition, place);
    default: return bind_text_match(condition, place);
  }
  for (const ast::Expr& part : condition.args) {
    OG_ASSIGN_OR_RETURN(Expr arg, bind_condition(part, place));
    bound.args.push_back(std::move(arg));
  }
  return bound;
}

Result<Expr> Binder::bind_comparison(const ast::Expr& condition, Place place) {
  if (place == Place::kRow && is_plain_predicate(condition)) return bind_plain_predicate(condition);
  OG_ASSIGN_OR_RETURN(Expr left, bind_filter_operand(condition.args[0], place));
  OG_ASSIGN_OR_RETURN(Expr right, bind_filter_operand(condition.args[1], place));
  OG_RETURN_IF_ERROR(check_comparison(condition, left, right));
  Expr compare{.kind = ExprKind::kCompare,
               .type = scalar_type(ScalarType::kBool, true),
               .span = condition.span,
               .op = condition.op};
  compare.args.push_back(std::move(left));
  compare.args.push_back(std::move(right));
  return compare;
}

// `x in l` is `l contains x`.
Result<Expr> Binder::bind_membership(const ast::Expr& condition, Place place) {
  OG_ASSIGN_OR_RETURN(Expr item, bind_filter_operand(condition.args[0], place));
  OG_ASSIGN_OR_RETURN(Expr list, bind_filter_operand(condition.args[1], place));
  if (!list.type.list) {
    return fail("T7", "in requires a list on the right, got " + type_name(list.type), condition.args[1].span);
  }
  if (item.type.list) {
    return fail("T7", "in requires a scalar on the left, got " + type_name(item.type), condition.args[0].span);
  }
  const auto* items = std::get_if<columnar::ScalarList>(&list.literal.value);
  const bool empty = list.kind == ExprKind::kLiteral && items != nullptr && items->empty();
  if (!empty) OG_RETURN_IF_ERROR(check_contains(condition.span, list, item));
  Expr compare{.kind = ExprKind::kCompare,
               .type = scalar_type(ScalarType::kBool, true),
               .span = condition.span,
               .op = CompareOp::kContains};
  compare.args.push_back(std::move(list));
  compare.args.push_back(std::move(item));
  return compare;
}

Result<Expr> Binder::bind_null_test(const ast::Expr& condition, Place place) {
  OG_ASSIGN_OR_RETURN(Expr operand, bind_null_operand(condition.args[0], place));
  Expr test{.kind = ExprKind::kIsNull,
            .type = scalar_type(ScalarType::kBool),
            .span = condition.span,
            .negated = condition.negated};
  test.args.push_back(std::move(operand));
  return test;
}

// Any property, a Blob too; a variable of an optional block; else what a comparison takes.
Result<Expr> Binder::bind_null_operand(const ast::Expr& operand, Place place) {
  if (operand.kind == ast::ExprKind::kProperty) return bind_property(operand, Blobs::kAllowed);
  if (operand.kind == ast::ExprKind::kAlias && place == Place::kRow) {
    return bind_row_name(operand, place, Blobs::kAllowed);
  }
  if (operand.kind == ast::ExprKind::kVariable && !in_mutation(place)) {
    if (const auto parameter = find_parameter(operand.name)) return parameter_expr(*parameter, operand.span);
    const auto variable = find_variable(operand.name);
    if (variable && (*variables_)[*variable].optional && !(*variables_)[*variable].path) {
      return Expr{.kind = ExprKind::kEntityId,
                  .type = scalar_type(ScalarType::kString, true),
                  .span = operand.span,
                  .variable = *variable};
    }
  }
  if (operand.kind == ast::ExprKind::kList) return bind_literal(operand);
  return bind_filter_operand(operand, place);
}

Result<Expr> Binder::bind_filter_operand(const ast::Expr& expr, Place place) {
  OG_ASSIGN_OR_RETURN(Expr operand, bind_expr(expr, place));
  if (operand.kind == ExprKind::kEntityId && expr.kind == ast::ExprKind::kVariable) {
    return fail("T7", "filter operand '" + written(expr) + "' is a node, not a scalar", expr.span,
                "compare one of its properties, or its id: " + dollar(expr.name) + ".id");
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

Result<void> Binder::check_comparison(const ast::Expr& filter, const Expr& left, const Expr& right) const {
  if (filter.op == CompareOp::kContains) return check_contains(filter.span, left, right);
  if (filter.op == CompareOp::kStartsWith) {
    const bool constant = left.kind == ExprKind::kLiteral || left.kind == ExprKind::kParameter;
    if (constant || !is_string(left.type)) {
      return fail("T7", "starts_with requires a String property on the left, got " + type_name(left.type), filter.span);
    }
    if (!is_string(right.type)) {
      return fail("T7", "starts_with requires a String right operand, got " + type_name(right.type), filter.span);
    }
    return {};
  }
  if (left.type.list || right.type.list) {
    return fail("T7",
                "a list can only be compared with contains: '" +
                    written(left.type.list ? filter.args[0] : filter.args[1]) + "' is " +
                    type_name(left.type.list ? left.type : right.type),
                filter.span);
  }
  if (!compatible(left.type, right.type)) {
    const bool now = left.kind == ExprKind::kNow || right.kind == ExprKind::kNow;
    return fail("T7",
                std::string(now ? "now() is a DateTime: " : "") + "cannot compare " + type_name(left.type) + " with " +
                    type_name(right.type),
                filter.span, date_hint(left, right));
  }
  return {};
}

Result<void> Binder::check_contains(SourceSpan span, const Expr& left, const Expr& right) const {
  if (left.type.list) {
    if (right.type.list) {
      return fail("T7", "contains requires a scalar right operand, got " + type_name(right.type), span);
    }
    if (!compatible(item_type(left.type), right.type)) {
      return fail("T7", "cannot look for " + type_name(right.type) + " in " + type_name(left.type), span,
                  date_hint(Expr{.type = item_type(left.type)}, right));
    }
    return {};
  }
  if (!is_string(left.type)) {
    return fail("T7", "contains requires a list or a String on the left, got " + type_name(left.type), span);
  }
  if (!is_string(right.type)) {
    return fail("T7", "string contains requires a String right operand, got " + type_name(right.type), span);
  }
  return {};
}

// A number or a String; what is joined with what is for bind_arithmetic to judge.
Result<void> Binder::check_arithmetic_operand(const ast::Expr& written_operand, const Expr& operand,
                                              Place place) const {
  if (is_rank(operand) && place == Place::kMatch) {
    return fail("T7", operand.function + " ranks rows and cannot filter them", written_operand.span,
                "put it into order { } or return { }");
  }
  if (operand.kind == ExprKind::kEntityId && written_operand.kind == ast::ExprKind::kVariable) {
    return fail("T25", "arithmetic needs values, '" + written(written_operand) + "' is a node", written_operand.span,
                "name one of its properties, or its id: " + dollar(written_operand.name) + ".id");
  }
  if (is_number(operand) || is_string(operand.type)) return {};
  return fail("T25",
              "arithmetic needs numbers or Strings, '" + written(written_operand) + "' is " + type_name(operand.type),
              written_operand.span);
}

Result<Expr> Binder::bind_arithmetic(const ast::Expr& expr, Place place) {
  Expr result{.kind = ExprKind::kArithmetic,
              .type = scalar_type(ScalarType::kI64),
              .span = expr.span,
              .arithmetic = expr.arithmetic,
              .written = written(expr)};
  bool strings = true;
  bool numbers = true;
  for (const ast::Expr& arg : expr.args) {
    OG_ASSIGN_OR_RETURN(Expr operand, bind_expr(arg, place));
    OG_RETURN_IF_ERROR(check_arithmetic_operand(arg, operand, place));
    strings = strings && is_string(operand.type);
    numbers = numbers && is_number(operand);
    if (is_number(operand) && !operand.type.is_integer()) result.type.scalar = ScalarType::kF64;
    result.type.nullable = result.type.nullable || operand.type.nullable;
    result.args.push_back(std::move(operand));
  }
  if (strings && expr.arithmetic == Arithmetic::kAdd) {
    result.type.scalar = ScalarType::kString;
  } else if (!numbers) {
    std::string text = "'" + std::string(arithmetic_text(expr.arithmetic)) + "' needs ";
    text += expr.args.size() == 1                 ? "a number"
            : expr.arithmetic == Arithmetic::kAdd ? "two numbers or two Strings"
                                                  : "numbers";
    text += ", got " + type_name(result.args[0].type);
    if (expr.args.size() > 1) text += " and " + type_name(result.args[1].type);
    return fail("T25", text + " in '" + result.written + "'", expr.span);
  }
  return fold(std::move(result));
}

// Arithmetic among literals is a literal.
Result<Expr> Binder::fold(Expr arithmetic) const {
  for (const Expr& arg : arithmetic.args) {
    if (arg.kind != ExprKind::kLiteral) return arithmetic;
  }
  const columnar::Scalar& a = arithmetic.args.front().literal;
  const columnar::Scalar& b = arithmetic.args.back().literal;
  Expr literal{.kind = ExprKind::kLiteral, .type = arithmetic.type, .span = arithmetic.span};
  if (arithmetic.type.scalar == ScalarType::kString) {
    literal.literal.value = std::get<std::string>(a.value) + std::get<std::string>(b.value);
  } else if (arithmetic.type.scalar == ScalarType::kF64) {
    literal.literal.value = float_arithmetic(arithmetic.arithmetic, number_of(a), number_of(b));
  } else {
    const auto value =
        integer_arithmetic(arithmetic.arithmetic, std::get<std::int64_t>(a.value), std::get<std::int64_t>(b.value));
    if (!value) {
      return fail("T25", std::string(no_value_text(value.error())) + " in " + arithmetic.written, arithmetic.span);
    }
    literal.literal.value = *value;
  }
  return literal;
}

}  // namespace omnigraph::query
