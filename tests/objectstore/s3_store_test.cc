// The S3 store against a real server: what object_store.h promises.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/clock.h"
#include "objectstore/s3_multipart.h"
#include "objectstore/s3_store.h"
#include "tests/objectstore/list_model.h"
#include "tests/objectstore/s3_test_server.h"

namespace omnigraph::objectstore {
namespace {

using testing::bytes;
using testing::content_of;
using testing::S3TestServer;

constexpr std::int64_t kStoreMinuteUs = 60'000'000;

struct S3StoreTest : ::testing::Test {
  std::string why_not;
  const std::unique_ptr<S3TestServer> server = S3TestServer::start(why_not);
  std::shared_ptr<ObjectStore> store;

  void SetUp() override {
    if (server == nullptr) GTEST_SKIP() << why_not;
    server->make_bucket("bucket");
    store = open_s3_store("s3://bucket/some/root", server->options()).value();
  }
};

TEST_F(S3StoreTest, PutsGetsMatchesAndRemoves) {
  EXPECT_EQ(content_of(*store, "a/b"), "not_found");
  EXPECT_EQ(store->head("a/b").error().code, Code::kNotFound);
  ASSERT_TRUE(store->put("a/b", bytes("hello")));
  EXPECT_EQ(content_of(*store, "a/b"), "hello");
  ASSERT_TRUE(store->put("a/b", bytes("hello world")));
  EXPECT_EQ(store->get("a/b", ByteRange{6, 100})->text(), "world");
  EXPECT_EQ(store->get("a/b", ByteRange{3, 4})->text(), "lo w");
  EXPECT_EQ(store->get("a/b", ByteRange{11, 1})->text(), "");
  EXPECT_EQ(store->get("a/b", ByteRange{0, 0})->text(), "");
  EXPECT_EQ(store->get("a/c", ByteRange{0, 0}).error().code, Code::kNotFound);
  const ObjectInfo info = store->head("a/b").value();
  EXPECT_EQ(info.key, "a/b");
  EXPECT_EQ(info.size, 11u);
  EXPECT_LT(std::abs(info.modified_us - system_clock().now_us()), kStoreMinuteUs);
  ASSERT_TRUE(store->put("empty", {}));
  EXPECT_EQ(content_of(*store, "empty"), "");
  EXPECT_EQ(store->get("empty", ByteRange{0, 5})->size(), 0u);
  EXPECT_TRUE(store->sync("a/b"));
  EXPECT_FALSE(store->local_root());
  EXPECT_TRUE(store->remove("a/b"));
  EXPECT_TRUE(store->remove("a/b"));
  EXPECT_EQ(content_of(*store, "a/b"), "not_found");
}

TEST_F(S3StoreTest, PutsIfAbsentOrUnchanged) {
  EXPECT_EQ(store->put_if_absent("log/1", bytes("one")).value(), PutOutcome::kCreated);
  EXPECT_EQ(store->put_if_absent("log/1", bytes("two")).value(), PutOutcome::kAlreadyExists);
  EXPECT_EQ(store->publish("log/1", bytes("two"), nullptr).value(), PutOutcome::kAlreadyExists);
  EXPECT_EQ(content_of(*store, "log/1"), "one");
  int looks = 0;
  EXPECT_EQ(store
                ->publish("log/2", bytes("two"),
                          [&]() -> Result<void> {
                            EXPECT_EQ(content_of(*store, "log/2"), "not_found") << "before the effect";
                            ++looks;
                            return {};
                          })
                .value(),
            PutOutcome::kCreated);
  EXPECT_EQ(looks, 1);
  const auto refused =
      store->publish("log/3", bytes("x"), []() -> Result<void> { return std::unexpected(conflict("no")); });
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_EQ(content_of(*store, "log/3"), "not_found");

  EXPECT_EQ(store->put_if_match("state", bytes("1"), "").value(), MatchOutcome::kReplaced);
  EXPECT_EQ(store->put_if_match("state", bytes("2"), "").value(), MatchOutcome::kChanged);
  const std::string etag = store->head("state")->etag;
  EXPECT_EQ(store->put_if_match("state", bytes("2"), etag).value(), MatchOutcome::kReplaced);
  EXPECT_EQ(store->put_if_match("state", bytes("3"), etag).value(), MatchOutcome::kChanged);
  EXPECT_EQ(store->put_if_match("gone", bytes("3"), etag).value(), MatchOutcome::kChanged);
  EXPECT_EQ(content_of(*store, "state"), "2");
  EXPECT_EQ(store->list("state").value().objects.at(0).etag, store->head("state")->etag);
}

TEST_F(S3StoreTest, ConcurrentCreatorsHaveOneWinner) {
  std::atomic<int> winners = 0;
  {
    std::vector<std::jthread> writers;
    for (int id = 0; id < 8; ++id) {
      writers.emplace_back([&] {
        if (store->put_if_absent("log/1", bytes("x")).value() == PutOutcome::kCreated) ++winners;
      });
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(S3StoreTest, KeysMayHoldAnything) {
  for (const char* key : {"a b/c+d&e=f", "p%2Fq", "\xC3\xA9/\xE2\x82\xAC", "q?x#y", "it's \"<&>\"", "a:b,c;d@e"}) {
    ASSERT_TRUE(store->put(key, bytes(key))) << key;
    EXPECT_EQ(content_of(*store, key), key);
    EXPECT_EQ(store->list(key).value().objects.at(0).key, key);
    EXPECT_TRUE(store->remove(key)) << key;
  }
}

TEST_F(S3StoreTest, ListsMatchTheModel) { testing::compare_lists_with_model(*store, 400); }

TEST_F(S3StoreTest, LongListsComeInPages) {
  constexpr int kKeys = 1100;
  {
    std::vector<std::jthread> writers;
    for (int part = 0; part < 4; ++part) {
      writers.emplace_back([&, part] {
        for (int i = part; i < kKeys; i += 4) ASSERT_TRUE(store->put("p/" + std::to_string(10'000 + i), {}));
      });
    }
  }
  const Listing all = store->list("p/", {.limit = 5000}).value();
  ASSERT_EQ(all.objects.size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(all.objects.back().key, "p/11099");
  EXPECT_FALSE(all.truncated);
  EXPECT_TRUE(store->list("p/", {.limit = 1050}).value().truncated);
  EXPECT_EQ(store->list("p/", {.start_after = "p/11097", .limit = 9}).value().objects.size(), 2u);
}

// Uploads, and puts of more than one request takes, go in parts.
TEST_F(S3StoreTest, LargeObjectsTravelInParts) {
  std::string large(2 * kS3PartBytes + 12345, 'x');
  for (std::size_t i = 0; i < large.size(); i += 4099) large[i] = static_cast<char>('a' + i % 23);
  auto upload = store->open_upload("data/1").value();
  for (std::size_t at = 0; at < large.size(); at += 5'000'000) {
    ASSERT_TRUE(upload->append(bytes(std::string_view(large).substr(at, 5'000'000))));
  }
  EXPECT_EQ(content_of(*store, "data/1"), "not_found");
  const auto finished = upload->finish();
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_TRUE(store->get("data/1")->text() == large);

  auto second = store->open_upload("data/1").value();
  ASSERT_TRUE(second->append(bytes(large)));
  const auto taken = second->finish();
  ASSERT_FALSE(taken) << "exists";
  EXPECT_EQ(taken.error().code, Code::kConflict);
  second.reset();
  auto small = store->open_upload("data/1").value();
  ASSERT_TRUE(small->append(bytes("x")));
  EXPECT_EQ(small->finish().error().code, Code::kConflict);

  const std::string very_large(kS3SinglePutMax + 1, 'y');
  ASSERT_TRUE(store->put("data/2", bytes(very_large)));
  EXPECT_EQ(store->head("data/2")->size, very_large.size());
  EXPECT_EQ(store->put_if_absent("data/2", bytes(very_large)).value(), PutOutcome::kAlreadyExists);
}

TEST_F(S3StoreTest, AbandonedUploadsAreAborted) {
  const std::string large(kS3PartBytes + 1, 'x');
  const std::int64_t future_us = system_clock().now_us() + 10 * kStoreMinuteUs;
  auto upload = store->open_upload("data/1").value();
  ASSERT_TRUE(upload->append(bytes(large)));
  EXPECT_EQ(store->remove_temporaries("log", future_us).value(), 0u) << "another folder";
  EXPECT_EQ(store->remove_temporaries("data", future_us - 20 * kStoreMinuteUs).value(), 0u) << "younger";
  EXPECT_EQ(store->remove_temporaries("data/", future_us).value(), 1u);
  const auto finished = upload->finish();
  ASSERT_FALSE(finished);
  EXPECT_NE(finished.error().message.find("NoSuchUpload"), std::string::npos) << finished.error().message;
  upload.reset();
  {
    auto dropped = store->open_upload("data/2").value();
    ASSERT_TRUE(dropped->append(bytes(large)));
  }
  EXPECT_EQ(store->remove_temporaries("", future_us).value(), 0u) << "a dropped one aborts itself";
}

TEST_F(S3StoreTest, WrongSettingsGiveErrorsThatSayWhat) {
  const auto with = [&](std::map<std::string, std::string> values, const std::string& uri = "s3://bucket/root",
                        const Clock* clock = nullptr) {
    S3Options options = server->options();
    options.clock = clock;
    options.environment = [values = std::move(values), inner = options.environment](const std::string& name) {
      const auto found = values.find(name);
      return found == values.end() ? inner(name) : std::optional(found->second);
    };
    return open_s3_store(uri, options).value();
  };
  const auto message = [](const std::shared_ptr<ObjectStore>& opened) { return opened->get("a").error().message; };
  const std::string nobody = message(with({{"AWS_ACCESS_KEY_ID", "nobody"}}));
  EXPECT_NE(nobody.find("the store does not know this AWS_ACCESS_KEY_ID"), std::string::npos) << nobody;
  EXPECT_NE(message(with({{"AWS_SECRET_ACCESS_KEY", "wrong"}})).find("check AWS_SECRET_ACCESS_KEY"), std::string::npos);
  const auto missing = with({}, "s3://no-bucket/root");
  EXPECT_EQ(missing->get("a").error().code, Code::kIoError);
  EXPECT_EQ(missing->head("a").error().code, Code::kIoError);
  EXPECT_EQ(missing->list("").error().code, Code::kIoError);
  EXPECT_NE(message(missing).find("there is no bucket 'no-bucket'"), std::string::npos) << message(missing);
  EXPECT_EQ(missing->put("a", bytes("x")).error().code, Code::kUnavailable);
  const ManualClock late(system_clock().now_us() + 60 * kStoreMinuteUs);
  const Error skewed = with({}, "s3://bucket/root", &late)->publish("log/1", bytes("x"), nullptr).error();
  EXPECT_EQ(skewed.code, Code::kUnavailable);
  EXPECT_NE(skewed.message.find("minutes ahead of the store's; set it right"), std::string::npos) << skewed.message;
  EXPECT_EQ(content_of(*store, "log/1"), "not_found");
}

}  // namespace
}  // namespace omnigraph::objectstore
