#include "query/types.h"

#include <cmath>
#include <utility>

#include "base/date_time.h"

namespace omnigraph::query {
namespace {

using schema::PropertyType;
using schema::ScalarType;

std::expected<TypedLiteral, LiteralProblem> type_plain_literal(const ast::Expr& literal) {
  if (literal.literal_form != ast::LiteralForm::kPlain) {
    const std::string& text = std::get<std::string>(literal.literal.value);
    if (literal.literal_form == ast::LiteralForm::kDate) {
      const auto days = base::parse_date(text);
      if (!days) return std::unexpected(LiteralProblem{literal.span, "invalid Date literal '" + text + "'"});
      return TypedLiteral{{columnar::DateValue{*days}}, scalar_type(ScalarType::kDate)};
    }
    const auto milliseconds = base::parse_date_time(text);
    if (!milliseconds) return std::unexpected(LiteralProblem{literal.span, "invalid DateTime literal '" + text + "'"});
    return TypedLiteral{{columnar::DateTimeValue{*milliseconds}}, scalar_type(ScalarType::kDateTime)};
  }
  ScalarType scalar = ScalarType::kString;
  if (std::holds_alternative<bool>(literal.literal.value)) scalar = ScalarType::kBool;
  if (std::holds_alternative<std::int64_t>(literal.literal.value)) scalar = ScalarType::kI64;
  if (std::holds_alternative<double>(literal.literal.value)) scalar = ScalarType::kF64;
  return TypedLiteral{literal.literal, scalar_type(scalar)};
}

}  // namespace

PropertyType scalar_type(ScalarType scalar, bool nullable) {
  PropertyType type;
  type.scalar = scalar;
  type.nullable = nullable;
  return type;
}

bool compatible(const PropertyType& a, const PropertyType& b) {
  if (a.list != b.list || a.vector_dimension != b.vector_dimension) return false;
  return a.scalar == b.scalar || (item_type(a).is_numeric() && item_type(b).is_numeric());
}

PropertyType item_type(const PropertyType& list) {
  PropertyType item = list;
  item.list = false;
  item.nullable = false;
  return item;
}

bool is_string(const PropertyType& type) { return type.is_plain_scalar() && type.scalar == ScalarType::kString; }

std::string type_name(const PropertyType& type) {
  PropertyType plain = type;
  plain.nullable = false;
  return schema::type_text(plain);
}

std::expected<TypedLiteral, LiteralProblem> type_literal(const ast::Expr& literal) {
  if (literal.kind != ast::ExprKind::kList) return type_plain_literal(literal);
  columnar::ScalarList items;
  PropertyType list = scalar_type(ScalarType::kString);
  for (const ast::Expr& written : literal.args) {
    if (written.kind == ast::ExprKind::kList) {
      return std::unexpected(LiteralProblem{written.span, "a list literal cannot contain a list"});
    }
    auto item = type_plain_literal(written);
    if (!item) return std::unexpected(std::move(item).error());
    if (items.empty()) list = item->type;
    if (!compatible(list, item->type)) {
      return std::unexpected(LiteralProblem{
          written.span, "mixed list literal: " + type_name(list) + " and " + type_name(item->type) + " in one list"});
    }
    // One float makes a list of integers a list of floats.
    if (item->type.scalar == ScalarType::kF64) list = item->type;
    items.push_back(std::move(item->value));
  }
  list.list = true;
  for (columnar::Scalar& item : items) {
    const auto* integer = std::get_if<std::int64_t>(&item.value);
    if (list.scalar == ScalarType::kF64 && integer != nullptr) item.value = static_cast<double>(*integer);
  }
  return TypedLiteral{{std::move(items)}, list};
}

std::optional<columnar::FloatVector> as_vector(const columnar::Scalar& list) {
  columnar::FloatVector vector;
  for (const columnar::Scalar& item : std::get<columnar::ScalarList>(list.value)) {
    if (const auto* integer = std::get_if<std::int64_t>(&item.value)) {
      vector.push_back(static_cast<float>(*integer));
    } else if (const auto* real = std::get_if<double>(&item.value)) {
      vector.push_back(static_cast<float>(*real));
    } else {
      return std::nullopt;
    }
    if (!std::isfinite(vector.back())) return std::nullopt;
  }
  return vector;
}

}  // namespace omnigraph::query
