#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "objectstore/caching_store.h"
#include "objectstore/faulty_store.h"
#include "objectstore/metered_store.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::bytes;
using testing::content_of;

TEST(MeteredStore, CountsRequestsAndBytes) {
  const auto store = make_metered_store(make_memory_store());
  ASSERT_TRUE(store->put("a", bytes("12345")));
  ASSERT_TRUE(store->put_if_absent("a", bytes("1")));
  ASSERT_TRUE(store->get("a", ByteRange{1, 3}));
  ASSERT_FALSE(store->get("missing"));
  ASSERT_TRUE(store->sync("a"));
  {
    auto upload = store->open_upload("b").value();
    ASSERT_TRUE(upload->append(bytes("67")));
    ASSERT_TRUE(upload->finish());
  }
  ASSERT_TRUE(store->list("p"));
  const StoreMeter meter = store->meter();
  EXPECT_EQ(meter.requests, 6u);
  EXPECT_EQ(meter.bytes_read, 3u);
  EXPECT_EQ(meter.bytes_written, 7u) << "the lost put wrote nothing";
  EXPECT_EQ(meter.dependent_hops, 6u) << "one after the other";
  ASSERT_EQ(meter.log.size(), 6u);
  EXPECT_EQ(meter.log[2].operation, "get");
  EXPECT_EQ(meter.log[2].bytes, 3u);
  EXPECT_EQ(meter.log[4].operation, "upload");
  EXPECT_EQ(meter.log[4].bytes, 2u);
  EXPECT_EQ(meter.log[5].key, "p");
  store->reset();
  EXPECT_EQ(store->meter().requests, 0u);
  EXPECT_EQ(store->meter().dependent_hops, 0u);
}

// Goal: requests in flight together are one hop. Method: an inner store in which all wait for each other.
TEST(MeteredStore, ParallelRequestsAreOneHop) {
  constexpr int kWidth = 4;
  std::barrier<> together(kWidth);
  const auto inner = make_memory_store();
  const auto store = make_metered_store(inner);
  for (int round = 1; round <= 3; ++round) {
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kWidth; ++i) {
        threads.emplace_back([&, key = "log/" + std::to_string(round) + "/" + std::to_string(i)] {
          const auto outcome = store->publish(key, {}, [&]() -> Result<void> {
            together.arrive_and_wait();
            return {};
          });
          EXPECT_TRUE(outcome);
        });
      }
    }
    EXPECT_EQ(store->meter().dependent_hops, static_cast<std::uint64_t>(round));
  }
  EXPECT_EQ(store->meter().requests, 12u);
}

struct CachingStoreTest : ::testing::Test {
  std::shared_ptr<ObjectStore> cached(std::uint64_t budget_bytes) {
    return make_caching_store(metered, budget_bytes, [](std::string_view key) { return key.starts_with("data/"); });
  }
  [[nodiscard]] std::uint64_t requests() const { return metered->meter().requests; }
  const std::shared_ptr<MeteredStore> metered = make_metered_store(make_memory_store());
};

TEST_F(CachingStoreTest, KeepsImmutableObjectsOnly) {
  const auto store = cached(1 << 20);
  ASSERT_TRUE(store->put("data/a", bytes("hello")));
  ASSERT_TRUE(store->put("head", bytes("1")));
  metered->reset();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(content_of(*store, "data/a"), "hello");
    EXPECT_EQ(store->get("data/a", ByteRange{1, 3})->text(), "ell") << "from the whole object";
  }
  EXPECT_EQ(requests(), 1u);
  ASSERT_TRUE(metered->put("head", bytes("2")));
  EXPECT_EQ(content_of(*store, "head"), "2") << "passes through";
  EXPECT_EQ(content_of(*store, "data/missing"), "not_found");
  ASSERT_TRUE(metered->put("data/missing", bytes("now")));
  EXPECT_EQ(content_of(*store, "data/missing"), "now") << "a miss is not kept";
}

TEST_F(CachingStoreTest, KeepsRangesApart) {
  const auto store = cached(1 << 20);
  ASSERT_TRUE(store->put("data/a", bytes("hello")));
  metered->reset();
  EXPECT_EQ(store->get("data/a", ByteRange{0, 2})->text(), "he");
  EXPECT_EQ(store->get("data/a", ByteRange{0, 2})->text(), "he");
  EXPECT_EQ(store->get("data/a", ByteRange{2, 2})->text(), "ll");
  EXPECT_EQ(requests(), 2u);
}

TEST_F(CachingStoreTest, ForgetsWhatIsWrittenOrRemoved) {
  const auto store = cached(1 << 20);
  ASSERT_TRUE(store->put("data/a", bytes("one")));
  EXPECT_EQ(store->get("data/a", ByteRange{0, 9})->text(), "one");
  EXPECT_EQ(content_of(*store, "data/a"), "one");
  ASSERT_TRUE(store->put("data/a", bytes("two")));
  EXPECT_EQ(content_of(*store, "data/a"), "two");
  ASSERT_TRUE(store->remove("data/a"));
  EXPECT_EQ(content_of(*store, "data/a"), "not_found");
}

TEST_F(CachingStoreTest, DropsTheLeastRecentlyUsed) {
  const auto store = cached(3500);
  for (const char* key : {"data/a", "data/b", "data/c"}) ASSERT_TRUE(store->put(key, bytes(std::string(1000, 'x'))));
  metered->reset();
  EXPECT_TRUE(store->get("data/a"));
  EXPECT_TRUE(store->get("data/b"));
  EXPECT_TRUE(store->get("data/a"));
  EXPECT_TRUE(store->get("data/c"));  // b goes
  EXPECT_TRUE(store->get("data/a"));
  EXPECT_EQ(requests(), 3u);
  EXPECT_TRUE(store->get("data/b"));
  EXPECT_EQ(requests(), 4u);
  ASSERT_TRUE(store->put("data/large", bytes(std::string(5000, 'x'))));
  EXPECT_EQ(store->get("data/large")->size(), 5000u);
  metered->reset();
  EXPECT_EQ(store->get("data/large")->size(), 5000u);
  EXPECT_EQ(requests(), 1u) << "beyond the budget";
}

TEST(FaultyStore, FailsOnceBeforeOrAfterTheEffect) {
  for (const Fault fault : {Fault::kFailBefore, Fault::kFailAfter}) {
    const auto disk = make_memory_store();
    const auto store = make_faulty_store(disk, {.fault = fault, .at_operation = 1});
    EXPECT_TRUE(store->put("a", bytes("1")));
    EXPECT_FALSE(store->fired());
    const auto outcome = store->put("b", bytes("2"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::kIoError);
    EXPECT_TRUE(store->fired());
    EXPECT_EQ(content_of(*disk, "b"), fault == Fault::kFailAfter ? "2" : "not_found");
    EXPECT_TRUE(store->put("c", bytes("3"))) << "only once";
    EXPECT_EQ(store->operation_count(), 3u);
  }
}

TEST(FaultyStore, EveryCallFailsAfterACrash) {
  for (const Fault fault : {Fault::kCrashBefore, Fault::kCrashAfter}) {
    const auto disk = make_memory_store();
    const auto store = make_faulty_store(disk, {.fault = fault, .at_operation = 2});
    auto upload = store->open_upload("a").value();
    ASSERT_TRUE(upload->append(bytes("x")));
    EXPECT_FALSE(upload->finish());
    EXPECT_EQ(content_of(*disk, "a"), fault == Fault::kCrashAfter ? "x" : "not_found");
    EXPECT_FALSE(store->put("b", bytes("x")));
    EXPECT_FALSE(store->get("a"));
    EXPECT_FALSE(store->head("a"));
    EXPECT_FALSE(store->list(""));
    EXPECT_FALSE(store->remove("a"));
    EXPECT_FALSE(store->sync("a"));
    EXPECT_FALSE(store->publish("c", {}, [] { return Result<void>(); }));
    EXPECT_FALSE(store->open_upload("d"));
    EXPECT_EQ(disk->list("").value().objects.size(), fault == Fault::kCrashAfter ? 1u : 0u);
  }
}

TEST(FaultyStore, WithoutAFaultItOnlyCounts) {
  const auto store = make_faulty_store(make_memory_store(), {});
  EXPECT_TRUE(store->put("a", bytes("x")));
  EXPECT_EQ(content_of(*store, "a"), "x");
  EXPECT_EQ(store->operation_count(), 2u);
  EXPECT_FALSE(store->fired());
}

}  // namespace
}  // namespace omnigraph::objectstore
