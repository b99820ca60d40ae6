#include <gtest/gtest.h>

#include <thread>

#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::bytes;
using testing::content_of;

constexpr std::int64_t kMinuteUs = 60'000'000;

struct MemoryStoreTest : ::testing::Test {
  ManualClock clock{1'000'000'000};
  const std::shared_ptr<ObjectStore> store = make_memory_store(clock);
};

TEST_F(MemoryStoreTest, DatesObjectsByItsClock) {
  ASSERT_TRUE(store->put("a", bytes("x")));
  EXPECT_EQ(store->head("a")->modified_us, 1'000'000'000);
  clock.advance_us(5);
  ASSERT_TRUE(store->put("a", bytes("y")));
  EXPECT_EQ(store->list("").value().objects.at(0).modified_us, 1'000'000'005);
}

TEST_F(MemoryStoreTest, CreatesMatchesAndRemoves) {
  EXPECT_EQ(store->put_if_absent("a", bytes("1")).value(), PutOutcome::kCreated);
  EXPECT_EQ(store->put_if_absent("a", bytes("2")).value(), PutOutcome::kAlreadyExists);
  EXPECT_EQ(content_of(*store, "a"), "1");
  const std::string etag = store->head("a")->etag;
  EXPECT_EQ(store->put_if_match("a", bytes("2"), "").value(), MatchOutcome::kChanged);
  EXPECT_EQ(store->put_if_match("a", bytes("2"), etag).value(), MatchOutcome::kReplaced);
  EXPECT_EQ(store->put_if_match("a", bytes("3"), etag).value(), MatchOutcome::kChanged);
  EXPECT_EQ(store->put_if_match("b", bytes("3"), "").value(), MatchOutcome::kReplaced);
  EXPECT_EQ(store->get("a", ByteRange{1, 9})->size(), 0u);
  EXPECT_TRUE(store->remove("a"));
  EXPECT_TRUE(store->remove("a"));
  EXPECT_EQ(content_of(*store, "a"), "not_found");
  EXPECT_EQ(store->put("../a", {}).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(store->local_root());
}

TEST_F(MemoryStoreTest, UploadsAppearWhole) {
  auto upload = store->open_upload("a").value();
  ASSERT_TRUE(upload->append(bytes("he")));
  ASSERT_TRUE(upload->append(bytes("llo")));
  EXPECT_EQ(content_of(*store, "a"), "not_found");
  ASSERT_TRUE(upload->finish());
  EXPECT_EQ(content_of(*store, "a"), "hello");
  auto second = store->open_upload("a").value();
  EXPECT_EQ(second->finish().error().code, Code::kConflict);
}

// Goal: what stalls after its look at the clock has no effect (chapter 09 section 3, rule c).
TEST_F(MemoryStoreTest, RefusesAPublishAnHourAfterItsLook) {
  const auto stall_for = [this](std::int64_t us) {
    return [this, us]() -> Result<void> {
      clock.advance_us(us);
      return {};
    };
  };
  EXPECT_EQ(store->publish("log/1", bytes("x"), stall_for(60 * kMinuteUs)).value(), PutOutcome::kCreated);
  const auto late = store->publish("log/2", bytes("x"), stall_for(60 * kMinuteUs + 1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "publish of 'log/2' refused: prepared 60 minutes ago");
  EXPECT_EQ(content_of(*store, "log/2"), "not_found");
  const auto refused =
      store->publish("log/3", bytes("x"), []() -> Result<void> { return std::unexpected(conflict("no")); });
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(content_of(*store, "log/3"), "not_found");
}

TEST_F(MemoryStoreTest, ConcurrentCreatorsHaveOneWinner) {
  std::atomic<int> winner_count = 0;
  {
    std::vector<std::jthread> writers;
    for (int id = 0; id < 8; ++id) {
      writers.emplace_back([&] {
        if (store->put_if_absent("a", bytes("x")).value() == PutOutcome::kCreated) ++winner_count;
      });
    }
  }
  EXPECT_EQ(winner_count, 1);
}

}  // namespace
}  // namespace omnigraph::objectstore
