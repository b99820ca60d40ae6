#include "query/binder.h"

#include <algorithm>
#include <set>
#include <utility>

namespace omnigraph::query {

namespace {
constexpr std::string_view kNowParameter = "__nanograph_now";
}  // namespace

std::string edge_word(std::string_view edge_name) {
  std::string word(edge_name);
  if (!word.empty() && word[0] >= 'A' && word[0] <= 'Z') word[0] = static_cast<char>(word[0] - 'A' + 'a');
  return word;
}

bool same_value(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.variable != b.variable || a.property != b.property || a.parameter != b.parameter ||
      a.op != b.op || a.aggregate != b.aggregate || a.function != b.function || a.projection != b.projection ||
      a.arithmetic != b.arithmetic || a.negated != b.negated || a.distinct != b.distinct || a.path != b.path ||
      !(a.literal == b.literal) || a.args.size() != b.args.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.args.size(); ++i) {
    if (!same_value(a.args[i], b.args[i])) return false;
  }
  return true;
}

bool holds_aggregate(const Expr& expr) {
  return expr.kind == ExprKind::kAggregate || std::ranges::any_of(expr.args, holds_aggregate);
}

bool holds_rank(const Expr& expr) { return is_rank(expr) || std::ranges::any_of(expr.args, holds_rank); }

Result<BoundQueryPtr> Binder::run() {
  bound_->name = query_.name;
  bound_->description = query_.description;
  bound_->instruction = query_.instruction;
  bound_->catalog = catalog_;
  OG_RETURN_IF_ERROR(bind_parameters());
  if (const auto* read = std::get_if<ast::Read>(&query_.body)) {
    OG_RETURN_IF_ERROR(bind_read(*read));
  } else {
    OG_RETURN_IF_ERROR(bind_mutations(std::get<std::vector<ast::Mutation>>(query_.body)));
  }
  return BoundQueryPtr(bound_);
}

Result<void> Binder::bind_parameters() {
  std::set<std::string_view> names;
  for (const ast::Parameter& parameter : query_.parameters) {
    if (parameter.name == kNowParameter || parameter.name == "_") {
      return fail("", "parameter name '$" + parameter.name + "' is reserved", parameter.span);
    }
    if (!names.insert(parameter.name).second) {
      return fail("", "duplicate parameter '$" + parameter.name + "'", parameter.span);
    }
    if (!parameter.type_known) {
      return fail("", "unknown parameter type '" + parameter.type_text + "' of '$" + parameter.name + "'",
                  parameter.type_span, "a vector dimension is 1 to 2147483647");
    }
    bound_->parameters.push_back({parameter.name, parameter.type, parameter.type_text});
  }
  return {};
}

std::optional<std::uint32_t> Binder::find_parameter(std::string_view name) const {
  for (std::uint32_t i = 0; i < bound_->parameters.size(); ++i) {
    if (bound_->parameters[i].name == name) return i;
  }
  return std::nullopt;
}

Expr Binder::parameter_expr(std::uint32_t parameter, SourceSpan span) const {
  return {
      .kind = ExprKind::kParameter, .type = bound_->parameters[parameter].type, .span = span, .parameter = parameter};
}

Result<Expr> Binder::bind_literal(const ast::Expr& literal) const {
  auto typed = type_literal(literal);
  if (!typed) return fail("", typed.error().text, typed.error().span);
  return Expr{.kind = ExprKind::kLiteral,
              .type = std::move(typed->type),
              .span = literal.span,
              .literal = std::move(typed->value)};
}

}  // namespace omnigraph::query
