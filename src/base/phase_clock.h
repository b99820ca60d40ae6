// Where the time of one request goes. Whoever serves a request declares a PhaseClock on its thread; what it calls says
// which phase it is in, and each moment counts for the innermost phase alone, so that the phases never add up to more
// than the whole. Without a clock on the thread a phase costs one look at a thread-local pointer.
// Thread safety: a clock belongs to its thread; count_request() may be called on threads that it was lent to (Lent).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

namespace omnigraph::base {

enum class Phase : std::uint8_t { kOther, kParse, kPlan, kExecute, kStorage };
inline constexpr std::size_t kPhaseCount = 5;

class PhaseClock {
 public:
  using Steady = std::chrono::steady_clock;

  PhaseClock() : outer_(std::exchange(current_, this)), owned_outer_(std::exchange(owned_, this)) {}
  ~PhaseClock() {
    current_ = outer_;
    owned_ = owned_outer_;
  }
  PhaseClock(const PhaseClock&) = delete;
  PhaseClock& operator=(const PhaseClock&) = delete;

  // The clock of this thread, or the one that was lent to it; null: none.
  [[nodiscard]] static PhaseClock* current() { return current_; }

  // The calling thread is in `phase` while it lives.
  class In {
   public:
    explicit In(Phase phase) : clock_(owned_) {
      if (clock_ != nullptr) before_ = clock_->enter(phase);
    }
    ~In() {
      if (clock_ != nullptr) clock_->enter(before_);
    }
    In(const In&) = delete;
    In& operator=(const In&) = delete;

   private:
    PhaseClock* const clock_;
    Phase before_ = Phase::kOther;
  };

  // A thread that works for another one counts its storage requests there; its time is the waiting of the other.
  class Lent {
   public:
    explicit Lent(PhaseClock* clock) : before_(std::exchange(current_, clock)) {}
    ~Lent() { current_ = before_; }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

   private:
    PhaseClock* const before_;
  };

  void count_request() { requests_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

  // Up to now.
  [[nodiscard]] std::chrono::nanoseconds spent(Phase phase) {
    enter(phase_);
    return spent_[static_cast<std::size_t>(phase)];
  }

 private:
  // Returns the phase left.
  Phase enter(Phase phase) {
    const Steady::time_point now = Steady::now();
    spent_[static_cast<std::size_t>(phase_)] += now - since_;
    since_ = now;
    return std::exchange(phase_, phase);
  }

  Steady::time_point since_ = Steady::now();
  std::array<std::chrono::nanoseconds, kPhaseCount> spent_{};
  Phase phase_ = Phase::kOther;
  std::atomic<std::uint64_t> requests_{0};
  PhaseClock* const outer_;
  PhaseClock* const owned_outer_;
  static inline thread_local PhaseClock* current_ = nullptr;
  static inline thread_local PhaseClock* owned_ = nullptr;  // null on threads that a clock was only lent to
};

}  // namespace omnigraph::base
