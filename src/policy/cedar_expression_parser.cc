#include "policy/cedar_expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace omnigraph::policy::cedar {

namespace {

constexpr std::array<std::string_view, 9> kReserved = {"true", "false", "if",  "then", "else",
                                                       "in",   "like",  "has", "is"};
constexpr std::size_t kPrefixesMax = 4;

bool is_reserved(std::string_view word) {
  return std::ranges::find(kReserved, word) != kReserved.end() || word == "__cedar";
}

std::optional<Variable> variable_of(std::string_view word) {
  constexpr std::array<std::string_view, 4> kNames = {"principal", "action", "resource", "context"};
  const auto at = std::ranges::find(kNames, word);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Variable>(at - kNames.begin());
}

struct Method {
  std::string_view name;
  ExprKind kind;
  std::size_t arguments;
};
// Methods of the core language; those of extension types are in the table of cedar_extension.h.
constexpr std::array<Method, 6> kMethods = {{{"contains", ExprKind::kContains, 1},
                                             {"containsAll", ExprKind::kContainsAll, 1},
                                             {"containsAny", ExprKind::kContainsAny, 1},
                                             {"isEmpty", ExprKind::kIsEmpty, 0},
                                             {"hasTag", ExprKind::kHasTag, 1},
                                             {"getTag", ExprKind::kGetTag, 1}}};

std::vector<Expr> pair(Expr left, Expr right) {
  std::vector<Expr> operands;
  operands.reserve(2);
  operands.push_back(std::move(left));
  operands.push_back(std::move(right));
  return operands;
}

std::vector<Expr> single(Expr operand) {
  std::vector<Expr> operands;
  operands.push_back(std::move(operand));
  return operands;
}

std::string suggestion(std::string_view typed) {
  std::vector<std::string> known;
  for (const Method& method : kMethods) known.emplace_back(method.name);
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Function::kToDays); ++i) {
    known.emplace_back(signature_of(static_cast<Function>(i)).name);
  }
  return base::did_you_mean(typed, known);
}

}  // namespace

Result<Expr> ExpressionParser::node(ExprKind kind, std::vector<Expr> operands, std::vector<std::string> names) {
  Expr expr;
  expr.kind = kind;
  expr.operands = std::move(operands);
  expr.names = std::move(names);
  for (const Expr& operand : expr.operands) {
    expr.height = std::max(expr.height, operand.height + 1);
    expr.size += operand.size;
  }
  OG_RETURN_IF_ERROR(count_nodes(1));
  if (!expr.operands.empty()) expr.span.begin = expr.operands.front().span.begin;
  expr.span.end = tokens_.previous_end();
  if (expr.height > kExpressionHeightMax) {
    return std::unexpected(mistake_at(tokens_.source(), {expr.span.begin, expr.span.begin + 1},
                                      "the expression has more than " + std::to_string(kExpressionHeightMax) +
                                          " levels; split it over several policies"));
  }
  return expr;
}

Result<void> ExpressionParser::count_nodes(std::size_t more) {
  nodes_ += more;
  if (nodes_ <= kExpressionNodesMax) return {};
  return std::unexpected(
      tokens_.mistake("the policies have more than " + std::to_string(kExpressionNodesMax) + " expression nodes"));
}

Result<Expr> ExpressionParser::copy_of(const Expr& expr) {
  OG_RETURN_IF_ERROR(count_nodes(expr.size));
  return expr;
}

Expr ExpressionParser::literal(Value value, std::size_t begin) const {
  Expr expr;
  expr.literal = std::move(value);
  expr.span = {begin, tokens_.previous_end()};
  return expr;
}

Result<Expr> ExpressionParser::negation(Expr operand) { return node(ExprKind::kNot, single(std::move(operand))); }

Result<Expr> ExpressionParser::read() {
  const TokenStream::Level level(tokens_);
  OG_RETURN_IF_ERROR(tokens_.check_depth());
  if (tokens_.at_word("if")) return read_if();
  return read_chain(ExprKind::kOr);
}

Result<Expr> ExpressionParser::read_if() {
  const std::size_t begin = tokens_.take().offset;
  std::vector<Expr> parts(3);
  OG_ASSIGN_OR_RETURN(parts[0], read());
  OG_RETURN_IF_ERROR(tokens_.expect_word("then"));
  OG_ASSIGN_OR_RETURN(parts[1], read());
  OG_RETURN_IF_ERROR(tokens_.expect_word("else"));
  OG_ASSIGN_OR_RETURN(parts[2], read());
  OG_ASSIGN_OR_RETURN(Expr expr, node(ExprKind::kIf, std::move(parts)));
  expr.span.begin = begin;
  return expr;
}

// `a && b && c` and `(a && b) && c` are the same tree: chains group to the left.
Result<Expr> ExpressionParser::read_chain(ExprKind kind) {
  const std::string_view symbol = kind == ExprKind::kOr ? "||" : "&&";
  const auto operand = [&] { return kind == ExprKind::kOr ? read_chain(ExprKind::kAnd) : read_relation(); };
  OG_ASSIGN_OR_RETURN(Expr first, operand());
  if (!tokens_.at_symbol(symbol)) return first;
  std::vector<Expr> operands;
  const std::size_t begin = first.span.begin;
  if (first.kind == kind) {
    operands = std::move(first.operands);
  } else {
    operands.push_back(std::move(first));
  }
  while (tokens_.accept(symbol)) {
    OG_ASSIGN_OR_RETURN(Expr next, operand());
    operands.push_back(std::move(next));
  }
  OG_ASSIGN_OR_RETURN(Expr expr, node(kind, std::move(operands)));
  expr.span.begin = begin;
  return expr;
}

Result<Expr> ExpressionParser::read_relation() {
  OG_ASSIGN_OR_RETURN(Expr left, read_sum());
  if (tokens_.accept_word("has")) return read_has(std::move(left));
  if (tokens_.accept_word("like")) return read_like(std::move(left));
  if (tokens_.accept_word("is")) return read_is(std::move(left));
  return read_comparison(std::move(left));
}

Result<Expr> ExpressionParser::read_comparison(Expr left) {
  struct Operator {
    std::string_view symbol;
    ExprKind kind;
    bool negated;
  };
  constexpr std::array<Operator, 6> kOperators = {{{"==", ExprKind::kEqual, false},
                                                   {"!=", ExprKind::kEqual, true},
                                                   {"<", ExprKind::kLess, false},
                                                   {"<=", ExprKind::kLessEqual, false},
                                                   {">", ExprKind::kLessEqual, true},
                                                   {">=", ExprKind::kLess, true}}};
  const auto find = [&] {
    return tokens_.peek().kind == TokenKind::kSymbol
               ? std::ranges::find(kOperators, tokens_.peek().text, &Operator::symbol)
               : kOperators.end();
  };
  const auto found = find();
  const bool membership = tokens_.at_word("in");
  if (found == kOperators.end() && !membership) return left;
  tokens_.take();
  OG_ASSIGN_OR_RETURN(Expr right, read_sum());
  if (find() != kOperators.end() || tokens_.at_word("in")) {
    return std::unexpected(tokens_.mistake("comparisons do not chain; use parentheses or '&&'"));
  }
  OG_ASSIGN_OR_RETURN(Expr expr,
                      node(membership ? ExprKind::kIn : found->kind, pair(std::move(left), std::move(right))));
  if (!membership && found->negated) return negation(std::move(expr));
  return expr;
}

Result<Expr> ExpressionParser::read_has(Expr left) {
  if (tokens_.peek().kind == TokenKind::kString) {
    OG_ASSIGN_OR_RETURN(std::string name, tokens_.string("an attribute"));
    return node(ExprKind::kHas, single(std::move(left)), {std::move(name)});
  }
  std::vector<Expr> tests;
  do {
    OG_ASSIGN_OR_RETURN(const std::string name, read_name("an attribute"));
    OG_ASSIGN_OR_RETURN(Expr operand, copy_of(left));
    OG_ASSIGN_OR_RETURN(Expr test, node(ExprKind::kHas, single(std::move(operand)), {name}));
    tests.push_back(std::move(test));
    if (!tokens_.at_symbol(".")) break;
    OG_ASSIGN_OR_RETURN(left, node(ExprKind::kGet, single(std::move(left)), {name}));
  } while (tokens_.accept("."));
  if (tests.size() == 1) return std::move(tests.front());
  return node(ExprKind::kAnd, std::move(tests));
}

Result<Expr> ExpressionParser::read_like(Expr left) {
  if (tokens_.peek().kind != TokenKind::kString) return std::unexpected(tokens_.expected("a pattern, a string"));
  OG_ASSIGN_OR_RETURN(auto pieces, unescape_pattern(tokens_.source(), tokens_.take()));
  return node(ExprKind::kLike, single(std::move(left)), std::move(pieces));
}

Result<Expr> ExpressionParser::read_is(Expr left) {
  OG_ASSIGN_OR_RETURN(std::string type, read_path("an entity type"));
  if (!tokens_.accept_word("in")) return node(ExprKind::kIs, single(std::move(left)), {std::move(type)});
  OG_ASSIGN_OR_RETURN(Expr tested, copy_of(left));
  OG_ASSIGN_OR_RETURN(Expr is, node(ExprKind::kIs, single(std::move(tested)), {std::move(type)}));
  OG_ASSIGN_OR_RETURN(Expr right, read_sum());
  OG_ASSIGN_OR_RETURN(Expr in, node(ExprKind::kIn, pair(std::move(left), std::move(right))));
  return node(ExprKind::kAnd, pair(std::move(is), std::move(in)));
}

Result<Expr> ExpressionParser::read_sum() {
  OG_ASSIGN_OR_RETURN(Expr left, read_product());
  while (tokens_.at_symbol("+") || tokens_.at_symbol("-")) {
    const ExprKind kind = tokens_.take().text == "+" ? ExprKind::kAdd : ExprKind::kSubtract;
    OG_ASSIGN_OR_RETURN(Expr right, read_product());
    OG_ASSIGN_OR_RETURN(left, node(kind, pair(std::move(left), std::move(right))));
  }
  return left;
}

Result<Expr> ExpressionParser::read_product() {
  OG_ASSIGN_OR_RETURN(Expr left, read_unary());
  while (tokens_.accept("*")) {
    OG_ASSIGN_OR_RETURN(Expr right, read_unary());
    OG_ASSIGN_OR_RETURN(left, node(ExprKind::kMultiply, pair(std::move(left), std::move(right))));
  }
  return left;
}

Result<Expr> ExpressionParser::read_unary() {
  const Token start = tokens_.peek();
  const bool minus = tokens_.at_symbol("-");
  const std::string_view symbol = minus ? "-" : "!";
  std::size_t count = 0;
  while (tokens_.accept(symbol)) ++count;
  if (count > kPrefixesMax) {
    return std::unexpected(
        mistake_at(tokens_.source(), span_of(start), "more than 4 prefixes '" + std::string(symbol) + "'"));
  }
  Expr expr;
  if (minus && tokens_.peek().kind == TokenKind::kInteger) {
    // The minus sign belongs to the literal, or the smallest Long could not be written.
    bool negative = true;
    OG_ASSIGN_OR_RETURN(expr, read_integer(negative));
    --count;
    if (tokens_.at_symbol(".") || tokens_.at_symbol("[")) return std::unexpected(tokens_.expected("an operator"));
  } else {
    OG_ASSIGN_OR_RETURN(expr, read_member());
  }
  for (; count > 0; --count) {
    OG_ASSIGN_OR_RETURN(expr, node(minus ? ExprKind::kNegate : ExprKind::kNot, single(std::move(expr))));
  }
  return expr;
}

Result<Expr> ExpressionParser::read_integer(bool& negative) {
  const Token token = tokens_.take();
  std::uint64_t magnitude = 0;
  const auto [end, failed] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), magnitude);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (failed != std::errc() || magnitude > kMax + (negative ? 1 : 0)) {
    return std::unexpected(mistake_at(tokens_.source(), span_of(token), "the number does not fit a Long (64 bits)"));
  }
  const std::uint64_t bits = negative ? ~magnitude + 1 : magnitude;
  return literal(Value::integer(static_cast<std::int64_t>(bits)), token.offset);
}

Result<Expr> ExpressionParser::read_member() {
  OG_ASSIGN_OR_RETURN(Expr expr, read_primary());
  for (;;) {
    if (tokens_.accept(".")) {
      OG_ASSIGN_OR_RETURN(expr, read_dot(std::move(expr)));
    } else if (tokens_.accept("[")) {
      OG_ASSIGN_OR_RETURN(std::string name, tokens_.string("an attribute in quotes"));
      OG_RETURN_IF_ERROR(tokens_.expect("]"));
      OG_ASSIGN_OR_RETURN(expr, node(ExprKind::kGet, single(std::move(expr)), {std::move(name)}));
    } else {
      return expr;
    }
  }
}

Result<Expr> ExpressionParser::read_dot(Expr self) {
  const Token at = tokens_.peek();
  OG_ASSIGN_OR_RETURN(std::string name, read_name("an attribute or method"));
  if (tokens_.accept("(")) return read_method(std::move(self), at);
  return node(ExprKind::kGet, single(std::move(self)), {std::move(name)});
}

Result<Expr> ExpressionParser::read_method(Expr self, const Token& name) {
  OG_ASSIGN_OR_RETURN(std::vector<Expr> arguments, read_list(")"));
  const auto core = std::ranges::find(kMethods, name.text, &Method::name);
  const Signature* extension = find_function(name.text);
  if (core == kMethods.end() && (extension == nullptr || !extension->method)) {
    return std::unexpected(
        mistake_at(tokens_.source(), span_of(name), "unknown method " + shown(name), suggestion(name.text)));
  }
  // How many arguments an extension function takes is judged where it is called, as their types are.
  if (core != kMethods.end() && arguments.size() != core->arguments) {
    return std::unexpected(mistake_at(tokens_.source(), span_of(name),
                                      "method " + shown(name) + " takes " + std::to_string(core->arguments) +
                                          " arguments, not " + std::to_string(arguments.size())));
  }
  arguments.insert(arguments.begin(), std::move(self));
  OG_ASSIGN_OR_RETURN(Expr expr, node(core != kMethods.end() ? core->kind : ExprKind::kCall, std::move(arguments)));
  if (core == kMethods.end()) expr.function = extension->function;
  return expr;
}

Result<Expr> ExpressionParser::read_primary() {
  const Token token = tokens_.peek();
  if (token.kind == TokenKind::kIdentifier) return read_word();
  if (token.kind == TokenKind::kString) {
    OG_ASSIGN_OR_RETURN(std::string text, tokens_.string("a string"));
    return literal(Value::text(std::move(text)), token.offset);
  }
  if (token.kind == TokenKind::kInteger) {
    bool negative = false;
    return read_integer(negative);
  }
  if (token.kind == TokenKind::kSlot) {
    return std::unexpected(tokens_.mistake("policy templates are not supported: " + shown(token)));
  }
  if (tokens_.accept("(")) {
    OG_ASSIGN_OR_RETURN(Expr expr, read());
    OG_RETURN_IF_ERROR(tokens_.expect(")"));
    return expr;
  }
  if (tokens_.accept("[")) {
    OG_ASSIGN_OR_RETURN(auto members, read_list("]"));
    return node(ExprKind::kSet, std::move(members));
  }
  if (tokens_.accept("{")) return read_record();
  return std::unexpected(tokens_.expected("an expression"));
}

// true, false, a variable, an entity or a function call.
Result<Expr> ExpressionParser::read_word() {
  const Token token = tokens_.peek();
  if (tokens_.accept_word("true")) return literal(Value::boolean(true), token.offset);
  if (tokens_.accept_word("false")) return literal(Value::boolean(false), token.offset);
  const auto variable = variable_of(token.text);
  if (variable && !tokens_.at_symbol("::", 1)) {
    tokens_.take();
    Expr expr;
    expr.kind = ExprKind::kVariable;
    expr.variable = *variable;
    expr.span = span_of(token);
    return expr;
  }
  if (is_reserved(token.text)) return std::unexpected(tokens_.expected("an expression"));
  if (!tokens_.at_symbol("(", 1)) {
    OG_ASSIGN_OR_RETURN(EntityUid uid, read_entity());
    return literal(Value::entity(std::move(uid)), token.offset);
  }
  return read_named(token.offset);
}

Result<Expr> ExpressionParser::read_named(std::size_t begin) {
  const Token name = tokens_.take();
  const Signature* signature = find_function(name.text);
  if (signature == nullptr || signature->method) {
    const bool method = signature != nullptr;
    return std::unexpected(mistake_at(
        tokens_.source(), span_of(name),
        method ? shown(name) + " is a method: write it behind its value and a '.'" : "unknown function " + shown(name),
        method ? "" : suggestion(name.text)));
  }
  tokens_.take();
  OG_ASSIGN_OR_RETURN(auto arguments, read_list(")"));
  OG_ASSIGN_OR_RETURN(Expr expr, node(ExprKind::kCall, std::move(arguments)));
  expr.function = signature->function;
  expr.span.begin = begin;
  return expr;
}

Result<Expr> ExpressionParser::read_record() {
  std::vector<std::string> names;
  std::vector<Expr> values;
  while (!tokens_.accept("}")) {
    const Token at = tokens_.peek();
    std::string name;
    if (at.kind == TokenKind::kString) {
      OG_ASSIGN_OR_RETURN(name, tokens_.string("an attribute"));
    } else {
      OG_ASSIGN_OR_RETURN(name, read_name("an attribute or '}'"));
    }
    if (std::ranges::find(names, name) != names.end()) {
      return std::unexpected(mistake_at(tokens_.source(), span_of(at), "the record repeats attribute " + shown(at)));
    }
    OG_RETURN_IF_ERROR(tokens_.expect(":"));
    OG_ASSIGN_OR_RETURN(Expr value, read());
    names.push_back(std::move(name));
    values.push_back(std::move(value));
    if (!tokens_.at_symbol("}")) OG_RETURN_IF_ERROR(tokens_.expect(","));
  }
  return node(ExprKind::kRecord, std::move(values), std::move(names));
}

// Expressions up to `close`, which is taken; a comma may follow the last.
Result<std::vector<Expr>> ExpressionParser::read_list(std::string_view close) {
  std::vector<Expr> members;
  while (!tokens_.accept(close)) {
    OG_ASSIGN_OR_RETURN(Expr member, read());
    members.push_back(std::move(member));
    if (!tokens_.at_symbol(close)) OG_RETURN_IF_ERROR(tokens_.expect(","));
  }
  return members;
}

Result<std::string> ExpressionParser::read_name(std::string_view what) {
  if (tokens_.peek().kind == TokenKind::kIdentifier && is_reserved(tokens_.peek().text)) {
    return std::unexpected(tokens_.mistake(shown(tokens_.peek()) + " is a reserved word; write it in quotes"));
  }
  return tokens_.identifier(what);
}

Result<std::string> ExpressionParser::read_path(std::string_view what) {
  OG_ASSIGN_OR_RETURN(std::string path, read_name(what));
  while (tokens_.at_symbol("::") && tokens_.peek(1).kind == TokenKind::kIdentifier) {
    tokens_.take();
    OG_ASSIGN_OR_RETURN(const std::string part, read_name(what));
    path.append("::").append(part);
  }
  return path;
}

Result<EntityUid> ExpressionParser::read_entity() {
  const Token start = tokens_.peek();
  EntityUid uid;
  OG_ASSIGN_OR_RETURN(uid.type, read_path("an entity, like User::\"ana\""));
  if (!tokens_.accept("::")) {
    return std::unexpected(mistake_at(tokens_.source(), span_of(start),
                                      "'" + uid.type + "' is neither a variable nor an entity",
                                      "entities are written " + uid.type + "::\"id\", strings in quotes"));
  }
  OG_ASSIGN_OR_RETURN(uid.id, tokens_.string("the id of an entity in quotes"));
  return uid;
}

}  // namespace omnigraph::policy::cedar
