// Expressions bound to columns, evaluated row by row over tuples: the general path. Hot filters and aggregates have
// typed loops of their own (filter_kernel.h, aggregate.cc).
// Source: chapter 02 section 6.3, chapter 14 sections 2 and 3. Thread safety: immutable once bound; evaluate() may be
// called concurrently.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "base/result.h"
#include "exec/evaluation_scope.h"
#include "exec/runtime.h"
#include "exec/tuples.h"
#include "exec/value.h"

namespace omnigraph::exec {

class MemberSet;
class PathFinder;
class RankScores;

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
    kIsNull,
    kMember,  // args[0] in `members`
    kArithmetic,
    kPath,  // `part` of the path between the rows of args[0] and args[1]; null where `variable` is
  };
  enum class PathPart : std::uint8_t { kLength, kNodes, kEdges };
  Kind kind = Kind::kConstant;
  query::CompareOp op = query::CompareOp::kEqual;
  VariableId variable = kNoVariable;
  Value constant;
  const Column* column = nullptr;
  std::shared_ptr<const TextMatcher> matcher;
  std::function<Value(Ordinal)> scorer;
  std::uint32_t edits = 0;
  query::Arithmetic arithmetic = query::Arithmetic::kAdd;
  bool negated = false;               // kIsNull
  std::string_view written{};         // kArithmetic: borrowed from the query
  Runtime* strict_runtime = nullptr;  // kArithmetic: where a lack of a value ends the query; else it is null
  std::shared_ptr<const MemberSet> members;
  std::shared_ptr<const PathFinder> path;
  PathPart part = PathPart::kLength;
  std::vector<RowExpr> args;
};

// What arithmetic without a value (overflow, division by zero) means: null in a condition of `match`, so that the order
// of clauses does not show; elsewhere the query fails.
enum class WithoutValue : std::uint8_t { kIsNull, kFails };

// Adds the variables the expression reads.
void collect_variables(const query::Expr& expr, std::set<VariableId>& out);

// Opens the columns and prepares text queries. Rank functions are bound by the ranking (rank.h); alias references must
// have been followed (resolve_alias). Errors: run-time mistakes in the arguments.
[[nodiscard]] Result<RowExpr> bind_expression(const query::Expr& expr, Runtime& runtime, WithoutValue without_value);

// True if values of the expression may be made by it (evaluation_scope.h).
[[nodiscard]] bool makes_values(const RowExpr& expr);

// Follows alias references to the projection they name.
[[nodiscard]] const query::Expr& resolve_alias(const query::Expr& expr, const query::ReadQuery& read);

// The value may belong to the innermost EvaluationScope. A null ordinal, of a variable of an optional block, is null.
[[nodiscard]] Value evaluate(const RowExpr& expr, const Tuples& tuples, std::size_t row);
[[nodiscard]] inline bool is_true(const Value& v) { return v.kind == Value::Kind::kBool && v.integer != 0; }

}  // namespace omnigraph::exec
