// Recursive descent over the tokens of one `.gq` file (grammar: chapter 02 section 2 as chapter 14 section 1
// extends it). Every rule of the grammar is
// one method; a method either consumes its whole construct or returns the mistake it met.
// Internal to this room: others call parse_file (compile.h). Not thread safe; one use.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/ast.h"
#include "query/diagnostics.h"
#include "query/lexer.h"

namespace omnigraph::query {

template <class T>
using Parsed = std::expected<T, Mistake>;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // What could be read, and every mistake: after one, reading goes on at the next `query NAME (`.
  ast::File parse_file(std::vector<Mistake>& mistakes);

 private:
  // Cursor.
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  const Token& take();
  bool accept(Symbol symbol);
  bool accept_word(std::string_view word);
  [[nodiscard]] SourceSpan span_since(std::size_t begin) const { return {begin, last_end_}; }

  // Mistakes. `expected` completes "expected ..", e.g. "'}'" or "a type name".
  [[nodiscard]] std::unexpected<Mistake> unexpected_token(std::string_view expected, std::string help = "") const;
  [[nodiscard]] std::unexpected<Mistake> mistake(SourceSpan span, std::string text, std::string help = "") const;
  Parsed<SourceSpan> expect(Symbol symbol, std::string_view where);
  Parsed<SourceSpan> expect_word(std::string_view word, std::string_view where);
  Parsed<Token> expect_token(TokenKind kind, std::string_view what, std::string help = "");
  Parsed<Token> expect_type_name(std::string_view what);
  Parsed<std::uint64_t> expect_integer(std::string_view what);
  [[nodiscard]] std::unexpected<Mistake> too_large(const Token& token) const;
  [[nodiscard]] bool at_query_start(std::size_t ahead = 0) const;
  void recover(std::size_t query_start);

  // Counts nested constructs; a mistake beyond kNestingDepthMax.
  class DepthGuard {
   public:
    explicit DepthGuard(std::size_t& depth) : depth_(++depth) {}
    ~DepthGuard() { --depth_; }
    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;

   private:
    std::size_t& depth_;
  };
  Parsed<void> check_depth() const;

  // Declarations (parser.cc).
  Parsed<ast::Query> parse_query();
  Parsed<void> parse_parameters(ast::Query& query);
  Parsed<ast::Parameter> parse_parameter();
  Parsed<void> parse_parameter_type(ast::Parameter& parameter);
  Parsed<schema::ScalarType> parse_scalar_name();
  Parsed<void> parse_annotation(ast::Query& query);
  Parsed<void> parse_body(ast::Query& query);

  // Reads (parse_read.cc).
  Parsed<ast::Read> parse_read();
  Parsed<std::vector<ast::Clause>> parse_clauses(std::string_view block);
  Parsed<ast::Clause> parse_clause();
  Parsed<ast::Clause> parse_inner_block();
  Parsed<ast::Clause> parse_binding();
  [[nodiscard]] bool at_traversal() const;
  Parsed<ast::Traversal> parse_traversal();
  [[nodiscard]] bool at_path() const;
  Parsed<ast::Clause> parse_path();
  Parsed<void> parse_edge_word(ast::Traversal& traversal);
  Parsed<void> parse_hop_bounds(ast::Traversal& traversal);
  Parsed<ast::PropertyMatch> parse_property_match();
  Parsed<void> parse_window(ast::Read& read);
  Parsed<ast::Expr> parse_row_count(std::string_view word);
  Parsed<ast::Projection> parse_projection();
  Parsed<std::vector<ast::OrderItem>> parse_order();
  Parsed<ast::OrderItem> parse_order_item();

  // Mutations (parse_mutation.cc).
  Parsed<std::vector<ast::Mutation>> parse_mutations();
  Parsed<ast::Mutation> parse_mutation();
  Parsed<std::vector<ast::Assignment>> parse_assignments(std::string_view where);
  Parsed<ast::Expr> parse_assigned();

  // Conditions (parse_condition.cc). A parenthesis may hold a condition or a value, which only its content tells: the
  // rules read either, and `values` says whether a mere value is welcome.
  enum class Values : std::uint8_t { kRefused, kAllowed };
  Parsed<ast::Expr> parse_condition(Values values = Values::kRefused);
  Parsed<ast::Expr> parse_conjunction(Values values);
  Parsed<ast::Expr> parse_test(Values values);
  Parsed<ast::Expr> parse_atom(Values values);
  Parsed<ast::Expr> parse_null_test(ast::Expr operand);
  Parsed<CompareOp> parse_operator();
  [[nodiscard]] bool at_comparison(std::size_t ahead = 0) const;  // = != < <= > >=
  [[nodiscard]] bool at_operator(std::size_t ahead = 0) const;    // also contains, starts_with
  [[nodiscard]] bool at_in() const { return peek().is_word("in"); }
  [[nodiscard]] bool at_null_test() const;
  [[nodiscard]] bool at_connective_not() const;
  [[nodiscard]] std::unexpected<Mistake> not_a_condition() const;
  [[nodiscard]] std::unexpected<Mistake> not_a_value(const ast::Expr& condition) const;

  // Expressions (parse_expression.cc).
  Parsed<ast::Expr> parse_expression();  // a value
  Parsed<ast::Expr> parse_sum();         // a value or a condition in parentheses
  Parsed<ast::Expr> parse_product();
  Parsed<ast::Expr> parse_factor();
  Parsed<ast::Expr> parse_negative();
  Parsed<ast::Expr> parse_group();
  Parsed<ast::Expr> parse_primary();
  Parsed<ast::Expr> parse_arithmetic(ast::Expr left, Arithmetic op, ast::Expr right);
  Parsed<ast::Expr> parse_value();  // ["-"] literal | VAR | now()
  [[nodiscard]] std::optional<Arithmetic> arithmetic_at(bool product) const;
  Parsed<ast::Expr> parse_literal();
  Parsed<ast::Expr> parse_list();
  Parsed<ast::Expr> parse_date_literal();
  Parsed<ast::Expr> parse_variable();  // VAR or VAR.IDENT
  Parsed<ast::Expr> parse_call();
  Parsed<ast::Expr> parse_path_call();
  Parsed<ast::Expr> parse_now();
  [[nodiscard]] bool at_literal() const;
  [[nodiscard]] bool at_negative_number() const {
    return peek().is(Symbol::kMinus) && (peek(1).kind == TokenKind::kInteger || peek(1).kind == TokenKind::kFloat);
  }
  [[nodiscard]] bool at_call() const { return peek().kind == TokenKind::kIdentifier && peek(1).is(Symbol::kLeftParen); }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t last_end_ = 0;  // end of the token taken last
  std::size_t depth_ = 0;
  bool in_mutation_ = false;  // a bare name is a property of the row, also one called `true`
};

// "end of file", "'}'", "identifier 'x'" ..: how a mistake names what stands there.
[[nodiscard]] std::string describe_token(const Token& token);

}  // namespace omnigraph::query
