#include "base/ulid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace omnigraph::base {
namespace {

// Goal: ids are unique in the process, and each thread sees its own grow.
// Method: eight threads draw many within few milliseconds.
TEST(Ulid, GrowsInEveryThread) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 20'000;
  std::vector<std::vector<std::string>> drawn(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : drawn) {
      threads.emplace_back([&mine] {
        for (std::size_t i = 0; i < kEach; ++i) mine.push_back(new_ulid());
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : drawn) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), kThreads * kEach);
  EXPECT_TRUE(std::ranges::all_of(all, [](const std::string& id) { return is_ulid(id); }));
}

// Goal: a clock that runs backwards does not bring ids backwards.
TEST(Ulid, GrowsAgainstTheClock) {
  const std::string now = new_ulid();
  const ManualClock old_clock(1'000'000);
  EXPECT_GT(new_ulid(old_clock), now);
}

TEST(Ulid, HoldsTheMillisecondsOfTheClock) {
  // 2100-01-01: ahead of any id this process drew before.
  const ManualClock clock(4'102'444'800'123'456);
  const std::string id = new_ulid(clock);
  EXPECT_EQ(id.substr(0, 10), "03QCPC7P3V");  // 4102444800123 in base 32
  EXPECT_EQ(id.size(), 26u);
}

TEST(Ulid, ComesAfterTheFloor) {
  const std::string floor = "7AZZZZZZZZZZZZZZZZZZZZZZZZ";
  EXPECT_EQ(new_ulid_after(floor), "7B000000000000000000000000");
  EXPECT_GT(new_ulid(), floor) << "the process goes on from there";
}

TEST(Ulid, Recognized) {
  EXPECT_TRUE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
  EXPECT_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
  EXPECT_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAVV"));
  EXPECT_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAI")) << "I is no digit";
  EXPECT_FALSE(is_ulid("01arz3ndektsv4rrffq69g5fav"));
  EXPECT_FALSE(is_ulid("81ARZ3NDEKTSV4RRFFQ69G5FAV")) << "129 bits";
}

TEST(Random, FillsAndDiffers) {
  EXPECT_EQ(random_bytes(1000).size(), 1000u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
  EXPECT_NE(random_u64(), random_u64());
}

}  // namespace
}  // namespace omnigraph::base
