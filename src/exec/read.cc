// A read from plan to result: which variables the result needs, which sink takes them, and how many threads.
#include "exec/read.h"

#include <algorithm>
#include <limits>

#include "base/task_pool.h"
#include "exec/aggregate.h"
#include "exec/collect.h"
#include "exec/operators.h"
#include "exec/project.h"
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
    join(std::move(sink));
    return;
  }
  std::vector<std::unique_ptr<Sink>> sinks;
  for (std::size_t w = 0; w < workers; ++w) sinks.push_back(make_sink());
  const std::uint64_t rows = pipeline.source->table->physical_rows();
  // Whole words of the deletion bitmap.
  const std::uint64_t step = std::max<std::uint64_t>(64, rows / (workers * kRangesPerWorker) / 64 * 64);
  std::atomic<std::uint64_t> next = 0;
  pool.parallel_for(workers, [&](std::size_t w) {
    Chain chain(pipeline, context, *sinks[w]);
    for (std::uint64_t begin = next.fetch_add(step); begin < rows; begin = next.fetch_add(step)) {
      push_scan(*pipeline.source, static_cast<Ordinal>(begin), static_cast<Ordinal>(std::min(begin + step, rows)),
                context.variable_count, *context.runtime, chain.head());
    }
    chain.head().finish();
  });
  for (auto& sink : sinks) join(std::move(sink));
}

std::vector<VariableId> list_of(const VariableSet& set) {
  std::vector<VariableId> out;
  for (std::size_t v = set._Find_first(); v < set.size(); v = set._Find_next(v))
    out.push_back(static_cast<VariableId>(v));
  return out;
}

class ReadExecution {
 public:
  ReadExecution(Runtime& runtime, const query::ReadQuery& read)
      : runtime_(runtime), read_(read), scores_(runtime), limit_(read.limit.value_or(kNoLimit)) {
    context_.runtime = &runtime;
    context_.variable_count = tuple_variable_count(read);
  }

  Result<ReadResult> run() {
    OG_RETURN_IF_ERROR(check_plan_limits(read_));
    OG_RETURN_IF_ERROR(scores_.prepare(read_));
    const bool fusion = needs_fusion_scores();
    Result<ReadResult> result = read_.ranked || fusion ? run_ranked()
                                : read_.aggregates     ? run_grouped()
                                : read_.order.empty()  ? run_unordered()
                                                       : run_ordered();
    if (runtime_.was_cancelled()) return std::unexpected(Error{Code::kCancelled, "the query was cancelled"});
    return result;
  }

 private:
  // An rrf score is a rank among all matching rows: they have to be there before one can be told.
  bool needs_fusion_scores() const {
    for (const query::Projection& projection : read_.projections) {
      const query::Expr& expr = resolve_alias(projection.expr, read_);
      if (expr.kind == ExprKind::kRrf) return true;
      for (const query::Expr& arg : expr.args) {
        if (arg.kind == ExprKind::kRrf) return true;
      }
    }
    return false;
  }

  VariableSet all_variables() const {
    VariableSet out;
    for (std::size_t v = 0; v < read_.variables.size(); ++v) {
      if (read_.variables[v].depth == 0) out.set(v);
    }
    return out;
  }

  Result<ReadResult> run_unordered() {
    PlanRequest request;
    projected_variables(read_, request.wanted);
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    if (limit_ == 0) return empty_result(read_);
    CollectSink sink(list_of(request.wanted), context_.variable_count, limit_, &runtime_);
    run_pipeline(pipeline, context_, sink);
    return project_rows(read_, sink.take(), limit_, scores_, runtime_);
  }

  Result<ReadResult> run_ordered() {
    PlanRequest request;
    request.wanted = all_variables();
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    OG_ASSIGN_OR_RETURN(const RowOrder order, RowOrder::make(read_, 0, runtime_));
    if (limit_ == 0) return empty_result(read_);
    const std::vector<VariableId> variables = list_of(request.wanted);
    const auto make = [&] { return std::make_unique<TopSink>(order, variables, context_.variable_count, limit_); };
    std::unique_ptr<TopSink> all;
    run_on_all_cores<TopSink>(pipeline, context_, make, [&](std::unique_ptr<TopSink> sink) {
      if (all == nullptr) {
        all = std::move(sink);
      } else {
        all->absorb(*sink);
      }
    });
    return project_rows(read_, all->take(), limit_, scores_, runtime_);
  }

  Result<ReadResult> run_grouped() {
    OG_ASSIGN_OR_RETURN(const GroupPlan plan, GroupPlan::make(read_, scores_, runtime_));
    PlanRequest request;
    request.wanted = plan.variables();
    request.merge_at_end = true;
    OG_ASSIGN_OR_RETURN(Pipeline pipeline, plan_match(runtime_, request));
    // A compensated sum may still differ in the last digit; only work that takes long is worth that.
    if (!plan.is_exact_in_parallel()) pipeline.cost /= 20;
    const auto make = [&] { return std::make_unique<GroupSink>(plan, read_, context_.variable_count); };
    std::unique_ptr<GroupSink> all;
    run_on_all_cores<GroupSink>(pipeline, context_, make, [&](std::unique_ptr<GroupSink> sink) {
      if (all == nullptr) {
        all = std::move(sink);
      } else {
        all->absorb(*sink);
      }
    });
    return all->result(limit_, runtime_);
  }

  // All matching rows first, then their order.
  Result<ReadResult> run_ranked() {
    PlanRequest request;
    request.wanted = all_variables();
    OG_ASSIGN_OR_RETURN(const Pipeline pipeline, plan_match(runtime_, request));
    const std::vector<VariableId> variables = list_of(request.wanted);
    CollectSink sink(variables, context_.variable_count);
    // A plain scan's size is known; other estimates are too rough to set memory aside for.
    if (pipeline.source.has_value() && pipeline.operators.empty() && !pipeline.source->by_key) {
      sink.reserve(pipeline.source->filter.empty() ? pipeline.source->table->live_rows() : 0);
    }
    run_pipeline(pipeline, context_, sink);
    const Tuples rows = sink.take();
    OG_ASSIGN_OR_RETURN(const RowOrder ties, RowOrder::make(read_, read_.ranked ? 1 : 0, runtime_));
    Ranking ranking;
    if (read_.ranked) {
      OG_ASSIGN_OR_RETURN(ranking, scores_.rank(resolve_alias(read_.order[0].expr, read_), rows, ties,
                                                read_.limit.value_or(0), !read_.aggregates));
    }
    OG_RETURN_IF_ERROR(rank_projected(rows, ties));
    if (read_.limit.has_value() && *read_.limit == 0) return empty_result(read_);
    if (read_.aggregates) return group_ranked(ranking, rows);
    if (read_.ranked) {
      const auto index = ranked_rows(ranking, rows, ties, read_.limit.value_or(0));
      return project_rows(read_, select_rows(rows, index, variables), limit_, scores_, runtime_);
    }
    TopSink top(ties, variables, context_.variable_count, limit_);
    top.push(rows);
    return project_rows(read_, top.take(), limit_, scores_, runtime_);
  }

  // Scores of rrf functions that are returned without being the order.
  Result<void> rank_projected(const Tuples& rows, const RowOrder& ties) {
    for (const query::Projection& projection : read_.projections) {
      const query::Expr* expr = &resolve_alias(projection.expr, read_);
      if (expr->kind == ExprKind::kAggregate) expr = &resolve_alias(expr->args[0], read_);
      if (expr->kind != ExprKind::kRrf || scores_.bind(*expr).has_value()) continue;
      OG_RETURN_IF_ERROR(scores_.rank(*expr, rows, ties, read_.limit.value_or(0), false));
    }
    return {};
  }

  Result<ReadResult> group_ranked(const Ranking& ranking, const Tuples& rows) {
    OG_ASSIGN_OR_RETURN(const GroupPlan plan, GroupPlan::make(read_, scores_, runtime_));
    GroupSink sink(plan, read_, context_.variable_count);
    if (!read_.ranked) {
      sink.push(rows);
      return sink.result(limit_, runtime_);
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
    return sink.result(limit_, runtime_);
  }

  Runtime& runtime_;
  const query::ReadQuery& read_;
  RankScores scores_;
  const std::uint64_t limit_;
  StageContext context_;
};

}  // namespace

Result<ReadResult> execute_read(const query::BoundQuery& query, const std::vector<columnar::Scalar>& parameters,
                                const graph::Snapshot& snapshot, const ReadContext& context) {
  if (!query.read.has_value()) {
    return std::unexpected(bad_request("query '" + query.name + "' is a mutation; run it as one"));
  }
  Runtime runtime(query, parameters, snapshot, context);
  return ReadExecution(runtime, *query.read).run();
}

}  // namespace omnigraph::exec
