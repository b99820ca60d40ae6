// Expressions from tokens: the part of the policy grammar between the braces of `when` and `unless`.
// Errors: kBadRequest with line and column. Not thread safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/cedar_ast.h"
#include "policy/cedar_token_stream.h"

namespace omnigraph::policy::cedar {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  [[nodiscard]] Result<Expr> read();
  // `A::B`; `what` is for the message.
  [[nodiscard]] Result<std::string> read_path(std::string_view what);
  // `A::B::"id"`
  [[nodiscard]] Result<EntityUid> read_entity();

 private:
  [[nodiscard]] Result<Expr> read_if();
  [[nodiscard]] Result<Expr> read_chain(ExprKind kind);  // of && or ||
  [[nodiscard]] Result<Expr> read_relation();
  [[nodiscard]] Result<Expr> read_comparison(Expr left);
  [[nodiscard]] Result<Expr> read_has(Expr left);
  [[nodiscard]] Result<Expr> read_like(Expr left);
  [[nodiscard]] Result<Expr> read_is(Expr left);
  [[nodiscard]] Result<Expr> read_sum();
  [[nodiscard]] Result<Expr> read_product();
  [[nodiscard]] Result<Expr> read_unary();
  [[nodiscard]] Result<Expr> read_integer(bool& negative);
  [[nodiscard]] Result<Expr> read_member();
  [[nodiscard]] Result<Expr> read_dot(Expr self);
  [[nodiscard]] Result<Expr> read_method(Expr self, const Token& name);
  [[nodiscard]] Result<Expr> read_primary();
  [[nodiscard]] Result<Expr> read_word();
  [[nodiscard]] Result<Expr> read_named(std::size_t begin);
  [[nodiscard]] Result<Expr> read_record();
  [[nodiscard]] Result<std::vector<Expr>> read_list(std::string_view close);
  [[nodiscard]] Result<std::string> read_name(std::string_view what);  // an identifier that is not reserved
  [[nodiscard]] Result<Expr> node(ExprKind kind, std::vector<Expr> operands, std::vector<std::string> names = {});
  [[nodiscard]] Result<Expr> negation(Expr operand);
  // What the core language needs twice; counted, like every node.
  [[nodiscard]] Result<Expr> copy_of(const Expr& expr);
  [[nodiscard]] Result<void> count_nodes(std::size_t more);
  [[nodiscard]] Expr literal(Value value, std::size_t begin) const;

  TokenStream& tokens_;
  std::size_t nodes_ = 0;  // made for the whole text
};

}  // namespace omnigraph::policy::cedar
