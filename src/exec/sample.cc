#include "exec/sample.h"

#include <algorithm>
#include <array>

namespace omnigraph::exec {

double sampled_selectivity(const RowFilter& filter, const graph::TableView& table) {
  const std::size_t rows = table.physical_rows();
  std::array<Ordinal, kSampleGroups * kSampleGroupRows> sample{};
  std::size_t size = 0;
  const auto take = [&](std::size_t row) {
    const auto ordinal = static_cast<Ordinal>(row);
    if (!table.is_deleted(ordinal)) sample[size++] = ordinal;
  };
  if (rows <= sample.size()) {
    for (std::size_t row = 0; row < rows; ++row) take(row);
  } else {
    for (std::size_t group = 0; group < kSampleGroups; ++group) {
      const std::size_t first = group * (rows - kSampleGroupRows) / (kSampleGroups - 1);
      for (std::size_t i = 0; i < kSampleGroupRows; ++i) take(first + i);
    }
  }
  if (size == 0) return 1;
  std::array<std::uint8_t, kSampleGroups * kSampleGroupRows> mask{};
  const std::span<std::uint8_t> verdict(mask.data(), size);
  std::ranges::fill(verdict, std::uint8_t{1});
  filter.mask_rows({sample.data(), size}, verdict);
  const auto kept = static_cast<double>(std::ranges::count(verdict, std::uint8_t{1}));
  return std::max(kept, 0.5) / static_cast<double>(size);
}

}  // namespace omnigraph::exec
