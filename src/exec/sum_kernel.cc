#include "exec/sum_kernel.h"

#include <cstring>

namespace omnigraph::exec {
namespace {

using LaneVector [[gnu::vector_size(64)]] = double;
static_assert(sizeof(LaneVector) == LaneSums::kLanes * sizeof(double));

// Adds whole groups of lanes. The compiler splits a group into what the processor has.
[[gnu::always_inline]] inline void add_groups(const double* values, std::size_t groups, double* sums, double* errors) {
  LaneVector sum;
  LaneVector error;
  std::memcpy(&sum, sums, sizeof(LaneVector));
  std::memcpy(&error, errors, sizeof(LaneVector));
  for (std::size_t i = 0; i < groups; ++i) {
    LaneVector value;
    std::memcpy(&value, values + i * LaneSums::kLanes, sizeof(LaneVector));
    const LaneVector before = sum;
    sum = before + value;
    const LaneVector gained = sum - before;
    error += (before - (sum - gained)) + (value - gained);
  }
  std::memcpy(sums, &sum, sizeof(LaneVector));
  std::memcpy(errors, &error, sizeof(LaneVector));
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void add_groups_avx2(const double* values, std::size_t groups, double* sums, double* errors) {
  add_groups(values, groups, sums, errors);
}
#endif

}  // namespace

void LaneSums::add(const double* values, std::size_t count) {
  const std::size_t groups = count / kLanes;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) {
    add_groups_avx2(values, groups, sums_.data(), errors_.data());
  } else {
    add_groups(values, groups, sums_.data(), errors_.data());
  }
#else
  add_groups(values, groups, sums_.data(), errors_.data());
#endif
  for (std::size_t i = groups * kLanes; i < count; ++i) {
    const std::size_t lane = i % kLanes;
    const double before = sums_[lane];
    const double sum = before + values[i];
    const double gained = sum - before;
    errors_[lane] += (before - (sum - gained)) + (values[i] - gained);
    sums_[lane] = sum;
  }
}

}  // namespace omnigraph::exec
