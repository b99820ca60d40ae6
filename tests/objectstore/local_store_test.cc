#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

namespace fs = std::filesystem;
using testing::bytes;
using testing::content_of;
using testing::entry_count;
using testing::file_content;

struct LocalStoreTest : ::testing::Test {
  const testing::TemporaryFolder folder{"local_store_test"};
  const fs::path root = folder.path();
  const std::shared_ptr<ObjectStore> store = open_local_store(root).value();
};

// Goal: a race has one winner and the losers change nothing.
// Method: eight threads publish their own name under one key; the stored bytes must be the winner's.
TEST_F(LocalStoreTest, ConcurrentCreatorsHaveOneWinner) {
  std::atomic<int> winner_count = 0;
  std::string winner;
  {
    std::vector<std::jthread> writers;
    for (int id = 0; id < 8; ++id) {
      writers.emplace_back([&, name = "writer-" + std::to_string(id)] {
        const auto outcome = store->put_if_absent("log/main/7", bytes(name));
        ASSERT_TRUE(outcome) << outcome.error().message;
        if (*outcome == PutOutcome::kCreated && ++winner_count == 1) winner = name;
      });
    }
  }
  EXPECT_EQ(winner_count, 1);
  EXPECT_EQ(file_content(root / "log/main/7"), winner);
  EXPECT_EQ(entry_count(root / "log/main"), 1) << "temporary left";
}

TEST_F(LocalStoreTest, RejectsKeysThatLeaveTheRootOrTheLimit) {
  for (const std::string& key :
       {std::string(), std::string("/etc/x"), std::string("a/../../x"), std::string(kKeySizeMax + 1, 'k'),
        std::string("a//b"), std::string("a/"), std::string(".hidden"), std::string("a/.b"), std::string("\xff"),
        std::string("a\0b", 3)}) {
    const auto outcome = store->put_if_absent(key, {});
    ASSERT_FALSE(outcome) << key;
    EXPECT_EQ(outcome.error().code, Code::kInvalidArgument) << key;
    EXPECT_EQ(store->get(key).error().code, Code::kInvalidArgument) << key;
    EXPECT_EQ(store->remove(key).error().code, Code::kInvalidArgument) << key;
    EXPECT_EQ(store->open_upload(key).error().code, Code::kInvalidArgument) << key;
  }
  EXPECT_EQ(entry_count(root), 0);
}

TEST_F(LocalStoreTest, PutReplacesAndLeavesNothingElse) {
  for (const Durability durability : {Durability::kDurable, Durability::kWriteBack}) {
    ASSERT_TRUE(store->put("a/b", bytes("one"), durability));
    ASSERT_TRUE(store->put("a/b", bytes("two"), durability));
    EXPECT_EQ(content_of(*store, "a/b"), "two");
    EXPECT_EQ(store->put_if_absent("a/b", bytes("three"), durability).value(), PutOutcome::kAlreadyExists);
    EXPECT_EQ(content_of(*store, "a/b"), "two");
    EXPECT_EQ(entry_count(root / "a"), 1);
  }
}

TEST_F(LocalStoreTest, GetReadsRangesOfSmallAndMappedObjects) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{100'000}}) {
    std::string body;
    for (std::size_t i = 0; i < size; ++i) body += static_cast<char>('a' + i % 26);
    ASSERT_TRUE(store->put("object", bytes(body)));
    EXPECT_EQ(content_of(*store, "object"), body);
    EXPECT_EQ(store->get("object", ByteRange{3, 4})->text(), body.substr(3, 4));
    EXPECT_EQ(store->get("object", ByteRange{5, size})->text(), body.substr(5)) << "clamped";
    EXPECT_EQ(store->get("object", ByteRange{size + 5, 1})->text(), "");
    EXPECT_EQ(store->head("object")->size, size);
  }
  const Buffer mapped = store->get("object").value();
  ASSERT_TRUE(store->remove("object"));
  EXPECT_EQ(mapped.size(), 100'000u) << "a buffer outlives its object";
  EXPECT_EQ(mapped.text().front(), 'a');
}

TEST_F(LocalStoreTest, MissingObjects) {
  ASSERT_TRUE(store->put("folder/object", bytes("x")));
  for (const std::string_view key : {"missing", "folder", "folder/object/below", "no/such/folder"}) {
    EXPECT_EQ(store->get(key).error().code, Code::kNotFound) << key;
    EXPECT_EQ(store->get(key, ByteRange{0, 1}).error().code, Code::kNotFound) << key;
    EXPECT_EQ(store->head(key).error().code, Code::kNotFound) << key;
    EXPECT_TRUE(store->remove(key)) << key;
    EXPECT_EQ(store->sync(key).error().code, Code::kNotFound) << key;
  }
  EXPECT_EQ(store->get("missing").error().message, "no object 'missing'");
  EXPECT_EQ(content_of(*store, "folder/object"), "x");
}

TEST_F(LocalStoreTest, MatchComparesTheContent) {
  EXPECT_EQ(store->put_if_match("state", bytes("one"), "").value(), MatchOutcome::kReplaced) << "only if absent";
  EXPECT_EQ(store->put_if_match("state", bytes("two"), "").value(), MatchOutcome::kChanged);
  const std::string etag = store->head("state")->etag;
  EXPECT_EQ(etag, base::sha256_hex("one"));
  EXPECT_EQ(store->put_if_match("state", bytes("two"), etag).value(), MatchOutcome::kReplaced);
  EXPECT_EQ(store->put_if_match("state", bytes("three"), etag).value(), MatchOutcome::kChanged);
  EXPECT_EQ(content_of(*store, "state"), "two");
  EXPECT_EQ(store->put_if_match("missing", bytes("x"), etag).value(), MatchOutcome::kChanged);
  EXPECT_EQ(content_of(*store, "missing"), "not_found");
  EXPECT_EQ(store->list("").value().objects.size(), 1u) << "the lock is never listed";
}

// Goal: no update is lost. Method: threads add one to a number by compare and swap, each until it succeeded often.
TEST_F(LocalStoreTest, MatchingWritersLoseNoUpdate) {
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  ASSERT_TRUE(store->put("counter", bytes("0")));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int done = 0; done < kEach;) {
          const std::string now = content_of(*store, "counter");
          const std::string next = std::to_string(std::stoi(now) + 1);
          const auto outcome = store->put_if_match("counter", bytes(next), base::sha256_hex(now));
          ASSERT_TRUE(outcome) << outcome.error().message;
          if (*outcome == MatchOutcome::kReplaced) ++done;
        }
      });
    }
  }
  EXPECT_EQ(content_of(*store, "counter"), std::to_string(kThreads * kEach));
}

TEST_F(LocalStoreTest, PublishAsksTheHookAfterPreparing) {
  int temporaries_seen = 0;
  const auto look = [&]() -> Result<void> {
    temporaries_seen = static_cast<int>(entry_count(root / "log"));
    EXPECT_EQ(content_of(*store, "log/1"), "not_found") << "before the effect";
    return {};
  };
  EXPECT_EQ(store->publish("log/1", bytes("one"), look).value(), PutOutcome::kCreated);
  EXPECT_EQ(temporaries_seen, 1);
  EXPECT_EQ(store->publish("log/1", bytes("two"), [] { return Result<void>(); }).value(), PutOutcome::kAlreadyExists);
  EXPECT_EQ(content_of(*store, "log/1"), "one");

  const auto refused =
      store->publish("log/2", bytes("x"), []() -> Result<void> { return std::unexpected(conflict("head too old")); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "head too old");
  EXPECT_EQ(content_of(*store, "log/2"), "not_found");
  EXPECT_EQ(entry_count(root / "log"), 1) << "temporary left";
}

TEST_F(LocalStoreTest, UploadsAppearWhole) {
  {
    auto upload = store->open_upload("data/a").value();
    ASSERT_TRUE(upload->append(bytes("hello ")));
    ASSERT_TRUE(upload->append(bytes("world")));
    EXPECT_EQ(content_of(*store, "data/a"), "not_found");
    EXPECT_TRUE(store->list("").value().objects.empty());
    ASSERT_TRUE(upload->finish());
    EXPECT_EQ(content_of(*store, "data/a"), "hello world");
  }
  {
    auto second = store->open_upload("data/a").value();
    ASSERT_TRUE(second->append(bytes("other")));
    const auto outcome = second->finish();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::kConflict);
    auto dropped = store->open_upload("data/b").value();
    ASSERT_TRUE(dropped->append(bytes("other")));
  }
  EXPECT_EQ(content_of(*store, "data/a"), "hello world");
  EXPECT_EQ(entry_count(root / "data"), 1) << "temporary left";
}

TEST_F(LocalStoreTest, LongNamesWork) {
  const std::string key = "folder/" + std::string(255, 'n');  // the longest name Linux allows
  ASSERT_TRUE(store->put_if_absent(key, bytes("x")));
  EXPECT_EQ(content_of(*store, key), "x");
  EXPECT_EQ(store->put(key + "n", bytes("x")).error().code, Code::kIoError);
}

TEST_F(LocalStoreTest, FoldersRemovedUnderneathAreMadeAgain) {
  ASSERT_TRUE(store->put("a/b/c", bytes("x")));
  fs::remove_all(root / "a");
  ASSERT_TRUE(store->put("a/b/d", bytes("y")));
  EXPECT_EQ(content_of(*store, "a/b/d"), "y");
}

TEST_F(LocalStoreTest, OldTemporariesAreRemovedAndNothingElse) {
  ASSERT_TRUE(store->put("log/a/1", bytes("x")));
  ASSERT_TRUE(store->put("data/1", bytes("x")));
  for (const char* name : {"log/a/.2.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV", "log/.lock", "data/.2.tmp-0"}) {
    std::ofstream(root / name) << "left";
  }
  const std::int64_t future_us = system_clock().now_us() + 60'000'000;
  EXPECT_EQ(store->remove_temporaries("log/", 1).value(), 0u) << "all are younger";
  EXPECT_EQ(store->remove_temporaries("log/", future_us).value(), 1u);
  EXPECT_TRUE(fs::exists(root / "log/.lock"));
  EXPECT_TRUE(fs::exists(root / "data/.2.tmp-0")) << "another folder";
  EXPECT_EQ(store->remove_temporaries("", future_us).value(), 1u);
  EXPECT_EQ(content_of(*store, "log/a/1"), "x");
  EXPECT_EQ(store->remove_temporaries("missing", future_us).value(), 0u);
}

// Goal: a disk that runs full gives a clear error and leaves no temporary file behind.
// Method: a limit on the size of files stands in for the full disk.
TEST_F(LocalStoreTest, AFailedWriteSaysWhyAndLeavesNothing) {
  ASSERT_TRUE(store->put("data/before", bytes("x")));
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string large(100'000, 'x');
  const auto created = store->put_if_absent("data/large", bytes(large));
  const auto replaced = store->put("data/before", bytes(large));
  Result<void> appended;
  if (auto upload = store->open_upload("data/upload")) appended = (*upload)->append(bytes(large));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kIoError);
  EXPECT_EQ(created.error().message, "cannot write '" + (root / "data/large").string() + "': File too large");
  EXPECT_FALSE(replaced);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().message, "cannot write '" + (root / "data/upload").string() + "': File too large");
  EXPECT_EQ(content_of(*store, "data/before"), "x");
  EXPECT_EQ(entry_count(root / "data"), 1) << "temporary left";
}

TEST_F(LocalStoreTest, UnusableFoldersGiveErrorsWithTheirPath) {
  ASSERT_TRUE(store->put("file", bytes("x")));
  const auto below_a_file = store->put("file/below", bytes("x"));
  ASSERT_FALSE(below_a_file);
  EXPECT_EQ(below_a_file.error().code, Code::kIoError);
  EXPECT_NE(below_a_file.error().message.find((root / "file").string()), std::string::npos);
  ASSERT_TRUE(store->put("closed/a", bytes("x")));
  fs::permissions(root / "closed", fs::perms::none);
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  if (user == 0) {  // root may do anything
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  EXPECT_EQ(store->list("closed/").error().message,
            "cannot list '" + (root / "closed/").string() + "': Permission denied");
  EXPECT_EQ(store->put("closed/b", bytes("x")).error().message,
            "cannot write '" + (root / "closed/b").string() + "': Permission denied");
  ASSERT_EQ(::seteuid(user), 0);
  fs::permissions(root / "closed", fs::perms::owner_all);
}

TEST_F(LocalStoreTest, OpeningNeedsAFolder) {
  EXPECT_EQ(open_local_store(root / "missing").error().code, Code::kNotFound);
  ASSERT_TRUE(store->put("file", bytes("x")));
  EXPECT_EQ(open_local_store(root / "file").error().message,
            "cannot open '" + (root / "file").string() + "': Not a directory");
  const auto made = create_local_store(root / "new/deep");
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->local_root(), fs::canonical(root / "new/deep"));
  EXPECT_TRUE(create_local_store(root / "new/deep")) << "again is no error";
}

// Goal: a list does not walk folders that cannot answer. Method: an unreadable stand-in, a symbolic link into itself.
TEST_F(LocalStoreTest, ListsVisitOnlyWhatCanAnswer) {
  ASSERT_TRUE(store->put("b/1", bytes("x")));
  ASSERT_TRUE(store->put("c/1", bytes("x")));
  fs::create_directory(root / "a");
  fs::create_directory_symlink(root / "a", root / "a" / "loop");
  EXPECT_FALSE(store->list("a/")) << "endless";
  for (const ListOptions& options : {ListOptions{}, ListOptions{.delimited = true}}) {
    EXPECT_TRUE(store->list("b", options));
    EXPECT_TRUE(store->list("b/", options));
  }
  EXPECT_TRUE(store->list("", {.start_after = "b"})) << "everything in a/ lies before";
  EXPECT_TRUE(store->list("b/", {.limit = 1}));
}

}  // namespace
}  // namespace omnigraph::objectstore
