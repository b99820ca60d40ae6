#include "base/task_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace omnigraph::base {
namespace {

TEST(TaskPool, EveryIndexRunsOnce) {
  TaskPool pool(4);
  for (const std::size_t count : {0u, 1u, 2u, 3u, 1000u}) {
    std::vector<std::atomic<int>> hits(count);
    pool.parallel_for(count, [&](std::size_t i) { ++hits[i]; });
    for (const auto& hit : hits) ASSERT_EQ(hit, 1);
  }
}

// Goal: nesting never deadlocks, also when every worker is inside an outer loop.
TEST(TaskPool, NestsWithoutDeadlock) {
  for (const std::size_t threads : {1u, 2u, 3u}) {
    TaskPool pool(threads);
    std::atomic<int> leaves = 0;
    pool.parallel_for(8, [&](std::size_t) {
      pool.parallel_for(8, [&](std::size_t) { pool.parallel_for(8, [&](std::size_t) { ++leaves; }); });
    });
    EXPECT_EQ(leaves, 512);
  }
}

// Goal: a loop finishes while the workers are busy with something long.
TEST(TaskPool, TheCallerHelps) {
  TaskPool pool(2);
  std::atomic<bool> release = false;
  for (int i = 0; i < 2; ++i) {
    pool.submit([&] { release.wait(false); });
  }
  std::atomic<int> ran = 0;
  pool.parallel_for(10, [&](std::size_t) { ++ran; });
  EXPECT_EQ(ran, 10);
  release = true;
  release.notify_all();
}

TEST(TaskPool, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    TaskPool pool(2);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(TaskPool, ManyCallersShareIt) {
  std::atomic<int> ran = 0;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 6; ++caller) {
      callers.emplace_back([&] {
        for (int round = 0; round < 50; ++round) {
          TaskPool::shared().parallel_for(7, [&](std::size_t) { ++ran; });
        }
      });
    }
  }
  EXPECT_EQ(ran, 6 * 50 * 7);
  EXPECT_GE(TaskPool::shared().thread_count(), 1u);
}

}  // namespace
}  // namespace omnigraph::base
