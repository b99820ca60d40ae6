// What the parser makes of a `.gq` file: the written form, with byte offsets, before any name is resolved
// (chapter 02 section 2, chapter 14 section 1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/source_text.h"
#include "columnar/scalar.h"
#include "schema/catalog.h"

namespace omnigraph::query {

using base::SourceSpan;

enum class CompareOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kContains,
  kStartsWith
};
enum class Aggregate : std::uint8_t { kCount, kSum, kAvg, kMin, kMax };
enum class Arithmetic : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide, kRemainder, kNegate };
[[nodiscard]] std::string_view op_text(CompareOp op);                // =, !=, .. starts_with
[[nodiscard]] std::string_view aggregate_name(Aggregate aggregate);  // count ..
[[nodiscard]] std::string_view arithmetic_text(Arithmetic op);       // + - * / %; kNegate: -

namespace ast {

enum class ExprKind : std::uint8_t {
  kLiteral,    // `literal`, spelled as `literal_form` says
  kList,       // [args]
  kNow,        // now()
  kVariable,   // $name
  kProperty,   // $name.property
  kAlias,      // bare identifier: a return alias; in a mutation a property of the row at hand
  kAggregate,  // aggregate(args[0])
  kNearest,
  kBm25,
  kRrf,
  kSearch,
  kFuzzy,
  kMatchText,   // args
  kArithmetic,  // args[0] `arithmetic` args[1]; kNegate: of args[0]
  kPath,        // name(args[0]): length, nodes or edges of a path variable
  kNull,        // null, in assignments
  // Conditions.
  kCompare,  // args[0] `op` args[1]
  kIn,       // args[0] in args[1]
  kIsNull,   // args[0] is null; `negated`: is not null
  kAnd,
  kOr,   // args, two or more
  kNot,  // not args[0]
};

[[nodiscard]] constexpr bool is_condition(ExprKind kind) { return kind >= ExprKind::kCompare; }

// date("..") and datetime("..") keep their text in `literal`; the binder converts it.
enum class LiteralForm : std::uint8_t { kPlain, kDate, kDateTime };

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  SourceSpan span{};
  columnar::Scalar literal{};  // bool, i64, double or string
  LiteralForm literal_form = LiteralForm::kPlain;
  std::string name{};  // variable (without $), alias
  std::string property{};
  SourceSpan property_span{};
  Aggregate aggregate = Aggregate::kCount;
  bool distinct = false;  // count(distinct ..)
  CompareOp op = CompareOp::kEqual;
  Arithmetic arithmetic = Arithmetic::kAdd;
  bool negated = false;      // kIsNull
  std::uint32_t height = 0;  // kArithmetic: operations on top of each other
  std::vector<Expr> args{};
};

struct PropertyMatch {
  std::string property;
  SourceSpan span;
  Expr value;
};

struct Binding {
  std::string variable;
  SourceSpan variable_span;
  std::string type;
  SourceSpan type_span;
  std::vector<PropertyMatch> map{};
};

struct Traversal {
  std::string from{};
  SourceSpan from_span{};
  std::string to{};
  SourceSpan to_span{};
  std::optional<std::string> edge_variable{};  // also `_`, which binds nothing
  SourceSpan edge_variable_span{};
  std::string word{};
  SourceSpan word_span{};
  bool undirected = false;
  bool has_bounds = false;
  std::optional<std::uint64_t> min_hops{}, max_hops{};
  SourceSpan bounds_span{};
};

// `$path = shortest $from word{m,n} $to`
struct Path {
  std::string variable;
  SourceSpan variable_span;
  Traversal traversal;
};

struct Condition {
  Expr expr;  // a condition or a text call
};

struct InnerBlock;
using Clause = std::variant<Binding, Traversal, Path, Condition, std::shared_ptr<InnerBlock>>;

// not { .. } and optional { .. }
struct InnerBlock {
  bool optional = false;
  std::vector<Clause> clauses{};
  SourceSpan span{};  // the word `not` or `optional`
};

struct Projection {
  Expr expr;
  std::optional<std::string> alias;
  SourceSpan span;
};

struct OrderItem {
  Expr expr;
  bool descending = false;
  bool direction_written = false;
  SourceSpan span;
};

struct Read {
  std::vector<Clause> match;
  std::vector<Projection> projections;
  bool distinct = false;
  std::vector<OrderItem> order;
  std::optional<Expr> limit{}, offset{};  // integer literal or variable
  SourceSpan span;
};

struct Assignment {
  std::string property;
  SourceSpan span;
  Expr value;
};

enum class MutationKind : std::uint8_t { kInsert, kUpdate, kDelete };

struct Mutation {
  MutationKind kind = MutationKind::kInsert;
  std::string type{};
  SourceSpan type_span{};
  std::vector<Assignment> assignments{};
  std::optional<Expr> where{};  // a condition; bare names are properties of the row
  SourceSpan span{};
};

struct Parameter {
  std::string name{};
  SourceSpan span{};
  std::string type_text{};  // without '?'
  schema::PropertyType type{};
  bool type_known = true;  // false: Vector with an impossible dimension
  SourceSpan type_span{};
};

struct Query {
  std::string name{};
  SourceSpan span{};  // the whole declaration
  SourceSpan name_span{};
  std::vector<Parameter> parameters{};
  std::optional<std::string> description{}, instruction{};
  std::optional<SourceSpan> mixed{};  // @mixed
  std::variant<Read, std::vector<Mutation>> body{};
};

struct File {
  std::vector<Query> queries;
};

}  // namespace ast
}  // namespace omnigraph::query
