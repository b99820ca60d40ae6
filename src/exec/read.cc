// A read from plan to result: which variables the result needs, which sink takes them, and how many threads.
#include "exec/read.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <utility>

#include "base/task_pool.h"
#include "exec/aggregate.h"
#include "exec/collect.h"
#include "exec/distinct.h"
#include "exec/operators.h"
#include "exec/ordered_start.h"
#include "exec/plan_text.h"
#include "exec/profile.h"
#include "exec/profiler.h"
#include "exec/project.h"
#include "exec/read_scope.h"
#include "exec/row_order.h"

namespace omnigraph::exec {
namespace {

using query::ExprKind;

// Estimated tuple operations that take about half a millisecond: below it a second thread costs more than it brings.
constexpr double kParallelCostMin = 400'000;
// Ranges of the start variable a worker takes at a time, so that hubs do not end up with one worker.
constexpr std::size_t kRangesPerWorker = 32;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// Runs the pipeline with one sink a worker; `make_sink` and `join` run on the calling thread, `join` takes each sink.
template <class Sink, class MakeSink, class Join>
void run_on_all_cores(const Pipeline& pipeline, const StageContext& context, MakeSink&& make_sink, Join&& join) {
  base::TaskPool& pool = base::TaskPool::shared();
  const std::size_t workers = pool.thread_count();
  const bool worthwhile = workers > 1 && !pipeline.empty && pipeline.source.has_value() && !pipeline.source->by_key &&
                          pipeline.cost >= kParallelCostMin;
  if (!worthwhile) {
    std::unique_ptr<Sink> sink = make_sink();
    run_pipeline(pipeline, context, *sink);
    if (context.profiler != nullptr) context.profiler->end_run(1);
    join(std::move(sink));
    return;
  }
  std::vector<std::unique_ptr<Sink>> sinks;
  for (std::size_t w = 0; w < workers; ++w) sinks.push_back(make_sink());
  const std::uint64_t rows = pipeline.source->extent();
  // Whole words of the deletion bitmap.
  const std::uint64_t step = std::max<std::uint64_t>(64, rows / (workers * kRangesPerWorker) / 64 * 64);
  std::atomic<std::uint64_t> next = 0;
  pool.parallel_for(workers, [&](std::size_t w) {
    const Profiler::SourceTimer timer(context.profiler, pipeline);
    Chain chain(pipeline, context, *sinks[w]);
    for (std::uint64_t begin = next.fetch_add(step); begin < rows; begin = next.fetch_add(step)) {
      push_scan(*pipeline.source, static_cast<Ordinal>(begin), static_cast<Ordinal>(std::min(begin + step, rows)),
                context.variable_count, *context.runtime, chain.head());
    }
    chain.head().finish();
  });
  if (context.profiler != nullptr) context.profiler->end_run(workers);
  for (auto& sink : sinks) join(std::move(sink));
}

std::vector<VariableId> list_of(const VariableSet& set) {
  std::vector<VariableId> out;
  for (std::size_t v = set._Find_first(); v < set.size(); v = set._Find_next(v))
    out.push_back(static_cast<VariableId>(v));
  return out;
}

// Every row of the source leaves the pipeline as one tuple at most.
bool hands_on_source_rows(const Pipeline& pipeline) {
  return std::ranges::all_of(pipeline.operators, [](const std::unique_ptr<Operator>& op) {
    if (const auto* expand = dynamic_cast<const ExpandOperator*>(op.get())) {
      return expand->to == kNoVariable && expand->edge == kNoVariable;
    }
    if (const auto* reach = dynamic_cast<const ReachOperator*>(op.get())) return reach->to == kNoVariable;
    return dynamic_cast<const FilterOperator*>(op.get()) != nullptr ||
           dynamic_cast<const SemiJoinOperator*>(op.get()) != nullptr;
  });
}

// Bytes that one result row takes while it is held: ordinals and a weight, then the projected values, where the size of
// a text is a guess.
std::uint64_t row_bytes(const query::ReadQuery& read) {
  constexpr std::uint64_t kTextBytes = 32;
  std::uint64_t bytes = read.variables.size() * sizeof(Ordinal) + sizeof(std::uint64_t);
  for (const query::Projection& projection : read.projections) {
    const schema::PropertyType& type = projection.expr.type;
    bytes += type.is_vector() ? type.vector_dimension * sizeof(float) : kTextBytes;
  }
  return bytes;
}

// Passes batches on until the rows behind it would take more than their budget; then the run stops.
class BudgetStage final : public Stage {
 public:
  BudgetStage(Stage& next, std::uint64_t rows_max, Runtime& runtime)
      : next_(next), rows_max_(rows_max), runtime_(runtime) {}
  void push(const Tuples& batch) override {
    rows_ += batch.size;
    if (rows_ > rows_max_) {
      runtime_.stop();
      return;
    }
    next_.push(batch);
  }
  void finish() override { next_.finish(); }
  [[nodiscard]] bool exceeded() const { return rows_ > rows_max_; }

 private:
  Stage& next_;
  const std::uint64_t rows_max_;
  Runtime& runtime_;
  std::uint64_t rows_ = 0;
};

// The same for workers that sort together.
class BudgetedTop final : public Stage {
 public:
  BudgetedTop(TopSink top, std::atomic<std::uint64_t>& held, std::uint64_t rows_max, Runtime& runtime)
      : top_(std::move(top)), held_(held), rows_max_(rows_max), runtime_(runtime) {}
  void push(const Tuples& batch) override {
    if (rows_max_ != kNoLimit && held_.fetch_add(batch.size, std::memory_order_relaxed) + batch.size > rows_max_) {
      runtime_.stop();
      return;
    }
    top_.push(batch);
  }
  bool take_selected(const Selection& selection) override {
    return rows_max_ == kNoLimit && top_.take_selected(selection);
  }
  void finish() override { top_.finish(); }
  [[nodiscard]] TopSink& top() { return top_; }

 private:
  TopSink top_;
  std::atomic<std::uint64_t>& held_;
  const std::uint64_t rows_max_;
  Runtime& runtime_;
};

// Groups until what all workers keep of them takes more than the budget; then the run stops.
class BudgetedGroups final : public Stage {
 public:
  BudgetedGroups(const GroupPlan& plan, const query::ReadQuery& read, std::size_t variable_count,
                 std::atomic<std::uint64_t>& held, std::uint64_t bytes_max, Runtime& runtime)
      : groups_(plan, read, variable_count), held_(held), bytes_max_(bytes_max), runtime_(runtime) {}
  void push(const Tuples& batch) override {
    groups_.push(batch);
    watch_bytes();
  }
  bool take_selected(const Selection& selection) override {
    if (!groups_.take_selected(selection)) return false;
    watch_bytes();
    return true;
  }
  void finish() override { groups_.finish(); }
  [[nodiscard]] GroupSink& groups() { return groups_; }

 private:
  void watch_bytes() {
    if (bytes_max_ == 0) return;
    const std::uint64_t now = groups_.held_bytes();
    const std::uint64_t more = now - std::exchange(known_, now);  // may wrap, and so back
    if (held_.fetch_add(more, std::memory_order_relaxed) + more > bytes_max_) runtime_.stop();
  }

  GroupSink groups_;
  std::atomic<std::uint64_t>& held_;
  const std::uint64_t bytes_max_;  // 0: none
  Runtime& runtime_;
  std::uint64_t known_ = 0;
};

class ReadExecution {
 public:
  ReadExecution(Runtime& runtime, const query::ReadQuery& read)
      : runtime_(runtime),
        read_(read),
        scores_(runtime),
        bytes_max_(ReadScope::result_bytes_max()),
        rows_max_(bytes_max_ == 0 ? kNoLimit : bytes_max_ / row_bytes(read)) {
    runtime.set_scores(&scores_);
    context_.runtime = &runtime;
    context_.variable_count = tuple_variable_count(read);
    if (profiling_ != nullptr) context_.profiler = &profiler_.emplace();
  }

  Result<ReadResult> run() {
    OG_RETURN_IF_ERROR(check_plan_limits(read_));
    if (read_.limit.has_value()) {
      OG_ASSIGN_OR_RETURN(window_.limit, row_count(*read_.limit, "limit"));
    }
    if (read_.offset.has_value()) {
      OG_ASSIGN_OR_RETURN(window_.offset, row_count(*read_.offset, "offset"));
    }
    OG_RETURN_IF_ERROR(scores_.prepare(read_));
    for (const query::Projection& projection : read_.projections) collect_fusions(projection.expr);
    Result<ReadResult> result = read_.ranked || !fusions_.empty() ? run_ranked()
                                : read_.aggregates                ? run_grouped()
                                : read_.distinct                  ? run_distinct()
                                : read_.order.empty()             ? run_unordered()
                                                                  : run_ordered();
    OG_RETURN_IF_ERROR(runtime_.check_failure());
    if (runtime_.was_cancelled()) return std::unexpected(Error{Code::kCancelled, "the query was cancelled"});
    if (result && profiling_ != nullptr) write_profile(*result);
    return result;
  }

 private:
  // Notes the plan if a profile is asked for. True: the plan was all that was asked for.
  bool is_only_explained(const Pipeline& pipeline, const char* sink) {
    if (profiling_ == nullptr) return false;
    profiler_->watch(pipeline, runtime_, sink, result_text(runtime_.query()));
    planned_ = Profiler::Clock::now();
    return profiling_->mode() == ProfileScope::Mode::kExplain;
  }

  void write_profile(const ReadResult& result) {
    using Microseconds = std::chrono::duration<double, std::micro>;
    ReadProfile& out = profiling_->profile();
    out.executed = profiling_->mode() == ProfileScope::Mode::kAnalyze;
    out.operators = profiler_->profile(static_cast<std::uint64_t>(result.rows.length));
    out.threads = static_cast<std::uint32_t>(profiler_->threads());
    out.plan_us = Microseconds(planned_ - started_).count();
    out.execute_us = out.executed ? Microseconds(Profiler::Clock::now() - planned_).count() : 0;
  }

  // On the calling thread.
  void run_alone(const Pipeline& pipeline, Stage& sink) {
    run_pipeline(pipeline, context_, sink);
    if (context_.profiler != nullptr) context_.profiler->end_run(1);
  }

  Result<std::uint64_t> row_count(const query::Expr& expr, std::string_view word) const {
    const Value count = value_of(runtime_.scalar(expr));
    if (count.kind == Value::Kind::kUint) return count.natural;
    if (count.kind == Value::Kind::kInt && count.integer >= 0) return static_cast<std::uint64_t>(count.integer);
    return std::unexpected(
        query_error(std::string(word) + " must be a non-negative integer" +
                    (count.kind == Value::Kind::kInt ? ", got " + std::to_string(count.integer) : "")));
  }

  // An rrf score is a rank among all matching rows: they have to be there before one can be told.
  void collect_fusions(const query::Expr& written) {
    const query::Expr& expr = resolve_alias(written, read_);
    if (expr.kind == ExprKind::kRrf) fusions_.push_back(&expr);
    for (const query::Expr& arg : expr.args) collect_fusions(arg);
  }

  VariableSet all_variables() const {
    VariableSet out;
    for (std::size_t v = 0; v < read_.variables.size(); ++v) {
      const query::Variable& variable = read_.variables[v];
      // A path is a value of its ends; only whether an optional one is there is a column.
      if (variable.depth == 0 && (!variable.path || variable.optional)) out.set(v);
    }
    return out;
  }

  Result<ReadResult> run_unordered() {
    PlanRequest request;
    projected_variables(read_, request.wanted);
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    if (is_only_explained(pipeline, "collect") || window_.limit == 0) return empty_result(read_);
    CollectSink sink(list_of(request.wanted), context_.variable_count, window_.end(), &runtime_);
    BudgetStage budget(sink, rows_max_, runtime_);
    run_alone(pipeline, budget);
    if (budget.exceeded()) return std::unexpected(too_large());
    return projected(sink.take());
  }

  Error too_large() const { return ReadScope::too_large(bytes_max_); }

  // A tuple may stand for many equal rows: counted before they are written out.
  Result<ReadResult> projected(Tuples rows) {
    std::uint64_t total = 0;
    const std::uint64_t end = window_.end();
    for (std::size_t i = 0; i < rows.size && total < end; ++i) total += std::min(rows.weight(i), end - total);
    if (total - std::min(total, window_.offset) > rows_max_) return std::unexpected(too_large());
    return project_rows(read_, std::move(rows), window_, runtime_);
  }

  Result<ReadResult> run_ordered() {
    PlanRequest request;
    request.wanted = all_variables();
    OG_ASSIGN_OR_RETURN(Pipeline pipeline, plan_match(runtime_, request));
    OG_ASSIGN_OR_RETURN(const RowOrder order, RowOrder::make(read_, 0, runtime_));
    OG_RETURN_IF_ERROR(start_at_first(pipeline, read_, window_.end(), runtime_));
    if (is_only_explained(pipeline, "order") || window_.limit == 0) return empty_result(read_);
    const std::vector<VariableId> variables = list_of(request.wanted);
    std::atomic<std::uint64_t> held = 0;
    // A sink that keeps fewer rows than the budget needs no counting.
    const std::uint64_t rows_max = window_.end() > rows_max_ ? rows_max_ : kNoLimit;
    const auto make = [&] {
      return std::make_unique<BudgetedTop>(TopSink(order, variables, context_.variable_count, window_.end()), held,
                                           rows_max, runtime_);
    };
    std::unique_ptr<BudgetedTop> all;
    run_on_all_cores<BudgetedTop>(pipeline, context_, make, [&](std::unique_ptr<BudgetedTop> sink) {
      if (all == nullptr) {
        all = std::move(sink);
      } else {
        all->top().absorb(sink->top());
      }
    });
    if (held > rows_max) return std::unexpected(too_large());
    return projected(all->top().take());
  }

  // Without an order any rows will do: enough of them end the work.
  Result<ReadResult> run_distinct() {
    PlanRequest request;
    projected_variables(read_, request.wanted);
    request.merge_at_end = true;
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    OG_ASSIGN_OR_RETURN(const std::vector<RowExpr> keys, bind_projections());
    if (is_only_explained(pipeline, "distinct") || window_.limit == 0) return empty_result(read_);
    const std::vector<VariableId> variables = list_of(request.wanted);
    // Without an order as many as are returned will do; beyond the budget one row more tells it.
    const std::uint64_t rows_enough = read_.order.empty() ? window_.end() : kNoLimit;
    const std::uint64_t rows_last = std::min(rows_enough, rows_max_ == kNoLimit ? kNoLimit : rows_max_ + 1);
    const auto make = [&] {
      return std::make_unique<DistinctSink>(keys, variables, context_.variable_count, rows_last,
                                            rows_last == kNoLimit ? nullptr : &runtime_);
    };
    std::unique_ptr<DistinctSink> all;
    run_on_all_cores<DistinctSink>(pipeline, context_, make, [&](std::unique_ptr<DistinctSink> sink) {
      if (all == nullptr) {
        all = std::move(sink);
      } else {
        all->absorb(*sink);
      }
    });
    Tuples rows = all->take();
    if (rows.size > rows_max_) return std::unexpected(too_large());
    return order_distinct(std::move(rows), variables);
  }

  Result<std::vector<RowExpr>> bind_projections() {
    std::vector<RowExpr> out;
    for (const query::Projection& projection : read_.projections) {
      OG_ASSIGN_OR_RETURN(RowExpr bound, bind_expression(projection.expr, runtime_, WithoutValue::kFails));
      out.push_back(std::move(bound));
    }
    return out;
  }

  Result<ReadResult> order_distinct(Tuples rows, const std::vector<VariableId>& variables) {
    if (!read_.order.empty()) {
      OG_ASSIGN_OR_RETURN(const RowOrder order, RowOrder::make_of_columns(read_, runtime_));
      TopSink top(order, variables, context_.variable_count, window_.end());
      top.push(rows);
      rows = top.take();
    }
    return projected(std::move(rows));
  }

  Result<ReadResult> run_grouped() {
    OG_ASSIGN_OR_RETURN(const GroupPlan plan, GroupPlan::make(read_, runtime_));
    PlanRequest request;
    request.wanted = plan.variables();
    request.merge_at_end = true;
    OG_ASSIGN_OR_RETURN(Pipeline pipeline, plan_match(runtime_, request));
    // A compensated sum may still differ in the last digit; only work that takes long is worth that.
    if (!plan.is_exact_in_parallel()) pipeline.cost /= 20;
    if (is_only_explained(pipeline, "group")) return empty_result(read_);
    const bool whole_groups = pipeline.source.has_value() && pipeline.source->variable == plan.group_by_row() &&
                              hands_on_source_rows(pipeline);
    std::atomic<std::uint64_t> held = 0;
    const auto make = [&] {
      auto sink = std::make_unique<BudgetedGroups>(plan, read_, context_.variable_count, held, bytes_max_, runtime_);
      if (whole_groups) sink->groups().keep_best(window_.end());
      return sink;
    };
    std::unique_ptr<BudgetedGroups> all;
    run_on_all_cores<BudgetedGroups>(pipeline, context_, make, [&](std::unique_ptr<BudgetedGroups> sink) {
      if (all == nullptr) {
        all = std::move(sink);
      } else if (bytes_max_ == 0 || held <= bytes_max_) {
        all->groups().absorb(sink->groups());
      }
    });
    if (bytes_max_ != 0 && held > bytes_max_) return std::unexpected(too_large());
    return all->groups().result(window_, runtime_);
  }

  // All matching rows first, then their order.
  Result<ReadResult> run_ranked() {
    PlanRequest request;
    request.wanted = all_variables();
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    if (is_only_explained(pipeline, "rank")) return empty_result(read_);
    const std::vector<VariableId> variables = list_of(request.wanted);
    CollectSink sink(variables, context_.variable_count);
    // A plain scan's size is known; other estimates are too rough to set memory aside for.
    if (pipeline.source.has_value() && pipeline.operators.empty() && !pipeline.source->is_lookup()) {
      sink.reserve(pipeline.source->filter.empty() ? pipeline.source->table->live_rows() : 0);
    }
    BudgetStage budget(sink, rows_max_, runtime_);
    run_alone(pipeline, budget);
    if (budget.exceeded()) return std::unexpected(too_large());
    const Tuples rows = sink.take();
    OG_ASSIGN_OR_RETURN(const RowOrder ties, RowOrder::make(read_, read_.ranked ? 1 : 0, runtime_));
    Ranking ranking;
    if (read_.ranked) {
      OG_ASSIGN_OR_RETURN(ranking, scores_.rank(resolve_alias(read_.order[0].expr, read_), rows, ties, best_count(),
                                                !read_.aggregates));
    }
    OG_RETURN_IF_ERROR(rank_projected(rows, ties));
    if (window_.limit == 0) return empty_result(read_);
    if (read_.aggregates) return group_ranked(ranking, rows);
    if (read_.ranked) {
      const auto index = ranked_rows(ranking, rows, ties, best_count());
      return project_rows(read_, select_rows(rows, index, variables), window_, runtime_);
    }
    if (read_.distinct) {
      OG_ASSIGN_OR_RETURN(const std::vector<RowExpr> keys, bind_projections());
      DistinctSink sink_of_all(keys, variables, context_.variable_count);
      sink_of_all.push(rows);
      return order_distinct(sink_of_all.take(), variables);
    }
    TopSink top(ties, variables, context_.variable_count, window_.end());
    top.push(rows);
    return projected(top.take());
  }

  // Entities a ranking has to put in order; 0: all.
  [[nodiscard]] std::uint64_t best_count() const { return read_.limit.has_value() ? window_.end() : 0; }

  // Scores of rrf functions that are returned without being the order.
  Result<void> rank_projected(const Tuples& rows, const RowOrder& ties) {
    for (const query::Expr* fusion : fusions_) {
      if (scores_.bind(*fusion).has_value()) continue;
      OG_RETURN_IF_ERROR(scores_.rank(*fusion, rows, ties, best_count(), false));
    }
    return {};
  }

  Result<ReadResult> group_ranked(const Ranking& ranking, const Tuples& rows) {
    OG_ASSIGN_OR_RETURN(const GroupPlan plan, GroupPlan::make(read_, runtime_));
    GroupSink sink(plan, read_, context_.variable_count);
    if (!read_.ranked) {
      sink.push(rows);
      return sink.result(window_, runtime_);
    }
    OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(runtime_.type_of(ranking.variable)));
    constexpr std::uint32_t kExcluded = 0xffffffffu;
    std::vector<std::uint32_t> places(table->physical_rows(), kExcluded);
    for (std::size_t i = 0; i < ranking.entities.size(); ++i) places[ranking.entities[i]] = ranking.place[i];
    std::vector<std::uint8_t> mask(rows.size);
    for (std::size_t i = 0; i < rows.size; ++i) {
      mask[i] = places[rows.columns[ranking.variable][i]] != kExcluded ? 1 : 0;
    }
    Tuples kept(context_.variable_count);
    keep_rows(rows, mask, list_of(all_variables()), kept);
    sink.rank_by(ranking.variable, &places);
    sink.push(kept);
    return sink.result(window_, runtime_);
  }

  Runtime& runtime_;
  const query::ReadQuery& read_;
  RankScores scores_;
  std::vector<const query::Expr*> fusions_;  // rrf functions that are returned
  Window window_;
  const std::uint64_t bytes_max_;  // 0: none
  const std::uint64_t rows_max_;   // what fits bytes_max_
  StageContext context_;
  ProfileScope* const profiling_ = ProfileScope::current();  // null: no profile is asked for
  std::optional<Profiler> profiler_;
  const Profiler::Clock::time_point started_ =
      profiling_ == nullptr ? Profiler::Clock::time_point() : Profiler::Clock::now();
  Profiler::Clock::time_point planned_;
};

}  // namespace

Result<ReadResult> execute_read(const query::BoundQuery& query, const std::vector<columnar::Scalar>& parameters,
                                const graph::Snapshot& snapshot, const ReadContext& context) {
  if (!query.read.has_value()) {
    return std::unexpected(bad_request("query '" + query.name + "' is a mutation; run it as one"));
  }
  ReadContext scoped = context;
  if (!scoped.cancelled) scoped.cancelled = ReadScope::cancelled();
  Runtime runtime(query, parameters, snapshot, scoped);
  return ReadExecution(runtime, *query.read).run();
}

}  // namespace omnigraph::exec
