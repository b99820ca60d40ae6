// Tests of dense values against a closed interval, for predicates over whole runs of rows: one bit a row, four or eight
// rows an instruction where the processor has AVX2. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace omnigraph::exec {

// Bit i of `words` = (low <= values[i] <= high) != negated, for i < count; the rest of the last word is 0. `values`
// need not be aligned; a NaN lies in no interval. T: i32, i64, u32, u64, float, double. REQUIRES: (count + 63) / 64
// words.
template <class T>
void select_interval(const void* values, std::size_t count, T low, T high, bool negated, std::uint64_t* words);

// Positions of the bits that are 1, ascending, each plus `first`; returns how many. `out` has room for eight more.
[[nodiscard]] std::size_t positions_of_bits(std::span<const std::uint64_t> words, std::uint32_t first,
                                            std::uint32_t* out);

// Each value is greater than the one before.
[[nodiscard]] bool ascends(std::span<const std::uint32_t> values);

}  // namespace omnigraph::exec
