// The planner's state for one block (the outer one, a not { } or an optional { }): what is known of its variables and
// clauses, the order they are taken in, and the operators made of it. Used by one thread for one execution.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "exec/operators.h"
#include "exec/plan.h"

namespace omnigraph::exec {

template <class Each>
void for_each_variable(const VariableSet& set, Each&& each) {
  for (std::size_t v = set._Find_first(); v < set.size(); v = set._Find_next(v)) each(static_cast<VariableId>(v));
}

class BlockPlanner {
 public:
  // `given`: variables bound from outside. `depth`: how many blocks are around this one.
  BlockPlanner(Runtime& runtime, const query::Block& block, VariableSet given, PlanRequest request, std::size_t depth,
               std::size_t variable_count)
      : runtime_(runtime),
        block_(block),
        given_(given),
        request_(request),
        depth_(depth),
        variable_count_(variable_count),
        facts_(variable_count) {}

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
    std::ranges::stable_sort(
        parts, [](const Part& a, const Part& b) { return a.is_given != b.is_given ? a.is_given : a.rows > b.rows; });
    return join_parts(parts);
  }

 private:
  struct Facts {      // of a variable
    double rows = 1;  // in its table
    double selectivity = 1;
    RowFilter filter;
    std::vector<const query::Expr*> written;  // what the filter tests
    graph::TableViewPtr table;
    bool by_key = false;
    Ordinal row = kNoOrdinal;
    std::optional<std::vector<Ordinal>> listed;  // by a list of keys or an ordered index
    bool own = false;                            // introduced here
  };
  struct Link {  // a traversal
    const query::Traversal* traversal;
    double fan_forward;  // distinct neighbours of an average `from`
    double fan_backward;
    bool multi_hop;
  };
  struct Condition {
    const query::Expr* expr;
    VariableSet variables;
    double selectivity;
  };
  struct Negation {
    const query::Block* block;
    VariableSet outer;
  };

  struct Optional {
    const query::Block* block;
    VariableSet outer;
    VariableSet introduced;  // inner blocks included
  };

  struct Action {
    enum class Kind { kStart, kExpand, kReach, kProbe, kFilter, kNegation, kOptional, kCross };
    Kind kind;
    std::size_t index = 0;                  // link, negation, optional, part
    bool backward = false;                  // kExpand, kReach: from the traversal's `to`
    std::vector<std::size_t> probes{};      // kExpand: links tested on the way
    std::vector<VariableId> filtered{};     // kFilter: variables whose own filter applies
    std::vector<std::size_t> conditions{};  // kFilter
    std::vector<VariableId> not_null{};     // kFilter
    VariableId variable = kNoVariable;      // kStart
    double rows = -1;                       // estimate of what it hands on
    double merged_rows = -1;                // and of that with equal rows merged
    VariableSet reads{};
    VariableSet binds{};
  };

  struct Part {  // connected variables
    VariableSet variables;
    std::vector<std::size_t> links;
    bool is_given = false;
    std::vector<Action> actions;
    double rows = 1;
    double cost = 0;
  };

  Result<void> gather();
  Result<void> gather_variable(VariableId v);
  Result<void> gather_condition(const query::Expr& expr);
  Result<void> gather_links();
  void gather_inner_blocks();
  void sample_filters();
  Result<void> look_up_ranges();
  std::vector<Part> split() const;

  struct Step {
    std::size_t link;
    bool backward;
    double found;  // rows before the conditions on what it binds
    double rows;   // after them, equal ones merged
  };
  struct Choice {
    std::vector<Step> steps{};
    double cost = 0;
    double rows = 1;
  };
  Choice simulate(const Part& part, VariableSet bound, double rows) const;
  bool is_dead_after(VariableId v, const Part& part, const std::vector<char>& done, std::size_t link) const;
  void order_part(Part& part);
  // `rows`: estimate of what comes; becomes that of what is handed on.
  void place_ready(VariableSet bound, double& rows, std::vector<Action>& out);
  void place_required(std::vector<Action>& out) const;
  void place_steps(const Choice& choice, VariableSet& bound, double& rows, std::vector<Action>& out);

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
  Result<std::unique_ptr<Operator>> make_optional(const Action& action, VariableSet carry, VariableSet needed);
  Result<std::unique_ptr<Operator>> make_cross(const Action& action, VariableSet carry,
                                               std::vector<Pipeline>& part_pipelines, const std::vector<Part>& parts);
  std::unique_ptr<Operator> make_merge(VariableSet live, double rows) const;
  VariableId row_variable() const { return static_cast<VariableId>(runtime_.query().read->variables.size() + depth_); }
  static std::vector<VariableId> list(const VariableSet& set) {
    std::vector<VariableId> out;
    for_each_variable(set, [&](VariableId v) { out.push_back(v); });
    return out;
  }

  Runtime& runtime_;
  const query::Block& block_;
  const VariableSet given_;
  const PlanRequest request_;
  const std::size_t depth_;
  const std::size_t variable_count_;
  std::vector<Facts> facts_;
  std::vector<Link> links_;
  std::vector<Condition> conditions_;  // on several variables
  std::vector<Negation> negations_;
  std::vector<Optional> optionals_;
  VariableSet nullable_;  // may be null here: given ones of optional blocks, and those of this block's own
  std::vector<char> condition_done_, negation_done_;
  VariableSet filter_done_;  // variables whose own filter is placed
  VariableSet has_filter_;
  std::vector<VariableId> bind_order_;
  bool never_ = false;
};

}  // namespace omnigraph::exec
