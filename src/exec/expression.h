// Expressions bound to columns, evaluated row by row over tuples: the general path. Hot filters and aggregates have
// typed loops of their own (filter_kernel.h, aggregate.cc).
// Source: chapter 02 section 6.3. Thread safety: immutable once bound; evaluate() may be called concurrently.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "base/result.h"
#include "exec/runtime.h"
#include "exec/tuples.h"
#include "exec/value.h"

namespace omnigraph::exec {

struct RowExpr {
  enum class Kind : std::uint8_t {
    kConstant,
    kColumn,  // property or id of `variable`
    kCompare,
    kAnd,
    kOr,
    kNot,
    kMatcher,    // text function with a fixed query
    kTextMatch,  // text function whose query differs from row to row
    kFuzzy,
    kScore,  // rank function: `scorer` of the row of `variable`
  };
  Kind kind = Kind::kConstant;
  query::CompareOp op = query::CompareOp::kEqual;
  VariableId variable = kNoVariable;
  Value constant;
  const Column* column = nullptr;
  std::shared_ptr<const TextMatcher> matcher;
  std::function<Value(Ordinal)> scorer;
  std::uint32_t edits = 0;
  std::vector<RowExpr> args;
};

// Adds the variables the expression reads.
void collect_variables(const query::Expr& expr, std::set<VariableId>& out);

// Opens the columns and prepares text queries. Rank functions are bound by the ranking (rank.h); alias references must
// have been followed (resolve_alias). Errors: run-time mistakes in the arguments.
[[nodiscard]] Result<RowExpr> bind_expression(const query::Expr& expr, Runtime& runtime);

// Follows alias references to the projection they name.
[[nodiscard]] const query::Expr& resolve_alias(const query::Expr& expr, const query::ReadQuery& read);

[[nodiscard]] Value evaluate(const RowExpr& expr, const Tuples& tuples, std::size_t row);
[[nodiscard]] inline bool is_true(const Value& v) { return v.kind == Value::Kind::kBool && v.integer != 0; }

}  // namespace omnigraph::exec
