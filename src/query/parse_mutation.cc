#include "query/parser.h"

#include <utility>

#include "base/result.h"
#include "base/text.h"

namespace omnigraph::query {

Parsed<std::vector<ast::Mutation>> Parser::parse_mutations() {
  std::vector<ast::Mutation> statements;
  in_mutation_ = true;
  do {
    OG_ASSIGN_OR_RETURN(ast::Mutation statement, parse_mutation());
    statements.push_back(std::move(statement));
    if (peek().is(Symbol::kComma)) return unexpected_token("a statement or '}'", "statements have no separator");
  } while (!accept(Symbol::kRightBrace));
  return statements;
}

Parsed<ast::Mutation> Parser::parse_mutation() {
  ast::Mutation statement;
  const std::size_t begin = peek().span.begin;
  if (accept_word("insert")) {
    statement.kind = ast::MutationKind::kInsert;
  } else if (accept_word("update")) {
    statement.kind = ast::MutationKind::kUpdate;
  } else if (accept_word("delete")) {
    statement.kind = ast::MutationKind::kDelete;
  } else {
    const std::vector<std::string> words{"match", "insert", "update", "delete"};
    std::string help = peek().kind == TokenKind::kIdentifier ? base::did_you_mean(peek().name, words) : "";
    return unexpected_token("'match', 'insert', 'update' or 'delete'", std::move(help));
  }
  OG_ASSIGN_OR_RETURN(const Token type, expect_type_name("a node or edge type name"));
  statement.type = type.name;
  statement.type_span = type.span;
  if (statement.kind == ast::MutationKind::kInsert) {
    OG_ASSIGN_OR_RETURN(statement.assignments, parse_assignments("after the inserted type"));
  } else if (statement.kind == ast::MutationKind::kUpdate) {
    OG_RETURN_IF_ERROR(expect_word("set", "after the updated type"));
    OG_ASSIGN_OR_RETURN(statement.assignments, parse_assignments("after 'set'"));
  }
  if (statement.kind != ast::MutationKind::kInsert) {
    OG_RETURN_IF_ERROR(expect_word("where", "and a condition"));
    OG_ASSIGN_OR_RETURN(statement.where, parse_condition());
  }
  statement.span = span_since(begin);
  return statement;
}

Parsed<std::vector<ast::Assignment>> Parser::parse_assignments(std::string_view where) {
  std::vector<ast::Assignment> assignments;
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftBrace, where));
  do {
    OG_ASSIGN_OR_RETURN(const Token name, expect_token(TokenKind::kIdentifier, "an assignment 'property: value'"));
    OG_RETURN_IF_ERROR(expect(Symbol::kColon, "and the value after the property name"));
    OG_ASSIGN_OR_RETURN(ast::Expr value, parse_assigned());
    assignments.push_back({std::string(name.name), name.span, std::move(value)});
    accept(Symbol::kComma);
  } while (!accept(Symbol::kRightBrace));
  return assignments;
}

// "null" | expr
Parsed<ast::Expr> Parser::parse_assigned() {
  if (!peek().is_word("null")) return parse_expression();
  const Token null = take();
  return ast::Expr{.kind = ast::ExprKind::kNull, .span = null.span};
}

}  // namespace omnigraph::query
