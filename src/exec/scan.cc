// Sources: one row by key, or every live row that passes the filters.
#include <algorithm>
#include <array>
#include <bit>

#include "exec/plan.h"

namespace omnigraph::exec {
namespace {

// Clears the mask of deleted rows. `first` is a multiple of 64.
void mask_deleted(std::span<const std::uint64_t> deleted, Ordinal first, std::span<std::uint8_t> mask) {
  if (deleted.empty()) return;
  for (std::size_t i = 0; i < mask.size(); i += 64) {
    std::uint64_t word = deleted[(first + i) >> 6];
    for (; word != 0; word &= word - 1) {
      const std::size_t at = i + static_cast<std::size_t>(std::countr_zero(word));
      if (at < mask.size()) mask[at] = 0;
    }
  }
}

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

}  // namespace

void push_scan(const ScanSource& source, Ordinal begin, Ordinal end, std::size_t variable_count, Runtime& runtime,
               Stage& stage) {
  if (source.by_key) {
    if (begin == 0) push_one(source, variable_count, stage);
    return;
  }
  const auto deleted = source.table->deleted_words();
  Tuples batch(variable_count);
  std::vector<Ordinal>& out = batch.columns[source.variable];
  std::array<std::uint8_t, kBatchRows> mask_storage;
  for (Ordinal first = begin; first < end && !runtime.poll_cancelled();) {
    const std::size_t count = std::min<std::size_t>(kBatchRows, end - first);
    out.resize(count);
    std::size_t kept = 0;
    if (source.filter.empty() && deleted.empty()) {
      for (; kept < count; ++kept) out[kept] = first + static_cast<Ordinal>(kept);
    } else {
      const std::span<std::uint8_t> mask(mask_storage.data(), count);
      std::ranges::fill(mask, std::uint8_t{1});
      mask_deleted(deleted, first, mask);
      source.filter.mask_range(first, mask);
      for (std::size_t i = 0; i < count; ++i) {  // Without a branch: half the rows passing is the common worst case.
        out[kept] = first + static_cast<Ordinal>(i);
        kept += mask[i];
      }
    }
    out.resize(kept);
    batch.size = kept;
    if (kept > 0) stage.push(batch);
    first += static_cast<Ordinal>(count);
  }
}

void run_pipeline(const Pipeline& pipeline, const StageContext& context, Stage& sink) {
  Chain chain(pipeline, context, sink);
  if (!pipeline.empty) {
    if (pipeline.source.has_value()) {
      push_scan(*pipeline.source, 0, pipeline.source->by_key ? 1 : pipeline.source->table->physical_rows(),
                context.variable_count, *context.runtime, chain.head());
    } else {
      Tuples unit(context.variable_count);
      unit.size = 1;
      chain.head().push(unit);
    }
  }
  chain.head().finish();
}

Chain::Chain(const Pipeline& pipeline, const StageContext& context, Stage& sink) : head_(&sink) {
  for (auto it = pipeline.operators.rbegin(); it != pipeline.operators.rend(); ++it) {
    stages_.push_back((*it)->open(context, *head_));
    head_ = stages_.back().get();
  }
}

}  // namespace omnigraph::exec
