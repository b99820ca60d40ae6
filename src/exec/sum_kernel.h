// Compensated sums of dense doubles (Knuth's two-sum, TAOCP vol. 2 section 4.2.2): eight lanes side by side, so that
// each addition waits only for the one before in its own lane. The same bits come out on every processor.
// Thread safety: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace omnigraph::exec {

class LaneSums {
 public:
  static constexpr std::size_t kLanes = 8;
  // Value i goes to lane i modulo kLanes, going on where the last call ended if that was at a multiple of kLanes.
  void add(const double* values, std::size_t count);
  // Only the values whose bit in `words` is 1; any double may stand at the others. `values` need not be aligned.
  void add_selected(const double* values, std::size_t count, const std::uint64_t* words);
  [[nodiscard]] double sum(std::size_t lane) const { return sums_[lane]; }
  [[nodiscard]] double error(std::size_t lane) const { return errors_[lane]; }  // what rounding took from it

 private:
  void add_one(std::size_t lane, double value);

  alignas(64) std::array<double, kLanes> sums_{};
  alignas(64) std::array<double, kLanes> errors_{};
};

}  // namespace omnigraph::exec
