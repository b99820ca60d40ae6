// Match blocks: variables and their types, traversal directions, nested `not` blocks (chapter 02 section 3).
#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "query/binder.h"

namespace omnigraph::query {
namespace {

constexpr std::string_view kAnonymous = "_";

using schema::EntityKind;
using schema::TypeRef;

// An edge word offered in place of an unknown one: `'docksAt' (Ship -> Port)`.
std::string suggest_edge_words(std::string_view typed, const std::vector<const schema::EdgeType*>& legal) {
  std::vector<std::string> words;
  for (const schema::EdgeType* edge : legal) words.push_back(edge_word(edge->name));
  std::string help;
  for (const std::string& close : base::closest_matches(typed, words)) {
    const auto at = static_cast<std::size_t>(std::find(words.begin(), words.end(), close) - words.begin());
    help += help.empty() ? "did you mean " : " or ";
    help += quoted(close) + " (" + legal[at]->source + " -> " + legal[at]->target + ")";
  }
  return help.empty() ? help : help + "?";
}

}  // namespace

// Clauses as written, then the `not` blocks: these see every variable of the block around them, also those written
// behind them. An optional block sees what stands before it.
Result<void> Binder::bind_block(const std::vector<ast::Clause>& clauses, Block& block, BlockKind kind,
                                std::uint32_t depth) {
  const std::uint32_t parent = scopes_.empty() ? 0 : scopes_.back().block;
  const auto id = static_cast<std::uint32_t>(blocks_.size());
  blocks_.push_back({kind, parent});
  scopes_.push_back({.block = id});
  nesting_ = std::max(nesting_, scopes_.size() - 1);
  for (const ast::Clause& clause : clauses) {
    OG_RETURN_IF_ERROR(std::visit(
        [&](const auto& written) -> Result<void> {
          if constexpr (std::is_same_v<std::decay_t<decltype(written)>, std::shared_ptr<ast::InnerBlock>>) {
            return written->optional ? bind_optional(*written, block, depth) : Result<void>();
          } else {
            return bind_clause(written, block, depth);
          }
        },
        clause));
  }
  for (const ast::Clause& clause : clauses) {
    const auto* inner = std::get_if<std::shared_ptr<ast::InnerBlock>>(&clause);
    if (inner != nullptr && !(*inner)->optional) OG_RETURN_IF_ERROR(bind_negation(**inner, block, depth));
  }
  if (kind == BlockKind::kOuter) return {};
  Scope closed = std::move(scopes_.back());
  scopes_.pop_back();
  if (kind == BlockKind::kOptional) scopes_.back().names.merge(closed.names);
  return {};
}

Result<void> Binder::bind_negation(const ast::InnerBlock& negation, Block& block, std::uint32_t depth) {
  if (!mentions_bound_variable(negation.clauses, false)) {
    return fail("T9", "a clause of 'not { }' must mention a variable bound outside it", negation.span);
  }
  Block inner;
  OG_RETURN_IF_ERROR(bind_block(negation.clauses, inner, BlockKind::kNegation, depth + 1));
  block.negations.push_back(std::move(inner));
  return {};
}

Result<void> Binder::bind_optional(const ast::InnerBlock& optional, Block& block, std::uint32_t depth) {
  if (depth > 0) {
    return fail(
        "T27", "'optional { }' cannot stand inside 'not { }'", optional.span,
        "whether there is a match is all that 'not' asks: write the clauses without 'optional', or leave them out");
  }
  if (!mentions_bound_variable(optional.clauses, true)) {
    return fail("T27", "'optional { }' must mention a variable that is bound before it", optional.span,
                "bind the variable that it extends in front of the block");
  }
  Block inner;
  OG_RETURN_IF_ERROR(bind_block(optional.clauses, inner, BlockKind::kOptional, depth));
  block.optionals.push_back(std::move(inner));
  return {};
}

bool Binder::may_be_null(VariableId variable) const {
  if (!(*variables_)[variable].optional) return false;
  return std::ranges::none_of(scopes_, [&](const Scope& scope) { return scope.block == homes_[variable]; });
}

Result<void> Binder::check_no_path(VariableId variable, SourceSpan span) const {
  if (!(*variables_)[variable].path) return {};
  return fail("T28",
              "path variable '$" + (*variables_)[variable].name +
                  "' can only stand in length(..), nodes(..) and "
                  "edges(..)",
              span);
}

Result<void> Binder::check_endpoint(VariableId variable, SourceSpan span) const {
  OG_RETURN_IF_ERROR(check_no_path(variable, span));
  const std::uint32_t here = scopes_.back().block;
  std::uint32_t home = homes_[variable];
  if (home == here) return {};
  while (home != here && home != 0) home = blocks_[home].parent;
  if (home != here || !may_be_null(variable)) return {};
  return fail("T27",
              "variable '$" + (*variables_)[variable].name +
                  "' of an 'optional { }' block cannot be bound or "
                  "followed outside it",
              span, "put this clause into the block, or into an 'optional { }' of its own");
}

VariableId Binder::add_variable(const std::string& name, TypeRef type, Block& block, std::uint32_t depth) {
  const auto id = static_cast<VariableId>(variables_->size());
  const bool anonymous = name == kAnonymous;
  Scope& scope = scopes_.back();
  const bool optional = blocks_[scope.block].kind == BlockKind::kOptional;
  variables_->push_back({.name = name, .type = type, .anonymous = anonymous, .depth = depth, .optional = optional});
  homes_.push_back(scope.block);
  block.variables.push_back(id);
  if (!anonymous) scope.names.emplace(name, id);
  return id;
}

std::optional<VariableId> Binder::find_variable(std::string_view name) const {
  if (name == kAnonymous) return std::nullopt;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->names.find(name); found != scope->names.end()) return found->second;
  }
  return std::nullopt;
}

std::string Binder::suggest_variable(std::string_view name) const {
  std::vector<std::string> names;
  for (const Scope& scope : scopes_) {
    for (const auto& entry : scope.names) names.push_back(dollar(entry.first));
  }
  for (const Parameter& parameter : bound_->parameters) names.push_back(dollar(parameter.name));
  return base::did_you_mean(dollar(name), names);
}

bool Binder::mentions_bound_variable(const ast::Expr& expr) const {
  if (expr.kind == ast::ExprKind::kProperty && find_variable(expr.name)) return true;
  if (expr.kind == ast::ExprKind::kVariable && !find_parameter(expr.name) && find_variable(expr.name)) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [this](const ast::Expr& arg) { return mentions_bound_variable(arg); });
}

bool Binder::mentions_bound_variable(const std::vector<ast::Clause>& clauses, bool inner_blocks) const {
  for (const ast::Clause& clause : clauses) {
    bool mentions = false;
    const auto ends = [this](const ast::Traversal& traversal) {
      return find_variable(traversal.from) || find_variable(traversal.to);
    };
    if (const auto* binding = std::get_if<ast::Binding>(&clause)) {
      mentions = find_variable(binding->variable).has_value();
    } else if (const auto* traversal = std::get_if<ast::Traversal>(&clause)) {
      mentions = ends(*traversal);
    } else if (const auto* path = std::get_if<ast::Path>(&clause)) {
      mentions = ends(path->traversal);
    } else if (const auto* condition = std::get_if<ast::Condition>(&clause)) {
      mentions = mentions_bound_variable(condition->expr);
    } else if (inner_blocks) {
      mentions = mentions_bound_variable(std::get<std::shared_ptr<ast::InnerBlock>>(clause)->clauses, true);
    }
    if (mentions) return true;
  }
  return false;
}

Result<void> Binder::bind_clause(const ast::Binding& binding, Block& block, std::uint32_t depth) {
  const auto node = catalog_->find_node(binding.type);
  if (!node) {
    std::vector<std::string> names;
    for (const schema::NodeType& type : catalog_->nodes) names.push_back(type.name);
    std::string help = base::did_you_mean(binding.type, names);
    for (const schema::EdgeType& edge : catalog_->edges) {
      if (edge.name == binding.type)
        help = quoted(edge.name) + " is an edge type: write $a " + edge_word(edge.name) + " $b";
    }
    for (const schema::InterfaceType& type : catalog_->interfaces) {
      if (type.name == binding.type) help = quoted(type.name) + " is an interface: bind a node type that implements it";
    }
    return fail("T1", "unknown node type '" + binding.type + "'", binding.type_span, help);
  }
  const TypeRef type{EntityKind::kNode, *node};
  VariableId variable = kNoVariable;
  if (const auto known = find_variable(binding.variable)) {
    variable = *known;
    OG_RETURN_IF_ERROR(check_endpoint(variable, binding.variable_span));
    const TypeRef before = (*variables_)[variable].type;
    if (before.kind == EntityKind::kEdge) {
      return fail("T23", "edge variable '$" + binding.variable + "' cannot be bound as a node", binding.variable_span);
    }
    if (before != type) {
      return fail("",
                  "variable '$" + binding.variable + "' is already bound to node type '" + catalog_->name_of(before) +
                      "' and cannot be re-bound to '" + binding.type + "'",
                  binding.variable_span);
    }
  } else {
    variable = add_variable(binding.variable, type, block, depth);
  }
  if (std::find(block.bindings.begin(), block.bindings.end(), variable) == block.bindings.end()) {
    block.bindings.push_back(variable);
  }
  for (const ast::PropertyMatch& match : binding.map) {
    OG_ASSIGN_OR_RETURN(Expr filter, bind_property_match(match, variable));
    block.filters.push_back(std::move(filter));
  }
  return {};
}

// `p: v` is `p = v`; for a list property `p contains v`.
Result<Expr> Binder::bind_property_match(const ast::PropertyMatch& match, VariableId variable) {
  const schema::NodeType& node = catalog_->nodes[(*variables_)[variable].type.index];
  const schema::Property* property = node.find(match.property);
  Expr filter{.kind = ExprKind::kCompare,
              .type = scalar_type(schema::ScalarType::kBool, true),
              .span = {match.span.begin, match.value.span.end},
              .op = CompareOp::kEqual};
  if (property == nullptr && match.property == "id") {
    OG_ASSIGN_OR_RETURN(Expr value, bind_value(match.value, {node.name, "id", scalar_type(schema::ScalarType::kString),
                                                             ValueUse::kMap}));
    filter.args.push_back({.kind = ExprKind::kEntityId,
                           .type = scalar_type(schema::ScalarType::kString),
                           .span = match.span,
                           .variable = variable});
    filter.args.push_back(std::move(value));
    return filter;
  }
  if (property == nullptr) {
    return fail("T2", "node type '" + node.name + "' has no property '" + match.property + "'", match.span,
                property_hint((*variables_)[variable].type, match.property));
  }
  ValueTarget target{node.name, property->name, property->type, ValueUse::kMap};
  if (property->type.is_blob()) {
    return fail("T3", "blob property " + target.text() + " cannot be matched", match.span);
  }
  if (property->type.list) {
    bool list_value = match.value.kind == ast::ExprKind::kList;
    if (match.value.kind == ast::ExprKind::kVariable) {
      const auto parameter = find_parameter(match.value.name);
      list_value = parameter && bound_->parameters[*parameter].type.list;
    }
    if (list_value) {
      return fail("T3", "list equality is not supported: " + target.text() + " is " + type_name(property->type),
                  match.value.span, "use a scalar for membership");
    }
    target.type = item_type(property->type);
  }
  OG_ASSIGN_OR_RETURN(Expr value, bind_value(match.value, target));
  if (property->type.is_vector()) {
    return fail("T3", "vector property " + target.text() + " cannot be matched by value", match.span,
                "order by nearest(..)");
  }
  Expr field{.kind = ExprKind::kProperty,
             .type = property->type,
             .span = match.span,
             .variable = variable,
             .property = static_cast<std::uint32_t>(node.index_of(property->name))};
  if (property->type.list) filter.op = CompareOp::kContains;
  filter.args.push_back(std::move(field));
  filter.args.push_back(std::move(value));
  return filter;
}

Result<void> Binder::bind_clause(const ast::Traversal& traversal, Block& block, std::uint32_t depth) {
  OG_ASSIGN_OR_RETURN(const Endpoint from, look_up_endpoint(traversal.from, traversal.from_span));
  OG_ASSIGN_OR_RETURN(const Endpoint to, look_up_endpoint(traversal.to, traversal.to_span));
  OG_ASSIGN_OR_RETURN(const std::uint32_t edge, resolve_edge_word(traversal, from, to));
  const schema::EdgeType& type = catalog_->edges[edge];
  if (traversal.undirected && type.source_index != type.target_index) {
    return fail("T22",
                "undirected '<" + traversal.word + ">' needs equal endpoint types, but " + type.name + " leads from " +
                    type.source + " to " + type.target,
                traversal.word_span);
  }
  OG_RETURN_IF_ERROR(check_hop_bounds(traversal));
  OG_ASSIGN_OR_RETURN(const Direction direction, choose_direction(traversal, edge, from, to));
  const bool backward = direction == Direction::kIn;
  Traversal bound{.edge_type = edge, .direction = direction};
  if (traversal.has_bounds) {
    constexpr std::uint64_t hops_max = std::numeric_limits<std::uint32_t>::max();
    bound.min_hops = static_cast<std::uint32_t>(std::min(*traversal.min_hops, hops_max));
    bound.max_hops = static_cast<std::uint32_t>(std::min(*traversal.max_hops, hops_max));
  }
  OG_ASSIGN_OR_RETURN(bound.from,
                      settle_endpoint(traversal.from, traversal.from_span, from,
                                      backward ? type.target_index : type.source_index, edge, block, depth));
  OG_ASSIGN_OR_RETURN(bound.to, settle_endpoint(traversal.to, traversal.to_span, to,
                                                backward ? type.source_index : type.target_index, edge, block, depth));
  OG_ASSIGN_OR_RETURN(bound.edge, bind_edge_variable(traversal, edge, block, depth));
  block.traversals.push_back(bound);
  return {};
}

Result<Binder::Endpoint> Binder::look_up_endpoint(const std::string& name, SourceSpan span) const {
  const auto variable = find_variable(name);
  if (!variable) return Endpoint{};
  OG_RETURN_IF_ERROR(check_endpoint(*variable, span));
  const TypeRef type = (*variables_)[*variable].type;
  if (type.kind == EntityKind::kEdge) {
    return fail("T23", "edge variable '$" + name + "' cannot be an endpoint", span);
  }
  return Endpoint{*variable, type.index};
}

Result<std::uint32_t> Binder::resolve_edge_word(const ast::Traversal& traversal, const Endpoint& from,
                                                const Endpoint& to) const {
  if (const auto edge = catalog_->find_edge(traversal.word)) return *edge;
  std::vector<const schema::EdgeType*> legal;
  for (const schema::EdgeType& edge : catalog_->edges) {
    const auto touches = [&edge](const Endpoint& end) {
      return !end.node || *end.node == edge.source_index || *end.node == edge.target_index;
    };
    const bool loop = edge.source_index == edge.target_index;
    const bool both_ends = !from.node || !to.node || (*from.node == *to.node) == loop;
    if (touches(from) && touches(to) && both_ends && (loop || !traversal.undirected)) legal.push_back(&edge);
  }
  return fail("T4", "unknown edge word '" + traversal.word + "'", traversal.word_span,
              suggest_edge_words(traversal.word, legal));
}

Result<void> Binder::check_hop_bounds(const ast::Traversal& traversal) const {
  if (!traversal.has_bounds) return {};
  if (!traversal.max_hops) {
    return fail("T15", "unbounded traversal is disabled: hop bounds need a maximum", traversal.bounds_span,
                "write {" + std::to_string(*traversal.min_hops) + ",N}");
  }
  if (*traversal.min_hops == 0) {
    return fail("T15", "hop bounds start at 1, got minimum 0", traversal.bounds_span);
  }
  if (*traversal.max_hops < *traversal.min_hops) {
    return fail("T15",
                "hop maximum " + std::to_string(*traversal.max_hops) + " is below the minimum " +
                    std::to_string(*traversal.min_hops),
                traversal.bounds_span);
  }
  if (traversal.edge_variable && *traversal.edge_variable != kAnonymous) {
    return fail("T23", "edge variable '$" + *traversal.edge_variable + "' cannot be combined with hop bounds",
                traversal.edge_variable_span);
  }
  return {};
}

Result<Direction> Binder::choose_direction(const ast::Traversal& traversal, std::uint32_t edge, const Endpoint& from,
                                           const Endpoint& to) const {
  const schema::EdgeType& type = catalog_->edges[edge];
  const auto stranger = [&](const std::string& name, SourceSpan span, std::uint32_t node) {
    return fail("T5",
                "variable '$" + name + "' is a " + catalog_->nodes[node].name + ", which is no endpoint of " +
                    type.name + " (" + type.source + " -> " + type.target + ")",
                span);
  };
  if (from.node && *from.node != type.source_index && *from.node != type.target_index) {
    return stranger(traversal.from, traversal.from_span, *from.node);
  }
  if (to.node && *to.node != type.source_index && *to.node != type.target_index) {
    return stranger(traversal.to, traversal.to_span, *to.node);
  }
  if (traversal.undirected) return Direction::kBoth;
  if (type.source_index == type.target_index) return Direction::kOut;
  if (from.node) return *from.node == type.source_index ? Direction::kOut : Direction::kIn;
  if (to.node) return *to.node == type.target_index ? Direction::kOut : Direction::kIn;
  return Direction::kOut;
}

Result<VariableId> Binder::settle_endpoint(const std::string& name, SourceSpan span, const Endpoint& endpoint,
                                           std::uint32_t node, std::uint32_t edge, Block& block, std::uint32_t depth) {
  VariableId variable = endpoint.variable;
  // `$p word $p` with a new $p: the left end has introduced it meanwhile.
  if (variable == kNoVariable) variable = find_variable(name).value_or(kNoVariable);
  if (variable == kNoVariable) return add_variable(name, {EntityKind::kNode, node}, block, depth);
  const std::uint32_t known = (*variables_)[variable].type.index;
  if (known != node) {
    const schema::EdgeType& type = catalog_->edges[edge];
    return fail("T5",
                "variable '$" + name + "' is a " + catalog_->nodes[known].name + ", but this end of " + type.name +
                    " (" + type.source + " -> " + type.target + ") is a " + catalog_->nodes[node].name,
                span);
  }
  return variable;
}

Result<VariableId> Binder::bind_edge_variable(const ast::Traversal& traversal, std::uint32_t edge, Block& block,
                                              std::uint32_t depth) {
  if (!traversal.edge_variable || *traversal.edge_variable == kAnonymous) return kNoVariable;
  const std::string& name = *traversal.edge_variable;
  if (name == traversal.from || name == traversal.to) {
    return fail("T23", "edge variable '$" + name + "' has the name of an endpoint", traversal.edge_variable_span);
  }
  if (const auto known = find_variable(name)) {
    OG_RETURN_IF_ERROR(check_no_path(*known, traversal.edge_variable_span));
    return fail("T23", "edge variable '$" + name + "' is already bound", traversal.edge_variable_span);
  }
  return add_variable(name, {EntityKind::kEdge, edge}, block, depth);
}

// The rows are those of the traversal; the path of a row follows from its ends.
Result<void> Binder::bind_clause(const ast::Path& path, Block& block, std::uint32_t depth) {
  const std::string name = "path variable '$" + path.variable + "'";
  if (!path.traversal.has_bounds || !path.traversal.max_hops) {
    return fail("T28", name + " needs hop bounds: write " + path.traversal.word + "{1,N}", path.variable_span);
  }
  OG_RETURN_IF_ERROR(bind_clause(path.traversal, block, depth));
  if (path.variable == kAnonymous || find_variable(path.variable)) {
    return fail("T28",
                path.variable == kAnonymous ? "a path needs a name of its own, not '$_'" : name + " is already bound",
                path.variable_span, "a path variable is a new name");
  }
  const Traversal& traversal = block.traversals.back();
  const VariableId variable = add_variable(path.variable, {EntityKind::kEdge, traversal.edge_type}, block, depth);
  (*variables_)[variable].path = true;
  bound_->read->paths.push_back({variable, traversal});
  return {};
}

Result<void> Binder::bind_clause(const ast::Condition& condition, Block& block, std::uint32_t) {
  OG_ASSIGN_OR_RETURN(Expr filter, bind_condition(condition.expr, Place::kMatch));
  block.filters.push_back(std::move(filter));
  return {};
}

}  // namespace omnigraph::query
