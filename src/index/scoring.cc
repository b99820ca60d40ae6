// Numbers of search: edit distance, BM25, squared distance (chapter 04 sections 1.2, 1.3, 2.1).
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/result.h"
#include "index/text_analysis.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace omnigraph::index {
namespace {

// One row of the Levenshtein matrix at a time, only the cells within `limit` of the diagonal.
// REQUIRES: a.size() <= b.size(), their difference <= limit, row.size() > a.size().
std::uint32_t banded_distance(std::u32string_view a, std::u32string_view b, std::uint32_t limit,
                              std::span<std::uint32_t> row) {
  const std::uint32_t beyond = limit + 1;
  for (std::size_t j = 0; j <= a.size(); ++j) row[j] = static_cast<std::uint32_t>(std::min<std::size_t>(j, beyond));
  for (std::size_t i = 1; i <= b.size(); ++i) {
    const std::size_t first = i > limit ? i - limit : 1;
    const std::size_t last = std::min<std::size_t>(a.size(), i + limit);
    if (first > last) return beyond;
    std::uint32_t diagonal = row[first - 1];
    // Left of the band nothing is within the limit, but for the first column.
    row[first - 1] = first == 1 ? static_cast<std::uint32_t>(std::min<std::size_t>(i, beyond)) : beyond;
    std::uint32_t least = row[first - 1];
    for (std::size_t j = first; j <= last; ++j) {
      const std::uint32_t above = j == i + limit ? beyond : row[j];
      const std::uint32_t replaced = diagonal + (b[i - 1] == a[j - 1] ? 0u : 1u);
      diagonal = row[j];
      row[j] = std::min({replaced, above + 1, row[j - 1] + 1, beyond});
      least = std::min(least, row[j]);
    }
    if (least > limit) return beyond;
  }
  return std::min(row[a.size()], beyond);
}

constexpr std::size_t kLanes = 16;

double sum_lanes(std::array<double, kLanes>& lane) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

void add_rest(const float* a, const float* b, std::size_t begin, std::size_t size, std::array<double, kLanes>& lane) {
  for (std::size_t i = begin; i < size; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    lane[i - begin] += difference * difference;
  }
}

double squared_distance_portable(const float* a, const float* b, std::size_t size) {
  std::array<double, kLanes> lane{};
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      const double difference = static_cast<double>(a[i + j]) - static_cast<double>(b[i + j]);
      lane[j] += difference * difference;
    }
  }
  add_rest(a, b, i, size, lane);
  return sum_lanes(lane);
}

#if defined(__x86_64__)
// Without FMA, which would round once where the portable path rounds twice.
__attribute__((target("avx2"))) inline __m256d squares_avx2(const float* a, const float* b) {
  const __m256d difference = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(a)), _mm256_cvtps_pd(_mm_loadu_ps(b)));
  return _mm256_mul_pd(difference, difference);
}

__attribute__((target("avx2"))) double squared_distance_avx2(const float* a, const float* b, std::size_t size) {
  __m256d sum0 = _mm256_setzero_pd();
  __m256d sum1 = _mm256_setzero_pd();
  __m256d sum2 = _mm256_setzero_pd();
  __m256d sum3 = _mm256_setzero_pd();
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    sum0 = _mm256_add_pd(sum0, squares_avx2(a + i, b + i));
    sum1 = _mm256_add_pd(sum1, squares_avx2(a + i + 4, b + i + 4));
    sum2 = _mm256_add_pd(sum2, squares_avx2(a + i + 8, b + i + 8));
    sum3 = _mm256_add_pd(sum3, squares_avx2(a + i + 12, b + i + 12));
  }
  std::array<double, kLanes> lane;
  _mm256_storeu_pd(lane.data(), sum0);
  _mm256_storeu_pd(lane.data() + 4, sum1);
  _mm256_storeu_pd(lane.data() + 8, sum2);
  _mm256_storeu_pd(lane.data() + 12, sum3);
  add_rest(a, b, i, size, lane);
  return sum_lanes(lane);
}
#endif

}  // namespace

std::uint32_t edit_distance(std::u32string_view a, std::u32string_view b, std::uint32_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  while (!a.empty() && a.front() == b.front()) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  while (!a.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
  // No distance exceeds the longer size, so a larger limit says no more.
  const auto bound = static_cast<std::uint32_t>(std::min<std::size_t>(limit, b.size()));
  if (b.size() - a.size() > bound) return limit + 1;
  if (a.empty()) return static_cast<std::uint32_t>(b.size());

  std::array<std::uint32_t, 64> small;
  std::uint32_t distance = 0;
  if (a.size() < small.size()) {
    distance = banded_distance(a, b, bound, small);
  } else {
    std::vector<std::uint32_t> row(a.size() + 1);
    distance = banded_distance(a, b, bound, row);
  }
  return distance > bound ? limit + 1 : distance;
}

Bm25Scorer::Bm25Scorer(const Bm25Statistics& statistics) : average_length_(statistics.average_length) {
  idf_.reserve(statistics.document_frequency.size());
  const auto rows = static_cast<double>(statistics.row_count);
  for (const std::uint64_t frequency : statistics.document_frequency) {
    const auto n = static_cast<double>(frequency);
    idf_.push_back(std::log(1.0 + (rows - n + 0.5) / (n + 0.5)));
  }
}

double Bm25Scorer::score(std::span<const std::uint32_t> token_counts, std::uint64_t row_length) const {
  OG_CHECK(token_counts.size() == idf_.size());
  const double norm = kBm25K1 * (1.0 - kBm25B + kBm25B * static_cast<double>(row_length) / average_length_);
  double score = 0;
  for (std::size_t i = 0; i < idf_.size(); ++i) {
    if (token_counts[i] == 0) continue;
    const auto count = static_cast<double>(token_counts[i]);
    score += idf_[i] * (count * (kBm25K1 + 1.0)) / (count + norm);
  }
  return score;
}

double bm25_score(const Bm25Statistics& statistics, std::span<const std::uint32_t> token_counts,
                  std::uint64_t row_length) {
  return Bm25Scorer(statistics).score(token_counts, row_length);
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  OG_CHECK(a.size() == b.size());
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return squared_distance_avx2(a.data(), b.data(), a.size());
#endif
  return squared_distance_portable(a.data(), b.data(), a.size());
}

}  // namespace omnigraph::index
