// Writes run before their turn (graph/early_write.h).
#include "graph/early_write.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "graph/store_parts.h"
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
