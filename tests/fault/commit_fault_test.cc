// The commit protocol under faults, enumerated: every fault at every store operation of every kind of write.
#include <gtest/gtest.h>

#include <functional>

#include "base/clock.h"
#include "graph/layout.h"
#include "graph/merge.h"
#include "graph/optimize.h"
#include "graph/schema_change.h"
#include "tests/fault/every_operation.h"
#include "tests/fault/stepped_store.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

using objectstore::Fault;

// One branch.
struct BranchState : State {
  std::string schema;
  friend bool operator==(const BranchState&, const BranchState&) = default;
};
using CommitWorld = std::map<std::string, BranchState>;  // every branch

constexpr std::string_view kWiderSchema = R"(
node Person { name: String @key  age: I32?  nick: String? }
node Note { text: String }
edge Knows: Person -> Person
)";

Result<CommitWorld> read_world(GraphStore& graph) {
  OG_ASSIGN_OR_RETURN(const std::vector<std::string> branches, graph.branches());
  CommitWorld world;
  for (const std::string& branch : branches) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, graph.head(branch));
    OG_ASSIGN_OR_RETURN(State state, state_of(*snapshot));
    world[branch] = {std::move(state), snapshot->schema_source()};
  }
  return world;
}

Result<CommitWorld> read_world(const StorePtr& disk) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(disk, {.background_settle = false}));
  return read_world(*graph);
}

struct Operation {
  std::string name;
  std::function<Result<void>(GraphStore&)> run;
  std::function<void(CommitWorld&)> effect;
};

Result<void> dropped(const Result<WriteOutcome>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}

Result<void> merged(GraphStore& graph, const MergeRequest& request, MergeOutcome expected) {
  OG_ASSIGN_OR_RETURN(const MergeResult done, merge_branches(graph.parts(), request));
  if (done.outcome == expected) return {};
  return std::unexpected(internal_error("the merge ended as " + std::string(merge_outcome_name(done.outcome))));
}

// A further kind of write is one more entry here.
std::vector<Operation> operations() {
  return {
      {"insert", [](GraphStore& graph) { return dropped(insert_person(graph, "New", 5)); },
       [](CommitWorld& world) { world["main"].people["New"] = 5; }},
      {"update", [](GraphStore& graph) { return dropped(birthday(graph, "Ada")); },
       [](CommitWorld& world) { world["main"].people["Ada"] += 1; }},
      {"delete", [](GraphStore& graph) { return dropped(remove_person(graph, "Cy")); },
       [](CommitWorld& world) { world["main"].people.erase("Cy"); }},
      {"edge", [](GraphStore& graph) { return dropped(insert_knows(graph, "Bo", "Ada")); },
       [](CommitWorld& world) { world["main"].knows.emplace("Bo", "Ada"); }},
      {"large load",
       [](GraphStore& graph) {
         return dropped(graph.write({.kind = CommitKind::kLoad}, [](WriteTransaction& transaction) -> Result<void> {
           const std::vector<std::string> texts(200, std::string(2000, 'x'));
           transaction.put(note_rows(*transaction.base()->catalog(), texts), PutMode::kAppend, true);
           return {};
         }));
       },
       [](CommitWorld& world) {
         for (int i = 0; i < 200; ++i) world["main"].notes.insert(std::string(2000, 'x'));
       }},
      {"create branch", [](GraphStore& graph) { return graph.create_branch("new", "main"); },
       [](CommitWorld& world) { world["new"] = world["main"]; }},
      {"delete branch", [](GraphStore& graph) { return graph.delete_branch("side"); },
       [](CommitWorld& world) { world.erase("side"); }},
      {"load into a new branch",
       [](GraphStore& graph) {
         return dropped(
             insert_person(graph, "New", 5, {.branch = "new", .kind = CommitKind::kLoad, .fork_from = "side"}));
       },
       [](CommitWorld& world) {
         world["new"] = world["side"];
         world["new"].people["New"] = 5;
       }},
      {"merge", [](GraphStore& graph) { return merged(graph, {.source = "side"}, MergeOutcome::kMerged); },
       [](CommitWorld& world) { world["main"].people["Side"] = 4; }},
      {"fast-forward",
       [](GraphStore& graph) {
         return merged(graph, {.source = "main", .target = "twin"}, MergeOutcome::kFastForward);
       },
       [](CommitWorld& world) { world["twin"] = world["main"]; }},
      {"schema apply",
       [](GraphStore& graph) -> Result<void> {
         OG_ASSIGN_OR_RETURN(const auto done, apply_schema_change(graph.parts(), kWiderSchema, std::nullopt, {}));
         return done.applied ? Result<void>() : std::unexpected(internal_error("no schema change"));
       },
       [](CommitWorld& world) { world["main"].schema = kWiderSchema; }},
      {"materialize", [](GraphStore& graph) { return materialize(graph.parts(), "main"); }, [](CommitWorld&) {}},
  };
}

void seed(const StorePtr& disk) {
  const GraphPtr graph = init_people(disk);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}, {"Cy", 3}}));
  ASSERT_TRUE(insert_knows(*graph, "Ada", "Bo"));
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(graph->create_branch("twin", "main"));
  ASSERT_TRUE(insert_person(*graph, "Side", 4, {.branch = "side"}));
  ASSERT_TRUE(insert_note(*graph, "hello"));
  graph->drain();
}

// What a process does that opens the graph, writes once, and ends.
Result<void> run_once(const StorePtr& store, const Operation& operation) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(store));
  Result<void> told = operation.run(*graph);
  graph->drain();
  return told;
}

// Goal: an acknowledged write is there, a refused one left nothing half done, and the next write works.
void enumerate_faults(const Operation& operation, std::span<const Fault> faults,
                      const std::function<StorePtr()>& make_disk) {
  SCOPED_TRACE(operation.name);
  at_every_operation(faults, make_disk, [&](const FaultRun& run) {
    const Result<CommitWorld> before = read_world(run.disk);
    ASSERT_TRUE(before) << before.error().render();
    CommitWorld with = *before;
    operation.effect(with);
    const Result<void> told = run_once(run.faulty, operation);
    const Result<CommitWorld> after = read_world(run.disk);
    ASSERT_TRUE(after) << after.error().render();
    if (run.fault == Fault::kCrashAfter) {
      EXPECT_EQ(damage_in(run.disk), "");
    }
    if (told || *after != *before) {
      EXPECT_EQ(*after == with, true) << (told ? "acknowledged, yet not there" : "neither the old state nor the new");
    }
    const GraphPtr next = open_people(run.disk);
    const auto written = insert_note(*next, "Next");
    ASSERT_TRUE(written) << written.error().render();
    next->drain();
    CommitWorld finally = *after;
    finally["main"].notes.insert("Next");
    EXPECT_EQ(read_world(run.disk).value() == finally, true) << "the next write did not add exactly its row";
    EXPECT_EQ(next->commits("main").value().size(), written->commit->version);
    EXPECT_TRUE(told || run.faulty->fired()) << told.error().render();
  });
}

TEST(CommitFault, OldOrNewNeverBetween) {
  for (const Operation& operation : operations()) {
    enumerate_faults(operation, kEveryFault, [] {
      const StorePtr disk = objectstore::make_memory_store();
      seed(disk);
      return disk;
    });
  }
}

// Goal: a second process, one that just starts and one that has been reading all the time, sees the old state, then the
// new one.
TEST(CommitFault, ReadersAtEveryStep) {
  for (const Operation& operation : operations()) {
    SCOPED_TRACE(operation.name);
    const StorePtr disk = objectstore::make_memory_store();
    seed(disk);
    const CommitWorld before = read_world(disk).value();
    CommitWorld with = before;
    operation.effect(with);
    const GraphPtr warm = open_people(disk, {.background_settle = false});
    bool changed = false;
    const auto step = [&] {
      for (const bool cold : {false, true}) {
        const auto seen = cold ? read_world(disk) : read_world(*warm);
        ASSERT_TRUE(seen) << seen.error().render();
        if (changed || *seen != before) {
          EXPECT_EQ(*seen == with, true) << (changed ? "a reader went back" : "neither the old state nor the new");
        }
        changed = changed || *seen != before;
      }
    };
    const Result<void> told = run_once(std::make_shared<SteppedStore>(disk, step), operation);
    ASSERT_TRUE(told) << told.error().render();
    step();
    EXPECT_EQ(read_world(disk).value() == with, true);
  }
}

TEST(CommitFault, OldOrNewNeverBetweenOnALocalDisk) {
  const std::filesystem::path master = fresh_directory("fault_master");
  seed(objectstore::open_local_store(master).value());
  std::vector<std::filesystem::path> used{master};
  enumerate_faults(operations().front(), std::array{Fault::kCrashAfter}, [&] {
    used.push_back(fresh_directory("fault"));
    std::filesystem::copy(master, used.back(), std::filesystem::copy_options::recursive);
    return objectstore::open_local_store(used.back()).value();
  });
  for (const std::filesystem::path& path : used) std::filesystem::remove_all(path);
}

// Goal: an interrupted init leaves nothing that keeps the next one from working.
TEST(CommitFault, InitIsAllOrNothing) {
  at_every_operation(
      kEveryFault, [] { return objectstore::make_memory_store(); },
      [](const FaultRun& run) {
        bool told = false;
        if (const auto graph = GraphStore::init(run.faulty, kPeopleSchema, std::nullopt)) {
          told = true;
          (*graph)->drain();
        }
        const auto again = GraphStore::init(run.disk, kPeopleSchema, std::nullopt);
        if (told) {
          EXPECT_FALSE(again) << "acknowledged, yet made a second time";
        }
        if (!again) {
          EXPECT_EQ(again.error().code, Code::kConflict) << again.error().render();
        }
        ASSERT_TRUE(insert_person(*open_people(run.disk), "Ada"));
        EXPECT_EQ(read_state(run.disk).value().people.size(), 1u);
      });
}

// Goal: a slot that cleanup removed is never won a second time.
// Method: stop a writer between its base and its publish, let others commit, remove the slots between, continue.
TEST(CommitFault, StalledWriterDoesNotReuseACleanedSlot) {
  ManualClock clock(1'790'000'000'000'000);
  const StorePtr disk = objectstore::make_memory_store(clock);
  const StoreOptions options{.clock = &clock};
  const GraphPtr stalled = init_people(disk, options);
  const GraphPtr other = open_people(disk, options);
  int runs = 0;
  const auto told = stalled->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    if (++runs == 1) {
      for (const char* name : {"Bo", "Cy", "Di"}) EXPECT_TRUE(insert_person(*other, name));
      other->drain();
      clock.advance_us(std::int64_t{48} * 3'600 * 1'000'000);  // past both margins of the window rule
      const auto log = keys_under(disk, "log/main/");
      for (std::size_t i = 1; i < log.size(); ++i) EXPECT_TRUE(disk->remove(log[i]));
    }
    transaction.put(people_rows(*transaction.base()->catalog(), {{"Ada", 1}}), PutMode::kAppend, false);
    return {};
  });
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(open_people(disk, options)->head("main").value()->commit_id(), told->commit->id)
      << "acknowledged, but not on top of the log";
  EXPECT_EQ(people_in(*open_people(disk, options)->head("main").value()).value().size(), 4u);
}

// A request that hangs between the look at the clock and the store.
class HangingStore final : public ForwardingStore {
 public:
  HangingStore(StorePtr inner, ManualClock& clock, std::function<void()> meanwhile)
      : ForwardingStore(std::move(inner)), clock_(clock), meanwhile_(std::move(meanwhile)) {}
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    const bool hang = !std::exchange(hung_, true);
    return inner_->publish(key, body, [&]() -> Result<void> {
      OG_RETURN_IF_ERROR(before_effect());
      if (hang) {
        meanwhile_();
        clock_.advance_us(std::int64_t{3} * 3'600 * 1'000'000);
      }
      return {};
    });
  }

 private:
  ManualClock& clock_;
  const std::function<void()> meanwhile_;
  bool hung_ = false;
};

TEST(CommitFault, APublishThatHangsStartsAgain) {
  ManualClock clock(1'790'000'000'000'000);
  const StorePtr disk = objectstore::make_memory_store(clock);
  const StoreOptions options{.clock = &clock};
  const GraphPtr other = init_people(disk, options);
  const auto hanging = std::make_shared<HangingStore>(disk, clock, [&] { EXPECT_TRUE(insert_person(*other, "Bo")); });
  const GraphPtr graph = open_people(hanging, options);
  const auto told = insert_person(*graph, "Ada");
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(people_in(*other->head("main").value()).value().size(), 2u);
  EXPECT_EQ(other->head("main").value()->commit_id(), told->commit->id);
}

// Goal: an idle reader does not take a freed slot for "nothing new".
TEST(CommitFault, AnIdleReaderSeesTheTrueHeadAfterCleanup) {
  ManualClock clock(1'790'000'000'000'000);
  const StorePtr disk = objectstore::make_memory_store(clock);
  const StoreOptions options{.clock = &clock};
  const GraphPtr writer = init_people(disk, options);
  const GraphPtr reader = open_people(disk, options);
  ASSERT_TRUE(reader->head("main"));
  for (const char* name : {"Ada", "Bo", "Cy"}) ASSERT_TRUE(insert_person(*writer, name));
  writer->drain();
  clock.advance_us(std::int64_t{48} * 3'600 * 1'000'000);
  const auto log = keys_under(disk, "log/main/");
  for (std::size_t i = 1; i < log.size(); ++i) ASSERT_TRUE(disk->remove(log[i]));
  EXPECT_EQ(people_in(*reader->head("main").value()).value().size(), 3u);
}

// Goal: history that cleanup removed is told apart from damage.
TEST(CommitFault, RemovedHistoryIsGoneAndDamageIsCorrupt) {
  const StorePtr disk = objectstore::make_memory_store();
  std::string old_id;
  {
    const GraphPtr graph = init_people(disk);
    old_id = insert_person(*graph, "Ada").value().commit->id;
    for (const char* name : {"Bo", "Cy"}) ASSERT_TRUE(insert_person(*graph, name));
    graph->drain();
  }
  const auto log = keys_under(disk, "log/main/");
  ASSERT_EQ(log.size(), 4u);
  ASSERT_TRUE(disk->remove(log[3]));
  ASSERT_TRUE(disk->remove(log[2]));
  for (const bool pointer : {true, false}) {
    if (!pointer) {
      ASSERT_TRUE(disk->remove(commit_pointer_key(old_id)));
    }
    const auto snapshot = open_people(disk)->at_commit(old_id);
    ASSERT_FALSE(snapshot);
    EXPECT_EQ(snapshot.error().code, Code::kGone) << snapshot.error().render();
    EXPECT_NE(snapshot.error().message.find("history_expired"), std::string::npos);
    EXPECT_NE(snapshot.error().message.find(old_id), std::string::npos);
  }
  EXPECT_EQ(open_people(disk)->commits("main").value().size(), 2u);
}

}  // namespace
}  // namespace omnigraph::graph::testing
