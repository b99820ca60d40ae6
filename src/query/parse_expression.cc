#include "query/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "query/limits.h"

namespace omnigraph::query {
namespace {

struct Function {
  std::string_view name;
  ast::ExprKind kind;
  Aggregate aggregate;
  std::size_t args_min;
  std::size_t args_max;
};

constexpr std::array kFunctions{
    Function{"count", ast::ExprKind::kAggregate, Aggregate::kCount, 1, 1},
    Function{"sum", ast::ExprKind::kAggregate, Aggregate::kSum, 1, 1},
    Function{"avg", ast::ExprKind::kAggregate, Aggregate::kAvg, 1, 1},
    Function{"min", ast::ExprKind::kAggregate, Aggregate::kMin, 1, 1},
    Function{"max", ast::ExprKind::kAggregate, Aggregate::kMax, 1, 1},
    Function{"nearest", ast::ExprKind::kNearest, Aggregate::kCount, 2, 2},
    Function{"search", ast::ExprKind::kSearch, Aggregate::kCount, 2, 2},
    Function{"match_text", ast::ExprKind::kMatchText, Aggregate::kCount, 2, 2},
    Function{"fuzzy", ast::ExprKind::kFuzzy, Aggregate::kCount, 2, 3},
    Function{"bm25", ast::ExprKind::kBm25, Aggregate::kCount, 2, 2},
    Function{"rrf", ast::ExprKind::kRrf, Aggregate::kCount, 2, 3},
};

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

constexpr std::array<std::string_view, 3> kPathFunctions{"length", "nodes", "edges"};

constexpr std::string_view kValueWords = "a literal, a parameter or now()";

}  // namespace

std::string_view aggregate_name(Aggregate aggregate) {
  for (const Function& function : kFunctions) {
    if (function.kind == ast::ExprKind::kAggregate && function.aggregate == aggregate) return function.name;
  }
  return "";
}

std::string_view op_text(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual: return "=";
    case CompareOp::kNotEqual: return "!=";
    case CompareOp::kLess: return "<";
    case CompareOp::kLessEqual: return "<=";
    case CompareOp::kGreater: return ">";
    case CompareOp::kGreaterEqual: return ">=";
    case CompareOp::kContains: return "contains";
    case CompareOp::kStartsWith: return "starts_with";
  }
  return "";
}

std::string_view arithmetic_text(Arithmetic op) {
  switch (op) {
    case Arithmetic::kAdd: return "+";
    case Arithmetic::kSubtract:
    case Arithmetic::kNegate: return "-";
    case Arithmetic::kMultiply: return "*";
    case Arithmetic::kDivide: return "/";
    case Arithmetic::kRemainder: return "%";
  }
  return "";
}

// `true` and `false` are literals wherever an expression may stand; `date` only in front of a parenthesis.
bool Parser::at_literal() const {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kString: return true;
    case TokenKind::kSymbol: return token.symbol == Symbol::kLeftBracket;
    case TokenKind::kIdentifier:
      return token.name == "true" || token.name == "false" ||
             (at_call() && (token.name == "date" || token.name == "datetime"));
    default: return false;
  }
}

Parsed<ast::Expr> Parser::parse_expression() {
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  OG_ASSIGN_OR_RETURN(ast::Expr value, parse_sum());
  if (ast::is_condition(value.kind)) return not_a_value(value);
  return value;
}

std::optional<Arithmetic> Parser::arithmetic_at(bool product) const {
  if (peek().kind != TokenKind::kSymbol) return std::nullopt;
  switch (peek().symbol) {
    case Symbol::kPlus: return product ? std::nullopt : std::optional(Arithmetic::kAdd);
    case Symbol::kMinus: return product ? std::nullopt : std::optional(Arithmetic::kSubtract);
    case Symbol::kStar: return product ? std::optional(Arithmetic::kMultiply) : std::nullopt;
    case Symbol::kSlash: return product ? std::optional(Arithmetic::kDivide) : std::nullopt;
    case Symbol::kPercent: return product ? std::optional(Arithmetic::kRemainder) : std::nullopt;
    default: return std::nullopt;
  }
}

Parsed<ast::Expr> Parser::parse_arithmetic(ast::Expr left, Arithmetic op, ast::Expr right) {
  for (const ast::Expr* operand : {&left, &right}) {
    if (ast::is_condition(operand->kind)) return not_a_value(*operand);
  }
  ast::Expr result{.kind = ast::ExprKind::kArithmetic,
                   .span = {left.span.begin, right.span.end},
                   .arithmetic = op,
                   .height = 1 + std::max(left.height, right.height)};
  if (result.height > kExpressionHeightMax) {
    return mistake(result.span, "an expression of more than " + std::to_string(kExpressionHeightMax) +
                                    " operations on top of each other: expected a shorter one");
  }
  result.args.push_back(std::move(left));
  result.args.push_back(std::move(right));
  return result;
}

// sum = product {("+"|"-") product}*
Parsed<ast::Expr> Parser::parse_sum() {
  OG_ASSIGN_OR_RETURN(ast::Expr sum, parse_product());
  while (const auto op = arithmetic_at(false)) {
    take();
    OG_ASSIGN_OR_RETURN(ast::Expr right, parse_product());
    OG_ASSIGN_OR_RETURN(sum, parse_arithmetic(std::move(sum), *op, std::move(right)));
  }
  return sum;
}

// product = factor {("*"|"/"|"%") factor}*
Parsed<ast::Expr> Parser::parse_product() {
  OG_ASSIGN_OR_RETURN(ast::Expr product, parse_factor());
  while (const auto op = arithmetic_at(true)) {
    take();
    OG_ASSIGN_OR_RETURN(ast::Expr right, parse_factor());
    OG_ASSIGN_OR_RETURN(product, parse_arithmetic(std::move(product), *op, std::move(right)));
  }
  return product;
}

// factor = "-" factor | "(" expr ")" | primary
Parsed<ast::Expr> Parser::parse_factor() {
  if (peek().is(Symbol::kMinus)) return parse_negative();
  if (peek().is(Symbol::kLeftParen)) return parse_group();
  return parse_primary();
}

// A minus sign before digits belongs to the literal.
Parsed<ast::Expr> Parser::parse_negative() {
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  const std::size_t begin = take().span.begin;
  if (peek().kind == TokenKind::kInteger || peek().kind == TokenKind::kFloat) {
    const Token number = take();
    ast::Expr literal{.kind = ast::ExprKind::kLiteral, .span = span_since(begin)};
    if (number.kind == TokenKind::kFloat) {
      literal.literal.value = -number.real;
    } else {  // 2^63 is its own negative.
      literal.literal.value = number.needs_minus ? number.integer : -number.integer;
    }
    return literal;
  }
  OG_ASSIGN_OR_RETURN(ast::Expr operand, parse_factor());
  if (ast::is_condition(operand.kind)) return not_a_value(operand);
  ast::Expr negative{.kind = ast::ExprKind::kArithmetic,
                     .span = span_since(begin),
                     .arithmetic = Arithmetic::kNegate,
                     .height = 1 + operand.height};
  negative.args.push_back(std::move(operand));
  return negative;
}

// A condition or a value in parentheses; its span includes them.
Parsed<ast::Expr> Parser::parse_group() {
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  const std::size_t begin = take().span.begin;
  OG_ASSIGN_OR_RETURN(ast::Expr inner, parse_condition(Values::kAllowed));
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "to close the group"));
  inner.span = span_since(begin);
  return inner;
}

Parsed<ast::Expr> Parser::parse_primary() {
  // In front of a comparison a mutation's bare name is a property, whatever it is called.
  const bool property = in_mutation_ && peek().kind == TokenKind::kIdentifier && at_comparison(1);
  if (!property && at_literal()) return parse_literal();
  if (peek().kind == TokenKind::kVariable) return parse_variable();
  if (at_call()) return parse_call();
  if (peek().kind == TokenKind::kIdentifier) {
    const Token alias = take();
    return ast::Expr{.kind = ast::ExprKind::kAlias, .span = alias.span, .name = std::string(alias.name)};
  }
  return unexpected_token("an expression");
}

Parsed<ast::Expr> Parser::parse_value() {
  if (at_literal()) return parse_literal();
  if (at_negative_number()) return parse_negative();
  if (peek().is_word("now") && at_call()) return parse_now();
  if (peek().kind == TokenKind::kVariable) {
    const Token variable = take();
    if (peek().is(Symbol::kDot)) return unexpected_token("the end of the value", "a property cannot be a value here");
    return ast::Expr{.kind = ast::ExprKind::kVariable, .span = variable.span, .name = std::string(variable.name)};
  }
  if (peek().is_word("null")) {
    return unexpected_token(kValueWords, "null matches nothing here: write '$x.p is null' as a clause");
  }
  return unexpected_token(kValueWords);
}

Parsed<ast::Expr> Parser::parse_literal() {
  if (peek().is(Symbol::kLeftBracket)) return parse_list();
  if (peek().kind == TokenKind::kIdentifier && at_call()) return parse_date_literal();
  Token token = take();
  if (token.needs_minus) return too_large(token);
  ast::Expr literal{.kind = ast::ExprKind::kLiteral, .span = token.span};
  switch (token.kind) {
    case TokenKind::kInteger: literal.literal.value = token.integer; break;
    case TokenKind::kFloat: literal.literal.value = token.real; break;
    case TokenKind::kString: literal.literal.value = std::move(token.text); break;
    default: literal.literal.value = token.name == "true"; break;
  }
  return literal;
}

Parsed<ast::Expr> Parser::parse_list() {
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  const std::size_t begin = take().span.begin;
  ast::Expr list{.kind = ast::ExprKind::kList};
  if (!accept(Symbol::kRightBracket)) {
    do {
      if (!at_literal() && !at_negative_number()) return unexpected_token("a literal in the list");
      OG_ASSIGN_OR_RETURN(ast::Expr item, at_literal() ? parse_literal() : parse_negative());
      list.args.push_back(std::move(item));
    } while (accept(Symbol::kComma));
    OG_RETURN_IF_ERROR(expect(Symbol::kRightBracket, "or ',' in the list"));
  }
  list.span = span_since(begin);
  return list;
}

Parsed<ast::Expr> Parser::parse_date_literal() {
  const Token name = take();
  take();
  OG_ASSIGN_OR_RETURN(Token text, expect_token(TokenKind::kString, "a string"));
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after the string"));
  ast::Expr literal{.kind = ast::ExprKind::kLiteral, .span = span_since(name.span.begin)};
  literal.literal.value = std::move(text.text);
  literal.literal_form = name.name == "date" ? ast::LiteralForm::kDate : ast::LiteralForm::kDateTime;
  return literal;
}

Parsed<ast::Expr> Parser::parse_variable() {
  const Token variable = take();
  ast::Expr expr{.kind = ast::ExprKind::kVariable, .span = variable.span, .name = std::string(variable.name)};
  if (!accept(Symbol::kDot)) return expr;
  OG_ASSIGN_OR_RETURN(const Token property, expect_token(TokenKind::kIdentifier, "a property name after '.'"));
  expr.kind = ast::ExprKind::kProperty;
  expr.property = property.name;
  expr.property_span = property.span;
  expr.span = span_since(variable.span.begin);
  return expr;
}

Parsed<ast::Expr> Parser::parse_now() {
  const std::size_t begin = take().span.begin;
  take();
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after 'now('"));
  return ast::Expr{.kind = ast::ExprKind::kNow, .span = span_since(begin)};
}

// length($p), nodes($p), edges($p)
Parsed<ast::Expr> Parser::parse_path_call() {
  const Token name = take();
  take();
  ast::Expr call{.kind = ast::ExprKind::kPath, .name = std::string(name.name)};
  OG_ASSIGN_OR_RETURN(const Token path, expect_token(TokenKind::kVariable, "a path variable in " + call.name + "(..)"));
  call.args.push_back({.kind = ast::ExprKind::kVariable, .span = path.span, .name = std::string(path.name)});
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after the path variable"));
  call.span = span_since(name.span.begin);
  return call;
}

Parsed<ast::Expr> Parser::parse_call() {
  if (peek().name == "now") return parse_now();
  if (std::ranges::find(kPathFunctions, peek().name) != kPathFunctions.end()) return parse_path_call();
  const Function* function = find_function(peek().name);
  if (function == nullptr) {
    std::vector<std::string> names{"now", "date", "datetime"};
    names.insert(names.end(), kPathFunctions.begin(), kPathFunctions.end());
    for (const Function& known : kFunctions) names.emplace_back(known.name);
    return mistake(peek().span, "unknown function '" + std::string(peek().name) + "': expected an expression",
                   base::did_you_mean(peek().name, names));
  }
  const std::size_t begin = take().span.begin;
  take();
  ast::Expr call{.kind = function->kind, .name = std::string(function->name), .aggregate = function->aggregate};
  // `distinct` before the closing parenthesis is an alias.
  if (call.name == "count" && peek().is_word("distinct") && !peek(1).is(Symbol::kRightParen)) {
    take();
    call.distinct = true;
  }
  do {
    if (call.args.size() == function->args_max) {
      return unexpected_token("')': " + call.name + " takes at most " + std::to_string(function->args_max) +
                              " arguments");
    }
    OG_ASSIGN_OR_RETURN(ast::Expr argument, parse_expression());
    if (function->kind == ast::ExprKind::kNearest && call.args.empty() && argument.kind != ast::ExprKind::kProperty) {
      return mistake(argument.span, "expected a vector property '$x.p' as first argument of nearest");
    }
    call.args.push_back(std::move(argument));
  } while (accept(Symbol::kComma));
  if (call.args.size() < function->args_min) {
    return unexpected_token("',' and another argument of " + call.name);
  }
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after the arguments of " + call.name));
  call.span = span_since(begin);
  return call;
}

}  // namespace omnigraph::query
