#include "exec/interval_kernel.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace omnigraph::exec {
namespace {

// The verdict on at most 64 values, for every processor.
template <class T>
std::uint64_t interval_word(const std::byte* values, std::size_t count, T low, T high) {
  std::array<std::uint8_t, 64> inside{};
  for (std::size_t i = 0; i < count; ++i) {
    T v;
    std::memcpy(&v, values + i * sizeof(T), sizeof(T));
    inside[i] = static_cast<std::uint8_t>(static_cast<unsigned>(v >= low) & static_cast<unsigned>(v <= high));
  }
  // Gathers the lowest bits of eight bytes into one byte (the multiplication adds no two of them at one place).
  constexpr std::uint64_t kGather = 0x0102040810204080u;
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint64_t bytes;
    std::memcpy(&bytes, inside.data() + i * 8, sizeof(bytes));
    word |= ((bytes * kGather) >> 56) << (i * 8);
  }
  return word;
}

template <class T>
void interval_words(const std::byte* values, std::size_t whole, T low, T high, std::uint64_t* words) {
  for (std::size_t w = 0; w < whole; ++w) words[w] = interval_word<T>(values + w * 64 * sizeof(T), 64, low, high);
}

#if defined(__x86_64__)
// The verdict on as many values as a register holds.
#define OG_AVX2 gnu::target("avx2"), gnu::always_inline
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, double low, double high) {
  const __m256d v = _mm256_loadu_pd(reinterpret_cast<const double*>(at));
  const __m256d above = _mm256_cmp_pd(v, _mm256_set1_pd(low), _CMP_GE_OQ);
  const __m256d below = _mm256_cmp_pd(v, _mm256_set1_pd(high), _CMP_LE_OQ);
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_and_pd(above, below)));
}
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, float low, float high) {
  const __m256 v = _mm256_loadu_ps(reinterpret_cast<const float*>(at));
  const __m256 above = _mm256_cmp_ps(v, _mm256_set1_ps(low), _CMP_GE_OQ);
  const __m256 below = _mm256_cmp_ps(v, _mm256_set1_ps(high), _CMP_LE_OQ);
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_and_ps(above, below)));
}
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, std::int32_t low, std::int32_t high) {
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i outside =
      _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(low), v), _mm256_cmpgt_epi32(v, _mm256_set1_epi32(high)));
  return ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(outside))) & 0xffu;
}
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, std::int64_t low, std::int64_t high) {
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i outside =
      _mm256_or_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(low), v), _mm256_cmpgt_epi64(v, _mm256_set1_epi64x(high)));
  return ~static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(outside))) & 0xfu;
}
// There are no unsigned comparisons: with the highest bit flipped the signed ones tell the same.
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, std::uint32_t low, std::uint32_t high) {
  constexpr std::uint32_t kSign = 0x80000000u;
  const __m256i v = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                                     _mm256_set1_epi32(static_cast<int>(kSign)));
  const __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(low ^ kSign)), v),
                                          _mm256_cmpgt_epi32(v, _mm256_set1_epi32(static_cast<int>(high ^ kSign))));
  return ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(outside))) & 0xffu;
}
[[OG_AVX2]] inline unsigned inside_avx2(const std::byte* at, std::uint64_t low, std::uint64_t high) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const auto flipped = [](std::uint64_t v) { return static_cast<long long>(v ^ kSign); };
  const __m256i v = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                                     _mm256_set1_epi64x(static_cast<long long>(kSign)));
  const __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(flipped(low)), v),
                                          _mm256_cmpgt_epi64(v, _mm256_set1_epi64x(flipped(high))));
  return ~static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(outside))) & 0xfu;
}
#undef OG_AVX2

template <class T>
[[gnu::target("avx2")]] void interval_words_avx2(const std::byte* values, std::size_t whole, T low, T high,
                                                 std::uint64_t* words) {
  constexpr std::size_t kLanes = 32 / sizeof(T);
  for (std::size_t w = 0; w < whole; ++w) {
    const std::byte* from = values + w * 64 * sizeof(T);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 64; i += kLanes) {
      word |= std::uint64_t{inside_avx2(from + i * sizeof(T), low, high)} << i;
    }
    words[w] = word;
  }
}

// kPlaces[b]: the places of the bits of b, lowest first, then zeros.
constexpr auto kPlaces = [] {
  std::array<std::uint64_t, 256> table{};
  for (unsigned b = 0; b < 256; ++b) {
    unsigned found = 0;
    for (unsigned place = 0; place < 8; ++place) {
      if (((b >> place) & 1u) != 0) table[b] |= std::uint64_t{place} << (8 * found++);
    }
  }
  return table;
}();

[[gnu::target("avx2,popcnt")]] std::size_t positions_avx2(std::span<const std::uint64_t> words, std::uint32_t first,
                                                          std::uint32_t* out) {
  constexpr int kFewBits = 4;  // are found sooner one by one
  std::uint32_t* const begin = out;
  for (std::size_t w = 0; w < words.size(); ++w) {
    std::uint64_t bits = words[w];
    std::uint32_t base = first + static_cast<std::uint32_t>(w * 64);
    if (__builtin_popcountll(bits) <= kFewBits) {
      for (; bits != 0; bits &= bits - 1) *out++ = base + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      continue;
    }
    for (; bits != 0; bits >>= 8, base += 8) {
      const auto byte = static_cast<std::uint32_t>(bits & 0xff);
      const __m128i places = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&kPlaces[byte]));
      const __m256i rows = _mm256_add_epi32(_mm256_cvtepu8_epi32(places), _mm256_set1_epi32(static_cast<int>(base)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), rows);
      out += __builtin_popcount(byte);
    }
  }
  return static_cast<std::size_t>(out - begin);
}
// Where the comparison ended: whole registers only.
[[gnu::target("avx2")]] std::size_t ascending_avx2(std::span<const std::uint32_t> values) {
  constexpr std::size_t kLanes = 8;
  const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000u));  // as above
  const auto* const from = values.data();
  std::size_t i = 1;
  for (; i + kLanes <= values.size(); i += kLanes) {
    const __m256i v = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)), sign);
    const __m256i before = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i - 1)), sign);
    if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(v, before)) != -1) break;
  }
  return i;
}
#endif

std::size_t positions_generic(std::span<const std::uint64_t> words, std::uint32_t first, std::uint32_t* out) {
  std::uint32_t* const begin = out;
  for (std::size_t w = 0; w < words.size(); ++w) {
    const std::uint32_t base = first + static_cast<std::uint32_t>(w * 64);
    for (std::uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
      *out++ = base + static_cast<std::uint32_t>(std::countr_zero(bits));
    }
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace

template <class T>
void select_interval(const void* values, std::size_t count, T low, T high, bool negated, std::uint64_t* words) {
  const auto* bytes = static_cast<const std::byte*>(values);
  const std::size_t whole = count / 64;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) {
    interval_words_avx2<T>(bytes, whole, low, high, words);
  } else {
    interval_words<T>(bytes, whole, low, high, words);
  }
#else
  interval_words<T>(bytes, whole, low, high, words);
#endif
  const std::size_t rest = count % 64;
  if (rest != 0) words[whole] = interval_word<T>(bytes + whole * 64 * sizeof(T), rest, low, high);
  if (!negated) return;
  for (std::size_t w = 0; w < whole; ++w) words[w] = ~words[w];
  if (rest != 0) words[whole] ^= (std::uint64_t{1} << rest) - 1;
}

template void select_interval(const void*, std::size_t, std::int32_t, std::int32_t, bool, std::uint64_t*);
template void select_interval(const void*, std::size_t, std::int64_t, std::int64_t, bool, std::uint64_t*);
template void select_interval(const void*, std::size_t, std::uint32_t, std::uint32_t, bool, std::uint64_t*);
template void select_interval(const void*, std::size_t, std::uint64_t, std::uint64_t, bool, std::uint64_t*);
template void select_interval(const void*, std::size_t, float, float, bool, std::uint64_t*);
template void select_interval(const void*, std::size_t, double, double, bool, std::uint64_t*);

std::size_t positions_of_bits(std::span<const std::uint64_t> words, std::uint32_t first, std::uint32_t* out) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0;
  if (wide) return positions_avx2(words, first, out);
#endif
  return positions_generic(words, first, out);
}

bool ascends(std::span<const std::uint32_t> values) {
  std::size_t i = 1;
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) i = ascending_avx2(values);
#endif
  while (i < values.size() && values[i] > values[i - 1]) ++i;
  return i >= values.size();
}

}  // namespace omnigraph::exec
