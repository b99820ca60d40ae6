// Operators from the ordered actions of a block: what each carries on, what is counted instead of bound, and where
// equal rows are merged.
#include <set>

#include "exec/block_planner.h"
#include "exec/path_finder.h"

namespace omnigraph::exec {

// Nodes a traversal must be expected to reach before a search from both ends is worth opening the edges the other way.
static constexpr double kReachedFromBothEndsMin = 1000;

using query::CompareOp;
using query::Direction;
using query::ExprKind;
using query::Traversal;

Result<Pipeline> BlockPlanner::build(const std::vector<Action>& actions, VariableSet live, VariableSet wanted,
                                     bool merge_at_end, std::vector<Pipeline>& part_pipelines,
                                     const std::vector<Part>& parts) {
  Pipeline pipeline;
  std::vector<VariableSet> needed_after(actions.size());
  VariableSet needed = wanted;
  bool more_work = merge_at_end;
  std::vector<char> work_after(actions.size());
  for (std::size_t i = actions.size(); i-- > 0;) {
    needed_after[i] = needed;
    work_after[i] = more_work ? 1 : 0;
    needed |= actions[i].reads;
    more_work = more_work || actions[i].kind != Action::Kind::kFilter;
  }
  VariableSet constant;  // has one value throughout: dropping it makes no equal rows
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const Action& action = actions[i];
    if (action.kind == Action::Kind::kStart) {
      const Facts& facts = facts_[action.variable];
      pipeline.source = ScanSource{action.variable, facts.table,  facts.filter, facts.by_key,
                                   facts.row,       facts.listed, action.rows,  facts.written};
      live.set(action.variable);
      bind_order_.push_back(action.variable);
      if (facts.by_key) constant.set(action.variable);
      // A start that nobody reads again still has to be a column for the operators that follow.
      if (i + 1 == actions.size() && !wanted.test(action.variable)) {
        pipeline.operators.push_back(make_merge(wanted & live, 1));
        live &= wanted;
      }
      continue;
    }
    const VariableSet before = live;
    const VariableSet carry = live & needed_after[i];
    OG_ASSIGN_OR_RETURN(auto op, make_operator(action, carry, needed_after[i], part_pipelines, parts));
    op->estimated_rows = action.rows;
    live = carry | (action.binds & needed_after[i]);
    for_each_variable(action.binds & needed_after[i], [&](VariableId v) { bind_order_.push_back(v); });
    const VariableSet dropped = before & ~carry & ~constant;
    const bool merge = dropped.any() && work_after[i] != 0;
    auto* expand = dynamic_cast<ExpandOperator*>(op.get());
    const bool merge_inside = merge && expand != nullptr && carry.none() && expand->to != kNoVariable &&
                              expand->probes.empty() && !expand->per_edge && depth_ == 0;
    if (merge_inside) {
      expand->merge = true;
      expand->estimated_rows = action.merged_rows;
    }
    pipeline.operators.push_back(std::move(op));
    if (merge && !merge_inside) pipeline.operators.push_back(make_merge(live, action.merged_rows));
  }
  return pipeline;
}

std::unique_ptr<Operator> BlockPlanner::make_merge(VariableSet live, double rows) const {
  auto op = std::make_unique<MergeOperator>();
  op->estimated_rows = rows;
  for (auto it = bind_order_.rbegin(); it != bind_order_.rend() && op->dense == kNoVariable; ++it) {
    if (live.test(*it) && !nullable_.test(*it)) op->dense = *it;
  }
  if (op->dense != kNoVariable) {
    op->dense_rows = facts_[op->dense].table->physical_rows();
    live.reset(op->dense);
  }
  op->run = list(live);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_operator(const Action& action, VariableSet carry,
                                                              VariableSet needed, std::vector<Pipeline>& part_pipelines,
                                                              const std::vector<Part>& parts) {
  switch (action.kind) {
    case Action::Kind::kExpand: return make_expand(action, carry, needed);
    case Action::Kind::kReach: return make_reach(action, carry, needed);
    case Action::Kind::kProbe: return make_probe(action, carry, needed);
    case Action::Kind::kFilter: return make_filter(action, carry);
    case Action::Kind::kNegation: return make_negation(action, carry);
    case Action::Kind::kOptional: return make_optional(action, carry, needed);
    case Action::Kind::kCross: return make_cross(action, carry, part_pipelines, parts);
    case Action::Kind::kStart: break;
  }
  return std::unexpected(internal_error("a start is no operator"));
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_expand(const Action& action, VariableSet carry,
                                                            VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ExpandOperator>();
  op->traversal = &t;
  op->from = action.backward ? t.to : t.from;
  const VariableId to = action.backward ? t.from : t.to;
  if (needed.test(to)) op->to = to;
  op->per_edge = t.edge != kNoVariable;
  if (op->per_edge && needed.test(t.edge)) op->edge = t.edge;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors_of(t, action.backward, runtime_));
  op->to_rows = facts_[to].table->physical_rows();
  for (const std::size_t p : action.probes) {
    const Traversal& probe = *links_[p].traversal;
    const bool from_end = probe.from == to;
    OG_ASSIGN_OR_RETURN(const Neighbors seen, neighbors_of(probe, from_end, runtime_));
    op->probes.push_back({from_end ? probe.to : probe.from, seen, &probe});
  }
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_reach(const Action& action, VariableSet carry,
                                                           VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ReachOperator>();
  op->traversal = &t;
  op->from = action.backward ? t.to : t.from;
  const VariableId to = action.backward ? t.from : t.to;
  op->to_bound = action.reads.test(to) && !action.binds.test(to);
  if (op->to_bound || needed.test(to)) op->to = to;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors_of(t, action.backward, runtime_));
  op->min_hops = t.min_hops;
  op->max_hops = t.max_hops;
  op->loop_at_start = action.backward;
  op->rows = facts_[to].table->physical_rows();
  const double reached = action.backward ? links_[action.index].fan_backward : links_[action.index].fan_forward;
  if (facts_[to].by_key && facts_[to].row != kNoOrdinal && reached >= kReachedFromBothEndsMin) {
    op->only = facts_[to].row;
    OG_ASSIGN_OR_RETURN(op->toward, neighbors_of(t, !action.backward, runtime_));
  }
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_probe(const Action& action, VariableSet carry,
                                                           VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ProbeOperator>();
  op->traversal = &t;
  op->from = t.from;
  op->to = t.to;
  op->per_edge = t.edge != kNoVariable;
  if (op->per_edge && needed.test(t.edge)) op->edge = t.edge;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors_of(t, false, runtime_));
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_filter(const Action& action, VariableSet carry) {
  auto op = std::make_unique<FilterOperator>();
  op->not_null = action.not_null;
  for (const VariableId v : action.filtered) {
    op->filters.push_back(facts_[v].filter);
    op->written.insert(op->written.end(), facts_[v].written.begin(), facts_[v].written.end());
  }
  for (const std::size_t i : action.conditions) {
    OG_ASSIGN_OR_RETURN(RowExpr bound, bind_expression(*conditions_[i].expr, runtime_, WithoutValue::kIsNull));
    op->conditions.push_back(std::move(bound));
    op->written.push_back(conditions_[i].expr);
  }
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_negation(const Action& action, VariableSet carry) {
  const Negation& negation = negations_[action.index];
  auto op = std::make_unique<SemiJoinOperator>();
  op->correlated = list(negation.outer);
  op->row_variable = row_variable();
  PlanRequest request;
  request.wanted.set(op->row_variable);
  request.weights = false;
  VariableSet given = negation.outer;
  given.set(op->row_variable);
  BlockPlanner inner(runtime_, *negation.block, given, request, depth_ + 1, variable_count_);
  OG_ASSIGN_OR_RETURN(op->inner, inner.plan());
  if (op->correlated.size() == 1 && !nullable_.test(op->correlated[0])) {
    OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(runtime_.type_of(op->correlated[0])));
    op->memo_rows = table->physical_rows();
  }
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_optional(const Action& action, VariableSet carry,
                                                              VariableSet needed) {
  const Optional& optional = optionals_[action.index];
  auto op = std::make_unique<OptionalOperator>();
  op->correlated = list(optional.outer);
  op->row_variable = row_variable();
  VariableSet introduced = optional.introduced & needed;
  for (const VariableId v : optional.block->variables) {
    if (!runtime_.query().read->variables[v].path) continue;
    if (introduced.test(v)) op->markers.push_back(v);
    introduced.reset(v);
  }
  op->introduced = list(introduced);
  PlanRequest request;
  request.wanted = introduced;
  request.wanted.set(op->row_variable);
  VariableSet given = optional.outer;
  given.set(op->row_variable);
  BlockPlanner inner(runtime_, *optional.block, given, request, depth_ + 1, variable_count_);
  OG_ASSIGN_OR_RETURN(op->inner, inner.plan());
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_cross(const Action& action, VariableSet carry,
                                                           std::vector<Pipeline>& part_pipelines,
                                                           const std::vector<Part>& parts) {
  auto op = std::make_unique<CrossOperator>();
  op->part = std::move(part_pipelines[action.index]);
  op->part_variables = list(action.binds);
  op->carry = list(carry);
  VariableSet inside = action.binds | parts[action.index].variables;
  for (const Condition& c : conditions_) {
    if (c.expr->kind != ExprKind::kCompare || c.expr->op != CompareOp::kEqual) continue;
    std::set<VariableId> left_set;
    std::set<VariableId> right_set;
    collect_variables(c.expr->args[0], left_set);
    collect_variables(c.expr->args[1], right_set);
    if (left_set.size() != 1 || right_set.size() != 1) continue;
    const bool left_inside = inside.test(*left_set.begin());
    const bool right_inside = inside.test(*right_set.begin());
    if (left_inside == right_inside) continue;
    const VariableId outer = left_inside ? *right_set.begin() : *left_set.begin();
    if (!action.reads.test(outer)) continue;
    OG_ASSIGN_OR_RETURN(RowExpr left, bind_expression(c.expr->args[0], runtime_, WithoutValue::kIsNull));
    OG_ASSIGN_OR_RETURN(RowExpr right, bind_expression(c.expr->args[1], runtime_, WithoutValue::kIsNull));
    if (left_inside) std::swap(left, right);
    op->key.emplace(std::move(left), std::move(right));
    op->written = c.expr;
    break;
  }
  return op;
}

}  // namespace omnigraph::exec
