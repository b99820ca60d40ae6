#include "exec/distance_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace omnigraph::exec {
namespace {

// One vector, for every processor: several sums side by side, so that the compiler can use registers of any width.
float distance_of_one(const float* vector, std::span<const float> query) {
  constexpr std::size_t kSums = 8;
  float sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= query.size(); i += kSums) {
    for (std::size_t j = 0; j < kSums; ++j) {
      const float d = vector[i + j] - query[i + j];
      sums[j] += d * d;
    }
  }
  float sum = ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
  for (; i < query.size(); ++i) sum += (vector[i] - query[i]) * (vector[i] - query[i]);
  return sum;
}

#if defined(__x86_64__)
// Four vectors: a part of the query is loaded once for all of them.
[[gnu::target("avx2,fma")]] void distances_of_four(const float* const* vectors, std::span<const float> query,
                                                   float* out) {
  constexpr std::size_t kLanes = 8;
  __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  std::size_t i = 0;
  for (; i + kLanes <= query.size(); i += kLanes) {
    const __m256 q = _mm256_loadu_ps(query.data() + i);
    for (std::size_t v = 0; v < 4; ++v) {
      const __m256 d = _mm256_sub_ps(_mm256_loadu_ps(vectors[v] + i), q);
      sums[v] = _mm256_fmadd_ps(d, d, sums[v]);
    }
  }
  const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(sums[0], sums[1]), _mm256_hadd_ps(sums[2], sums[3]));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
  for (; i < query.size(); ++i) {
    for (std::size_t v = 0; v < 4; ++v) {
      const float d = vectors[v][i] - query[i];
      out[v] += d * d;
    }
  }
}
#endif

}  // namespace

void squared_distances(std::span<const float* const> vectors, std::span<const float> query, float* out) {
  std::size_t i = 0;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (wide) {
    for (; i + 4 <= vectors.size(); i += 4) distances_of_four(vectors.data() + i, query, out + i);
  }
#endif
  for (; i < vectors.size(); ++i) out[i] = distance_of_one(vectors[i], query);
}

}  // namespace omnigraph::exec
