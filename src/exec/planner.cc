// From a bound block to a pipeline: where to start, in which order to follow the traversals, what to drop when.
//
// Order: from each possible start the traversals are taken greedily, the one that leaves the fewest rows first; the
// start with the least work wins. Estimates are counts of the tables and, for filters, what they keep of a sample; a
// block with a node that is looked up by key starts there and is not sampled. Comparisons that few rows pass by an
// ordered index are counted exactly, and the block may start at these rows without a scan.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/phase_clock.h"
#include "exec/block_planner.h"
#include "exec/key_lookup.h"
#include "exec/ordered_lookup.h"
#include "exec/sample.h"
#include "query/limits.h"
#include "query/lint.h"

namespace omnigraph::exec {
namespace {

using query::Block;
using query::CompareOp;
using query::Direction;
using query::Expr;
using query::ExprKind;
using query::Traversal;
using schema::EntityKind;

// Starts tried for one connected pattern; beyond it only the most selective ones.
constexpr std::size_t kStartsMax = 10;
// Share of the rows that a not { } keeps; nothing is known of it.
constexpr double kNegationSelectivity = 0.5;

double selectivity_of(const Expr& condition) {
  if (condition.kind == ExprKind::kTextMatch || condition.kind == ExprKind::kFuzzy) return 0.1;
  if (condition.kind != ExprKind::kCompare) return 0.5;
  switch (condition.op) {
    case CompareOp::kEqual: return 0.05;
    case CompareOp::kNotEqual: return 0.9;
    case CompareOp::kContains:
    case CompareOp::kStartsWith: return 0.1;
    default: return 0.33;
  }
}

// Answering a text function may mean to index the column first.
bool searches_text(const Expr& expr) {
  return expr.kind == ExprKind::kTextMatch || expr.kind == ExprKind::kFuzzy ||
         std::ranges::any_of(expr.args, searches_text);
}

void used_in_block(const Block& block, VariableSet& used, VariableSet& introduced) {
  for (const VariableId v : block.variables) introduced.set(v);
  for (const Traversal& t : block.traversals) {
    used.set(t.from);
    used.set(t.to);
    if (t.edge != kNoVariable) used.set(t.edge);
  }
  for (const Expr& filter : block.filters) {
    std::set<VariableId> variables;
    collect_variables(filter, variables);
    for (const VariableId v : variables) used.set(v);
  }
  for (const VariableId v : block.bindings) used.set(v);
  for (const Block& negation : block.negations) used_in_block(negation, used, introduced);
  for (const Block& optional : block.optionals) used_in_block(optional, used, introduced);
}

// Variables that a block and the optional blocks in it bring in.
VariableSet introduced_variables(const Block& block) {
  VariableSet introduced;
  for (const VariableId v : block.variables) introduced.set(v);
  for (const Block& optional : block.optionals) introduced |= introduced_variables(optional);
  return introduced;
}

VariableSet correlated_variables(const Block& block) {
  VariableSet used;
  VariableSet introduced;
  used_in_block(block, used, introduced);
  return used & ~introduced;
}

std::size_t depth_of(const Block& block) {
  std::size_t depth = 0;
  for (const Block& negation : block.negations) depth = std::max(depth, 1 + depth_of(negation));
  for (const Block& optional : block.optionals) depth = std::max(depth, 1 + depth_of(optional));
  return depth;
}

}  // namespace

Result<void> BlockPlanner::gather() {
  gather_inner_blocks();
  for (const VariableId v : block_.variables) {
    facts_[v].own = true;
    OG_RETURN_IF_ERROR(gather_variable(v));
  }
  for (const Expr& filter : block_.filters) OG_RETURN_IF_ERROR(gather_condition(filter));
  for (const VariableId v : block_.variables) {
    if (runtime_.type_of(v).kind != EntityKind::kNode) continue;
    std::vector<const Expr*> own;
    for (const Expr& filter : block_.filters) own.push_back(&filter);
    OG_ASSIGN_OR_RETURN(const auto found, find_by_key(v, own, runtime_));
    if (!found.has_value()) {
      OG_ASSIGN_OR_RETURN(facts_[v].listed, find_by_key_list(v, own, runtime_));
      if (facts_[v].listed.has_value()) {
        facts_[v].selectivity = static_cast<double>(facts_[v].listed->size()) / std::max(1.0, facts_[v].rows);
      }
      continue;
    }
    facts_[v].by_key = true;
    facts_[v].row = *found;
    RowPredicate only;
    only.kind = *found == kNoOrdinal ? RowPredicate::Kind::kNever : RowPredicate::Kind::kRow;
    only.row = *found;
    facts_[v].filter.add(std::move(only));
    has_filter_.set(v);
    facts_[v].selectivity = 1.0 / std::max(1.0, facts_[v].rows);
  }
  sample_filters();
  OG_RETURN_IF_ERROR(look_up_ranges());
  condition_done_.assign(conditions_.size(), 0);
  negation_done_.assign(negations_.size(), 0);
  return gather_links();
}

void BlockPlanner::sample_filters() {
  const bool looked_up =
      std::ranges::any_of(block_.variables, [&](VariableId v) { return facts_[v].by_key || facts_[v].listed; });
  if (looked_up) return;
  for (const VariableId v : block_.variables) {
    Facts& facts = facts_[v];
    const bool text =
        std::ranges::any_of(facts.written, [](const Expr* condition) { return searches_text(*condition); });
    if (has_filter_.test(v) && !text) facts.selectivity = sampled_selectivity(facts.filter, *facts.table);
  }
}

// Where no key leads to a row, ordered indexes may lead to few: that is exact, and where it starts nothing is scanned.
Result<void> BlockPlanner::look_up_ranges() {
  if (std::ranges::any_of(block_.variables, [&](VariableId v) { return facts_[v].by_key; })) return {};
  for (const VariableId v : block_.variables) {
    Facts& facts = facts_[v];
    if (runtime_.type_of(v).kind != EntityKind::kNode || facts.listed.has_value()) continue;
    OG_ASSIGN_OR_RETURN(facts.listed, find_by_order(v, facts.written, runtime_));
    if (!facts.listed.has_value()) continue;
    facts.selectivity = static_cast<double>(facts.listed->size()) / std::max(1.0, facts.rows);
  }
  return {};
}

void BlockPlanner::gather_inner_blocks() {
  for (const Block& negation : block_.negations) negations_.push_back({&negation, correlated_variables(negation)});
  for_each_variable(given_, [&](VariableId v) { nullable_.set(v, runtime_.is_optional(v)); });
  for (const Block& optional : block_.optionals) {
    optionals_.push_back({&optional, correlated_variables(optional), introduced_variables(optional)});
    nullable_ |= optionals_.back().introduced;
  }
}

Result<void> BlockPlanner::gather_variable(VariableId v) {
  if (facts_[v].table != nullptr) return {};
  OG_ASSIGN_OR_RETURN(facts_[v].table, runtime_.table(runtime_.type_of(v)));
  facts_[v].rows = facts_[v].table->live_rows();
  facts_[v].filter.set_variable(v, variable_count_);
  return {};
}

Result<void> BlockPlanner::gather_condition(const Expr& expr) {
  if (expr.kind == ExprKind::kAnd) {
    for (const Expr& arg : expr.args) OG_RETURN_IF_ERROR(gather_condition(arg));
    return {};
  }
  std::set<VariableId> variables;
  collect_variables(expr, variables);
  if (variables.empty()) {
    OG_ASSIGN_OR_RETURN(const RowExpr bound, bind_expression(expr, runtime_, WithoutValue::kIsNull));
    const EvaluationScope scope;
    if (!is_true(evaluate(bound, Tuples(), 0))) never_ = true;
    return {};
  }
  // The kernels of a single variable know no null rows.
  if (variables.size() == 1 && !nullable_.test(*variables.begin())) {
    const VariableId v = *variables.begin();
    OG_RETURN_IF_ERROR(gather_variable(v));
    OG_ASSIGN_OR_RETURN(RowPredicate predicate, make_predicate(expr, runtime_));
    facts_[v].filter.add(std::move(predicate));
    facts_[v].written.push_back(&expr);
    facts_[v].selectivity *= selectivity_of(expr);
    has_filter_.set(v);
    return {};
  }
  VariableSet set;
  for (const VariableId v : variables) set.set(v);
  conditions_.push_back({&expr, set, selectivity_of(expr)});
  return {};
}

Result<void> BlockPlanner::gather_links() {
  const schema::Catalog& catalog = runtime_.catalog();
  for (const Traversal& t : block_.traversals) {
    const schema::EdgeType& type = catalog.edges[t.edge_type];
    OG_ASSIGN_OR_RETURN(const auto edges, runtime_.table({EntityKind::kEdge, t.edge_type}));
    OG_RETURN_IF_ERROR(gather_variable(t.from));
    OG_RETURN_IF_ERROR(gather_variable(t.to));
    if (t.edge != kNoVariable) OG_RETURN_IF_ERROR(gather_variable(t.edge));
    const bool chains = type.source_index == type.target_index;
    // An edge between different node types cannot chain: only hop 1 exists.
    if (!chains && t.min_hops > 1) never_ = true;
    const double both = t.direction == Direction::kBoth ? 2 : 1;
    const double edge_rows = edges->live_rows() * both;
    Link link{&t, edge_rows / std::max(1.0, facts_[t.from].rows), edge_rows / std::max(1.0, facts_[t.to].rows),
              chains && t.max_hops > 1};
    if (link.multi_hop) {
      const auto reach = [&](double fan, double rows) {
        return std::min(rows, std::pow(std::max(fan, 1.0), static_cast<double>(std::min(t.max_hops, 20u))));
      };
      link.fan_forward = reach(link.fan_forward, facts_[t.to].rows);
      link.fan_backward = reach(link.fan_backward, facts_[t.from].rows);
    }
    links_.push_back(link);
  }
  return {};
}

std::vector<BlockPlanner::Part> BlockPlanner::split() const {
  std::vector<Part> parts;
  if (given_.any()) {
    Part given;
    given.variables = given_;
    given.is_given = true;
    parts.push_back(std::move(given));
  }
  for (const VariableId v : block_.variables) {
    if (runtime_.type_of(v).kind != EntityKind::kNode) continue;
    Part part;
    part.variables.set(v);
    parts.push_back(std::move(part));
  }
  const auto part_of = [&](VariableId v) {
    return std::ranges::find_if(parts, [&](const Part& p) { return p.variables.test(v); });
  };
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto a = part_of(links_[i].traversal->from);
    const auto b = part_of(links_[i].traversal->to);
    a->links.push_back(i);
    if (a == b) continue;
    a->variables |= b->variables;
    a->links.insert(a->links.end(), b->links.begin(), b->links.end());
    a->is_given = a->is_given || b->is_given;
    parts.erase(b);
  }
  return parts;
}

// Nobody reads v once `link` has been followed, so that it need not be bound.
bool BlockPlanner::is_dead_after(VariableId v, const Part& part, const std::vector<char>& done,
                                 std::size_t link) const {
  if (request_.wanted.test(v) || has_filter_.test(v) || !facts_[v].own) return false;
  for (const Condition& c : conditions_) {
    if (c.variables.test(v)) return false;
  }
  for (const Negation& n : negations_) {
    if (n.outer.test(v)) return false;
  }
  for (const Optional& o : optionals_) {
    if (o.outer.test(v)) return false;
  }
  for (const std::size_t other : part.links) {
    if (other == link || done[other] != 0) continue;
    const Traversal& t = *links_[other].traversal;
    if (t.from == v || t.to == v) return false;
  }
  return true;
}

BlockPlanner::Choice BlockPlanner::simulate(const Part& part, VariableSet bound, double rows) const {
  Choice choice{{}, 0, rows};
  std::vector<char> done(links_.size(), 0);
  for (std::size_t left = part.links.size(); left > 0; --left) {
    std::size_t best = links_.size();
    bool best_backward = false;
    double best_rows = 0;
    double best_cost = 0;
    double best_found = 0;
    for (const std::size_t i : part.links) {
      if (done[i] != 0) continue;
      const Link& link = links_[i];
      const Traversal& t = *link.traversal;
      for (const bool backward : {false, true}) {
        const VariableId from = backward ? t.to : t.from;
        const VariableId to = backward ? t.from : t.to;
        if (!bound.test(from) || (backward && bound.test(to))) continue;
        double next = 0;
        double cost = 0;
        double found = 0;
        if (bound.test(to)) {  // A test: takes next to nothing and can only reduce.
          next = rows * std::min(1.0, link.fan_forward / std::max(1.0, facts_[to].rows));
          cost = link.multi_hop ? rows * link.fan_forward : 0;
          found = next;
        } else {
          const double fan = backward ? link.fan_backward : link.fan_forward;
          const bool dead = is_dead_after(to, part, done, i);
          found = dead ? rows : rows * fan;
          next = dead ? rows : found * facts_[to].selectivity;
          cost = dead && !link.multi_hop ? rows : rows * std::max(1.0, fan);
          // Weights keep a row for each combination of the variables still needed at most.
          if (request_.weights) next = std::min(next, facts_[to].rows * std::max(1.0, rows));
        }
        if (best == links_.size() || next < best_rows || (next == best_rows && cost < best_cost)) {
          best = i;
          best_backward = backward;
          best_rows = next;
          best_cost = cost;
          best_found = found;
        }
      }
    }
    done[best] = 1;
    const Traversal& t = *links_[best].traversal;
    bound.set(t.from).set(t.to);
    rows = best_rows;
    choice.cost += best_cost + best_rows;
    // What nobody needs any more is merged away: rows are at most the combinations of the live variables.
    double combinations = 1;
    for_each_variable(part.variables & bound, [&](VariableId v) {
      if (!is_dead_after(v, part, done, links_.size())) combinations *= std::max(1.0, facts_[v].rows);
    });
    if (request_.weights && depth_ == 0) rows = std::min(rows, combinations);
    choice.steps.push_back({best, best_backward, best_found, rows});
  }
  choice.rows = rows;
  return choice;
}

void BlockPlanner::order_part(Part& part) {
  VariableSet bound;
  Choice best;
  VariableId start = kNoVariable;
  if (part.is_given) {
    bound = given_;
    best = simulate(part, bound, 1);
    place_required(part.actions);
  } else {
    std::vector<std::pair<double, VariableId>> starts;
    for_each_variable(part.variables, [&](VariableId v) {
      starts.emplace_back(facts_[v].by_key ? 1.0 : facts_[v].rows * facts_[v].selectivity, v);
    });
    std::ranges::sort(starts);
    if (starts.size() > kStartsMax) starts.resize(kStartsMax);
    for (const auto& [rows, v] : starts) {
      VariableSet from_here;
      from_here.set(v);
      Choice choice = simulate(part, from_here, rows);
      // The scan itself reads the column of every row, but with a tight loop.
      if (facts_[v].by_key || facts_[v].listed.has_value()) {
        choice.cost += rows;
      } else {
        choice.cost += facts_[v].rows * (has_filter_.test(v) ? 0.2 : 0.05) + rows;
      }
      if (start != kNoVariable && choice.cost >= best.cost) continue;
      best = std::move(choice);
      start = v;
    }
    Action action{Action::Kind::kStart};
    action.variable = start;
    action.rows = facts_[start].by_key ? 1 : facts_[start].rows * facts_[start].selectivity;
    action.binds.set(start);
    part.actions.push_back(std::move(action));
    bound.set(start);
    filter_done_.set(start);
  }
  part.cost = best.cost;
  part.rows = best.rows;
  double rows = part.actions.empty() ? 1 : std::max(1.0, part.actions.back().rows);
  place_ready(bound, rows, part.actions);
  place_steps(best, bound, rows, part.actions);
}

// From null there is no extension: a variable of an optional block that is followed or bound again must be there.
void BlockPlanner::place_required(std::vector<Action>& out) const {
  VariableSet required;
  for (const VariableId v : block_.bindings) required.set(v);
  for (const Traversal& t : block_.traversals) required.set(t.from).set(t.to);
  Action filter{Action::Kind::kFilter};
  filter.reads = required & given_ & nullable_;
  filter.not_null = list(filter.reads);
  if (filter.reads.any()) out.push_back(std::move(filter));
}

// Filters, conditions and negations whose variables are all bound.
void BlockPlanner::place_ready(VariableSet bound, double& rows, std::vector<Action>& out) {
  Action filter{Action::Kind::kFilter};
  for_each_variable(has_filter_ & bound & ~filter_done_, [&](VariableId v) {
    filter.filtered.push_back(v);
    rows *= facts_[v].selectivity;
    filter.reads.set(v);
    filter_done_.set(v);
  });
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    if (condition_done_[i] != 0 || (conditions_[i].variables & ~bound).any()) continue;
    condition_done_[i] = 1;
    filter.conditions.push_back(i);
    rows *= conditions_[i].selectivity;
    filter.reads |= conditions_[i].variables;
  }
  filter.rows = rows;
  if (filter.reads.any()) out.push_back(std::move(filter));
  for (std::size_t i = 0; i < negations_.size(); ++i) {
    if (negation_done_[i] != 0 || (negations_[i].outer & ~bound).any()) continue;
    negation_done_[i] = 1;
    Action negation{Action::Kind::kNegation, i};
    negation.reads = negations_[i].outer;
    rows *= kNegationSelectivity;
    negation.rows = rows;
    out.push_back(std::move(negation));
  }
}

void BlockPlanner::place_steps(const Choice& choice, VariableSet& bound, double& rows, std::vector<Action>& out) {
  for (std::size_t s = 0; s < choice.steps.size(); ++s) {
    const auto [index, backward, found, merged] = choice.steps[s];
    const Link& link = links_[index];
    const Traversal& t = *link.traversal;
    const VariableId from = backward ? t.to : t.from;
    const VariableId to = backward ? t.from : t.to;
    const bool test = bound.test(to);
    Action action{link.multi_hop ? Action::Kind::kReach
                  : test         ? Action::Kind::kProbe
                                 : Action::Kind::kExpand,
                  index, backward};
    action.rows = found;
    action.merged_rows = merged;
    action.reads.set(from);
    if (test) action.reads.set(to);
    if (!test) action.binds.set(to);
    if (t.edge != kNoVariable) action.binds.set(t.edge);
    // Tests of the variable just bound are made while expanding.
    while (action.kind == Action::Kind::kExpand && t.edge == kNoVariable && s + 1 < choice.steps.size()) {
      const Link& next = links_[choice.steps[s + 1].link];
      const Traversal& n = *next.traversal;
      const VariableId other = n.from == to ? n.to : n.from;
      if (next.multi_hop || n.edge != kNoVariable || (n.from != to && n.to != to) || other == to ||
          !bound.test(other)) {
        break;
      }
      action.probes.push_back(choice.steps[s + 1].link);
      action.rows = choice.steps[s + 1].found;
      action.merged_rows = choice.steps[s + 1].rows;
      action.reads.set(other);
      ++s;
    }
    bound |= action.binds;
    rows = action.rows;
    const double after = action.merged_rows;
    out.push_back(std::move(action));
    place_ready(bound, rows, out);
    rows = std::min(rows, after);
  }
}

Result<Pipeline> BlockPlanner::join_parts(std::vector<Part>& parts) {
  // What the parts before and the clauses across parts read of each part.
  VariableSet across = request_.wanted;
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    if (condition_done_[i] == 0) across |= conditions_[i].variables;
  }
  for (std::size_t i = 0; i < negations_.size(); ++i) {
    if (negation_done_[i] == 0) across |= negations_[i].outer;
  }
  for (const Optional& optional : optionals_) across |= optional.outer;
  std::vector<Pipeline> pipelines(parts.size());
  std::vector<VariableSet> brought(parts.size());  // edge variables included
  for (std::size_t p = 1; p < parts.size(); ++p) {
    for (const Action& action : parts[p].actions) brought[p] |= action.binds & across;
    OG_ASSIGN_OR_RETURN(pipelines[p], build(parts[p].actions, {}, brought[p], true, pipelines, parts));
  }
  // With nothing that drives (conditions only), one empty row does.
  std::vector<Action> actions;
  VariableSet bound = given_;
  double rows = 1;
  double cost = 0;
  if (!parts.empty()) {
    actions = parts[0].actions;
    rows = parts[0].rows;
    cost = parts[0].cost;
    for (const Action& action : actions) bound |= action.binds;
  }
  for (std::size_t p = 1; p < parts.size(); ++p) {
    Action cross{Action::Kind::kCross, p};
    cross.binds = brought[p];
    for (std::size_t i = 0; i < conditions_.size(); ++i) {  // The join key reads the outer side.
      if (condition_done_[i] == 0) cross.reads |= conditions_[i].variables & bound;
    }
    bound |= cross.binds;
    rows *= std::max(1.0, parts[p].rows);
    cost += parts[p].cost + rows;
    cross.rows = rows;
    actions.push_back(std::move(cross));
    place_ready(bound, rows, actions);
  }
  for (std::size_t i = 0; i < optionals_.size(); ++i) {
    Action optional{Action::Kind::kOptional, i};
    optional.reads = optionals_[i].outer;
    optional.binds = optionals_[i].introduced;
    bound |= optional.binds;
    cost += rows;
    optional.rows = rows;
    actions.push_back(std::move(optional));
    place_ready(bound, rows, actions);
  }
  OG_ASSIGN_OR_RETURN(Pipeline pipeline,
                      build(actions, given_, request_.wanted, request_.merge_at_end, pipelines, parts));
  pipeline.rows = rows;
  pipeline.cost = cost;
  return pipeline;
}

std::size_t tuple_variable_count(const query::ReadQuery& read) {
  return read.variables.size() + depth_of(read.match) + 1;
}

static_assert(kVariablesMax == query::kVariablesMax, "lint and execution must refuse the same queries");

Result<void> check_plan_limits(const query::ReadQuery& read) {
  if (const auto excess = query::too_many_variables(read)) return std::unexpected(query_error(*excess));
  return {};
}

Result<Pipeline> plan_match(Runtime& runtime, const PlanRequest& request) {
  const base::PhaseClock::In plan(base::Phase::kPlan);
  const query::ReadQuery& read = *runtime.query().read;
  const std::size_t count = tuple_variable_count(read);
  OG_CHECK(count <= kVariablesMax);
  return BlockPlanner(runtime, read.match, {}, request, 0, count).plan();
}

}  // namespace omnigraph::exec
