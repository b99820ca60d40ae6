// A type-checked query: every name is resolved against one catalog, every rule of chapter 02 section 4 and of chapter
// 14 holds. This is what the planner reads; it needs no source text. Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/source_text.h"
#include "query/ast.h"
#include "schema/catalog.h"

namespace omnigraph::query {

using VariableId = std::uint32_t;
inline constexpr VariableId kNoVariable = 0xffffffffu;

struct Variable {
  std::string name;  // without '$'; each `$_` is a variable of its own named "_"
  schema::TypeRef type;
  bool anonymous = false;
  std::uint32_t depth = 0;  // 0 = outer block; n = introduced inside n nested not { }
  // Introduced by an optional { }: null outside of it where the block found nothing.
  bool optional = false;
  // Names a path over edges of `type` (ReadQuery::paths): no row of a table, only there or not.
  bool path = false;
};

enum class ExprKind : std::uint8_t {
  kLiteral,
  kParameter,  // `parameter`
  kNow,
  kEntityId,  // bare $x and $x.id: the id string of `variable`; in a mutation the id of the row
  kProperty,  // `variable`.`property` (index into the type's properties)
  kCompare,   // args[0] `op` args[1]; three-valued
  kAnd,
  kOr,
  kNot,
  kTextMatch,   // search / match_text: args[0] field, args[1] query -> Bool
  kFuzzy,       // args[0] field, args[1] query, [args[2] edits] -> Bool
  kNearest,     // args[0] vector property, args[1] query -> F64
  kBm25,        // args[0] field, args[1] query -> F64
  kRrf,         // args[0], args[1] rank functions, [args[2] k] -> F64
  kAggregate,   // `aggregate`(args[0])
  kProjection,  // value of projections[`projection`] (alias reference)
  kIsNull,      // args[0] is null; `negated`: is not null. Never unknown
  kArithmetic,  // args[0] `arithmetic` args[1]; kNegate: of args[0]. `written` names it in errors
  kPath,        // `function` (length, nodes, edges) of paths[`path`] between the ids args[0] and args[1]; null where
                // `variable`, if it has one, is null
  kEdgeFrom,
  kEdgeTo,  // in a mutation: the endpoints of the edge at hand
};

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  schema::PropertyType type{};  // of the value; bare node: String, not nullable
  base::SourceSpan span{};
  columnar::Scalar literal{};  // kLiteral: dates already converted; in comparisons with Date/DateTime as such
  std::uint32_t parameter = 0;
  VariableId variable = kNoVariable;
  std::uint32_t property = 0;
  CompareOp op = CompareOp::kEqual;
  Aggregate aggregate = Aggregate::kCount;
  std::uint32_t projection = 0;
  Arithmetic arithmetic = Arithmetic::kAdd;
  bool negated = false;
  bool distinct = false;  // kAggregate: count(distinct ..)
  std::uint32_t path = 0;
  std::string written{};   // source text of arithmetic
  std::string function{};  // as written, for result names: search, match_text ..
  std::vector<Expr> args{};
};

enum class Direction : std::uint8_t { kOut, kIn, kBoth };

struct Traversal {
  VariableId from = kNoVariable;  // left variable
  VariableId to = kNoVariable;
  VariableId edge = kNoVariable;          // edge binding or none
  std::uint32_t edge_type = 0;            // in Catalog::edges
  Direction direction = Direction::kOut;  // as seen from `from`
  std::uint32_t min_hops = 1;
  std::uint32_t max_hops = 1;
};

// A conjunction. Variables of an enclosing block keep their value inside a negation or an optional block. Order of
// meaning: bindings and traversals, optionals as listed, filters that mention their variables, negations.
struct Block {
  std::vector<VariableId> variables;  // node and edge variables introduced by this block
  std::vector<VariableId> bindings;   // of these (or outer ones, re-bound), those with a written `$x: Type`
  std::vector<Traversal> traversals;
  std::vector<Expr> filters;  // Bool expressions: filter lines, property maps, text calls
  std::vector<Block> negations;
  std::vector<Block> optionals;
};

// `$variable = shortest ..`: the path that admits the pair of the traversal's ends.
struct Path {
  VariableId variable = kNoVariable;
  Traversal traversal;  // without edge variable
};

struct Projection {
  Expr expr;
  std::string key;   // row key (chapter 02 section 6.4)
  std::string name;  // declared name (chapter 02 section 10)
};

struct OrderItem {
  Expr expr;  // never kProjection of a rank function: aliases are followed
  bool descending = false;
};

struct ReadQuery {
  std::vector<Variable> variables;
  Block match;
  std::vector<Projection> projections;
  bool distinct = false;
  std::vector<OrderItem> order;
  std::optional<Expr> limit{}, offset{};  // literal or parameter
  std::vector<Path> paths;
  bool aggregates = false;  // some projection holds an aggregate
  bool ranked = false;      // order[0] is nearest, bm25 or rrf
};

struct Assignment {
  std::uint32_t property = 0;  // index into the type's properties
  Expr value;                  // over the row as it was; an insert has none
};

struct Mutation {
  ast::MutationKind kind = ast::MutationKind::kInsert;
  schema::TypeRef type{};
  std::vector<Assignment> assignments{};
  std::optional<Expr> from{}, to{};  // insert of an edge
  std::optional<Expr> where{};       // a condition over the row
  base::SourceSpan span{};
};

struct Parameter {
  std::string name;
  schema::PropertyType type;
  std::string type_text;  // as written, without '?'
};

struct BoundQuery {
  std::string name;
  std::optional<std::string> description, instruction;
  std::vector<Parameter> parameters;
  std::optional<ReadQuery> read;  // exactly one of the two
  std::vector<Mutation> mutations;
  std::shared_ptr<const schema::Catalog> catalog;
  [[nodiscard]] bool is_mutation() const { return !read.has_value(); }
};

using BoundQueryPtr = std::shared_ptr<const BoundQuery>;

}  // namespace omnigraph::query
