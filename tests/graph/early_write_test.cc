// Writes run before their turn (graph/early_write.h).
#include "graph/early_write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "graph/moment.h"
#include "graph/store_parts.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

struct EarlyWriteTest : ::testing::Test {
  [[nodiscard]] std::optional<EarlyWrite> early(const WriteBody& body) const {
    return run_early(graph->parts(), {}, body, *files);
  }
  [[nodiscard]] std::optional<PreparedWrite> on_head(const EarlyWrite& write) const {
    return prepare_early(write, *graph->head("main").value(), *store, *files);
  }
  static WriteBody puts(const People& people, PutMode mode = PutMode::kAppend) {
    return [people, mode](WriteTransaction& transaction) -> Result<void> {
      transaction.put(people_rows(*transaction.base()->catalog(), people), mode, false);
      return {};
    };
  }

  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  const std::shared_ptr<PreparedFileCache> files = make_prepared_file_cache();
};

// Goal: the rows keep their file and get the numbers that follow those of the commits in between.
TEST_F(EarlyWriteTest, NewRowsAreCarriedToALaterHead) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  const auto write = early(puts({{"Bo", 2}, {"Cy", 3}}));
  ASSERT_TRUE(write);
  const auto before = on_head(*write);
  ASSERT_TRUE(before);
  ASSERT_TRUE(insert_person(*graph, "Di"));
  ASSERT_TRUE(birthday(*graph, "Ada"));
  const auto after = on_head(*write);
  ASSERT_TRUE(after);
  ASSERT_EQ(after->tables.size(), 1u);
  EXPECT_EQ(after->tables[0].live_rows, 4u);
  EXPECT_EQ(after->tables[0].counts.inserted, 2u);
  EXPECT_EQ(before->tables[0].next_row_id, 3u);
  EXPECT_EQ(after->tables[0].next_row_id, 4u);
  ASSERT_EQ(after->small.size(), 1u);
  EXPECT_EQ(after->small[0].key, before->small[0].key) << "written once";
}

TEST_F(EarlyWriteTest, RowsThatAreThereAreForTheirTurn) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  EXPECT_FALSE(early(puts({{"Ada", 2}}, PutMode::kMerge))) << "an update";
  EXPECT_FALSE(early(puts({{"Ada", 2}}, PutMode::kAppend))) << "a conflict";
  for (const PutMode mode : {PutMode::kAppend, PutMode::kMerge}) {
    const std::string name = mode == PutMode::kAppend ? "Bo" : "Cy";
    const auto write = early(puts({{name, 2}}, mode));
    ASSERT_TRUE(write);
    ASSERT_TRUE(insert_person(*graph, name));
    EXPECT_FALSE(on_head(*write)) << "another writer was first";
  }
}

TEST_F(EarlyWriteTest, WhatDependsOnTheBaseIsForItsTurn) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  EXPECT_FALSE(early([&](WriteTransaction& transaction) -> Result<void> {
    transaction.note_read(kNote);
    return puts({{"Bo", 1}})(transaction);
  })) << "it read a table";
  EXPECT_FALSE(early([&](WriteTransaction& transaction) -> Result<void> {
    transaction.remove(kPerson, std::vector<Ordinal>{0});
    return puts({{"Bo", 1}})(transaction);
  })) << "it removes a row of the base";
  EXPECT_FALSE(early([&](WriteTransaction& transaction) -> Result<void> {
    transaction.replace_all(kPerson);
    return puts({{"Bo", 1}})(transaction);
  }));
  EXPECT_FALSE(early([](WriteTransaction&) -> Result<void> { return {}; })) << "nothing";
  EXPECT_FALSE(early([](WriteTransaction&) -> Result<void> { return std::unexpected(bad_request("no")); }));
  EXPECT_FALSE(early([](WriteTransaction&) -> Result<void> { throw std::bad_alloc(); }));
  EXPECT_FALSE(run_early(graph->parts(), {.branch = "missing"}, puts({{"Bo", 1}}), *files));
}

// Goal: an endpoint that vanished meanwhile is found missing on the turn.
TEST_F(EarlyWriteTest, EverythingIsCheckedAgain) {
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
  const auto write = early([](WriteTransaction& transaction) -> Result<void> {
    transaction.put(knows_rows(*transaction.base()->catalog(), {{"Ada", "Bo"}}), PutMode::kAppend, true);
    return {};
  });
  ASSERT_TRUE(write);
  EXPECT_TRUE(on_head(*write));
  ASSERT_TRUE(remove_person(*graph, "Bo"));
  EXPECT_FALSE(on_head(*write));
}

// A store whose publishes wait.
class SteppedStore : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    if (holds_) {
      waits_ = true;
      holds_.wait(true);
    }
    return ForwardingStore::publish(key, body, before_effect);
  }
  void hold() { holds_ = true; }
  [[nodiscard]] bool waits() const { return waits_; }
  void let_go() {
    holds_ = false;
    holds_.notify_all();
  }

 private:
  std::atomic<bool> holds_ = false, waits_ = false;
};

// Looks for what another thread is to bring about; false: it did not come.
template <class Came>
bool comes(const Came& came) {
  for (int look = 0; look < 2000; ++look) {
    if (came()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

struct HeldLeaderTest : ::testing::Test {
  void lead() {
    store->hold();
    leader = std::jthread([&] { led = insert_person(*graph, "Lead").has_value(); });
    ASSERT_TRUE(comes([&] { return store->waits(); }));
  }

  ManualClock clock{1'800'000'000'000'000};
  const std::shared_ptr<SteppedStore> store = std::make_shared<SteppedStore>(objectstore::make_memory_store());
  const GraphPtr graph = init_people(store, {.clock = &clock});
  std::atomic<bool> led = false;
  std::jthread leader;
};

// Goal: a body runs while another write is published, and what it collected serves on its turn.
TEST_F(HeldLeaderTest, TheBodyRunsBeforeItsTurn) {
  lead();
  std::atomic<int> runs = 0;
  Result<WriteOutcome> written;
  std::jthread follower([&] {
    written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
      transaction.put(people_rows(*transaction.base()->catalog(), {{"Bo", 2}}), PutMode::kAppend, false);
      ++runs;
      return {};
    });
  });
  EXPECT_TRUE(comes([&] { return runs == 1; })) << "it waits for its turn";
  store->let_go();
  leader.join();
  follower.join();
  EXPECT_TRUE(led);
  EXPECT_TRUE(written);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(people_in(*graph->head("main").value()).value(), (People{{"Bo", 2}, {"Lead", 1}}));
}

// Goal: what a write uploaded before its turn is as old on its turn as it is, also where nothing else of it served.
// Method: one row turns out to be an update; the machine sleeps before the turn comes, so that a cleanup elsewhere may
// have removed the file.
TEST_F(HeldLeaderTest, WhatWasUploadedEarlyKeepsItsAge) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  graph->drain();
  std::mt19937_64 random(1);
  std::string text(600'000, ' ');
  for (char& c : text) c = static_cast<char>(33 + random() % 90);
  const auto catalog = graph->head("main").value()->catalog();
  const auto people = people_rows(*catalog, {{"Ada", 2}});
  const auto notes = note_rows(*catalog, {text});
  const auto data_files = [&] {
    return std::ranges::count_if(keys_under(store, "tables/"),
                                 [](const std::string& key) { return key.contains("/data/"); });
  };
  const auto before = data_files();
  lead();
  Result<WriteOutcome> written;
  std::jthread follower([&] {
    written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
      transaction.put(people, PutMode::kMerge, false);
      transaction.put(notes, PutMode::kAppend, false);
      return {};
    });
  });
  EXPECT_TRUE(comes([&] { return data_files() > before; }));
  clock.advance_us(13 * kMicrosPerHour);
  store->let_go();
  leader.join();
  follower.join();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kUnavailable);
  EXPECT_NE(written.error().message.find("more than 12 hours"), std::string::npos) << written.error().message;
}

// Goal: writers that come while one is led lose nothing, meet no id twice and are each told their own outcome.
// Method: threads insert names of their own, names that all want, and add years to one row, all at once.
TEST_F(EarlyWriteTest, ManyWritersOfAllKinds) {
  constexpr int kThreads = 8, kEach = 24;
  ASSERT_TRUE(insert_person(*graph, "Ada", 0));
  std::atomic<int> taken = 0, refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          if (i % 12 == 11) {
            ASSERT_TRUE(birthday(*graph, "Ada"));
            continue;
          }
          const bool contested = i % 4 == 0;
          const std::string name = contested ? numbered("all", i) : numbered(numbered("own", t).append("-"), i);
          const auto written = insert_person(*graph, name, t);
          ASSERT_TRUE(written || (contested && written.error().code == Code::kConflict));
          ++(written ? taken : refused);
        }
      });
    }
  }
  constexpr int kBirthdays = kEach / 12, kContested = kEach / 4, kOwn = kEach - kBirthdays - kContested;
  EXPECT_EQ(taken, kContested + kThreads * kOwn);
  EXPECT_EQ(refused, (kThreads - 1) * kContested);
  const People people = people_in(*graph->head("main").value()).value();
  EXPECT_EQ(people.size(), 1u + static_cast<std::size_t>(taken));
  EXPECT_EQ(people.at("Ada"), kThreads * kBirthdays);
  EXPECT_EQ(people_in(*open_people(store)->head("main").value()).value(), people) << "as another process reads it";
}

}  // namespace
}  // namespace omnigraph::graph::testing
