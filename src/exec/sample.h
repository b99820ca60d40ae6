// Share of a table's live rows that a filter keeps, measured on evenly spaced groups of rows. Unlike statistics of
// single columns it sees how the conditions go together, needs nothing to be kept, and works for every kind of
// condition. Source: Lipton, Naughton, Schneider, "Practical Selectivity Estimation through Adaptive Sampling", SIGMOD
// 1990, with a sample of fixed size. Thread safety: free function.
#pragma once

#include <cstddef>

#include "exec/filter_kernel.h"
#include "graph/table_view.h"

namespace omnigraph::exec {

// 64 groups of 8 rows: a group is one or two cache lines of a column, so that a sample costs a few microseconds.
inline constexpr std::size_t kSampleGroups = 64;
inline constexpr std::size_t kSampleGroupRows = 8;

// In (0, 1]: a filter that keeps nothing of the sample is taken to keep half a row of it. Tables no larger than the
// sample are read whole.
[[nodiscard]] double sampled_selectivity(const RowFilter& filter, const graph::TableView& table);

}  // namespace omnigraph::exec
