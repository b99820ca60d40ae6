#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "objectstore/metered_store.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

struct LocalFolder {
  std::filesystem::path path = fresh_directory("concurrency");
  ~LocalFolder() { std::filesystem::remove_all(path); }
  [[nodiscard]] StorePtr open() const { return objectstore::open_local_store(path).value(); }
};

// Commits of main in order; fails the test when the chain has a gap or a fork.
std::vector<Commit> checked_chain(const StorePtr& store) {
  const auto commits = open_people(store)->commits("main").value();
  std::vector<Commit> out;
  for (auto at = commits.rbegin(); at != commits.rend(); ++at) {
    EXPECT_EQ(at->commit.version, out.size() + 1);
    if (!out.empty()) {
      EXPECT_EQ(at->commit.parents.at(0), out.back().id);
    }
    out.push_back(at->commit);
  }
  return out;
}

TEST(Concurrency, TwoStoresOnOneFolderLoseNothing) {
  const LocalFolder folder;
  const GraphPtr a = init_people(folder.open());
  const GraphPtr b = open_people(folder.open());
  ASSERT_TRUE(insert_person(*a, "Ada", 0));
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(birthday(i % 2 == 0 ? *a : *b, "Ada"));
    ASSERT_TRUE(insert_note(i % 3 == 0 ? *a : *b, std::to_string(i)));
    EXPECT_EQ(people_in(*(i % 2 == 0 ? b : a)->head("main").value()).value().at("Ada"), i + 1);
  }
  EXPECT_EQ(checked_chain(folder.open()).size(), 62u);
  EXPECT_EQ(read_state(folder.open()).value().notes.size(), 30u);
}

// Goal: no update is lost between threads of one process, in groups or not, and each gets a commit of its own.
TEST(Concurrency, ThreadsIncrementOneRow) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(insert_person(*graph, "Ada", 0));
  constexpr int kThreads = 6, kEach = 25;
  std::mutex mutex;
  std::set<std::string> ids;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          // Some as loads, which never join a group.
          const auto kind = t == 0 ? CommitKind::kLoad : CommitKind::kMutate;
          const auto written = birthday(*graph, "Ada", {.kind = kind});
          ASSERT_TRUE(written) << written.error().render();
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(ids.insert(written->commit->id).second);
        }
      });
    }
  }
  EXPECT_EQ(people_in(*graph->head("main").value()).value().at("Ada"), kThreads * kEach);
  EXPECT_EQ(checked_chain(store).size(), 2u + kThreads * kEach);
  // Each commit, also one inside a group, shows its own state.
  const auto chain = checked_chain(store);
  for (std::size_t i = 1; i < chain.size(); i += 7) {
    EXPECT_EQ(people_in(*graph->at_commit(chain[i].id).value()).value().at("Ada"), static_cast<std::int32_t>(i) - 1);
  }
}

// Goal: writers that wait for one branch are published together, refusals among them hurt no one.
TEST(Concurrency, WaitingWritersShareOneRecord) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  std::atomic<bool> go = false;
  std::atomic<int> started = 0, refused = 0;
  std::vector<std::jthread> threads;
  // The first writer leads and holds its group open until the others wait.
  threads.emplace_back([&] {
    const auto led = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
      ++started;
      while (!go) std::this_thread::yield();
      transaction.put(people_rows(*transaction.base()->catalog(), {{"first", 0}}), PutMode::kAppend, false);
      return {};
    });
    EXPECT_TRUE(led);
  });
  while (started == 0) std::this_thread::yield();
  for (int i = 0; i < 9; ++i) {
    threads.emplace_back([&, i] {
      // Every third wants a name that another one takes.
      const auto written = insert_person(*graph, i % 3 == 0 ? "same" : numbered("p", i), i);
      if (!written) {
        EXPECT_EQ(written.error().code, Code::kConflict);
        ++refused;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  go = true;
  threads.clear();
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(people_in(*graph->head("main").value()).value().size(), 8u);
  EXPECT_EQ(checked_chain(store).size(), 9u);
  EXPECT_LE(keys_under(store, "log/main/").size(), 4u) << "one record for those who waited";
  EXPECT_EQ(read_state(store).value().people.size(), 8u);
}

// Writers that wait while a first one holds its group open.
class WaitingWriters {
 public:
  explicit WaitingWriters(const GraphPtr& graph) : graph_(graph) {
    threads_.emplace_back([this] {
      const auto led = graph_->write({}, [this](WriteTransaction& transaction) -> Result<void> {
        started_ = true;
        while (!go_) std::this_thread::yield();
        transaction.put(people_rows(*transaction.base()->catalog(), {{"first", 0}}), PutMode::kAppend, false);
        return {};
      });
      EXPECT_TRUE(led);
    });
    while (!started_) std::this_thread::yield();
  }
  void add(std::function<void()> write) { threads_.emplace_back(std::move(write)); }
  // All have come; they are answered when this returns.
  void let_go() {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    go_ = true;
    threads_.clear();
  }

 private:
  const GraphPtr graph_;
  std::atomic<bool> go_ = false, started_ = false;
  std::vector<std::jthread> threads_;
};

// Refuses every record of several commits; `answered`: says so, else nobody learns what became of it.
class LonersStore final : public ForwardingStore {
 public:
  LonersStore(StorePtr inner, bool answered) : ForwardingStore(std::move(inner)), answered_(answered) {}
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    const auto record =
        decode_record(Buffer::from(std::string(reinterpret_cast<const char*>(body.data()), body.size())), key);
    if (!record || record->commits.size() < 2) return inner_->publish(key, body, before_effect);
    ++refused;
    if (answered_) return std::unexpected(Error{Code::kUnavailable, "no groups here"});
    OG_RETURN_IF_ERROR(before_effect());
    for (const Commit& commit : record->commits) lost.insert(commit.id);
    return std::unexpected(Error{Code::kIoError, "gone"});
  }
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    if (!lost.empty() && key.starts_with("log/")) return std::unexpected(Error{Code::kIoError, "gone"});
    return inner_->get(key, range);
  }
  std::atomic<int> refused = 0;
  std::set<std::string> lost;  // ids of commits of unknown fate

 private:
  const bool answered_;
};

// Goal: what a group is refused is not its members' trouble: each is run again by itself.
TEST(Concurrency, AGroupThatFailsIsRunOneByOne) {
  const auto store = std::make_shared<LonersStore>(objectstore::make_memory_store(), /*answered=*/true);
  const GraphPtr graph = init_people(store);
  WaitingWriters writers(graph);
  for (int i = 0; i < 6; ++i) {
    writers.add([&, i] {
      const auto written = insert_person(*graph, numbered("p", i), i);
      EXPECT_TRUE(written) << written.error().render();
    });
  }
  writers.let_go();
  EXPECT_GT(store->refused, 0) << "there was no group";
  EXPECT_EQ(people_in(*graph->head("main").value()).value().size(), 7u);
  EXPECT_EQ(checked_chain(store).size(), 8u);
}

// Goal: a group of unknown fate is sent once, and each caller is told the id of his own commit.
TEST(Concurrency, AGroupOfUnknownFateTellsEachItsCommit) {
  const auto store = std::make_shared<LonersStore>(objectstore::make_memory_store(), /*answered=*/false);
  const GraphPtr graph = init_people(store);
  std::mutex mutex;
  std::set<std::string> told;
  WaitingWriters writers(graph);
  for (int i = 0; i < 6; ++i) {
    writers.add([&, i] {
      const auto written = insert_person(*graph, numbered("p", i), i);
      ASSERT_FALSE(written);
      EXPECT_EQ(written.error().code, Code::kInternal) << written.error().render();
      const std::lock_guard lock(mutex);
      const std::size_t at = written.error().message.find("commit '");
      ASSERT_NE(at, std::string::npos) << written.error().message;
      told.insert(written.error().message.substr(at + 8, 26));
    });
  }
  writers.let_go();
  EXPECT_EQ(told, store->lost);
  EXPECT_EQ(told.size(), 6u);
}

// Goal: a member that throws, or whose commit fails, ends its own write only.
TEST(Concurrency, AMemberThatFailsHurtsNoOther) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  std::atomic<int> failed = 0;
  WaitingWriters writers(graph);
  for (int i = 0; i < 6; ++i) {
    writers.add([&, i] {
      const auto written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
        if (i % 2 == 0) throw std::bad_alloc();
        transaction.put(people_rows(*transaction.base()->catalog(), {{numbered("p", i), i}}), PutMode::kAppend, false);
        return {};
      });
      EXPECT_EQ(written.has_value(), i % 2 != 0);
      if (!written) {
        EXPECT_EQ(written.error().code, Code::kInternal);
        ++failed;
      }
    });
  }
  writers.let_go();
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(people_in(*graph->head("main").value()).value().size(), 4u);
  EXPECT_EQ(checked_chain(store).size(), 5u);
}

// Goal: a group stops where its record would become too large to carry its objects; who is left comes next.
// Method: notes of 60 kB each, six of which do not fit into one record.
TEST(Concurrency, AGroupIsCutWhereItsRecordIsFull) {
  const auto metered = objectstore::make_metered_store(objectstore::make_memory_store());
  const GraphPtr graph = init_people(metered);
  WaitingWriters writers(graph);
  for (int i = 0; i < 6; ++i) {
    writers.add([&, i] {
      std::mt19937_64 random(static_cast<std::uint64_t>(i));
      std::string text(60'000, ' ');
      for (char& c : text) c = static_cast<char>('!' + random() % 90);
      EXPECT_TRUE(insert_note(*graph, text));
    });
  }
  writers.let_go();
  graph->drain();
  EXPECT_EQ(read_state(metered).value().notes.size(), 6u);
  EXPECT_EQ(checked_chain(metered).size(), 8u);
  for (const auto& request : metered->meter().log) {
    EXPECT_FALSE(request.operation == "put" && request.key.starts_with("tables/")) << request.key << " was uploaded";
  }
}

// Goal: writes that touch different tables do not disturb each other: the body runs once.
TEST(Concurrency, NoOverlapNeedsNoSecondRun) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  const GraphPtr other = open_people(store);
  ASSERT_TRUE(graph->head("main"));
  int runs = 0;
  const auto written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    if (++runs == 1) {
      EXPECT_TRUE(insert_note(*other, "in between"));
    }
    transaction.put(people_rows(*transaction.base()->catalog(), {{"Ada", 1}}), PutMode::kAppend, false);
    return {};
  });
  ASSERT_TRUE(written) << written.error().render();
  EXPECT_EQ(written->attempts, 2u);
  EXPECT_EQ(runs, 1);
  const int before = runs;
  const auto overlapping = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    if (++runs == before + 1) {
      EXPECT_TRUE(insert_person(*other, "Bo"));
    }
    transaction.put(people_rows(*transaction.base()->catalog(), {{"Cy", 1}}), PutMode::kAppend, false);
    return {};
  });
  ASSERT_TRUE(overlapping);
  EXPECT_EQ(runs, before + 2);
  EXPECT_EQ(read_state(store).value().people.size(), 3u);
  EXPECT_EQ(checked_chain(store).size(), 5u);
}

TEST(Concurrency, GivesUpAfterManyLostRaces) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  const GraphPtr other = open_people(store);
  ASSERT_TRUE(insert_person(*graph, "Ada", 0));
  int runs = 0;
  const auto written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    ++runs;
    EXPECT_TRUE(birthday(*other, "Ada"));
    transaction.put(people_rows(*transaction.base()->catalog(), {{"Ada", 1}}), PutMode::kMerge, false);
    return {};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kConflict);
  ASSERT_NE(written.error().detail, nullptr);
  EXPECT_EQ(written.error().detail->field, "read_set_conflict");
  EXPECT_NE(written.error().detail->json.find(R"("member":"graph_head:main")"), std::string::npos);
  EXPECT_GE(runs, 32);
  EXPECT_EQ(people_in(*graph->head("main").value()).value().at("Ada"), runs);
}

// Goal: real processes, each with its own caches, increment one row; the final value is the number of commits.
TEST(Concurrency, TwoProcessesTwoHundredIncrementsEach) {
  const LocalFolder folder;
  {
    const GraphPtr graph = init_people(folder.open());
    ASSERT_TRUE(insert_person(*graph, "Ada", 0));
    graph->drain();
  }
  constexpr int kProcesses = 2, kEach = 200;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int failed = 0;
      {
        const GraphPtr graph = open_people(folder.open());
        for (int i = 0; i < kEach; ++i) failed += birthday(*graph, "Ada").has_value() ? 0 : 1;
      }
      ::_exit(failed == 0 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "a child had a failed write";
  }
  const auto state = read_state(folder.open());
  ASSERT_TRUE(state) << state.error().render();
  EXPECT_EQ(state->people.at("Ada"), kProcesses * kEach);
  EXPECT_EQ(checked_chain(folder.open()).size(), 2u + kProcesses * kEach);
}

}  // namespace
}  // namespace omnigraph::graph::testing
