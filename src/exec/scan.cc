// Sources: one row by key, or every live row that passes the filters.
#include <algorithm>
#include <array>

#include "exec/plan.h"
#include "exec/profiler.h"

namespace omnigraph::exec {
namespace {

void push_one(const ScanSource& source, std::size_t variable_count, Stage& stage) {
  if (source.row == kNoOrdinal) return;
  std::uint8_t keep = 1;
  source.filter.mask_rows({&source.row, 1}, {&keep, 1});
  if (keep == 0) return;
  Tuples one(variable_count);
  one.columns[source.variable].push_back(source.row);
  one.size = 1;
  stage.push(one);
}

// Rows found by keys or an ordered index. Deleted ones are not among them.
void push_listed(const ScanSource& source, Ordinal begin, Ordinal end, std::size_t variable_count, Runtime& runtime,
                 Stage& stage) {
  const std::span<const Ordinal> listed = std::span(*source.listed).subspan(begin, end - begin);
  Tuples batch(variable_count);
  std::vector<Ordinal>& out = batch.columns[source.variable];
  std::array<std::uint8_t, kBatchRows> mask_storage;
  for (std::size_t first = 0; first < listed.size() && !runtime.poll_cancelled(); first += kBatchRows) {
    const std::span<const Ordinal> rows = listed.subspan(first, std::min(kBatchRows, listed.size() - first));
    const std::span<std::uint8_t> mask(mask_storage.data(), rows.size());
    std::ranges::fill(mask, std::uint8_t{1});
    source.filter.mask_rows(rows, mask);
    out.clear();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (mask[i] != 0) out.push_back(rows[i]);
    }
    batch.size = out.size();
    if (batch.size > 0) stage.push(batch);
  }
}

}  // namespace

void push_scan(const ScanSource& source, Ordinal begin, Ordinal end, std::size_t variable_count, Runtime& runtime,
               Stage& stage) {
  if (source.by_key) {
    if (begin == 0) push_one(source, variable_count, stage);
    return;
  }
  if (source.listed.has_value()) {
    push_listed(source, begin, end, variable_count, runtime, stage);
    return;
  }
  const auto deleted = source.table->deleted_words();
  Selection selection;
  Tuples batch(variable_count);
  std::vector<Ordinal>& out = batch.columns[source.variable];
  std::array<Ordinal, Selection::kListedMax> passing;
  for (Ordinal first = begin; first < end && !runtime.poll_cancelled();) {
    const std::size_t count = std::min<std::size_t>(Selection::kRowsMax, end - first);
    selection.select_all(source.variable, first, count);
    selection.drop(deleted);
    source.filter.select(selection);
    first += static_cast<Ordinal>(count);
    if (stage.take_selected(selection)) continue;
    const std::size_t kept = selection.list(passing.data());
    out.assign(passing.begin(), passing.begin() + static_cast<std::ptrdiff_t>(kept));
    batch.size = kept;
    if (kept > 0) stage.push(batch);
  }
}

void run_pipeline(const Pipeline& pipeline, const StageContext& context, Stage& sink) {
  Chain chain(pipeline, context, sink);
  const Profiler::SourceTimer timer(context.profiler, pipeline);
  if (!pipeline.empty) {
    if (pipeline.source.has_value()) {
      push_scan(*pipeline.source, 0, static_cast<Ordinal>(pipeline.source->extent()), context.variable_count,
                *context.runtime, chain.head());
    } else {
      Tuples unit(context.variable_count);
      unit.size = 1;
      chain.head().push(unit);
    }
  }
  chain.head().finish();
}

Chain::Chain(const Pipeline& pipeline, const StageContext& context, Stage& sink) : head_(&sink) {
  const auto prepend = [&](std::unique_ptr<Stage> stage) {
    stages_.push_back(std::move(stage));
    head_ = stages_.back().get();
  };
  for (std::size_t i = pipeline.operators.size();; --i) {
    if (context.profiler != nullptr) prepend(context.profiler->meter(pipeline, i, *head_));
    if (i == 0) break;
    prepend(pipeline.operators[i - 1]->open(context, *head_));
  }
}

}  // namespace omnigraph::exec
