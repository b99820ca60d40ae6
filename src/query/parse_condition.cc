// Conditions: comparisons, membership and null tests under not, and, or (chapter 14 section 1).
#include <utility>

#include "base/result.h"
#include "query/parser.h"

namespace omnigraph::query {
namespace {

constexpr std::string_view kComparisons = "a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null)";

bool is_text_call(const ast::Expr& expr) {
  return expr.kind == ast::ExprKind::kSearch || expr.kind == ast::ExprKind::kFuzzy ||
         expr.kind == ast::ExprKind::kMatchText;
}

// May stand where a condition is wanted.
bool holds_truth(const ast::Expr& expr) { return ast::is_condition(expr.kind) || is_text_call(expr); }

}  // namespace

std::unexpected<Mistake> Parser::not_a_condition() const { return unexpected_token(kComparisons); }

std::unexpected<Mistake> Parser::not_a_value(const ast::Expr& condition) const {
  return mistake(condition.span, "expected a value, found a condition",
                 "conditions are joined with and, or, not; they are no operands");
}

// cond = conj {"or" conj}*
Parsed<ast::Expr> Parser::parse_condition(Values values) {
  OG_ASSIGN_OR_RETURN(ast::Expr first, parse_conjunction(values));
  if (!peek().is_word("or") || !holds_truth(first)) return first;
  const std::size_t begin = first.span.begin;
  ast::Expr any{.kind = ast::ExprKind::kOr};
  any.args.push_back(std::move(first));
  while (accept_word("or")) {
    OG_ASSIGN_OR_RETURN(ast::Expr next, parse_conjunction(Values::kRefused));
    any.args.push_back(std::move(next));
  }
  any.span = span_since(begin);
  return any;
}

// conj = test {"and" test}*
Parsed<ast::Expr> Parser::parse_conjunction(Values values) {
  OG_ASSIGN_OR_RETURN(ast::Expr first, parse_test(values));
  if (!peek().is_word("and") || !holds_truth(first)) return first;
  const std::size_t begin = first.span.begin;
  ast::Expr all{.kind = ast::ExprKind::kAnd};
  all.args.push_back(std::move(first));
  while (accept_word("and")) {
    OG_ASSIGN_OR_RETURN(ast::Expr next, parse_test(Values::kRefused));
    all.args.push_back(std::move(next));
  }
  all.span = span_since(begin);
  return all;
}

// test = "not" test | atom
Parsed<ast::Expr> Parser::parse_test(Values values) {
  if (!at_connective_not()) return parse_atom(values);
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  const std::size_t begin = take().span.begin;
  if (peek().is(Symbol::kLeftBrace)) {
    return unexpected_token("a condition behind 'not'", "'not { }' is a clause of its own and cannot be joined");
  }
  ast::Expr inverse{.kind = ast::ExprKind::kNot};
  OG_ASSIGN_OR_RETURN(ast::Expr test, parse_test(Values::kRefused));
  inverse.args.push_back(std::move(test));
  inverse.span = span_since(begin);
  return inverse;
}

// In a mutation `not` may be the name of a property: then an operator follows it.
bool Parser::at_connective_not() const {
  if (!peek().is_word("not")) return false;
  if (!in_mutation_) return true;
  const Token& next = peek(1);
  if (at_comparison(1) || next.is(Symbol::kPlus) || next.is(Symbol::kStar) || next.is(Symbol::kSlash) ||
      next.is(Symbol::kPercent)) {
    return false;
  }
  if (next.is_word("is")) return !(peek(2).is_word("null") || (peek(2).is_word("not") && peek(3).is_word("null")));
  const bool word = next.is_word("in") || next.is_word("contains") || next.is_word("starts_with");
  return !word || at_comparison(2);
}

// atom = expr op expr | expr "in" expr | expr "is" ["not"] "null" | text call | "(" cond ")"
Parsed<ast::Expr> Parser::parse_atom(Values values) {
  const std::size_t begin = peek().span.begin;
  OG_ASSIGN_OR_RETURN(ast::Expr left, parse_sum());
  const bool operation = at_operator() || at_in() || at_null_test();
  if (ast::is_condition(left.kind)) {
    if (operation) return not_a_value(left);
    return left;
  }
  if (!operation) {
    const bool closed = values == Values::kAllowed && peek().is(Symbol::kRightParen);
    if (closed || is_text_call(left)) return left;
    return not_a_condition();
  }
  if (at_null_test()) return parse_null_test(std::move(left));
  ast::Expr atom{.kind = ast::ExprKind::kCompare};
  if (at_in()) {
    take();
    atom.kind = ast::ExprKind::kIn;
  } else {
    OG_ASSIGN_OR_RETURN(atom.op, parse_operator());
    if (atom.op == CompareOp::kEqual && peek().is(Symbol::kEqual)) {
      return unexpected_token("a value", "equality is written '='");
    }
  }
  OG_ASSIGN_OR_RETURN(ast::Expr right, parse_expression());
  atom.args.push_back(std::move(left));
  atom.args.push_back(std::move(right));
  atom.span = span_since(begin);
  return atom;
}

bool Parser::at_null_test() const {
  return peek().is_word("is") && (peek(1).is_word("null") || (peek(1).is_word("not") && peek(2).is_word("null")));
}

Parsed<ast::Expr> Parser::parse_null_test(ast::Expr operand) {
  const std::size_t begin = operand.span.begin;
  take();
  ast::Expr test{.kind = ast::ExprKind::kIsNull};
  test.negated = accept_word("not");
  take();  // null
  test.args.push_back(std::move(operand));
  test.span = span_since(begin);
  return test;
}

bool Parser::at_comparison(std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kSymbol && token.symbol >= Symbol::kLess && token.symbol <= Symbol::kNotEqual;
}

bool Parser::at_operator(std::size_t ahead) const {
  return at_comparison(ahead) || peek(ahead).is_word("contains") || peek(ahead).is_word("starts_with");
}

Parsed<CompareOp> Parser::parse_operator() {
  if (!at_operator()) return not_a_condition();
  const Token token = take();
  switch (token.symbol) {
    case Symbol::kLess: return CompareOp::kLess;
    case Symbol::kLessEqual: return CompareOp::kLessEqual;
    case Symbol::kGreater: return CompareOp::kGreater;
    case Symbol::kGreaterEqual: return CompareOp::kGreaterEqual;
    case Symbol::kEqual: return CompareOp::kEqual;
    case Symbol::kNotEqual: return CompareOp::kNotEqual;
    default: return token.name == "contains" ? CompareOp::kContains : CompareOp::kStartsWith;
  }
}

}  // namespace omnigraph::query
