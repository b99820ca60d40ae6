// Return, order and window (chapter 02 sections 4 and 6.4 to 6.6: T9, T17, T18, T21; chapter 14 section 4: T26, T29).
#include <algorithm>
#include <utility>

#include "query/binder.h"
#include "query/limits.h"

namespace omnigraph::query {
namespace {

bool is_constant_arithmetic(const Expr& expr) {
  if (expr.kind != ExprKind::kArithmetic) return expr.kind == ExprKind::kLiteral || expr.kind == ExprKind::kParameter;
  return std::ranges::all_of(expr.args, is_constant_arithmetic);
}

// The name a projection has without an alias: in result rows (`x.p`) and in descriptors (`p`).
std::pair<std::string, std::string> unaliased_names(const ast::Expr& expr) {
  switch (expr.kind) {
    case ast::ExprKind::kProperty: return {expr.name + "." + expr.property, expr.property};
    case ast::ExprKind::kLiteral:
    case ast::ExprKind::kList: return {"literal", "literal"};
    case ast::ExprKind::kNow: return {"now", "now"};
    case ast::ExprKind::kArithmetic: return {"expr", "expr"};
    default: return {expr.name, expr.name};  // variable, parameter, alias, function
  }
}

// Arithmetic over aggregates, literals and parameters has one value a group.
bool stands_beside_aggregates(const Expr& expr) {
  if (!holds_aggregate(expr)) return false;
  return std::ranges::all_of(expr.args, [](const Expr& arg) {
    return arg.kind == ExprKind::kAggregate || arg.kind == ExprKind::kLiteral || arg.kind == ExprKind::kParameter ||
           (arg.kind == ExprKind::kArithmetic && (stands_beside_aggregates(arg) || is_constant_arithmetic(arg)));
  });
}

// What cannot be an order key, in the words of the message; empty: it can.
std::string_view unorderable(const Expr& expr) {
  if (expr.type.list) return "a list";
  if (expr.type.is_vector()) return "a vector";
  switch (expr.kind) {
    case ExprKind::kLiteral: return "a literal";
    case ExprKind::kParameter: return "a parameter";
    case ExprKind::kNow: return "now()";
    default: return "";
  }
}

}  // namespace

Result<void> Binder::bind_read(const ast::Read& read) {
  ReadQuery& bound = bound_->read.emplace();
  variables_ = &bound.variables;
  OG_RETURN_IF_ERROR(bind_block(read.match, bound.match, BlockKind::kOuter, 0));
  OG_RETURN_IF_ERROR(check_size());
  for (const ast::Projection& projection : read.projections) OG_RETURN_IF_ERROR(bind_projection(projection));
  OG_RETURN_IF_ERROR(check_aggregate_projections(read));
  bound.distinct = read.distinct;
  OG_ASSIGN_OR_RETURN(bound.limit, bind_row_count(read.limit, "limit"));
  OG_ASSIGN_OR_RETURN(bound.offset, bind_row_count(read.offset, "offset"));
  return bind_order(read);
}

Result<void> Binder::check_size() const {
  const std::size_t size = variables_->size() + nesting_ + 1;
  if (size <= kQueryVariablesMax) return {};
  return fail("",
              "the query has " + std::to_string(variables_->size()) + " variables; with its inner blocks at most " +
                  std::to_string(kQueryVariablesMax) + " are supported",
              query_.name_span, "split it into several queries");
}

Result<std::optional<Expr>> Binder::bind_row_count(const std::optional<ast::Expr>& count, std::string_view word) const {
  if (!count) return std::optional<Expr>();
  if (count->kind == ast::ExprKind::kLiteral) {
    OG_ASSIGN_OR_RETURN(Expr number, bind_literal(*count));
    return std::optional(std::move(number));
  }
  const auto parameter = find_parameter(count->name);
  const std::string name = std::string(word).append(" '$").append(count->name).append("' ");
  if (!parameter) {
    return fail("T29", name + "is not a declared parameter", count->span, suggest_variable(count->name));
  }
  const Parameter& declared = bound_->parameters[*parameter];
  const bool integer = declared.type.is_plain_scalar() && declared.type.is_integer();
  if (!integer || declared.type.nullable) {
    return fail("T29",
                name + "must be a non-nullable integer parameter, it is " + declared.type_text +
                    (declared.type.nullable ? "?" : ""),
                count->span, "declare it as $" + count->name + ": I64");
  }
  return std::optional(parameter_expr(*parameter, count->span));
}

Result<void> Binder::bind_projection(const ast::Projection& projection) {
  ReadQuery& read = *bound_->read;
  OG_ASSIGN_OR_RETURN(Expr expr, bind_expr(projection.expr, Place::kReturn));
  if (holds_aggregate(expr)) read.aggregates = true;
  auto [key, name] = unaliased_names(projection.expr);
  if (projection.alias) key = name = *projection.alias;
  read.projections.push_back({std::move(expr), std::move(key), std::move(name)});
  aliases_.push_back(projection.alias);
  return {};
}

Result<void> Binder::check_aggregate_projections(const ast::Read& read) const {
  if (!bound_->read->aggregates) return {};
  for (std::size_t i = 0; i < read.projections.size(); ++i) {
    switch (bound_->read->projections[i].expr.kind) {
      case ExprKind::kAggregate:
      case ExprKind::kProperty:
      case ExprKind::kEntityId:
      case ExprKind::kParameter: break;
      case ExprKind::kArithmetic:
        if (stands_beside_aggregates(bound_->read->projections[i].expr)) break;
        [[fallthrough]];
      default:
        return fail("T9",
                    quoted(written(read.projections[i].expr)) +
                        " cannot stand beside aggregates: a group key is a property or a variable",
                    read.projections[i].span);
    }
  }
  return {};
}

// The last projection of that alias, which is the one a row object shows.
std::optional<std::uint32_t> Binder::find_alias(std::string_view alias) const {
  for (std::size_t i = aliases_.size(); i-- > 0;) {
    if (aliases_[i] == alias) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

Result<void> Binder::bind_order(const ast::Read& read) {
  std::vector<Expr> items;
  for (const ast::OrderItem& item : read.order) {
    OG_ASSIGN_OR_RETURN(Expr expr, bind_expr(item.expr, Place::kOrder));
    items.push_back(std::move(expr));
  }
  OG_RETURN_IF_ERROR(check_rank_order(read, items));
  for (std::size_t i = 0; i < items.size(); ++i) {
    OG_ASSIGN_OR_RETURN(OrderItem item, bind_order_item(read.order[i], std::move(items[i])));
    bound_->read->order.push_back(std::move(item));
  }
  bound_->read->ranked = !read.order.empty() && is_rank(bound_->read->order.front().expr);
  return {};
}

Result<void> Binder::check_rank_order(const ast::Read& read, const std::vector<Expr>& items) const {
  const auto has = [&items](ExprKind kind) {
    return std::any_of(items.begin(), items.end(), [kind](const Expr& item) { return item.kind == kind; });
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SourceSpan span = read.order[i].span;
    if (items[i].kind == ExprKind::kNearest && !read.limit) {
      return fail("T17", "ordering by nearest requires a limit", span, "add 'limit N' behind the order block");
    }
    if (items[i].kind == ExprKind::kRrf && !read.limit) {
      return fail("T21", "ordering by rrf requires a limit", span, "add 'limit N' behind the order block");
    }
    const bool other_alias = read.order[i].expr.kind == ast::ExprKind::kAlias && items[i].kind != ExprKind::kNearest;
    if (has(ExprKind::kNearest) && other_alias) {
      return fail("T18", "alias '" + read.order[i].expr.name + "' cannot stand beside nearest in order", span,
                  "order by the property itself");
    }
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0 && is_rank(items[i])) {
      return fail("", items[i].function + " can only be the first order item", read.order[i].span);
    }
    if (!is_rank(items[i]) && holds_rank(items[i]) && !bound_->read->aggregates) {
      return fail("", "cannot order by '" + written(read.order[i].expr) + "': a rank function orders only by itself",
                  read.order[i].span);
    }
  }
  if (read.distinct && !items.empty() && is_rank(items[0])) {
    return fail("T26", "'return distinct' cannot be ordered by " + items[0].function, read.order[0].span,
                "rank without distinct, or order by a returned column");
  }
  return {};
}

Result<OrderItem> Binder::bind_order_item(const ast::OrderItem& item, Expr expr) {
  const ReadQuery& read = *bound_->read;
  if (is_rank(expr)) return OrderItem{std::move(expr), false};
  if (const std::string_view what = unorderable(expr); !what.empty()) {
    return fail("", "cannot order by " + std::string(what) + ": '" + written(item.expr) + "'", item.span);
  }
  const bool alias = item.expr.kind == ast::ExprKind::kAlias;
  const bool text_match = expr.kind == ExprKind::kTextMatch || expr.kind == ExprKind::kFuzzy;
  if (text_match && !alias) {
    return fail("", "cannot order by " + expr.function + ": it filters", item.span, "return it under an alias");
  }
  if (!alias && !read.aggregates && !read.distinct && !holds_aggregate(expr)) {
    return OrderItem{std::move(expr), item.descending};
  }

  // Everything else is a column of the result.
  auto projection = alias ? find_alias(item.expr.name) : std::nullopt;
  for (std::uint32_t i = 0; i < read.projections.size() && !projection; ++i) {
    if (same_value(read.projections[i].expr, expr)) projection = i;
  }
  if (!projection && read.distinct) {
    return fail("T26",
                "order key '" + written(item.expr) + "' is not projected: 'return distinct' orders by its columns",
                item.span, "add it to return { }");
  }
  if (!projection) {
    return fail("T9",
                "order key '" + written(item.expr) +
                    "' is not projected: an aggregate query orders by its group "
                    "keys and aggregates",
                item.span, "add it to return { }");
  }
  Expr reference{.kind = ExprKind::kProjection,
                 .type = read.projections[*projection].expr.type,
                 .span = item.expr.span,
                 .projection = *projection};
  return OrderItem{std::move(reference), item.descending};
}

}  // namespace omnigraph::query
