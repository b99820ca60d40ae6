#include "exec/sum_kernel.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// The eight bits of group `i`.
inline unsigned group_bits(const std::uint64_t* words, std::size_t i) {
  return static_cast<unsigned>(words[i / 8] >> (i % 8 * 8)) & 0xffu;
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void add_groups_avx2(const double* values, std::size_t groups, double* sums, double* errors) {
  add_groups(values, groups, sums, errors);
}

// Values that are not selected count as 0.0, which changes neither a sum nor its error.
[[gnu::target("avx2")]] void add_selected_avx2(const double* values, std::size_t groups, const std::uint64_t* words,
                                               double* sums, double* errors) {
  const __m256i low_bits = _mm256_setr_epi64x(1, 2, 4, 8);
  const __m256i high_bits = _mm256_setr_epi64x(16, 32, 64, 128);
  __m256d sum[2] = {_mm256_load_pd(sums), _mm256_load_pd(sums + 4)};
  __m256d error[2] = {_mm256_load_pd(errors), _mm256_load_pd(errors + 4)};
  for (std::size_t i = 0; i < groups; ++i) {
    const __m256i bits = _mm256_set1_epi64x(group_bits(words, i));
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256i place = half == 0 ? low_bits : high_bits;
      const __m256i chosen = _mm256_cmpeq_epi64(_mm256_and_si256(bits, place), place);
      const __m256d value =
          _mm256_and_pd(_mm256_castsi256_pd(chosen), _mm256_loadu_pd(values + i * LaneSums::kLanes + half * 4));
      const __m256d before = sum[half];
      sum[half] = _mm256_add_pd(before, value);
      const __m256d gained = _mm256_sub_pd(sum[half], before);
      error[half] = _mm256_add_pd(error[half], _mm256_add_pd(_mm256_sub_pd(before, _mm256_sub_pd(sum[half], gained)),
                                                             _mm256_sub_pd(value, gained)));
    }
  }
  for (std::size_t half = 0; half < 2; ++half) {
    _mm256_store_pd(sums + half * 4, sum[half]);
    _mm256_store_pd(errors + half * 4, error[half]);
  }
}

[[gnu::target("avx512f")]] void add_selected_avx512(const double* values, std::size_t groups,
                                                    const std::uint64_t* words, double* sums, double* errors) {
  __m512d sum = _mm512_load_pd(sums);
  __m512d error = _mm512_load_pd(errors);
  for (std::size_t i = 0; i < groups; ++i) {
    const auto bits = static_cast<__mmask8>(group_bits(words, i));
    const __m512d value = _mm512_maskz_loadu_pd(bits, values + i * LaneSums::kLanes);
    const __m512d before = sum;
    sum = _mm512_add_pd(before, value);
    const __m512d gained = _mm512_sub_pd(sum, before);
    error = _mm512_add_pd(
        error, _mm512_add_pd(_mm512_sub_pd(before, _mm512_sub_pd(sum, gained)), _mm512_sub_pd(value, gained)));
  }
  _mm512_store_pd(sums, sum);
  _mm512_store_pd(errors, error);
}
#endif

}  // namespace

void LaneSums::add_one(std::size_t lane, double value) {
  const double before = sums_[lane];
  const double sum = before + value;
  const double gained = sum - before;
  errors_[lane] += (before - (sum - gained)) + (value - gained);
  sums_[lane] = sum;
}

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
  for (std::size_t i = groups * kLanes; i < count; ++i) add_one(i % kLanes, values[i]);
}

void LaneSums::add_selected(const double* values, std::size_t count, const std::uint64_t* words) {
  std::size_t groups = 0;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  static const bool widest = __builtin_cpu_supports("avx512f") != 0;
  if (wide) groups = count / kLanes;
  if (widest) {
    add_selected_avx512(values, groups, words, sums_.data(), errors_.data());
  } else if (wide) {
    add_selected_avx2(values, groups, words, sums_.data(), errors_.data());
  }
#endif
  for (std::size_t i = groups * kLanes; i < count; ++i) {
    if (((words[i / 64] >> (i % 64)) & 1u) == 0) continue;
    double value;
    std::memcpy(&value, values + i, sizeof(value));
    add_one(i % kLanes, value);
  }
}

}  // namespace omnigraph::exec
