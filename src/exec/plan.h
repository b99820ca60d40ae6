// How a read runs.
//
// Rows between operators are tuples of u32 ordinals, one for each variable that is still needed, plus a u64 weight: how
// many equal rows of the bag the tuple stands for. Properties are read late, by the operator that needs them. Batches
// of some 4096 tuples are pushed from a source through a chain of stages into a sink:
//
//   scan or look-up -> expand | reach | probe | filter | semi-join | cross | merge ... -> collect | order | group |
//   rank
//
//   scan    the start variable: one row by key, or all rows that pass the filter kernels (scan.cc)
//   expand  one traversal from a bound variable; probes of cycle-closing traversals are fused in (expand.cc)
//   reach   a traversal with hop bounds, by breadth-first search with bitmaps (reach.cc)
//   probe   a traversal between two bound variables: a membership test (probe.cc)
//   filter  conditions as soon as their variables are bound (filter.cc)
//   semi    not { }: keeps the rows for which the inner pipeline finds nothing (semi_join.cc)
//   optional  optional { }: each row with what the inner pipeline finds, or with nulls (optional_join.cc)
//   cross   brings in an unconnected part, by hash where an equality joins it (cross.cc)
//   merge   after variables were dropped: equal neighbours become one tuple, weights added (merge.cc)
//
// Dropping variables early and adding weights is what keeps walks from being enumerated: a three-hop count touches each
// middle node once, and a traversal to a variable nobody reads multiplies the weight by a degree.
//
// Operators are const and made by the planner (planner.cc); what changes lives in their stages, one chain a worker.
// A plan belongs to one execution: parameters are already in it.
#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <vector>

#include "exec/expression.h"
#include "exec/filter_kernel.h"
#include "exec/runtime.h"
#include "exec/selection.h"
#include "exec/tuples.h"

namespace omnigraph::exec {

// Far beyond any query written by hand; keeps variable sets flat.
inline constexpr std::size_t kVariablesMax = 256;
using VariableSet = std::bitset<kVariablesMax>;

class Profiler;
struct Pipeline;

// Consumes batches. The last stage of a chain is a sink.
class Stage {
 public:
  virtual ~Stage() = default;
  // `batch` is borrowed for the call.
  virtual void push(const Tuples& batch) = 0;
  // Rows of one variable, none other being bound, each of weight 1, before they are listed. False: nothing was done,
  // they have to be pushed.
  virtual bool take_selected(const Selection& /*selection*/) { return false; }
  // No more batches: hands on what is held back.
  virtual void finish() = 0;
};

// What stages of one chain share.
struct StageContext {
  Runtime* runtime = nullptr;
  Profiler* profiler = nullptr;  // null: nothing is measured
  std::size_t variable_count = 0;
  // In the inner chain of a semi-join: rows (values of `row_variable`) that are answered already need no more work.
  const std::vector<std::uint8_t>* answered = nullptr;
  VariableId row_variable = kNoVariable;

  [[nodiscard]] bool is_answered(const Tuples& batch, std::size_t row) const {
    return answered != nullptr && (*answered)[batch.columns[row_variable][row]] != 0;
  }
};

class Operator {
 public:
  virtual ~Operator() = default;
  [[nodiscard]] virtual std::unique_ptr<Stage> open(const StageContext& context, Stage& next) const = 0;
  // The pipeline it runs inside, if it has one.
  [[nodiscard]] virtual const Pipeline* inner_pipeline() const { return nullptr; }
  double estimated_rows = -1;  // tuples it hands on; negative: unknown
};

// The start variable of a pipeline.
struct ScanSource {
  VariableId variable = kNoVariable;
  graph::TableViewPtr table;
  RowFilter filter;
  bool by_key = false;
  Ordinal row = kNoOrdinal;                      // by_key: the row, kNoOrdinal = there is none
  std::optional<std::vector<Ordinal>> listed{};  // by a list of keys or an ordered index: the rows
  double estimated_rows = 1;
  std::vector<const query::Expr*> written{};  // what the filter tests
  [[nodiscard]] bool is_lookup() const { return by_key || listed.has_value(); }
  // What push_scan takes ranges of: the one row, the places of the listed rows, or the ordinals of the table.
  [[nodiscard]] std::size_t extent() const {
    if (by_key) return 1;
    return listed.has_value() ? listed->size() : std::size_t{table->physical_rows()};
  }
};

struct Pipeline {
  // Without a source the caller pushes the first batch (semi-joins) or, at the top, one empty tuple is pushed.
  std::optional<ScanSource> source;
  std::vector<std::unique_ptr<Operator>> operators;
  bool empty = false;  // a condition without variables is not TRUE
  double cost = 0;     // estimated tuple operations
  double rows = 1;     // estimated result
};

// Stages of a pipeline in front of a sink.
class Chain {
 public:
  Chain(const Pipeline& pipeline, const StageContext& context, Stage& sink);
  [[nodiscard]] Stage& head() { return *head_; }

 private:
  std::vector<std::unique_ptr<Stage>> stages_;  // in reverse order
  Stage* head_;
};

// Pushes the rows of the source in [begin, end) of its extent into the stage.
void push_scan(const ScanSource& source, Ordinal begin, Ordinal end, std::size_t variable_count, Runtime& runtime,
               Stage& stage);
// Runs the whole pipeline on the calling thread; finish() included.
void run_pipeline(const Pipeline& pipeline, const StageContext& context, Stage& sink);

// Collects output rows and hands them on in batches. Shared by stages.
class OutputBuffer {
 public:
  OutputBuffer(std::size_t variable_count, Stage& next) : rows_(variable_count), next_(next) {}
  [[nodiscard]] Tuples& rows() { return rows_; }
  void flush_if_full() {
    if (rows_.size >= kBatchRows) flush();
  }
  void flush() {
    if (rows_.size == 0) return;
    next_.push(rows_);
    rows_.clear();
  }
  // `count` rows with the values of `carry` from row `from` of the batch, and weight `weight`.
  void repeat(const Tuples& batch, std::size_t from, const std::vector<VariableId>& carry, std::size_t count,
              std::uint64_t weight) {
    for (const VariableId v : carry) rows_.columns[v].insert(rows_.columns[v].end(), count, batch.columns[v][from]);
    if (weight != 1 && rows_.weights.empty()) rows_.weights.assign(rows_.size, 1);
    if (!rows_.weights.empty() || weight != 1) rows_.weights.insert(rows_.weights.end(), count, weight);
    rows_.size += count;
  }
  // A batch made elsewhere.
  void pass(const Tuples& batch) {
    flush();
    if (batch.size > 0) next_.push(batch);
  }
  void finish() {
    flush();
    next_.finish();
  }

 private:
  Tuples rows_;
  Stage& next_;
};

struct PlanRequest {
  VariableSet wanted;         // variables the sink reads
  bool weights = true;        // false: only whether there are rows matters
  bool merge_at_end = false;  // the sink gains from merged tuples
};

// Refuses a query with more variables than a VariableSet holds. To be called before anything else here.
[[nodiscard]] Result<void> check_plan_limits(const query::ReadQuery& read);
// Plans the outer block. Errors: run-time mistakes in expressions; storage errors.
[[nodiscard]] Result<Pipeline> plan_match(Runtime& runtime, const PlanRequest& request);
// Columns a Tuples of this query needs: its variables and the row numbers of nested semi-joins.
[[nodiscard]] std::size_t tuple_variable_count(const query::ReadQuery& read);

}  // namespace omnigraph::exec
