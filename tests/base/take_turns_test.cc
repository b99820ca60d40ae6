// Each index once, the smallest failure, and threads that are not more than asked for.
#include "base/take_turns.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace omnigraph::base {
namespace {

TEST(TakeTurns, EachIndexHasOneTurn) {
  for (const std::size_t threads : {0, 1, 3, 64}) {
    std::array<std::atomic<int>, 100> turns{};
    ASSERT_TRUE(take_turns(turns.size(), threads, [&](std::size_t i) -> Result<void> {
      ++turns[i];
      return {};
    }));
    for (const auto& count : turns) EXPECT_EQ(count, 1);
    EXPECT_TRUE(take_turns(0, threads, [](std::size_t) -> Result<void> { return std::unexpected(bad_request("no")); }));
  }
}

TEST(TakeTurns, OneThreadIsTheCallersAndGoesInOrder) {
  std::vector<std::size_t> order;
  const auto caller = std::this_thread::get_id();
  const auto done = take_turns(9, 1, [&](std::size_t i) -> Result<void> {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
    if (i == 4) return std::unexpected(bad_request("four"));
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "four");
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));  // the rest is skipped
}

TEST(TakeTurns, OfFailuresAtOnceTheSmallestIndexCounts) {
  constexpr std::size_t kThreads = 4;
  std::mutex mutex;
  std::condition_variable came;
  std::size_t inside = 0;
  const auto done = take_turns(kThreads, kThreads, [&](std::size_t i) -> Result<void> {
    std::unique_lock lock(mutex);
    ++inside;
    came.notify_all();
    came.wait_for(lock, std::chrono::seconds(30), [&] { return inside == kThreads; });
    return std::unexpected(bad_request(std::to_string(i)));
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "0");
  EXPECT_EQ(inside, kThreads);
}

}  // namespace
}  // namespace omnigraph::base
