// Time, injected so that tests can stall anyone for a week (chapter 09 section 3, rule d).
// Thread safety: every method may be called concurrently.
#pragma once

#include <cstdint>

namespace omnigraph {

class Clock {
 public:
  virtual ~Clock() = default;
  // Unix time, UTC, microseconds.
  [[nodiscard]] virtual std::int64_t now_us() const = 0;
  // Time since some start that counts suspended time too (CLOCK_BOOTTIME), microseconds.
  [[nodiscard]] virtual std::int64_t boottime_us() const = 0;
};

[[nodiscard]] const Clock& system_clock();

// A clock that stands still until told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_us) : now_us_(now_us), boottime_us_(0) {}
  [[nodiscard]] std::int64_t now_us() const override { return __atomic_load_n(&now_us_, __ATOMIC_SEQ_CST); }
  [[nodiscard]] std::int64_t boottime_us() const override { return __atomic_load_n(&boottime_us_, __ATOMIC_SEQ_CST); }
  void advance_us(std::int64_t by) {
    __atomic_fetch_add(&now_us_, by, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&boottime_us_, by, __ATOMIC_SEQ_CST);
  }

 private:
  std::int64_t now_us_;
  std::int64_t boottime_us_;
};

}  // namespace omnigraph
