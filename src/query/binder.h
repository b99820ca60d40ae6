// Resolves the names of one query against a catalog and checks the types (chapter 02 sections 3 and 4, chapter
// 14).
// Internal to this room: others call bind_query (compile.h). Not thread safe; one use.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "query/bound_query.h"
#include "query/compile.h"
#include "query/diagnostics.h"
#include "query/types.h"

namespace omnigraph::query {

class Binder {
 public:
  Binder(const ast::Query& query, SourceRef source, std::shared_ptr<const schema::Catalog> catalog,
         const BindOptions& options)
      : query_(query), source_(source), catalog_(std::move(catalog)), options_(options) {}

  Result<BoundQueryPtr> run();

 private:
  // Where an expression stands: it decides which names it sees and what it may be. kRow: `where` and `set`, where a
  // bare name is a property of the row at hand; kInsert: there is no row.
  enum class Place { kMatch, kReturn, kOrder, kRow, kInsert };
  static bool in_mutation(Place place) { return place == Place::kRow || place == Place::kInsert; }

  [[nodiscard]] std::unexpected<Error> fail(std::string_view code, std::string_view text, SourceSpan span,
                                            std::string_view help = "") const {
    return std::unexpected(type_error(source_, code, text, span, help));
  }

  // Parameters (binder.cc).
  Result<void> bind_parameters();
  [[nodiscard]] std::optional<std::uint32_t> find_parameter(std::string_view name) const;
  [[nodiscard]] Expr parameter_expr(std::uint32_t parameter, SourceSpan span) const;
  Result<Expr> bind_literal(const ast::Expr& literal) const;

  // Values of property maps, assignments and predicates (bind_value.cc).
  enum class ValueUse { kMap, kAssignment, kPredicate };
  struct ValueTarget {
    std::string type_name;  // Ship
    std::string property;   // tons, from
    schema::PropertyType type;
    ValueUse use = ValueUse::kMap;
    [[nodiscard]] std::string text() const { return "'" + type_name + "." + property + "'"; }
  };
  Result<Expr> bind_value(const ast::Expr& value, const ValueTarget& target);
  Result<Expr> bind_literal_value(const ast::Expr& value, const ValueTarget& target);
  Result<Expr> bind_vector_value(Expr literal, const ValueTarget& target);
  Result<Expr> bind_parameter_value(const ast::Expr& value, const ValueTarget& target);
  Result<void> check_enum(const Expr& literal, const ValueTarget& target) const;

  // Match blocks (bind_match.cc).
  enum class BlockKind { kOuter, kNegation, kOptional };
  Result<void> bind_block(const std::vector<ast::Clause>& clauses, Block& block, BlockKind kind, std::uint32_t depth);
  Result<void> bind_clause(const ast::Binding& binding, Block& block, std::uint32_t depth);
  Result<void> bind_clause(const ast::Traversal& traversal, Block& block, std::uint32_t depth);
  Result<void> bind_clause(const ast::Path& path, Block& block, std::uint32_t depth);
  Result<void> bind_clause(const ast::Condition& condition, Block& block, std::uint32_t depth);
  Result<void> bind_negation(const ast::InnerBlock& negation, Block& block, std::uint32_t depth);
  Result<void> bind_optional(const ast::InnerBlock& optional, Block& block, std::uint32_t depth);
  Result<Expr> bind_property_match(const ast::PropertyMatch& match, VariableId variable);
  Result<void> check_hop_bounds(const ast::Traversal& traversal) const;
  struct Endpoint {
    VariableId variable = kNoVariable;  // none yet: new or anonymous
    std::optional<std::uint32_t> node;  // its node type, if it has one
  };
  Result<Endpoint> look_up_endpoint(const std::string& name, SourceSpan span) const;
  Result<std::uint32_t> resolve_edge_word(const ast::Traversal& traversal, const Endpoint& from,
                                          const Endpoint& to) const;
  Result<Direction> choose_direction(const ast::Traversal& traversal, std::uint32_t edge, const Endpoint& from,
                                     const Endpoint& to) const;
  Result<VariableId> settle_endpoint(const std::string& name, SourceSpan span, const Endpoint& endpoint,
                                     std::uint32_t node, std::uint32_t edge, Block& block, std::uint32_t depth);
  Result<VariableId> bind_edge_variable(const ast::Traversal& traversal, std::uint32_t edge, Block& block,
                                        std::uint32_t depth);

  // Scopes: innermost last. A name in an inner block is the outer variable when an enclosing block has it. The names of
  // an optional block stay known behind it.
  struct Scope {
    std::uint32_t block = 0;  // index into blocks_
    std::map<std::string, VariableId, std::less<>> names{};
  };
  struct BlockInfo {
    BlockKind kind;
    std::uint32_t parent;
  };
  // Whether the variable was introduced in an optional block that is closed here, so that it may be null.
  [[nodiscard]] bool may_be_null(VariableId variable) const;
  // T27: a variable of a closed optional block inside this very block. T28: a path.
  Result<void> check_endpoint(VariableId variable, SourceSpan span) const;
  Result<void> check_no_path(VariableId variable, SourceSpan span) const;
  VariableId add_variable(const std::string& name, schema::TypeRef type, Block& block, std::uint32_t depth);
  [[nodiscard]] std::optional<VariableId> find_variable(std::string_view name) const;
  [[nodiscard]] std::string suggest_variable(std::string_view name) const;
  // What clauses mention of the variables that exist before them.
  [[nodiscard]] bool mentions_bound_variable(const std::vector<ast::Clause>& clauses, bool inner_blocks) const;
  [[nodiscard]] bool mentions_bound_variable(const ast::Expr& expr) const;

  // Expressions (bind_expression.cc).
  Result<Expr> bind_expr(const ast::Expr& expr, Place place);
  enum class Blobs { kRefused, kAllowed };
  Result<Expr> bind_property(const ast::Expr& expr, Blobs blobs = Blobs::kRefused);
  Result<Expr> bind_variable(const ast::Expr& expr, Place place);
  Result<Expr> bind_alias(const ast::Expr& expr, Place place);
  Result<Expr> bind_aggregate(const ast::Expr& expr, Place place);
  Result<Expr> bind_path_call(const ast::Expr& expr);
  Result<Expr> bind_arithmetic(const ast::Expr& expr, Place place);
  Result<void> check_arithmetic_operand(const ast::Expr& written_operand, const Expr& operand, Place place) const;
  Result<Expr> fold(Expr arithmetic) const;

  // Conditions (bind_condition.cc).
  Result<Expr> bind_condition(const ast::Expr& condition, Place place);
  Result<Expr> bind_comparison(const ast::Expr& condition, Place place);
  Result<Expr> bind_membership(const ast::Expr& condition, Place place);
  Result<Expr> bind_null_test(const ast::Expr& condition, Place place);
  Result<Expr> bind_null_operand(const ast::Expr& operand, Place place);
  Result<Expr> bind_filter_operand(const ast::Expr& expr, Place place);
  Result<void> check_comparison(const ast::Expr& filter, const Expr& left, const Expr& right) const;
  Result<void> check_contains(SourceSpan span, const Expr& left, const Expr& right) const;
  [[nodiscard]] std::string date_hint(const Expr& left, const Expr& right) const;
  [[nodiscard]] std::string property_hint(schema::TypeRef type, std::string_view property) const;
  [[nodiscard]] std::string written(const ast::Expr& expr) const;

  // Search and rank functions (bind_search.cc).
  Result<Expr> bind_text_match(const ast::Expr& expr, Place place);
  Result<void> check_ranked(const ast::Expr& field, std::string_view function) const;
  Result<Expr> bind_bm25(const ast::Expr& expr);
  Result<Expr> bind_text_field(const ast::Expr& field, std::string_view function, std::string_view code);
  Result<Expr> bind_text_query(const ast::Expr& query, std::string_view function, std::string_view code);
  // A literal or parameter of an integer type; a literal may have to be positive.
  Result<Expr> bind_count_argument(const ast::Expr& argument, std::string_view what, std::string_view code);
  Result<Expr> bind_nearest(const ast::Expr& expr);
  Result<Expr> bind_nearest_query(const ast::Expr& query, std::uint32_t dimension);
  Result<Expr> bind_rrf(const ast::Expr& expr);

  // Return, order, limit (bind_return.cc).
  Result<void> bind_read(const ast::Read& read);
  Result<void> bind_projection(const ast::Projection& projection);
  Result<void> check_aggregate_projections(const ast::Read& read) const;
  Result<void> check_size() const;
  Result<void> bind_order(const ast::Read& read);
  Result<void> check_rank_order(const ast::Read& read, const std::vector<Expr>& items) const;
  Result<OrderItem> bind_order_item(const ast::OrderItem& item, Expr expr);
  Result<std::optional<Expr>> bind_row_count(const std::optional<ast::Expr>& count, std::string_view word) const;
  [[nodiscard]] std::optional<std::uint32_t> find_alias(std::string_view alias) const;

  // Mutations (bind_mutation.cc).
  Result<void> bind_mutations(const std::vector<ast::Mutation>& statements);
  Result<Mutation> bind_statement(const ast::Mutation& statement);
  Result<schema::TypeRef> resolve_target(const ast::Mutation& statement) const;
  Result<void> bind_assignments(const ast::Mutation& statement, Mutation& bound);
  Result<void> bind_edge_end(const ast::Assignment& assignment, Mutation& bound);
  Result<void> check_required(const ast::Mutation& statement, const Mutation& bound) const;
  Result<Expr> bind_assigned(const ast::Expr& value, const ValueTarget& target, Place place);
  Result<Expr> bind_row_value(const ast::Expr& value, Place place);
  Result<Expr> bind_row_name(const ast::Expr& name, Place place, Blobs blobs = Blobs::kRefused);
  // `name op value`, as chapter 02 knows it.
  [[nodiscard]] static bool is_plain_predicate(const ast::Expr& condition);
  Result<Expr> bind_plain_predicate(const ast::Expr& predicate);

  const ast::Query& query_;
  const SourceRef source_;
  const std::shared_ptr<const schema::Catalog> catalog_;
  const BindOptions options_;
  std::shared_ptr<BoundQuery> bound_ = std::make_shared<BoundQuery>();
  std::vector<Variable>* variables_ = nullptr;  // of bound_->read
  std::vector<Scope> scopes_;
  std::vector<BlockInfo> blocks_;
  std::vector<std::uint32_t> homes_;                 // by variable: the block that introduced it
  std::size_t nesting_ = 0;                          // deepest inner block
  schema::TypeRef row_type_{};                       // of the mutation statement at hand
  std::vector<std::optional<std::string>> aliases_;  // of the projections bound so far
};

[[nodiscard]] inline bool is_rank(const Expr& expr) {
  return expr.kind == ExprKind::kNearest || expr.kind == ExprKind::kBm25 || expr.kind == ExprKind::kRrf;
}
// Whether an expression is or contains an aggregate, a rank function.
[[nodiscard]] bool holds_aggregate(const Expr& expr);
[[nodiscard]] bool holds_rank(const Expr& expr);
// Whether two expressions always have the same value; spans and spelling do not count.
[[nodiscard]] bool same_value(const Expr& a, const Expr& b);
// docksAt for DocksAt.
[[nodiscard]] std::string edge_word(std::string_view edge_name);

}  // namespace omnigraph::query
