// Chapter 09 section 10, "serializable" and "no lost update": random histories of several processes, every request
// interleaved, delayed, lost or the last one of its process as a seed decides, over days of injected time.
#include <gtest/gtest.h>

#include "graph/layout.h"
#include "graph/moment.h"
#include "tests/fault/fault_seed.h"
#include "tests/fault/player.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

using fault::Scheduler;

// `cleans`: the processes themselves clean up.
void random_operation(Player& player, GraphStore& graph, const std::string& tag, bool cleans) {
  static const std::vector<std::string> kBranches{"main", "main", "main", "w", "v"};
  const auto contended = [&] { return numbered("X", static_cast<std::int64_t>(player.up_to(2))); };
  const std::string branch = kBranches[player.up_to(4)];
  const std::string side = player.up_to(1) == 0 ? "w" : "v";
  player.turn_to(branch);
  switch (player.up_to(cleans ? 18 : 15)) {
    case 0:
    case 1:
    case 2:
    case 3: return player.age(graph, tag, player.up_to(1) == 0 ? "Ada" : "Bo");
    case 4: return player.insert(graph, tag, tag);
    case 5:
    case 6: return player.insert(graph, tag, contended());
    case 7: return player.remove(graph, tag, contended());
    case 8: return player.note(graph, tag, tag);
    case 9: return player.edge(graph, tag);
    case 10: return player.load(graph, tag, contended());
    case 11: return player.create(graph, side, branch);
    case 12: return player.erase(graph, side);
    case 13: return player.settle(graph);
    case 16: return player.replace_all(graph, tag);
    case 17:
    case 18: return player.clean(graph);
    default: return player.read(graph);
  }
}

// What cleanup may take: records whose successor is 24 h old, unless a branch starts there or one that stays names it.
void remove_old_records(World& world) {
  std::set<std::pair<std::string, std::uint64_t>> kept, all;
  std::vector<const CommitRecord*> keeping;
  for (const auto& [branch, log] : world.chronicle.logs()) {
    for (auto at = log.begin(); at != log.end(); ++at) {
      all.emplace(branch, at->first);
      const auto next = std::next(at);
      const bool young = next == log.end() || world.clock.now_us() - next->second.born_us < 24 * kMicrosPerHour;
      if (!young) continue;
      kept.emplace(branch, at->first);
      keeping.push_back(&at->second.record);
    }
  }
  for (const CommitRecord* record : keeping) {
    if (record->forked_from) kept.emplace(record->forked_from->branch, record->forked_from->seq);
    for (const auto& [key, at] : record->attached) kept.emplace(at.branch, at.seq);
  }
  for (const auto& place : all) {
    if (!kept.contains(place)) {
      EXPECT_TRUE(world.disk->remove(record_key(place.first, place.second)));
    }
  }
}

struct Counts {
  int commits = 0, refusals = 0, reads = 0, deaths = 0, cleanups = 0;
  std::uint64_t removed = 0;
};

// `cleans`: by the product's own cleanup, as one more kind of operation; else by a model of it between turns.
void run_history(std::uint64_t seed, bool cleans, Counts& counts) {
  World world(seed);
  begin(world);
  fault::Chances chances;
  if (cleans) chances.clock = 25;
  if (seed % 3 == 0) chances = {.fail_before = 0, .fail_after = 0, .late = 0, .crash = 0, .clock = 4};
  Scheduler scheduler(seed, world.disk, world.clock, chances);
  if (!cleans) scheduler.between_turns([&] { remove_old_records(world); });
  play_all(world, scheduler, {6, 6, 6},
           [&](Player& player, std::size_t, GraphStore& graph, int, const std::string& tag) {
             random_operation(player, graph, tag, cleans);
           });
  if (cleans) {
    EXPECT_EQ(damage_in(world.disk), "");
  }
  if (::testing::Test::HasFailure()) ADD_FAILURE() << scheduler.trace();
  counts.commits += world.commits;
  counts.refusals += world.refusals;
  counts.reads += world.reads;
  counts.deaths += world.deaths;
  counts.cleanups += world.cleanups;
  counts.removed += world.removed;
}

TEST(Interleaving, RandomHistoriesAreSerializable) {
  const SerialIo serial;
  Counts counts;
  fault::for_each_seed(150, [&](std::uint64_t seed) { run_history(seed, false, counts); });
  EXPECT_TRUE(counts.commits > 0 && counts.refusals > 0 && counts.reads > 0 && counts.deaths > 0)
      << counts.commits << " commits, " << counts.refusals << " refusals, " << counts.reads << " reads, "
      << counts.deaths << " deaths";
}

// Goal: cleanup among writers, readers and other cleanups, each stopped anywhere, takes nothing that anybody may need.
TEST(Interleaving, CleanupAmongWritersTakesNothingNeeded) {
  const SerialIo serial;
  Counts counts;
  fault::for_each_seed(100, [&](std::uint64_t seed) { run_history(seed, true, counts); });
  EXPECT_TRUE(counts.cleanups > 0 && counts.removed > 0 && counts.deaths > 0)
      << counts.cleanups << " cleanups, " << counts.removed << " commits removed, " << counts.deaths << " deaths";
}

// Goal: the counter is the number of acknowledged increments, or more by those whose answer was lost.
TEST(Interleaving, NoIncrementIsLost) {
  const SerialIo serial;
  fault::for_each_seed(40, [](std::uint64_t seed) {
    World world(seed);
    begin(world);
    Scheduler scheduler(seed, world.disk, world.clock,
                        {.fail_before = 5, .fail_after = 10, .late = 20, .crash = 3, .clock = 5});
    int told = 0, unknown = 0;
    for (int number = 0; number < 4; ++number) {
      scheduler.add_process([&](Scheduler::Process& process) {
        for (int i = 0; i < 5; ++i) {
          const auto graph = GraphStore::open(process.store(), {.clock = &world.clock, .background_settle = false});
          const auto written = graph ? birthday(**graph, "Ada") : std::unexpected(graph.error());
          ++(written && !process.dead() ? told : unknown);
          if (process.dead()) process.revive();
        }
      });
    }
    scheduler.run();
    const std::int32_t age = read_state(world.disk).value().people.at("Ada");
    EXPECT_GE(age, told);
    EXPECT_LE(age, told + unknown);
    if (::testing::Test::HasFailure()) ADD_FAILURE() << scheduler.trace();
  });
}

}  // namespace
}  // namespace omnigraph::graph::testing
