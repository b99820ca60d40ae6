// Threads of the network grow while handlers sleep, and are parked once they do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "server/network.h"

namespace omnigraph::server {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

bool soon(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
  return condition();
}

TEST(NetworkThreads, GrowForSleepersAndParkBehindThem) {
  asio::io_context io;
  const auto work = asio::make_work_guard(io);
  NetworkThreads threads(io);
  std::thread runner([&] { threads.run(); });
  // As many as run() adds before the first turn of the loop.
  const std::size_t first = std::min<std::size_t>(std::max(2U, std::thread::hardware_concurrency()), kThreadsMax);
  ASSERT_TRUE(soon([&] { return threads.active() == first; })) << threads.active();
  for (int round = 0; round < 2; ++round) {
    constexpr int kSleepers = 12;
    std::atomic<int> asleep{0}, done{0};
    std::atomic<bool> wake{false};
    for (int i = 0; i < kSleepers; ++i) {
      asio::post(io, [&] {
        const NetworkThreads::InHandler mark;
        ++asleep;
        while (!wake) std::this_thread::sleep_for(milliseconds(1));
        ++done;
      });
    }
    // All of them sleep at once, and the loop still turns.
    EXPECT_TRUE(soon([&] { return asleep == kSleepers; })) << "round " << round;
    std::atomic<bool> turned{false};
    asio::post(io, [&] { turned = true; });
    EXPECT_TRUE(soon([&] { return turned.load(); })) << "round " << round;
    EXPECT_GT(threads.active(), std::size_t{kSleepers});
    wake = true;
    EXPECT_TRUE(soon([&] { return done == kSleepers; }));
    EXPECT_TRUE(soon([&] { return threads.active() == first; })) << threads.active() << " in round " << round;
    // Without requests the watcher rests, and the next round wakes it.
    EXPECT_TRUE(soon([&] { return threads.resting(); })) << "round " << round;
  }
  io.stop();
  runner.join();
  threads.join();
}

}  // namespace
}  // namespace omnigraph::server
