// From a bound block to a pipeline: where to start, in which order to follow the traversals, what to drop when.
//
// Order: from each possible start the traversals are taken greedily, the one that leaves the fewest rows first; the
// start with the least work wins. Estimates are counts of the tables and fixed selectivities: no statistics to keep.
#include <algorithm>
#include <cmath>
#include <map>

#include "exec/key_lookup.h"
#include "exec/operators.h"

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
  for (const Block& negation : block.negations) used_in_block(negation, used, introduced);
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
  return depth;
}

template <class Each>
void for_each_variable(const VariableSet& set, Each&& each) {
  for (std::size_t v = set._Find_first(); v < set.size(); v = set._Find_next(v)) each(static_cast<VariableId>(v));
}

class BlockPlanner {
 public:
  // `given`: variables bound from outside. `depth`: how many not { } are around the block.
  BlockPlanner(Runtime& runtime, const Block& block, VariableSet given, PlanRequest request, std::size_t depth,
               std::size_t variable_count)
      : runtime_(runtime), block_(block), given_(given), request_(request), depth_(depth),
        variable_count_(variable_count), facts_(variable_count) {}

  Result<Pipeline> plan() {
    Pipeline pipeline;
    OG_RETURN_IF_ERROR(gather());
    if (never_) {
      pipeline.empty = true;
      return pipeline;
    }
    std::vector<Part> parts = split();
    for (Part& part : parts) order_part(part);
    // The largest part drives, the others are brought to it; a part with given variables always drives.
    std::ranges::stable_sort(parts, [](const Part& a, const Part& b) {
      return a.is_given != b.is_given ? a.is_given : a.rows > b.rows;
    });
    return join_parts(parts);
  }

 private:
  struct Facts {            // of a variable
    double rows = 1;        // in its table
    double selectivity = 1;
    RowFilter filter;
    graph::TableViewPtr table;
    bool by_key = false;
    Ordinal row = kNoOrdinal;
    bool own = false;       // introduced here
  };
  struct Link {             // a traversal
    const Traversal* traversal;
    double fan_forward;     // distinct neighbours of an average `from`
    double fan_backward;
    bool multi_hop;
  };
  struct Condition { const Expr* expr; VariableSet variables; double selectivity; };
  struct Negation { const Block* block; VariableSet outer; };

  struct Action {
    enum class Kind { kStart, kExpand, kReach, kProbe, kFilter, kNegation, kCross };
    Kind kind;
    std::size_t index = 0;          // link, negation, part
    bool backward = false;          // kExpand, kReach: from the traversal's `to`
    std::vector<std::size_t> probes{};      // kExpand: links tested on the way
    std::vector<VariableId> filtered{};     // kFilter: variables whose own filter applies
    std::vector<std::size_t> conditions{};  // kFilter
    VariableId variable = kNoVariable;      // kStart
    VariableSet reads{};
    VariableSet binds{};
  };

  struct Part {             // connected variables
    VariableSet variables;
    std::vector<std::size_t> links;
    bool is_given = false;
    std::vector<Action> actions;
    double rows = 1;
    double cost = 0;
  };

  Result<void> gather();
  Result<void> gather_variable(VariableId v);
  Result<void> gather_condition(const Expr& expr);
  Result<void> gather_links();
  std::vector<Part> split() const;

  struct Choice {
    std::vector<std::pair<std::size_t, bool>> steps{};  // link, backward
    double cost = 0;
    double rows = 1;
  };
  Choice simulate(const Part& part, VariableSet bound, double rows) const;
  bool is_dead_after(VariableId v, const Part& part, const std::vector<char>& done, std::size_t link) const;
  void order_part(Part& part);
  void place_ready(VariableSet bound, std::vector<Action>& out);
  void place_steps(const Choice& choice, VariableSet& bound, std::vector<Action>& out);

  Result<Pipeline> join_parts(std::vector<Part>& parts);
  Result<Pipeline> build(const std::vector<Action>& actions, VariableSet live, VariableSet wanted, bool merge_at_end,
                         std::vector<Pipeline>& part_pipelines, const std::vector<Part>& parts);
  Result<std::unique_ptr<Operator>> make_operator(const Action& action, VariableSet carry, VariableSet needed,
                                                  std::vector<Pipeline>& part_pipelines,
                                                  const std::vector<Part>& parts);
  Result<std::unique_ptr<Operator>> make_expand(const Action& action, VariableSet carry, VariableSet needed);
  Result<std::unique_ptr<Operator>> make_reach(const Action& action, VariableSet carry, VariableSet needed);
  Result<std::unique_ptr<Operator>> make_probe(const Action& action, VariableSet carry, VariableSet needed);
  Result<std::unique_ptr<Operator>> make_filter(const Action& action, VariableSet carry);
  Result<std::unique_ptr<Operator>> make_negation(const Action& action, VariableSet carry);
  Result<std::unique_ptr<Operator>> make_cross(const Action& action, VariableSet carry,
                                               std::vector<Pipeline>& part_pipelines, const std::vector<Part>& parts);
  std::unique_ptr<Operator> make_merge(VariableSet live) const;
  Result<Neighbors> neighbors(const Traversal& t, bool backward);
  VariableId row_variable() const {
    return static_cast<VariableId>(runtime_.query().read->variables.size() + depth_);
  }
  static std::vector<VariableId> list(const VariableSet& set) {
    std::vector<VariableId> out;
    for_each_variable(set, [&](VariableId v) { out.push_back(v); });
    return out;
  }

  Runtime& runtime_;
  const Block& block_;
  const VariableSet given_;
  const PlanRequest request_;
  const std::size_t depth_;
  const std::size_t variable_count_;
  std::vector<Facts> facts_;
  std::vector<Link> links_;
  std::vector<Condition> conditions_;   // on several variables
  std::vector<Negation> negations_;
  std::vector<char> condition_done_, negation_done_;
  VariableSet filter_done_;             // variables whose own filter is placed
  VariableSet has_filter_;
  std::vector<VariableId> bind_order_;
  bool never_ = false;
};

Result<void> BlockPlanner::gather() {
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
    if (!found.has_value()) continue;
    facts_[v].by_key = true;
    facts_[v].row = *found;
    RowPredicate only;
    only.kind = *found == kNoOrdinal ? RowPredicate::Kind::kNever : RowPredicate::Kind::kRow;
    only.row = *found;
    facts_[v].filter.add(std::move(only));
    has_filter_.set(v);
    facts_[v].selectivity = 1.0 / std::max(1.0, facts_[v].rows);
  }
  for (const Block& negation : block_.negations) negations_.push_back({&negation, correlated_variables(negation)});
  condition_done_.assign(conditions_.size(), 0);
  negation_done_.assign(negations_.size(), 0);
  return gather_links();
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
    OG_ASSIGN_OR_RETURN(const RowExpr bound, bind_expression(expr, runtime_));
    if (!is_true(evaluate(bound, Tuples(), 0))) never_ = true;
    return {};
  }
  if (variables.size() == 1) {
    const VariableId v = *variables.begin();
    OG_RETURN_IF_ERROR(gather_variable(v));
    OG_ASSIGN_OR_RETURN(RowPredicate predicate, make_predicate(expr, runtime_));
    facts_[v].filter.add(std::move(predicate));
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
        if (bound.test(to)) {  // A test: takes next to nothing and can only reduce.
          next = rows * std::min(1.0, link.fan_forward / std::max(1.0, facts_[to].rows));
          cost = link.multi_hop ? rows * link.fan_forward : 0;
        } else {
          const double fan = backward ? link.fan_backward : link.fan_forward;
          const bool dead = is_dead_after(to, part, done, i);
          next = dead ? rows : rows * fan * facts_[to].selectivity;
          cost = dead && !link.multi_hop ? rows : rows * std::max(1.0, fan);
          // Weights keep a row for each combination of the variables still needed at most.
          if (request_.weights) next = std::min(next, facts_[to].rows * std::max(1.0, rows));
        }
        if (best == links_.size() || next < best_rows || (next == best_rows && cost < best_cost)) {
          best = i;
          best_backward = backward;
          best_rows = next;
          best_cost = cost;
        }
      }
    }
    done[best] = 1;
    const Traversal& t = *links_[best].traversal;
    bound.set(t.from).set(t.to);
    rows = best_rows;
    choice.steps.emplace_back(best, best_backward);
    choice.cost += best_cost + best_rows;
    // What nobody needs any more is merged away: rows are at most the combinations of the live variables.
    double combinations = 1;
    for_each_variable(part.variables & bound, [&](VariableId v) {
      if (!is_dead_after(v, part, done, links_.size())) combinations *= std::max(1.0, facts_[v].rows);
    });
    if (request_.weights && depth_ == 0) rows = std::min(rows, combinations);
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
      choice.cost += facts_[v].by_key ? 1 : facts_[v].rows * (has_filter_.test(v) ? 0.2 : 0.05) + rows;
      if (start != kNoVariable && choice.cost >= best.cost) continue;
      best = std::move(choice);
      start = v;
    }
    Action action{Action::Kind::kStart};
    action.variable = start;
    action.binds.set(start);
    part.actions.push_back(std::move(action));
    bound.set(start);
    filter_done_.set(start);
  }
  part.cost = best.cost;
  part.rows = best.rows;
  place_ready(bound, part.actions);
  place_steps(best, bound, part.actions);
}

// Filters, conditions and negations whose variables are all bound.
void BlockPlanner::place_ready(VariableSet bound, std::vector<Action>& out) {
  Action filter{Action::Kind::kFilter};
  for_each_variable(has_filter_ & bound & ~filter_done_, [&](VariableId v) {
    filter.filtered.push_back(v);
    filter.reads.set(v);
    filter_done_.set(v);
  });
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    if (condition_done_[i] != 0 || (conditions_[i].variables & ~bound).any()) continue;
    condition_done_[i] = 1;
    filter.conditions.push_back(i);
    filter.reads |= conditions_[i].variables;
  }
  if (filter.reads.any()) out.push_back(std::move(filter));
  for (std::size_t i = 0; i < negations_.size(); ++i) {
    if (negation_done_[i] != 0 || (negations_[i].outer & ~bound).any()) continue;
    negation_done_[i] = 1;
    Action negation{Action::Kind::kNegation, i};
    negation.reads = negations_[i].outer;
    out.push_back(std::move(negation));
  }
}

void BlockPlanner::place_steps(const Choice& choice, VariableSet& bound, std::vector<Action>& out) {
  for (std::size_t s = 0; s < choice.steps.size(); ++s) {
    const auto [index, backward] = choice.steps[s];
    const Link& link = links_[index];
    const Traversal& t = *link.traversal;
    const VariableId from = backward ? t.to : t.from;
    const VariableId to = backward ? t.from : t.to;
    const bool test = bound.test(to);
    Action action{link.multi_hop ? Action::Kind::kReach : test ? Action::Kind::kProbe : Action::Kind::kExpand, index, backward};
    action.reads.set(from);
    if (test) action.reads.set(to);
    if (!test) action.binds.set(to);
    if (t.edge != kNoVariable) action.binds.set(t.edge);
    // Tests of the variable just bound are made while expanding.
    while (action.kind == Action::Kind::kExpand && t.edge == kNoVariable && s + 1 < choice.steps.size()) {
      const Link& next = links_[choice.steps[s + 1].first];
      const Traversal& n = *next.traversal;
      const VariableId other = n.from == to ? n.to : n.from;
      if (next.multi_hop || n.edge != kNoVariable || (n.from != to && n.to != to) || other == to || !bound.test(other)) {
        break;
      }
      action.probes.push_back(choice.steps[s + 1].first);
      action.reads.set(other);
      ++s;
    }
    bound |= action.binds;
    out.push_back(std::move(action));
    place_ready(bound, out);
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
    actions.push_back(std::move(cross));
    place_ready(bound, actions);
  }
  OG_ASSIGN_OR_RETURN(Pipeline pipeline,
                      build(actions, given_, request_.wanted, request_.merge_at_end, pipelines, parts));
  pipeline.rows = rows;
  pipeline.cost = cost;
  return pipeline;
}

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
      pipeline.source = ScanSource{action.variable, facts.table, facts.filter, facts.by_key, facts.row};
      live.set(action.variable);
      bind_order_.push_back(action.variable);
      if (facts.by_key) constant.set(action.variable);
      // A start that nobody reads again still has to be a column for the operators that follow.
      if (i + 1 == actions.size() && !wanted.test(action.variable)) {
        pipeline.operators.push_back(make_merge(wanted & live));
        live &= wanted;
      }
      continue;
    }
    const VariableSet before = live;
    const VariableSet carry = live & needed_after[i];
    OG_ASSIGN_OR_RETURN(auto op, make_operator(action, carry, needed_after[i], part_pipelines, parts));
    live = carry | (action.binds & needed_after[i]);
    for_each_variable(action.binds & needed_after[i], [&](VariableId v) { bind_order_.push_back(v); });
    const VariableSet dropped = before & ~carry & ~constant;
    const bool merge = dropped.any() && work_after[i] != 0;
    auto* expand = dynamic_cast<ExpandOperator*>(op.get());
    const bool merge_inside = merge && expand != nullptr && carry.none() && expand->to != kNoVariable &&
                              expand->probes.empty() && !expand->per_edge && depth_ == 0;
    if (merge_inside) expand->merge = true;
    pipeline.operators.push_back(std::move(op));
    if (merge && !merge_inside) pipeline.operators.push_back(make_merge(live));
  }
  return pipeline;
}

std::unique_ptr<Operator> BlockPlanner::make_merge(VariableSet live) const {
  auto op = std::make_unique<MergeOperator>();
  for (auto it = bind_order_.rbegin(); it != bind_order_.rend() && op->dense == kNoVariable; ++it) {
    if (live.test(*it)) op->dense = *it;
  }
  if (op->dense != kNoVariable) {
    op->dense_rows = facts_[op->dense].table->physical_rows();
    live.reset(op->dense);
  }
  op->run = list(live);
  return op;
}

Result<Neighbors> BlockPlanner::neighbors(const Traversal& t, bool backward) {
  using graph::AdjacencyDirection;
  Neighbors out;
  const bool in = t.direction == Direction::kBoth ? backward : (t.direction == Direction::kIn) != backward;
  OG_ASSIGN_OR_RETURN(out.forward,
                      runtime_.adjacency(t.edge_type, in ? AdjacencyDirection::kIn : AdjacencyDirection::kOut));
  if (t.direction == Direction::kBoth) {
    OG_ASSIGN_OR_RETURN(out.backward,
                        runtime_.adjacency(t.edge_type, in ? AdjacencyDirection::kOut : AdjacencyDirection::kIn));
  }
  return out;
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
    case Action::Kind::kCross: return make_cross(action, carry, part_pipelines, parts);
    case Action::Kind::kStart: break;
  }
  return std::unexpected(internal_error("a start is no operator"));
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_expand(const Action& action, VariableSet carry,
                                                            VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ExpandOperator>();
  op->from = action.backward ? t.to : t.from;
  const VariableId to = action.backward ? t.from : t.to;
  if (needed.test(to)) op->to = to;
  op->per_edge = t.edge != kNoVariable;
  if (op->per_edge && needed.test(t.edge)) op->edge = t.edge;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors(t, action.backward));
  op->to_rows = facts_[to].table->physical_rows();
  for (const std::size_t p : action.probes) {
    const Traversal& probe = *links_[p].traversal;
    const bool from_end = probe.from == to;
    OG_ASSIGN_OR_RETURN(const Neighbors seen, neighbors(probe, from_end));
    op->probes.push_back({from_end ? probe.to : probe.from, seen});
  }
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_reach(const Action& action, VariableSet carry,
                                                           VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ReachOperator>();
  op->from = action.backward ? t.to : t.from;
  const VariableId to = action.backward ? t.from : t.to;
  op->to_bound = action.reads.test(to) && !action.binds.test(to);
  if (op->to_bound || needed.test(to)) op->to = to;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors(t, action.backward));
  op->min_hops = t.min_hops;
  op->max_hops = t.max_hops;
  op->loop_at_start = action.backward;
  op->rows = facts_[to].table->physical_rows();
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_probe(const Action& action, VariableSet carry,
                                                           VariableSet needed) {
  const Traversal& t = *links_[action.index].traversal;
  auto op = std::make_unique<ProbeOperator>();
  op->from = t.from;
  op->to = t.to;
  op->per_edge = t.edge != kNoVariable;
  if (op->per_edge && needed.test(t.edge)) op->edge = t.edge;
  OG_ASSIGN_OR_RETURN(op->neighbors, neighbors(t, false));
  op->carry = list(carry);
  return op;
}

Result<std::unique_ptr<Operator>> BlockPlanner::make_filter(const Action& action, VariableSet carry) {
  auto op = std::make_unique<FilterOperator>();
  for (const VariableId v : action.filtered) op->filters.push_back(facts_[v].filter);
  for (const std::size_t i : action.conditions) {
    OG_ASSIGN_OR_RETURN(RowExpr bound, bind_expression(*conditions_[i].expr, runtime_));
    op->conditions.push_back(std::move(bound));
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
  if (op->correlated.size() == 1) {
    OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(runtime_.type_of(op->correlated[0])));
    op->memo_rows = table->physical_rows();
  }
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
    OG_ASSIGN_OR_RETURN(RowExpr left, bind_expression(c.expr->args[0], runtime_));
    OG_ASSIGN_OR_RETURN(RowExpr right, bind_expression(c.expr->args[1], runtime_));
    if (left_inside) std::swap(left, right);
    op->key.emplace(std::move(left), std::move(right));
    break;
  }
  return op;
}

}  // namespace

std::size_t tuple_variable_count(const query::ReadQuery& read) {
  return read.variables.size() + depth_of(read.match) + 1;
}

Result<Pipeline> plan_match(Runtime& runtime, const PlanRequest& request) {
  const query::ReadQuery& read = *runtime.query().read;
  const std::size_t count = tuple_variable_count(read);
  if (count > kVariablesMax) {
    return std::unexpected(query_error("the query has " + std::to_string(read.variables.size()) +
                                       " variables; at most " + std::to_string(kVariablesMax - 8) + " are supported"));
  }
  return BlockPlanner(runtime, read.match, {}, request, 0, count).plan();
}

}  // namespace omnigraph::exec
