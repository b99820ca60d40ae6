// The type rules of chapter 02 section 4 that need no names: compatibility and literals.
// Thread safety: free functions.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "schema/catalog.h"

namespace omnigraph::query {

[[nodiscard]] schema::PropertyType scalar_type(schema::ScalarType scalar, bool nullable = false);

// Equal types, or both numeric; lists by their items; vectors of equal dimension. Nullability plays no part.
[[nodiscard]] bool compatible(const schema::PropertyType& a, const schema::PropertyType& b);
// Type of one item of a list type.
[[nodiscard]] schema::PropertyType item_type(const schema::PropertyType& list);
[[nodiscard]] bool is_string(const schema::PropertyType& type);  // plain String or enum

// The type as messages name it, without '?'.
[[nodiscard]] std::string type_name(const schema::PropertyType& type);

struct TypedLiteral {
  columnar::Scalar value;  // dates converted; a list is a ScalarList
  schema::PropertyType type;
};
// REQUIRES: kLiteral or kList. Errors, as plain text in the mistake: nested or mixed lists, bad dates.
struct LiteralProblem {
  base::SourceSpan span;
  std::string text;
};
[[nodiscard]] std::expected<TypedLiteral, LiteralProblem> type_literal(const ast::Expr& literal);

// The numbers of a list literal as a vector. nullopt: an item is no number, or not finite as F32.
[[nodiscard]] std::optional<columnar::FloatVector> as_vector(const columnar::Scalar& list);

}  // namespace omnigraph::query
