#include "base/lru_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace omnigraph::base {
namespace {

using Text = std::shared_ptr<const std::string>;

Text text(std::string value) { return std::make_shared<const std::string>(std::move(value)); }

// Room for three entries of 1,000 bytes with what an entry itself takes.
constexpr std::uint64_t kThree = 3 * 1500;

TEST(LruCache, ForgetsWhatWasNotUsedForLongest) {
  LruCache<const std::string> cache("test-order", kThree);
  for (const char* key : {"a", "b", "c"}) cache.insert(key, text(key), 1000);
  ASSERT_NE(cache.find("a"), nullptr);
  cache.insert("d", text("d"), 1000);
  EXPECT_EQ(cache.find("b"), nullptr);
  for (const char* key : {"a", "c", "d"}) EXPECT_EQ(*cache.find(key), key);
}

TEST(LruCache, KeepsTheFirstOfTwoAndReplacesOnDemand) {
  LruCache<const std::string> cache("test-same-key", kThree);
  EXPECT_EQ(*cache.insert("a", text("first"), 10), "first");
  EXPECT_EQ(*cache.insert("a", text("second"), 10), "first");
  cache.replace("a", text("third"), 10);
  EXPECT_EQ(*cache.find("a"), "third");
}

TEST(LruCache, ALargeValueStaysAloneUntilTheNextComes) {
  LruCache<const std::string> cache("test-large", kThree);
  const CacheUse& use = CacheUse::of("test-large");
  cache.insert("small", text("s"), 10);
  cache.insert("large", text("l"), 1'000'000);
  EXPECT_EQ(use.entries, 1);
  EXPECT_NE(cache.find("large"), nullptr);
  cache.insert("next", text("n"), 10);
  EXPECT_EQ(cache.find("large"), nullptr);
  EXPECT_LT(use.bytes, 1000);
}

TEST(LruCache, AValueThatGrowsDrivesOthersOut) {
  LruCache<const std::string> cache("test-growing", kThree);
  const CacheUse& use = CacheUse::of("test-growing");
  const auto cost = std::make_shared<CacheCost>(100);
  cache.insert("old", text("old"), 1000);
  cache.insert("growing", text("growing"), cost);
  const std::int64_t before = use.bytes;
  cost->add(10'000);
  EXPECT_EQ(use.bytes, before + 10'000);
  cache.insert("new", text("new"), 100);
  EXPECT_EQ(cache.find("old"), nullptr);
  EXPECT_EQ(cache.find("growing"), nullptr);
  EXPECT_NE(cache.find("new"), nullptr);
  const std::int64_t after = use.bytes;
  EXPECT_LE(after, static_cast<std::int64_t>(kThree));
  cost->add(10'000);  // its holder goes on
  EXPECT_EQ(use.bytes, after);
}

TEST(LruCache, CachesOfOneNameCountTogetherWhileTheyLive) {
  const CacheUse& use = CacheUse::of("test-counts");
  {
    LruCache<const std::string> one("test-counts", kThree), two("test-counts", kThree);
    EXPECT_EQ(use.bytes_max, static_cast<std::int64_t>(2 * kThree));
    EXPECT_EQ(one.find("a"), nullptr);
    one.insert("a", text("a"), 1000);
    two.insert("a", text("a"), 1000);
    EXPECT_NE(two.find("a"), nullptr);
    EXPECT_TRUE(two.contains("a"));  // does not count
    EXPECT_EQ(use.entries, 2);
    EXPECT_GE(use.bytes, 2000);
    EXPECT_EQ(use.hits, 1u);
    EXPECT_EQ(use.misses, 1u);
    for (const char* key : {"b", "c", "d"}) one.insert(key, text(key), 1000);
    EXPECT_EQ(use.evictions, 1u);
  }
  EXPECT_EQ(use.entries, 0);
  EXPECT_EQ(use.bytes, 0);
  EXPECT_EQ(use.bytes_max, 0);
  bool listed = false;
  CacheUse::for_each(
      [&](std::string_view name, const CacheUse& counts) { listed |= name == "test-counts" && &counts == &use; });
  EXPECT_TRUE(listed);
}

TEST(LruCache, GrowthAndEvictionAtOnceLoseNothing) {
  const CacheUse& use = CacheUse::of("test-threads");
  {
    LruCache<const std::string> cache("test-threads", kThree);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&cache, t] {
        for (int i = 0; i < 500; ++i) {
          const auto cost = std::make_shared<CacheCost>(100);
          const std::string key = std::to_string(t) + "/" + std::to_string(i % 7);
          cache.insert(key, text(key), cost);
          cost->add(200);
          cache.replace(key, text(key), 50);
        }
      });
    }
    threads.clear();
    EXPECT_LE(use.bytes, static_cast<std::int64_t>(kThree));
    EXPECT_GT(use.bytes, 0);
  }
  EXPECT_EQ(use.bytes, 0);
  EXPECT_EQ(use.entries, 0);
}

}  // namespace
}  // namespace omnigraph::base
