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
  kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kContains, kStartsWith
};
enum class Aggregate : std::uint8_t { kCount, kSum, kAvg, kMin, kMax };
[[nodiscard]] std::string_view op_text(CompareOp op);               // =, !=, .. starts_with
[[nodiscard]] std::string_view aggregate_name(Aggregate aggregate);  // count ..

namespace ast {

enum class ExprKind : std::uint8_t {
  kLiteral,    // `literal`, spelled as `literal_form` says
  kList,       // [args]
  kNow,        // now()
  kVariable,   // $name
  kProperty,   // $name.property
  kAlias,      // bare identifier
  kAggregate,  // aggregate(args[0])
  kNearest, kBm25, kRrf, kSearch, kFuzzy, kMatchText,  // args
};

// date("..") and datetime("..") keep their text in `literal`; the binder converts it.
enum class LiteralForm : std::uint8_t { kPlain, kDate, kDateTime };

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  SourceSpan span{};
  columnar::Scalar literal{};  // bool, i64, double or string
  LiteralForm literal_form = LiteralForm::kPlain;
  std::string name{};          // variable (without $), alias
  std::string property{};
  SourceSpan property_span{};
  Aggregate aggregate = Aggregate::kCount;
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

struct Filter {
  Expr left;
  CompareOp op = CompareOp::kEqual;
  Expr right;
  SourceSpan span;
};

struct TextCall {
  Expr call;
};

struct Negation;
using Clause = std::variant<Binding, Traversal, Filter, TextCall, std::shared_ptr<Negation>>;

struct Negation {
  std::vector<Clause> clauses;
  SourceSpan span;  // the word `not`
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
  std::vector<OrderItem> order;
  std::optional<std::uint64_t> limit;
  SourceSpan span;
};

struct Assignment {
  std::string property;
  SourceSpan span;
  Expr value;
};

struct Predicate {
  std::string property;
  SourceSpan span;
  CompareOp op = CompareOp::kEqual;
  Expr value;
};

enum class MutationKind : std::uint8_t { kInsert, kUpdate, kDelete };

struct Mutation {
  MutationKind kind = MutationKind::kInsert;
  std::string type{};
  SourceSpan type_span{};
  std::vector<Assignment> assignments{};
  std::optional<Predicate> where{};
  SourceSpan span{};
};

struct Parameter {
  std::string name{};
  SourceSpan span{};
  std::string type_text{};  // without '?'
  schema::PropertyType type{};
  bool type_known = true;   // false: Vector with an impossible dimension
  SourceSpan type_span{};
};

struct Query {
  std::string name{};
  SourceSpan span{};  // the whole declaration
  SourceSpan name_span{};
  std::vector<Parameter> parameters{};
  std::optional<std::string> description{}, instruction{};
  std::variant<Read, std::vector<Mutation>> body{};
};

struct File {
  std::vector<Query> queries;
};

}  // namespace ast
}  // namespace omnigraph::query
