// The scenarios of the protocol model (models/commit_protocol.py), replayed on the memory store: the same scripts, by
// real processes of the product, interleaved, stalled, crashed and answered too late or never as a seed decides. The
// model explores every order of its small steps; here each seed is one order of the real requests.
//
// What the model's local power losses stand for is replayed on a simulated disk (power_loss_test.cc).
#include <gtest/gtest.h>

#include <sstream>

#include "graph/cleanup.h"
#include "graph/moment.h"
#include "tests/fault/fault_seed.h"
#include "tests/fault/player.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

using fault::Scheduler;

enum class Start { kMain, kTwoCommits, kBranch, kDeadBranch };

// Scripts as the model writes them: m is main; `small` travels inside the record, else it is uploaded first; `all`
// leaves nothing of the old files in use.
struct Scenario {
  std::string name;
  Start start;
  std::vector<std::string> scripts;
  bool losses = false, crashes = false;
};

std::vector<Scenario> scenarios() {
  using enum Start;
  return {
      {"race", kMain, {"write m", "write m small, read m", "write m small"}, true},
      {"crashes", kMain, {"write m, write m small", "write m small, read m"}, true, true},
      {"lost answers", kMain, {"write m small, read m", "write m small"}, true},
      {"freed slot", kMain, {"write m small", "write m small, write m small, cleanup"}, true},
      {"idle reader", kMain, {"read m, read m", "write m small, write m all, cleanup"}},
      {"refusal", kMain, {"refuse m", "write m"}},
      {"stalled upload", kTwoCommits, {"write m", "cleanup", "cleanup"}, true},
      {"stalled upload, local", kTwoCommits, {"write m", "cleanup", "write m small"}},
      {"fork", kTwoCommits, {"create w m", "write m all, cleanup"}, true},
      {"fork and read", kTwoCommits, {"create w m, read w", "write m all, cleanup"}},
      {"fork of attached", kMain, {"write m small", "create w m, read w", "settle m, write m all, cleanup"}},
      {"fork base", kBranch, {"write m all, write m", "create v m", "cleanup"}},
      {"merge", kBranch, {"write w all, delete w", "merge m w, read m", "cleanup"}},
      {"merge base", kBranch, {"merge m w, write m small", "write w all", "cleanup"}},
      {"free name", kMain, {"refuse w, create w m, write w", "create w m, delete w", "cleanup, read w"}},
      {"free name, two", kMain, {"refuse w, create w m", "refuse w, create w m, delete w, create w m"}, true},
      {"dead name", kDeadBranch, {"create w m, write w", "create w m", "cleanup"}},
      {"two cleanups of a dead name", kDeadBranch, {"cleanup", "cleanup", "create w m, write w small, read w"}},
      {"delete and re-create", kBranch, {"delete w, create w m", "write w, read w", "cleanup"}},
      {"attachments", kMain, {"write m small, settle m, write m small", "write m small, read m"}, false, true},
      {"attachments twice", kMain, {"write m small, settle m, write m", "settle m"}},
      {"attachments and cleanup", kMain, {"write m small, settle m, write m small", "cleanup", "read m"}},
      {"found record", kMain, {"write m small", "create w m", "merge w m, read w"}},
      {"cleanup and crashes", kTwoCommits, {"write m all, cleanup", "cleanup", "read m"}, false, true},
      {"resurrected records", kTwoCommits, {"write m all, cleanup", "read m"}},
      {"stalled cleanup", kMain, {"cleanup", "write m, write m all", "read m"}},
  };
}

std::vector<std::vector<std::string>> operations_of(const std::string& script) {
  std::vector<std::vector<std::string>> operations(1);
  std::istringstream words(script);
  for (std::string word; words >> word;) {
    const bool last = word.ends_with(',');
    operations.back().push_back(last ? word.substr(0, word.size() - 1) : word);
    if (last) operations.emplace_back();
  }
  return operations;
}

std::string branch_of(const std::string& word) { return word == "m" ? "main" : word; }

// More than travels inside a record.
std::string long_text(const std::string& tag) {
  std::string text = tag;
  std::mt19937_64 random(std::hash<std::string>()(tag));
  while (text.size() < 300'000) text += static_cast<char>('0' + random() % 64);
  return text;
}

void carry_out(Player& player, GraphStore& graph, const std::vector<std::string>& words, const std::string& tag) {
  const std::string& what = words[0];
  if (what == "cleanup") return player.clean(graph);
  player.turn_to(branch_of(words[1]));
  if (what == "read") return player.read(graph);
  if (what == "settle") return player.settle(graph);
  if (what == "refuse") return player.insert(graph, tag, "Ada");
  if (what == "create") return player.turn_to(branch_of(words[2])), player.create(graph, words[1], branch_of(words[2]));
  if (what == "delete") return player.erase(graph, words[1]);
  if (what == "merge") return player.merge(graph, tag, branch_of(words[2]));
  ASSERT_EQ(what, "write");
  const std::string& how = words.back();
  if (how == "all") return player.replace_all(graph, tag);
  if (how == "small") return player.insert(graph, tag, tag);
  player.note(graph, tag, long_text(tag));
}

void prepare(World& world, Start start) {
  const GraphPtr graph = init_people(world.disk, {.clock = &world.clock});
  const auto write = [&](const std::string& tag) {
    world.chronicle.plan(tag, [](State& state) {
      for (const char* who : {"Ada", "Bo"}) ++state.people[who];
      return true;
    });
    const int age = tag == "start" ? 1 : 2;
    ASSERT_TRUE(put_people(*graph, {{"Ada", age}, {"Bo", age}}, {.actor = tag}));
  };
  write("start");
  if (start == Start::kTwoCommits) write("second");
  if (start == Start::kBranch || start == Start::kDeadBranch) {
    ASSERT_TRUE(graph->create_branch("w", "main"));
  }
  if (start == Start::kDeadBranch) {
    ASSERT_TRUE(graph->delete_branch("w"));
  }
  graph->drain();
  note_records(world);
}

struct Totals {
  int commits = 0, cleanups = 0, deaths = 0;
  std::uint64_t removed = 0;
};

void replay(const Scenario& scenario, std::uint64_t seed, Totals& totals) {
  World world(seed);
  prepare(world, scenario.start);
  Scheduler scheduler(seed, world.disk, world.clock,
                      {.fail_before = scenario.losses ? 8u : 0u,
                       .fail_after = scenario.losses ? 15u : 0u,
                       .late = scenario.losses ? 20u : 0u,
                       .crash = scenario.crashes ? 12u : 0u,
                       .clock = 30});
  std::vector<std::vector<std::vector<std::string>>> scripts;
  std::vector<int> lengths;
  for (const std::string& script : scenario.scripts) {
    lengths.push_back(static_cast<int>(scripts.emplace_back(operations_of(script)).size()));
  }
  play_all(world, scheduler, lengths,
           [&](Player& player, std::size_t number, GraphStore& graph, int at, const std::string& tag) {
             carry_out(player, graph, scripts[number][static_cast<std::size_t>(at)], tag);
           });
  EXPECT_EQ(damage_in(world.disk), "");
  // Whatever was left half done, cleanup and the next write go on from there.
  world.clock.advance_us(48 * kMicrosPerHour);
  const GraphPtr graph = open_people(world.disk, {.clock = &world.clock});
  const auto cleaned = cleanup(graph->parts(), {.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}});
  EXPECT_TRUE(cleaned) << cleaned.error().render();
  EXPECT_EQ(damage_in(world.disk), "");
  expect_final_state(world);
  EXPECT_TRUE(insert_person(*graph, "Next"));
  if (::testing::Test::HasFailure()) ADD_FAILURE() << scheduler.trace();
  totals.commits += world.commits;
  totals.cleanups += world.cleanups;
  totals.deaths += world.deaths;
  totals.removed += world.removed;
}

TEST(ModelScenarios, HoldOnTheMemoryStore) {
  const SerialIo serial;
  Totals totals;
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    fault::for_each_seed(8, [&](std::uint64_t seed) { replay(scenario, seed, totals); });
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_TRUE(totals.commits > 0 && totals.cleanups > 0 && totals.deaths > 0 && totals.removed > 0)
      << totals.commits << " commits, " << totals.cleanups << " cleanups, " << totals.removed << " commits removed, "
      << totals.deaths << " deaths";
}

}  // namespace
}  // namespace omnigraph::graph::testing
