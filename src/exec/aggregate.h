// Grouping and aggregates (chapter 02 section 6.5, chapter 14 section 4) over weighted rows. Group keys are kept as the
// ordinals of a first row and read at the end; sums are compensated, so that the order in which rows arrive does not
// show. Not thread safe; one sink a worker, absorb() joins them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "exec/distinct.h"
#include "exec/expression.h"
#include "exec/plan.h"
#include "exec/project.h"
#include "exec/scratch.h"
#include "exec/sum_kernel.h"
#include "exec/text_key.h"

namespace omnigraph::exec {

// What a query groups by and computes; shared by the sinks of all workers.
class GroupPlan {
 public:
  static Result<GroupPlan> make(const query::ReadQuery& read, Runtime& runtime);

  // Variables the sink reads.
  [[nodiscard]] VariableSet variables() const;
  // The result does not depend on which worker saw a row.
  [[nodiscard]] bool is_exact_in_parallel() const { return !sums_floats_; }

  [[nodiscard]] VariableId group_by_row() const { return group_by_row_; }

 private:
  friend class GroupSink;
  struct Key {
    std::size_t projection;
    const Column* column;  // null: a constant, which groups nothing
    VariableId variable;
    bool by_id;
    [[nodiscard]] Value value(Ordinal row) const { return row == kNoOrdinal ? Value() : column->value(row); }
  };
  struct Computed {
    const query::Expr* expr;
    query::Aggregate function;
    bool counts_rows = false;    // count of a node that is always there
    bool distinct_rows = false;  // count(distinct $node)
    bool distinct_values = false;
    bool made = false;  // the argument's values are not borrowed
    RowExpr argument;
    const Column* numbers = nullptr;  // the argument is this numeric column
    Ordinal rows = 0;                 // distinct_rows: of the node's table
  };
  // A projection over aggregates: computed_[aggregate] itself, or arithmetic on several.
  struct Output {
    std::size_t projection;
    const query::Expr* expr;
    std::size_t aggregate;  // kArithmetic: none
  };
  static constexpr std::size_t kArithmetic = static_cast<std::size_t>(-1);
  Result<void> add_key(std::size_t projection, const query::Expr& expr, Runtime& runtime);
  Result<std::size_t> add_aggregate(const query::Expr& expr, const query::ReadQuery& read, Runtime& runtime);
  Result<void> add_aggregates_of(const query::Expr& expr, const query::ReadQuery& read, Runtime& runtime);
  [[nodiscard]] std::size_t leading_count(const query::ReadQuery& read) const;
  [[nodiscard]] std::size_t find_aggregate(const query::Expr& expr) const;
  void choose_row_grouping(const query::ReadQuery& read, Runtime& runtime);

  std::vector<Key> keys_;
  std::vector<Computed> computed_;
  std::vector<Output> outputs_;
  std::vector<VariableId> key_variables_;
  VariableId group_by_row_ = kNoVariable;  // one group for each row of this variable
  Ordinal group_rows_ = 0;
  bool sums_floats_ = false;
};

class GroupSink final : public Stage {
 public:
  GroupSink(const GroupPlan& plan, const query::ReadQuery& read, std::size_t variable_count);
  ~GroupSink() override;

  void push(const Tuples& batch) override;
  bool take_selected(const Selection& selection) override;
  void finish() override {}
  void absorb(const GroupSink& other);
  // Of groups in descending order of a count only the first `count` are wanted, and every group comes as one row: the
  // others may be passed over. No effect on other orders.
  void keep_best(std::uint64_t count);
  // Rank places of the rows that push() will bring, by ordinal of the ranked variable; a group takes its best.
  void rank_by(VariableId variable, const std::vector<std::uint32_t>* places) {
    rank_variable_ = variable;
    rank_places_ = places;
  }
  // What the groups take: about, and without the columns they refer to.
  [[nodiscard]] std::uint64_t held_bytes() const;
  // Ordered and cut to the window.
  [[nodiscard]] Result<ReadResult> result(const Window& window, Runtime& runtime);

 private:
  struct States {  // of one aggregate, by group
    std::vector<std::uint64_t> counts;
    std::vector<double> sums, errors;  // sum and what rounding took from it
    std::vector<Value> extremes;
    std::unique_ptr<DistinctRows> rows;      // count(distinct $node)
    std::unique_ptr<DistinctValues> values;  // count(distinct ..)
  };
  void push_best(const Tuples& batch);
  void add(const Tuples& batch);
  void find_groups(const Tuples& batch);
  std::uint32_t group_by_hash(const Tuples& batch, std::size_t row);
  void find_groups_by_text(const Tuples& batch);
  std::uint32_t new_group(const Tuples& batch, std::size_t row);
  void grow_slots();
  void accumulate(std::size_t a, const Tuples& batch);
  void sum_by_group(std::size_t a, const std::vector<Ordinal>& rows);
  void sum_all(std::size_t a, const std::vector<Ordinal>& rows);
  void add_lanes(States& states, const LaneSums& sums);
  // All aggregates can be computed from rows of this variable that are not listed.
  [[nodiscard]] bool adds_selected(VariableId variable) const;
  void add_selected(std::size_t a, const Selection& selection);
  void add_number(States& states, std::uint32_t group, double value, std::uint64_t weight);
  void take_extreme(States& states, bool minimum, std::uint32_t group, const Value& value);
  void count_distinct(std::size_t a, std::uint32_t group, const Tuples& batch, std::size_t row);
  void absorb_distinct(std::size_t a, const GroupSink& other);
  [[nodiscard]] Value key_value(std::size_t key, std::uint32_t group) const;
  [[nodiscard]] Value computed_value(std::size_t a, std::uint32_t group) const;
  // The value of a projection over aggregates; may belong to the innermost EvaluationScope.
  [[nodiscard]] Value output_value(const GroupPlan::Output& output, std::uint32_t group, Runtime& runtime) const;
  [[nodiscard]] Value evaluate_over(const query::Expr& expr, std::uint32_t group, Runtime& runtime) const;
  [[nodiscard]] std::vector<std::uint32_t> ordered_groups(std::uint64_t count, Runtime& runtime) const;

  const GroupPlan& plan_;
  const query::ReadQuery& read_;
  std::uint32_t group_count_ = 0;
  std::vector<States> states_;
  std::vector<std::vector<Ordinal>> first_rows_;  // by key variable, by group
  ZeroedScratch group_of_row_;                    // group + 1, by ordinal
  struct Slot {
    std::uint64_t hash;
    std::uint32_t group;
  };
  std::vector<Slot> slots_;
  std::vector<std::string_view> texts_;  // by group, if the only key is a string
  std::vector<TextKey> text_keys_;       // of these
  std::vector<std::uint32_t> groups_;    // of the current batch
  bool all_one_group_ = false;
  std::deque<std::string> made_texts_;  // extremes that an expression made
  VariableId rank_variable_ = kNoVariable;
  const std::vector<std::uint32_t>* rank_places_ = nullptr;
  std::vector<std::uint32_t> best_places_;  // by group
  std::uint64_t wanted_groups_ = 0;         // 0: all
  std::uint64_t least_count_ = 0;           // groups with a smaller one are out
  std::uint32_t next_bound_ = 0;            // number of groups at which a better bound is looked for
  Tuples best_;
};

}  // namespace omnigraph::exec
