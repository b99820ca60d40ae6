#include "base/clock.h"

#include <ctime>

namespace omnigraph {
namespace {

std::int64_t read_clock_us(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_us() const override { return read_clock_us(CLOCK_REALTIME); }
  [[nodiscard]] std::int64_t boottime_us() const override { return read_clock_us(CLOCK_BOOTTIME); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace omnigraph
