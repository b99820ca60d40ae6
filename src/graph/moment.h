// Points in time on two clocks, for everything that must not be older than some limit (chapter 09 section 3, rule b).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace omnigraph::graph {

inline constexpr std::int64_t kMicrosPerHour = std::int64_t{3600} * 1'000'000;
// A head counts as known for this long after the request that confirmed it was sent.
inline constexpr std::int64_t kConfirmedForUs = kMicrosPerHour;
// From the start of a write's first upload to its publish: well inside cleanup's grace of 24 h.
inline constexpr std::int64_t kUploadForUs = 12 * kMicrosPerHour;

struct Moment {
  std::int64_t wall_us = 0;
  std::int64_t boot_us = 0;
};

[[nodiscard]] inline Moment moment_of(const Clock& clock) { return {clock.now_us(), clock.boottime_us()}; }

// The larger of what the two clocks say: a resumed machine may lose either.
[[nodiscard]] inline std::int64_t elapsed_us(const Moment& since, const Moment& until) {
  return std::max(until.wall_us - since.wall_us, until.boot_us - since.boot_us);
}

}  // namespace omnigraph::graph
