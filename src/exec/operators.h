// The operators a plan is made of (plan.h has the overview). Each is const; open() makes the stage that holds the
// state. `carry` lists the variables copied from the input row, never the ones the operator binds.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "exec/expression.h"
#include "exec/filter_kernel.h"
#include "exec/neighbors.h"
#include "exec/plan.h"

namespace omnigraph::exec {

// The rows of a batch whose mask is 1, with the columns of `carry`.
void keep_rows(const Tuples& batch, std::span<const std::uint8_t> mask, const std::vector<VariableId>& carry,
               Tuples& out);

// Requires that `other` and the variable being bound are connected; `neighbors` is seen from `other`.
struct Probe {
  VariableId other = kNoVariable;
  Neighbors neighbors;
  const query::Traversal* traversal = nullptr;
};

// A traversal from a bound variable: each distinct neighbour once, or, with `per_edge`, each edge once.
class ExpandOperator final : public Operator {
 public:
  const query::Traversal* traversal = nullptr;
  VariableId from = kNoVariable;
  VariableId to = kNoVariable;    // kNoVariable: not read later, only counted into the weight
  VariableId edge = kNoVariable;  // likewise
  bool per_edge = false;
  Neighbors neighbors;
  std::vector<Probe> probes;  // REQUIRES: !per_edge
  Ordinal to_rows = 0;        // rows of the target's table
  std::vector<VariableId> carry;
  // Adds the weights of equal neighbours up instead of listing them. REQUIRES: nothing carried, no probes, !per_edge.
  bool merge = false;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
};

// A traversal with hop bounds (chapter 02 section 6.2) from a bound variable.
class ReachOperator final : public Operator {
 public:
  const query::Traversal* traversal = nullptr;
  VariableId from = kNoVariable;
  VariableId to = kNoVariable;  // kNoVariable: only counted. `to_bound`: a variable that is already bound
  bool to_bound = false;
  Neighbors neighbors;  // in the direction of the search
  std::uint32_t min_hops = 1;
  std::uint32_t max_hops = 1;
  bool loop_at_start = false;  // the search runs backwards: the self-loop that counts is the start's
  // The one row `to` can be, looked up by key: searched from both ends. `toward`: neighbors as seen from there.
  Ordinal only = kNoOrdinal;
  Neighbors toward;
  Ordinal rows = 0;  // of the node table
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
};

// A single-hop traversal between two bound variables; with `edge` one row for each edge between them.
class ProbeOperator final : public Operator {
 public:
  const query::Traversal* traversal = nullptr;
  VariableId from = kNoVariable;
  VariableId to = kNoVariable;
  VariableId edge = kNoVariable;
  bool per_edge = false;  // kNoVariable `edge` with per_edge: the edges are counted into the weight
  Neighbors neighbors;    // seen from `from`
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
};

class FilterOperator final : public Operator {
 public:
  std::vector<VariableId> not_null;         // variables of optional blocks that what follows needs
  std::vector<RowFilter> filters;           // on one variable each
  std::vector<RowExpr> conditions;          // on several
  std::vector<const query::Expr*> written;  // what both test
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
};

// not { }: drops the rows for which the inner pipeline, started from the correlated variables, yields anything.
class SemiJoinOperator final : public Operator {
 public:
  std::vector<VariableId> correlated;  // not empty
  VariableId row_variable = kNoVariable;
  Pipeline inner;
  Ordinal memo_rows = 0;  // one correlated variable that is never null: rows of its table
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
  [[nodiscard]] const Pipeline* inner_pipeline() const override { return &inner; }
};

// optional { }: each row with every row that the inner pipeline, started from the correlated variables, yields for it;
// with nulls if there is none (a left outer join).
class OptionalOperator final : public Operator {
 public:
  std::vector<VariableId> correlated;  // not empty
  VariableId row_variable = kNoVariable;
  Pipeline inner;
  std::vector<VariableId> introduced;  // by the inner pipeline, as far as they are read later
  std::vector<VariableId> markers;     // paths of the block: row 0 where there is one
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
  [[nodiscard]] const Pipeline* inner_pipeline() const override { return &inner; }
};

// Pairs each row with the rows of an unconnected part, restricted to equal keys if there are any.
class CrossOperator final : public Operator {
 public:
  Pipeline part;
  std::vector<VariableId> part_variables;          // what the part brings in; may be empty
  std::optional<std::pair<RowExpr, RowExpr>> key;  // outer, inner: join_hash equal (a later filter checks the rest)
  const query::Expr* written = nullptr;            // the equality of the key
  std::vector<VariableId> carry;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
  [[nodiscard]] const Pipeline* inner_pipeline() const override { return &part; }

 private:
  friend class CrossStage;
  struct Materialized;
  const Materialized& materialize(const StageContext& context) const;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Materialized> rows_;
};

// Adds up the weights of equal rows that come close together: within a run of equal `run` values, equal values of
// `dense` become one row. All other variables have been dropped.
class MergeOperator final : public Operator {
 public:
  std::vector<VariableId> run;
  VariableId dense = kNoVariable;  // kNoVariable: the run itself is one row
  Ordinal dense_rows = 0;
  [[nodiscard]] std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const override;
};

}  // namespace omnigraph::exec
