// Tests of dense values against a closed interval, for predicates over whole runs of rows: one byte a row, two to eight
// rows an instruction where the processor has AVX2. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnigraph::exec {

// mask[i] &= (low <= values[i] <= high) != negated, for i < count. `values` need not be aligned; a NaN lies in no
// interval. T: i32, i64, u32, u64, float, double. REQUIRES: the arrays do not overlap.
template <class T>
void and_interval(const void* values, std::size_t count, T low, T high, bool negated, std::uint8_t* mask);

// Positions of the bytes that are 1 among the first `count`, ascending, each plus `first`; returns how many. `out` has
// room for `count` rounded up to a multiple of 8.
[[nodiscard]] std::size_t positions_of_ones(const std::uint8_t* mask, std::size_t count, std::uint32_t first,
                                            std::uint32_t* out);

}  // namespace omnigraph::exec
