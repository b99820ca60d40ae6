#include "query/parser.h"

#include <utility>

#include "base/result.h"
#include "base/text.h"

namespace omnigraph::query {

Parsed<ast::Read> Parser::parse_read() {
  ast::Read read;
  const std::size_t begin = take().span.begin;  // match
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftBrace, "after 'match'"));
  OG_ASSIGN_OR_RETURN(read.match, parse_clauses("match"));
  OG_RETURN_IF_ERROR(expect_word("return", "after the match block"));
  read.distinct = accept_word("distinct");
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftBrace, "after 'return'"));
  do {
    OG_ASSIGN_OR_RETURN(ast::Projection projection, parse_projection());
    read.projections.push_back(std::move(projection));
  } while (!accept(Symbol::kRightBrace));
  if (accept_word("order")) {
    OG_ASSIGN_OR_RETURN(read.order, parse_order());
  }
  OG_RETURN_IF_ERROR(parse_window(read));
  if (!peek().is(Symbol::kRightBrace)) {
    const bool window = read.limit || read.offset;
    std::string expected = window || !read.order.empty() ? "" : "'order', ";
    if (!read.limit && !window) expected += "'limit', 'offset' or ";
    if (window && !read.limit) expected += "'limit' or ";
    if (window && !read.offset) expected += "'offset' or ";
    std::string help;
    if (peek().is_word("order")) help = "'order' stands before 'limit' and 'offset'";
    return unexpected_token(expected + "'}' to close the query", std::move(help));
  }
  take();
  read.span = span_since(begin);
  return read;
}

// window = "offset" count ["limit" count] | "limit" count ["offset" count]
Parsed<void> Parser::parse_window(ast::Read& read) {
  while ((peek().is_word("limit") && !read.limit) || (peek().is_word("offset") && !read.offset)) {
    const std::string word(take().name);
    OG_ASSIGN_OR_RETURN(ast::Expr count, parse_row_count(word));
    (word == "limit" ? read.limit : read.offset) = std::move(count);
  }
  return {};
}

// count = INT | VAR
Parsed<ast::Expr> Parser::parse_row_count(std::string_view word) {
  ast::Expr count{.kind = ast::ExprKind::kVariable, .span = peek().span};
  if (peek().kind == TokenKind::kVariable) {
    count.name = take().name;
    return count;
  }
  OG_ASSIGN_OR_RETURN(const std::uint64_t number, expect_integer("an integer or a parameter after " + quoted(word)));
  count.kind = ast::ExprKind::kLiteral;
  count.literal.value = static_cast<std::int64_t>(number);
  return count;
}

// Behind the opening brace, up to and with the closing one.
Parsed<std::vector<ast::Clause>> Parser::parse_clauses(std::string_view block) {
  std::vector<ast::Clause> clauses;
  if (peek().is(Symbol::kRightBrace)) {
    return unexpected_token("a clause: '" + std::string(block) + "' is empty");
  }
  while (!accept(Symbol::kRightBrace)) {
    if (peek().is(Symbol::kComma)) return unexpected_token("a clause or '}'", "clauses have no separator");
    OG_ASSIGN_OR_RETURN(ast::Clause clause, parse_clause());
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

Parsed<ast::Clause> Parser::parse_clause() {
  const bool block = peek(1).is(Symbol::kLeftBrace) && (peek().is_word("not") || peek().is_word("optional"));
  if (block) return parse_inner_block();
  if (at_path()) return parse_path();
  if (peek().kind == TokenKind::kVariable && peek(1).is(Symbol::kColon)) return parse_binding();
  if (at_traversal()) return parse_traversal();
  const TokenKind kind = peek().kind;
  const bool starts_expression = kind == TokenKind::kVariable || kind == TokenKind::kIdentifier || at_literal() ||
                                 peek().is(Symbol::kLeftParen) || peek().is(Symbol::kMinus);
  if (!starts_expression) {
    return unexpected_token("a clause (binding, traversal, condition, 'not' or 'optional') or '}'");
  }
  OG_ASSIGN_OR_RETURN(ast::Expr condition, parse_condition());
  return ast::Condition{std::move(condition)};
}

Parsed<ast::Clause> Parser::parse_inner_block() {
  const DepthGuard guard(depth_);
  OG_RETURN_IF_ERROR(check_depth());
  auto inner = std::make_shared<ast::InnerBlock>();
  inner->span = peek().span;
  inner->optional = take().name == "optional";
  take();
  OG_ASSIGN_OR_RETURN(inner->clauses, parse_clauses(inner->optional ? "optional" : "not"));
  return inner;
}

bool Parser::at_path() const {
  return peek().kind == TokenKind::kVariable && peek(1).is(Symbol::kEqual) && peek(2).is_word("shortest") &&
         peek(3).kind == TokenKind::kVariable;
}

// path = VAR "=" "shortest" VAR (IDENT | "<" IDENT ">") ["{" INT "," INT "}"] VAR
Parsed<ast::Clause> Parser::parse_path() {
  const Token variable = take();
  take();
  take();
  ast::Path path{std::string(variable.name), variable.span, {}};
  if (peek(1).kind == TokenKind::kVariable) {
    take();
    return unexpected_token("an edge word",
                            "a path has no edge variable: edges($" + path.variable + ") lists its edges");
  }
  OG_ASSIGN_OR_RETURN(path.traversal, parse_traversal());
  return path;
}

Parsed<ast::Clause> Parser::parse_binding() {
  const Token variable = take();
  take();
  OG_ASSIGN_OR_RETURN(const Token type, expect_type_name("a node type name"));
  ast::Binding binding{std::string(variable.name), variable.span, std::string(type.name), type.span};
  if (!accept(Symbol::kLeftBrace)) return binding;
  while (!accept(Symbol::kRightBrace)) {
    OG_ASSIGN_OR_RETURN(ast::PropertyMatch match, parse_property_match());
    binding.map.push_back(std::move(match));
    if (!accept(Symbol::kComma) && !peek().is(Symbol::kRightBrace)) {
      return unexpected_token("',' or '}' in the property map");
    }
  }
  return binding;
}

Parsed<ast::PropertyMatch> Parser::parse_property_match() {
  OG_ASSIGN_OR_RETURN(const Token name, expect_token(TokenKind::kIdentifier, "a property name"));
  OG_RETURN_IF_ERROR(expect(Symbol::kColon, "and the value after the property name"));
  OG_ASSIGN_OR_RETURN(ast::Expr value, parse_value());
  return ast::PropertyMatch{std::string(name.name), name.span, std::move(value)};
}

// A variable followed by an edge variable or an edge word. `$a contains "x"`, `$p < 5`, `$p in $s.tags` and `$p is
// null` are conditions.
bool Parser::at_traversal() const {
  if (peek().kind != TokenKind::kVariable) return false;
  const Token& next = peek(1);
  if (next.kind == TokenKind::kVariable || next.kind == TokenKind::kTypeName) return true;
  if (next.is(Symbol::kLess)) {
    return (peek(2).kind == TokenKind::kIdentifier || peek(2).kind == TokenKind::kTypeName) &&
           peek(3).is(Symbol::kGreater);
  }
  if (next.kind != TokenKind::kIdentifier) return false;
  const bool is_operator =
      next.name == "contains" || next.name == "starts_with" || next.name == "in" || next.name == "is";
  if (!is_operator || peek(2).is(Symbol::kLeftBrace)) return true;
  return peek(2).kind == TokenKind::kVariable && !peek(3).is(Symbol::kDot);
}

Parsed<ast::Traversal> Parser::parse_traversal() {
  ast::Traversal traversal;
  const Token from = take();
  traversal.from = from.name;
  traversal.from_span = from.span;
  if (peek().kind == TokenKind::kVariable) {
    const Token edge = take();
    traversal.edge_variable = std::string(edge.name);
    traversal.edge_variable_span = edge.span;
    OG_RETURN_IF_ERROR(expect(Symbol::kColon, "and the edge word after the edge variable"));
  }
  OG_RETURN_IF_ERROR(parse_edge_word(traversal));
  if (peek().is(Symbol::kLeftBrace)) OG_RETURN_IF_ERROR(parse_hop_bounds(traversal));
  OG_ASSIGN_OR_RETURN(const Token to, expect_token(TokenKind::kVariable, "a variable after the edge word"));
  traversal.to = to.name;
  traversal.to_span = to.span;
  return traversal;
}

Parsed<void> Parser::parse_edge_word(ast::Traversal& traversal) {
  traversal.undirected = accept(Symbol::kLess);
  std::string help;
  if (peek().kind == TokenKind::kTypeName) help = "edge words start with a lower-case letter: write DocksAt as docksAt";
  if (peek().is_word("not")) return unexpected_token("an edge word", "'not' cannot be an edge word");
  OG_ASSIGN_OR_RETURN(const Token word, expect_token(TokenKind::kIdentifier, "an edge word", std::move(help)));
  traversal.word = word.name;
  traversal.word_span = word.span;
  if (traversal.undirected) OG_RETURN_IF_ERROR(expect(Symbol::kGreater, "after the undirected edge word"));
  return {};
}

Parsed<void> Parser::parse_hop_bounds(ast::Traversal& traversal) {
  const std::size_t begin = take().span.begin;
  traversal.has_bounds = true;
  OG_ASSIGN_OR_RETURN(traversal.min_hops, expect_integer("the least number of hops"));
  OG_RETURN_IF_ERROR(expect(Symbol::kComma, "and the greatest number of hops"));
  if (!peek().is(Symbol::kRightBrace)) {
    OG_ASSIGN_OR_RETURN(traversal.max_hops, expect_integer("the greatest number of hops"));
  }
  OG_RETURN_IF_ERROR(expect(Symbol::kRightBrace, "after the hop bounds"));
  traversal.bounds_span = span_since(begin);
  return {};
}

Parsed<ast::Projection> Parser::parse_projection() {
  const std::size_t begin = peek().span.begin;
  ast::Projection projection;
  OG_ASSIGN_OR_RETURN(projection.expr, parse_expression());
  // `as` without a name behind it is a reference to an alias called `as`.
  if (peek().is_word("as") && peek(1).kind == TokenKind::kIdentifier) {
    take();
    projection.alias = std::string(take().name);
  } else if (peek().is_word("as") && peek(1).kind == TokenKind::kTypeName) {
    take();
    return unexpected_token("an alias", "aliases start with a lower-case letter or '_'");
  }
  projection.span = span_since(begin);
  accept(Symbol::kComma);
  return projection;
}

Parsed<std::vector<ast::OrderItem>> Parser::parse_order() {
  std::vector<ast::OrderItem> items;
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftBrace, "after 'order'"));
  do {
    OG_ASSIGN_OR_RETURN(ast::OrderItem item, parse_order_item());
    items.push_back(std::move(item));
  } while (accept(Symbol::kComma));
  const bool nearest = items.back().expr.kind == ast::ExprKind::kNearest;
  if (nearest && (peek().is_word("asc") || peek().is_word("desc"))) {
    return unexpected_token("',' or '}' after nearest(..)", "nearest always orders by ascending distance");
  }
  OG_RETURN_IF_ERROR(expect(Symbol::kRightBrace, "or ',' after the order item"));
  return items;
}

Parsed<ast::OrderItem> Parser::parse_order_item() {
  const std::size_t begin = peek().span.begin;
  ast::OrderItem item;
  OG_ASSIGN_OR_RETURN(item.expr, parse_expression());
  if (item.expr.kind != ast::ExprKind::kNearest && (peek().is_word("asc") || peek().is_word("desc"))) {
    item.direction_written = true;
    item.descending = take().name == "desc";
  }
  item.span = span_since(begin);
  return item;
}

}  // namespace omnigraph::query
