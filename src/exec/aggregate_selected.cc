// Aggregates without group keys over rows that are still a bitmap: no row is listed, values are read where they lie.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "exec/aggregate.h"
#include "exec/sum_kernel.h"

namespace omnigraph::exec {
namespace {

using columnar::TypeId;
using query::Aggregate;

// The part of a selection that lies in one chunk of a column, nulls dropped.
struct SelectedRun {
  const columnar::Array* chunk;
  std::size_t begin;  // of the run, in the chunk's buffers
  std::size_t count;
  std::array<std::uint64_t, Selection::kWordsMax> words;

  [[nodiscard]] std::size_t word_count() const { return (count + 63) / 64; }
  [[nodiscard]] std::uint64_t passing() const {
    std::uint64_t sum = 0;
    for (std::size_t w = 0; w < word_count(); ++w) sum += static_cast<std::uint64_t>(std::popcount(words[w]));
    return sum;
  }
};

template <class Each>
void for_each_run(const Column& column, const Selection& selection, Each&& each) {
  const columnar::ChunkedArray& data = column.data();
  const auto* selected = reinterpret_cast<const std::byte*>(selection.words().data());
  SelectedRun run;
  for (std::size_t done = 0; done < selection.row_count(); done += run.count) {
    const auto place = data.locate(static_cast<std::int64_t>(selection.first()) + static_cast<std::int64_t>(done));
    run.chunk = data.chunk(place.chunk).get();
    run.begin = static_cast<std::size_t>(run.chunk->offset() + place.index);
    run.count = std::min(selection.row_count() - done, static_cast<std::size_t>(run.chunk->length() - place.index));
    for (std::size_t w = 0; w < run.word_count(); ++w) {
      run.words[w] = bits_at(selected, done + w * 64, done + run.count);
      if (run.chunk->has_nulls()) {
        run.words[w] &= bits_at(run.chunk->validity_buffer().data(), run.begin + w * 64, run.begin + run.count);
      }
    }
    each(run);
  }
}

// each(T()) for the stored type of a numeric column.
template <class Each>
void with_number_type(TypeId type, Each&& each) {
  switch (type) {
    case TypeId::kInt32: return each(std::int32_t());
    case TypeId::kInt64: return each(std::int64_t());
    case TypeId::kUint32: return each(std::uint32_t());
    case TypeId::kUint64: return each(std::uint64_t());
    case TypeId::kFloat32: return each(float());
    default: return each(double());
  }
}

void sum_run(const SelectedRun& run, LaneSums& sums) {
  const std::byte* values = run.chunk->values_buffer().data();
  if (run.chunk->type().id == TypeId::kFloat64) {
    sums.add_selected(reinterpret_cast<const double*>(values) + run.begin, run.count, run.words.data());
    return;
  }
  with_number_type(run.chunk->type().id, [&]<class T>(T) {
    constexpr std::size_t kSliceRows = 512;
    std::array<double, kSliceRows> slice;
    for (std::size_t begin = 0; begin < run.count; begin += kSliceRows) {
      const std::size_t count = std::min(kSliceRows, run.count - begin);
      const std::byte* from = values + (run.begin + begin) * sizeof(T);
      for (std::size_t i = 0; i < count; ++i) {
        T v;
        __builtin_memcpy(&v, from + i * sizeof(T), sizeof(T));
        slice[i] = static_cast<double>(v);
      }
      sums.add_selected(slice.data(), count, run.words.data() + begin / 64);
    }
  });
}

// a comes before b in the total order of numbers, where NaN is the greatest.
template <class T>
bool number_before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  }
  return a < b;
}

// Place in the chunk of the first smallest or greatest value. REQUIRES: one passes.
std::int64_t extreme_of_run(const SelectedRun& run, bool minimum) {
  std::int64_t best_place = -1;
  with_number_type(run.chunk->type().id, [&]<class T>(T best) {
    for (std::size_t w = 0; w < run.word_count(); ++w) {
      for (std::uint64_t bits = run.words[w]; bits != 0; bits &= bits - 1) {
        const auto place = static_cast<std::int64_t>(run.begin + w * 64) + std::countr_zero(bits) - run.chunk->offset();
        const T v = run.chunk->value<T>(place);
        if (best_place >= 0 && !(minimum ? number_before(v, best) : number_before(best, v))) continue;
        best = v;
        best_place = place;
      }
    }
  });
  return best_place;
}

}  // namespace

bool GroupSink::adds_selected(VariableId variable) const {
  if (!all_one_group_ || rank_places_ != nullptr || wanted_groups_ > 0) return false;
  return std::ranges::all_of(plan_.computed_, [&](const GroupPlan::Computed& computed) {
    if (computed.counts_rows) return true;
    return computed.numbers != nullptr && computed.argument.variable == variable && !computed.distinct_rows &&
           !computed.distinct_values;
  });
}

bool GroupSink::take_selected(const Selection& selection) {
  if (!adds_selected(selection.variable())) return false;
  const std::size_t rows = selection.passing();
  if (rows == 0) return true;
  if (group_count_ == 0) new_group(Tuples(), 0);
  for (std::size_t a = 0; a < states_.size(); ++a) {
    if (plan_.computed_[a].counts_rows) {
      states_[a].counts[0] += rows;
    } else {
      add_selected(a, selection);
    }
  }
  return true;
}

void GroupSink::add_selected(std::size_t a, const Selection& selection) {
  const GroupPlan::Computed& computed = plan_.computed_[a];
  States& states = states_[a];
  LaneSums sums;
  for_each_run(*computed.numbers, selection, [&](const SelectedRun& run) {
    const std::uint64_t rows = run.passing();
    if (rows == 0) return;
    states.counts[0] += rows;
    if (!states.sums.empty()) sum_run(run, sums);
    if (states.extremes.empty()) return;
    const bool minimum = computed.function == Aggregate::kMin;
    take_extreme(states, minimum, 0, value_at(*run.chunk, extreme_of_run(run, minimum)));
  });
  if (!states.sums.empty()) add_lanes(states, sums);
}

}  // namespace omnigraph::exec
