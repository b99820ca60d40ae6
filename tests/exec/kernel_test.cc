// Kernels over runs of rows against one row at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "exec/distance_kernel.h"
#include "exec/interval_kernel.h"
#include "exec/selection.h"
#include "exec/sum_kernel.h"

namespace omnigraph::exec {
namespace {

struct KernelTest : ::testing::Test {
  KernelTest() : seed(std::random_device{}()), random(seed), trace("", 0, ::testing::Message() << "seed " << seed) {}

  std::size_t below(std::size_t bound) { return random() % bound; }

  // Few distinct values, the ends of the type among them.
  template <class T>
  T value() {
    using Limits = std::numeric_limits<T>;
    switch (below(8)) {
      case 0: return Limits::lowest();
      case 1: return Limits::max();
      case 2:
        if constexpr (std::is_floating_point_v<T>) return below(2) == 0 ? Limits::quiet_NaN() : -T{0};
        return 0;
      case 3:
        if constexpr (std::is_floating_point_v<T>) return below(2) == 0 ? Limits::infinity() : -Limits::infinity();
        return 1;
      default: return static_cast<T>(static_cast<T>(below(9)) - (std::is_signed_v<T> ? T{4} : T{0}));
    }
  }

  std::vector<std::uint64_t> random_words(std::size_t count) {
    std::vector<std::uint64_t> words((count + 63) / 64);
    for (std::uint64_t& word : words) {
      const std::size_t kind = below(4);  // none, all, few, any
      word = kind == 0 ? 0 : kind == 1 ? ~std::uint64_t{0} : kind == 2 ? random() & random() & random() : random();
    }
    if (count % 64 != 0) words.back() &= (std::uint64_t{1} << (count % 64)) - 1;
    return words;
  }

  static bool bit(std::span<const std::uint64_t> words, std::size_t i) {
    return ((words[i / 64] >> (i % 64)) & 1) != 0;
  }

  template <class T>
  void check_intervals() {
    for (int round = 0; round < 200; ++round) {
      const std::size_t count = below(300);
      std::vector<std::byte> bytes(count * sizeof(T) + 1);
      std::byte* values = bytes.data() + below(2);  // at any address
      for (std::size_t i = 0; i < count; ++i) {
        const T v = value<T>();
        std::memcpy(values + i * sizeof(T), &v, sizeof(T));
      }
      const T low = value<T>();
      const T high = value<T>();
      const bool negated = below(2) == 0;
      std::vector<std::uint64_t> words((count + 63) / 64, 0x5555);
      select_interval<T>(values, count, low, high, negated, words.data());
      for (std::size_t i = 0; i < words.size() * 64; ++i) {
        T v{};
        if (i < count) std::memcpy(&v, values + i * sizeof(T), sizeof(T));
        ASSERT_EQ(bit(words, i), i < count && (low <= v && v <= high) != negated) << "row " << i << " of " << count;
      }
    }
  }

  const std::uint64_t seed;
  std::mt19937_64 random;
  const ::testing::ScopedTrace trace;
};

// Goal: every type, length and address, values at the ends of the type, NaN and infinities.
TEST_F(KernelTest, IntervalsTellWhatComparisonsTell) {
  check_intervals<std::int32_t>();
  check_intervals<std::int64_t>();
  check_intervals<std::uint32_t>();
  check_intervals<std::uint64_t>();
  check_intervals<float>();
  check_intervals<double>();
}

TEST_F(KernelTest, PositionsAreThoseOfTheBits) {
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = below(Selection::kRowsMax + 1);
    const auto words = random_words(count);
    const auto first = static_cast<std::uint32_t>(random());
    std::vector<std::uint32_t> expected;
    for (std::size_t i = 0; i < count; ++i) {
      if (bit(words, i)) expected.push_back(first + static_cast<std::uint32_t>(i));
    }
    std::vector<std::uint32_t> found(count + 8);
    found.resize(positions_of_bits(words, first, found.data()));
    ASSERT_EQ(found, expected);
  }
}

TEST_F(KernelTest, AscentsEndWhereAValueIsNotGreater) {
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint32_t> values(below(60));
    auto next = static_cast<std::uint32_t>(below(2) == 0 ? below(9) : 0x7ffffff0u + below(9));
    for (std::uint32_t& v : values) v = next += static_cast<std::uint32_t>(1 + below(3));
    if (!values.empty() && below(2) == 0) values[below(values.size())] = values[below(values.size())];
    bool expected = true;
    for (std::size_t i = 1; i < values.size(); ++i) expected = expected && values[i] > values[i - 1];
    ASSERT_EQ(ascends(values), expected);
  }
}

// Goal: parts of a selection are kept and dropped wherever they begin and end.
TEST_F(KernelTest, SelectionsLoseWhatIsNotKept) {
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = 1 + below(Selection::kRowsMax);
    const auto first = static_cast<Ordinal>(below(500));
    std::vector<bool> expected(count, true);
    Selection selection;
    selection.select_all(3, first, count);
    const auto deleted = random_words(first + count);
    if (below(2) == 0) {
      selection.drop(deleted);
      for (std::size_t i = 0; i < count; ++i) expected[i] = !bit(deleted, first + i);
    }
    for (std::size_t done = 0; done < count;) {
      const std::size_t part = 1 + below(std::min<std::size_t>(count - done, 200));
      const auto bits = random_words(part);
      if (below(4) != 0) {
        selection.keep(done, part, bits);
        for (std::size_t i = 0; i < part; ++i) expected[done + i] = expected[done + i] && bit(bits, i);
      }
      done += part;
    }
    std::vector<Ordinal> rows;
    for (std::size_t i = 0; i < count; ++i) {
      if (expected[i]) rows.push_back(first + static_cast<Ordinal>(i));
    }
    std::vector<Ordinal> listed(Selection::kListedMax);
    listed.resize(selection.list(listed.data()));
    ASSERT_EQ(listed, rows);
    ASSERT_EQ(selection.passing(), rows.size());
  }
}

TEST_F(KernelTest, BitsAreReadFromAnyPlace) {
  for (int round = 0; round < 300; ++round) {
    const std::size_t end = 1 + below(200);
    std::vector<std::byte> bitmap((end + 7) / 8);  // no byte more than needed
    for (std::byte& byte : bitmap) byte = static_cast<std::byte>(random());
    const std::size_t at = below(end + 10);
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < 64 && at + i < end; ++i) {
      if ((static_cast<unsigned>(bitmap[(at + i) / 8]) >> ((at + i) % 8) & 1u) != 0) expected |= std::uint64_t{1} << i;
    }
    ASSERT_EQ(bits_at(bitmap.data(), at, end), expected) << at << " of " << end;
  }
}

// Goal: bit for bit what one value after the other gives, whatever stands where no bit is.
TEST_F(KernelTest, SelectedSumsAreTheSumsOfTheLanes) {
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = below(700);
    const auto words = random_words(count);
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = std::ldexp(static_cast<double>(static_cast<std::int64_t>(random()) >> below(40)),
                             static_cast<int>(below(60)) - 30);
      if (!bit(words, i) && below(3) == 0) values[i] = value<double>();
    }
    LaneSums sums;
    sums.add_selected(values.data(), count, words.data());
    std::vector<double> sum(LaneSums::kLanes);
    std::vector<double> error(LaneSums::kLanes);
    for (std::size_t i = 0; i < count; ++i) {
      if (!bit(words, i)) continue;
      const std::size_t lane = i % LaneSums::kLanes;
      const double before = sum[lane];
      sum[lane] = before + values[i];
      const double gained = sum[lane] - before;
      error[lane] += (before - (sum[lane] - gained)) + (values[i] - gained);
    }
    for (std::size_t lane = 0; lane < LaneSums::kLanes; ++lane) {
      ASSERT_EQ(sums.sum(lane), sum[lane]);
      ASSERT_EQ(sums.error(lane), error[lane]);
    }
  }
}

// Goal: within the error that the header promises, for any dimension and number of vectors.
TEST_F(KernelTest, DistancesAreCloseToTheExactOnes) {
  for (int round = 0; round < 200; ++round) {
    const std::size_t dimension = 1 + below(90);
    const auto number = [&] { return static_cast<float>(static_cast<double>(below(2001)) / 500 - 2); };
    std::vector<float> query(dimension);
    std::ranges::generate(query, number);
    std::vector<std::vector<float>> stored(below(12), std::vector<float>(dimension));
    std::vector<const float*> vectors;
    for (std::vector<float>& vector : stored) {
      std::ranges::generate(vector, number);
      vectors.push_back(vector.data());
    }
    std::vector<float> found(vectors.size());
    squared_distances(vectors, query, found.data());
    for (std::size_t v = 0; v < vectors.size(); ++v) {
      double exact = 0;
      for (std::size_t i = 0; i < dimension; ++i) {
        const double d = static_cast<double>(stored[v][i]) - static_cast<double>(query[i]);
        exact += d * d;
      }
      ASSERT_NEAR(found[v], exact, exact * static_cast<double>(dimension + 8) * 0x1p-23) << dimension;
    }
  }
}

}  // namespace
}  // namespace omnigraph::exec
