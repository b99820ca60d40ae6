// Maintenance under faults, enumerated: every fault at every store operation. The content stays, whatever happens.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/clock.h"
#include "graph/cleanup.h"
#include "graph/moment.h"
#include "graph/optimize.h"
#include "graph/parallel_io_threads.h"
#include "graph/repair.h"
#include "tests/fault/every_operation.h"
#include "tests/fault/stepped_store.h"
#include "tests/graph/maintenance_support.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

// Requests one after the other: the same operation at the same number in every run.
struct MaintenanceFault : ::testing::Test {
  MaintenanceFault() { set_parallel_io_threads(1); }
  ~MaintenanceFault() override { set_parallel_io_threads(kParallelIoThreads); }
};

void seed_tables(GraphStore& graph) {
  for (const char* name : {"Ada", "Bo", "Cy"}) ASSERT_TRUE(insert_person(graph, name));
  ASSERT_TRUE(insert_knows(graph, "Ada", "Bo"));
  ASSERT_TRUE(insert_knows(graph, "Bo", "Ada"));
  ASSERT_TRUE(birthday(graph, "Ada"));
  graph.drain();
}

StorePtr seeded() {
  const StorePtr disk = objectstore::make_memory_store();
  seed_tables(*init_people(disk));
  return disk;
}

void expect_next_write(const StorePtr& disk, State state, const StoreOptions& options = {}) {
  const GraphPtr next = open_people(disk, options);
  ASSERT_TRUE(insert_person(*next, "Next", 9));
  next->drain();
  state.people["Next"] = 9;
  EXPECT_EQ(read_state(disk).value(), state);
}

RegularVersion newest_people(const StorePtr& disk) {
  return newest_regular(*disk, root_of(*open_people(disk)->head("main").value(), "node:Person")).value();
}

// Goal: the content is untouched whether the run ended or not, and the next run and the next write work.
TEST_F(MaintenanceFault, OptimizeChangesNothing) {
  at_every_operation(kEveryFault, seeded, [](const FaultRun& run) {
    const State before = read_state(run.disk).value();
    bool told = false;
    if (const auto graph = GraphStore::open(run.faulty)) told = optimize((*graph)->parts(), "main").has_value();
    const auto after = read_state(run.disk);
    ASSERT_TRUE(after) << after.error().render();
    EXPECT_EQ(*after, before);
    EXPECT_EQ(damage_in(run.disk), "");
    const GraphPtr next = open_people(run.disk);
    const auto again = optimize(next->parts(), "main");
    ASSERT_TRUE(again) << again.error().render();
    EXPECT_EQ(manifest_of(*next->head("main").value(), kPerson).fragments.size(), 1u);
    expect_next_write(run.disk, before);
    EXPECT_EQ(newest_people(run.disk).commit_id, open_people(run.disk)->head("main").value()->commit_id());
    EXPECT_TRUE(told || run.faulty->fired());
  });
}

// Goal: another tool's change is taken over whole or not at all, and the next run finishes it.
TEST_F(MaintenanceFault, RepairIsAllOrNothing) {
  const auto drifted = [] {
    const StorePtr disk = seeded();
    const GraphPtr owner = open_people(disk);
    EXPECT_TRUE(insert_person(*owner, "Last"));  // its fragment is the last one
    EXPECT_TRUE(materialize(owner->parts(), "main"));
    put_foreign_version(disk, root_of(*owner->head("main").value(), "node:Person"),
                        [](lance::Manifest& manifest) { manifest.fragments.pop_back(); });
    return disk;
  };
  at_every_operation(kEveryFault, drifted, [](const FaultRun& run) {
    const State before = read_state(run.disk).value();
    State with = before;
    with.people.erase("Last");
    const RepairOptions options{.confirm = true, .force = true};
    bool told = false;
    if (const auto graph = GraphStore::open(run.faulty)) told = repair((*graph)->parts(), options).has_value();
    const State after = read_state(run.disk).value();
    EXPECT_TRUE(after == with || (!told && after == before));
    EXPECT_EQ(damage_in(run.disk), "");
    const GraphPtr next = open_people(run.disk);
    const auto again = repair(next->parts(), options);
    ASSERT_TRUE(again) << again.error().render();
    EXPECT_EQ(read_state(run.disk).value(), with);
    const RegularVersion newest = newest_people(run.disk);
    EXPECT_TRUE(newest.ours);
    EXPECT_EQ(newest.manifest->live_rows(), with.people.size());
    expect_next_write(run.disk, with);
    EXPECT_TRUE(told || run.faulty->fired());
  });
}

// A history of which cleanup has records, pointers, data and left-overs to take: a branch, a deleted one, old versions.
struct OldHistory {
  ManualClock clock{1'790'000'000'000'000};
  std::vector<std::pair<std::string, Buffer>> objects;
  std::map<std::string, State> states;  // by branch

  [[nodiscard]] StoreOptions options() const { return {.clock = &clock, .background_settle = false}; }

  OldHistory() {
    const StorePtr disk = objectstore::make_memory_store(clock);
    const GraphPtr graph = init_people(disk, {.clock = &clock});
    seed_tables(*graph);
    const auto settle = [&](const char* branch) {
      EXPECT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head(branch).value().record));
      EXPECT_TRUE(birthday(*graph, "Ada", {.branch = branch}));  // from here on no record carries older bytes
      graph->drain();
    };
    settle("main");
    EXPECT_TRUE(graph->create_branch("side", "main"));
    EXPECT_TRUE(graph->create_branch("dead", "main"));
    EXPECT_TRUE(insert_person(*graph, "Di", 2, {.branch = "side"}));
    EXPECT_TRUE(insert_person(*graph, "Ed", 2, {.branch = "dead"}));
    EXPECT_TRUE(graph->delete_branch("dead"));
    graph->drain();
    for (const char* branch : {"main", "side"}) settle(branch);
    const std::string left_over = "left over";
    EXPECT_TRUE(disk->put("blobs/ab/abcd-01ARZ3NDEKTSV4RRFFQ69G5FAV", std::as_bytes(std::span(left_over))));
    for (const std::string& key : keys_under(disk, "")) objects.emplace_back(key, disk->get(key).value());
    for (const char* branch : {"main", "side"}) states[branch] = read_state(disk, branch).value();
  }

  StorePtr copy() {
    const StorePtr made = objectstore::make_memory_store(clock);
    for (const auto& [key, bytes] : objects) EXPECT_TRUE(made->put(key, bytes.bytes()));
    clock.advance_us(48 * kMicrosPerHour);
    return made;
  }
  Result<CleanupReport> clean(const StorePtr& disk) {
    OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(disk, options()));
    return cleanup(graph->parts(), {.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}});
  }
  void expect_whole(const StorePtr& disk) const {
    for (const auto& [branch, state] : states) {
      const auto read = read_state(disk, branch);
      ASSERT_TRUE(read) << read.error().render();
      EXPECT_EQ(*read, state) << branch;
    }
    EXPECT_EQ(damage_in(disk), "");
  }
};

std::set<std::string> key_set(const StorePtr& disk) {
  const auto keys = keys_under(disk, "");
  return {keys.begin(), keys.end()};
}

// Goal: no branch loses anything, another run finishes what one began, and the next write works.
TEST_F(MaintenanceFault, CleanupTakesOnlyWhatNobodyNeeds) {
  OldHistory history;
  const StorePtr undisturbed = history.copy();
  const auto whole_run = history.clean(undisturbed);
  ASSERT_TRUE(whole_run) << whole_run.error().render();
  ASSERT_GE(whole_run->commits_removed, 5u);
  ASSERT_GE(whole_run->blobs_removed, 1u);
  const std::set<std::string> goal = key_set(undisturbed);
  at_every_operation(
      kEveryFault, [&] { return history.copy(); },
      [&](const FaultRun& run) {
        const auto told = history.clean(run.faulty);
        EXPECT_TRUE(told || run.faulty->fired());
        history.expect_whole(run.disk);
        const auto again = history.clean(run.disk);
        ASSERT_TRUE(again) << again.error().render();
        EXPECT_EQ(key_set(run.disk), goal);
        expect_next_write(run.disk, history.states.at("main"), history.options());
        history.clock.advance_us(kMicrosPerHour);
      });
}

// Goal: however long a run stalls, and wherever, it takes nothing that came or was taken up again meanwhile.
// Method: at every operation a run stalls for hours or for a week, in which others write on all branches, fork from the
// head that was there, upload without having published yet, and clean up too; then it goes on. A reader who pinned the
// head just before and whoever uploaded have lost nothing within their time.
void stall_cleanup_everywhere(std::int64_t hours) {
  OldHistory history;
  for (std::uint64_t at = 0;; ++at) {
    SCOPED_TRACE(::testing::Message() << "stalled for " << hours << " h before operation " << at);
    ASSERT_LT(at, 1'000u);
    const StorePtr disk = history.copy();
    const GraphPtr other = open_people(disk, {.clock = &history.clock});
    const SnapshotPtr pinned = other->head("main").value();
    State main = history.states.at("main"), side = history.states.at("side");
    const auto meanwhile = [&] {
      ASSERT_TRUE(other->create_branch("late", "main"));
      for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(birthday(*other, "Ada"));
        ASSERT_TRUE(insert_note(*other, numbered("n", i), {.branch = "side"}));
        side.notes.insert(numbered("n", i));
        main.people["Ada"] += 1;
      }
      other->drain();
      history.clock.advance_us(hours * kMicrosPerHour);
      if (hours > 24) {
        ASSERT_TRUE(history.clean(disk));
      }
      ASSERT_TRUE(insert_person(*other, "Late", 3));
      main.people["Late"] = 3;
      other->drain();
    };
    std::uint64_t requests = 0;
    const auto stalling = std::make_shared<SteppedStore>(disk, [&] {
      if (requests++ == at) meanwhile();
    });
    const auto told = history.clean(stalling);
    EXPECT_TRUE(told || told.error().code == Code::kGone || told.error().code == Code::kCorruptObject ||
                told.error().code == Code::kNotFound)
        << told.error().render();
    if (requests <= at) {
      EXPECT_TRUE(told) << told.error().render();
      return;
    }
    EXPECT_EQ(read_state(disk).value(), main);
    EXPECT_EQ(read_state(disk, "side").value(), side);
    EXPECT_EQ(read_state(disk, "late").value(), history.states.at("main"));
    EXPECT_EQ(damage_in(disk), "");
    if (hours < 22) {
      const auto state = state_of(*pinned);
      ASSERT_TRUE(state) << state.error().render();
      EXPECT_EQ(*state, history.states.at("main"));
    }
    expect_next_write(disk, main, history.options());
    history.clock.advance_us(kMicrosPerHour);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_F(MaintenanceFault, ACleanupThatStallsForHours) { stall_cleanup_everywhere(20); }
TEST_F(MaintenanceFault, ACleanupThatStallsForAWeek) { stall_cleanup_everywhere(7 * 24); }

}  // namespace
}  // namespace omnigraph::graph::testing
