#include "base/phase_clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace omnigraph::base {
namespace {

using std::chrono::milliseconds;

TEST(PhaseClock, AMomentCountsForTheInnermostPhaseAlone) {
  const auto started = PhaseClock::Steady::now();
  PhaseClock clock;
  {
    const PhaseClock::In execute(Phase::kExecute);
    std::this_thread::sleep_for(milliseconds(2));
    {
      const PhaseClock::In storage(Phase::kStorage);
      std::this_thread::sleep_for(milliseconds(4));
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_GE(clock.spent(Phase::kExecute), milliseconds(4));
  EXPECT_GE(clock.spent(Phase::kStorage), milliseconds(4));
  EXPECT_EQ(clock.spent(Phase::kPlan).count(), 0);
  std::chrono::nanoseconds sum{0};
  for (std::size_t i = 0; i < kPhaseCount; ++i) sum += clock.spent(static_cast<Phase>(i));
  EXPECT_LE(sum, PhaseClock::Steady::now() - started);
}

TEST(PhaseClock, WithoutAClockNothingIsMeasured) {
  const PhaseClock::In nowhere(Phase::kPlan);
  EXPECT_EQ(PhaseClock::current(), nullptr);
  {
    const PhaseClock outer;
    {
      const PhaseClock inner;
      EXPECT_EQ(PhaseClock::current(), &inner);
    }
    EXPECT_EQ(PhaseClock::current(), &outer);
  }
  EXPECT_EQ(PhaseClock::current(), nullptr);
}

TEST(PhaseClock, AThreadItWasLentToCountsRequestsButNoTime) {
  PhaseClock clock;
  std::thread([&clock] {
    const PhaseClock::Lent lent(&clock);
    const PhaseClock::In storage(Phase::kStorage);
    PhaseClock::current()->count_request();
    std::this_thread::sleep_for(milliseconds(2));
  }).join();
  EXPECT_EQ(clock.requests(), 1U);
  EXPECT_EQ(clock.spent(Phase::kStorage).count(), 0);
}

}  // namespace
}  // namespace omnigraph::base
