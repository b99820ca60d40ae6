// Syntax trees of Cedar policies, in the core language: what can be said with other operators is rewritten by the
// parser (`a != b` is `!(a == b)`, `a > b` is `!(a <= b)`, `x is T in e` is `x is T && x in e`, `x has a.b` is
// `x has a && x.a has b`). Chains of `&&` and `||` are one node with all their operands.
// Thread safety: immutable after parsing.
// Source: Cedar policy language reference, "Grammar".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/source_text.h"
#include "policy/cedar_value.h"

namespace omnigraph::policy::cedar {

enum class Variable : std::uint8_t { kPrincipal, kAction, kResource, kContext };

enum class ExprKind : std::uint8_t {
  kLiteral,   // literal
  kVariable,  // variable
  kIf,        // test, then, else
  kAnd,
  kOr,  // two operands or more
  kNot,
  kNegate,
  kEqual,
  kLess,
  kLessEqual,
  kIn,
  kAdd,
  kSubtract,
  kMultiply,
  kHas,
  kGet,   // operand; names[0] is the attribute
  kLike,  // operand; names are the pieces of the pattern between its wildcards
  kIs,    // operand; names[0] is the entity type
  kIsEmpty,
  kContains,
  kContainsAll,
  kContainsAny,
  kHasTag,
  kGetTag,
  kSet,     // the members
  kRecord,  // names are the attributes, in the order of the operands
  kCall,    // function; its arguments
};

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Variable variable = Variable::kPrincipal;
  Function function = Function::kIp;
  std::uint32_t height = 1;  // levels of this tree
  std::uint32_t size = 1;    // its nodes
  Value literal;
  std::vector<std::string> names;
  std::vector<Expr> operands;
  base::SourceSpan span;
};

// Same shape, names and literals, wherever they stand.
[[nodiscard]] bool same(const Expr& a, const Expr& b);

// What a policy's head says about its principal, action or resource.
struct ScopeTest {
  enum class Kind : std::uint8_t { kAny, kEqual, kIn, kIs, kIsIn, kInAny };
  Kind kind = Kind::kAny;
  std::string type;             // kIs, kIsIn
  std::vector<Value> entities;  // one for kEqual, kIn, kIsIn; any number for kInAny
};

struct Condition {
  bool unless = false;
  Expr test;
};

enum class Effect : std::uint8_t { kPermit, kForbid };

struct Policy {
  std::string id;  // `policy<N>`, N counting from zero; the caller may rename
  std::vector<std::pair<std::string, std::string>> annotations;  // a bare `@key` has an empty value
  Effect effect = Effect::kPermit;
  ScopeTest principal, action, resource;
  std::vector<Condition> conditions;
  base::SourceSpan span;
};

// What the head says: principal test && action test && resource test.
[[nodiscard]] Expr scope_expression(const Policy& policy);
// The policy as one expression: principal test && action test && resource test && conditions in order.
[[nodiscard]] Expr to_expression(const Policy& policy);

}  // namespace omnigraph::policy::cedar
