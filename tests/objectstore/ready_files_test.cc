// Publishes over files that lie ready (objectstore/ready_files.h).
#include "objectstore/ready_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

namespace fs = std::filesystem;
using testing::bytes;
using testing::content_of;
using testing::entry_count;

ino_t inode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

struct ReadyFilesTest : ::testing::Test {
  Result<PutOutcome> publish(const std::string& key, const std::string& body) const {
    return store->publish(key, bytes(body), {});
  }
  [[nodiscard]] std::set<fs::path> ready() const {
    std::set<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(root / "log")) {
      if (entry.path().filename().string().starts_with(".ready.tmp-")) paths.insert(entry.path());
    }
    return paths;
  }
  // One publish lets two more be expected.
  std::set<fs::path> two_ready() const {
    EXPECT_TRUE(publish("log/first", body('0')));
    make_ready(*store);
    return ready();
  }
  static std::string body(char fill, std::uint64_t size = kReadyStepBytes) { return std::string(size, fill); }

  const testing::TemporaryFolder folder{"ready_files_test"};
  const fs::path root = folder.path();
  std::shared_ptr<ObjectStore> store = open_local_store(root).value();
};

TEST(ReadySize, IsTheNextStepUpToALimit) {
  EXPECT_EQ(ready_size(1), kReadyStepBytes);
  EXPECT_EQ(ready_size(kReadyStepBytes), kReadyStepBytes);
  EXPECT_EQ(ready_size(kReadyStepBytes + 1), 2 * kReadyStepBytes);
  EXPECT_EQ(ready_size(kReadyBytesMax), kReadyBytesMax);
  EXPECT_EQ(ready_size(kReadyBytesMax + 1), kReadyBytesMax + 1);
}

// Goal: what was made ahead is what is published, whole. Method: the inode stays, the name and the content change.
TEST_F(ReadyFilesTest, APublishTakesAReadyFileOfItsSize) {
  EXPECT_TRUE(publish("log/first", body('0')));
  EXPECT_TRUE(ready().empty()) << "nobody asked for any";
  make_ready(*store);
  const std::set<fs::path> files = ready();
  ASSERT_EQ(files.size(), 2u);
  std::set<ino_t> inodes;
  for (const fs::path& path : files) inodes.insert(inode_of(path));

  ASSERT_EQ(publish("log/second", body('a')).value(), PutOutcome::kCreated);
  EXPECT_TRUE(inodes.contains(inode_of(root / "log/second")));
  EXPECT_TRUE(content_of(*store, "log/second") == body('a'));
  EXPECT_EQ(ready().size(), 1u);

  ASSERT_EQ(publish("log/third", body('b', 2 * kReadyStepBytes)).value(), PutOutcome::kCreated);
  EXPECT_FALSE(inodes.contains(inode_of(root / "log/third"))) << "another size";
  ASSERT_EQ(publish("log/fourth", body('c', 100)).value(), PutOutcome::kCreated);
  EXPECT_EQ(content_of(*store, "log/fourth"), body('c', 100));
  EXPECT_EQ(ready().size(), 1u);
  EXPECT_EQ(store->list("").value().objects.size(), 4u) << "what lies ready is never listed";
}

TEST_F(ReadyFilesTest, WhoLosesOrIsRefusedLeavesNothing) {
  ASSERT_EQ(two_ready().size(), 2u);
  EXPECT_EQ(publish("log/first", body('x')).value(), PutOutcome::kAlreadyExists);
  EXPECT_TRUE(content_of(*store, "log/first") == body('0'));
  const auto refused = store->publish("log/new", bytes(body('x')),
                                      []() -> Result<void> { return std::unexpected(conflict("head too old")); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "head too old");
  EXPECT_EQ(content_of(*store, "log/new"), "not_found");
  EXPECT_EQ(entry_count(root / "log"), 1);
}

// Goal: whatever became of a ready file, a publish is as good as without it.
TEST_F(ReadyFilesTest, FilesThatOthersTouchedArePassedOver) {
  const std::vector<std::pair<std::string, void (*)(const fs::path&)>> touches = {
      {"removed", [](const fs::path& path) { fs::remove(path); }},
      {"shortened", [](const fs::path& path) { fs::resize_file(path, 10); }},
      {"grown", [](const fs::path& path) { fs::resize_file(path, 1 << 20); }},
      {"has a second name", [](const fs::path& path) { fs::create_hard_link(path, path.string() + "-too"); }},
  };
  for (const auto& [what, touch] : touches) {
    SCOPED_TRACE(what);
    EXPECT_TRUE(publish("log/before " + what, body('0')));
    make_ready(*store);
    for (const fs::path& path : ready()) touch(path);
    ASSERT_EQ(publish("log/" + what, body('n')).value(), PutOutcome::kCreated);
    EXPECT_TRUE(content_of(*store, "log/" + what) == body('n'));
    struct stat status{};
    ASSERT_EQ(::stat((root / "log" / what).c_str(), &status), 0);
    EXPECT_EQ(status.st_nlink, 1u);
  }
}

TEST_F(ReadyFilesTest, TheyGoWithTheStore) {
  ASSERT_EQ(two_ready().size(), 2u);
  store.reset();
  EXPECT_TRUE(ready().empty());
}

// Goal: who publishes in two folders in turn meets a ready file every time.
TEST_F(ReadyFilesTest, FoldersDoNotTakeEachOthersFiles) {
  const std::vector<std::string> folders{"log/a", "log/b"};
  std::map<std::string, std::set<ino_t>> made;
  for (int round = 0; round < 4; ++round) {
    for (const std::string& name : folders) {
      const std::string key = name + "/" + std::to_string(round);
      ASSERT_EQ(publish(key, body('x')).value(), PutOutcome::kCreated);
      EXPECT_EQ(made[name].contains(inode_of(root / key)), round > 0) << key;
      make_ready(*store);
      for (const auto& entry : fs::directory_iterator(root / name)) {
        if (entry.path().filename().string().starts_with(".ready.")) made[name].insert(inode_of(entry.path()));
      }
    }
  }
}

std::chrono::steady_clock::time_point g_now;

// Goal: files go a while after the last publish in their folder, and none of them is used when it is old.
TEST_F(ReadyFilesTest, TheyGoWhenNobodyPublishes) {
  g_now = std::chrono::steady_clock::now();
  ReadyFiles files([] { return g_now; });
  const fs::path folder_a = root / "log";
  fs::create_directories(folder_a);
  const auto write = [&] { return files.write(folder_a, bytes(body('x'))).value(); };
  ASSERT_FALSE(write()) << "nothing is ready yet";
  files.top_up();
  ASSERT_EQ(ready().size(), 2u);
  g_now += std::chrono::seconds(50);
  files.top_up();
  EXPECT_EQ(ready().size(), 2u);
  g_now += std::chrono::seconds(15);
  files.top_up();
  EXPECT_TRUE(ready().empty());

  ASSERT_FALSE(write());
  files.top_up();
  ASSERT_EQ(ready().size(), 2u);
  g_now += std::chrono::minutes(40);
  EXPECT_FALSE(write()) << "cleanup may be looking at them";
  files.top_up();
  const auto taken = write();
  ASSERT_TRUE(taken);
  EXPECT_TRUE(fs::remove(*taken));
}

// Goal: two publishers never meet in one file. Method: threads publish texts of their own while files are made, the
// first ones with files that lie ready.
TEST_F(ReadyFilesTest, EachPublishHasItsOwnFile) {
  constexpr int kPublishers = 4;
  constexpr int kEach = 25;
  for (int t = 0; t < kPublishers; ++t) ASSERT_TRUE(publish("log/before-" + std::to_string(t), body('0')));
  make_ready(*store);
  std::set<ino_t> made;
  for (const fs::path& path : ready()) made.insert(inode_of(path));
  ASSERT_EQ(made.size(), 2u * kPublishers);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kPublishers; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          ASSERT_TRUE(publish("log/" + std::to_string(t) + "-" + std::to_string(i), body(static_cast<char>('a' + t))));
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) make_ready(*store);
    });
  }
  int reused = 0;
  for (int t = 0; t < kPublishers; ++t) {
    for (int i = 0; i < kEach; ++i) {
      reused += made.contains(inode_of(root / "log" / (std::to_string(t) + "-" + std::to_string(i)))) ? 1 : 0;
      EXPECT_TRUE(content_of(*store, "log/" + std::to_string(t) + "-" + std::to_string(i)) ==
                  body(static_cast<char>('a' + t)));
    }
  }
  EXPECT_EQ(reused, 2 * kPublishers);
}

}  // namespace
}  // namespace omnigraph::objectstore
