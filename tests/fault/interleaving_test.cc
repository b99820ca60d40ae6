// Chapter 09 section 10, "serializable" and "no lost update": random histories of several processes, every request
// interleaved, delayed, lost or the last one of its process as a seed decides, over days of injected time.
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/layout.h"
#include "graph/parallel_io_threads.h"
#include "graph/store_parts.h"
#include "tests/fault/chronicle.h"
#include "tests/fault/fault_seed.h"
#include "tests/fault/scheduler.h"

namespace omnigraph::graph::testing {
namespace {

using fault::Scheduler;

constexpr std::int64_t kInterleavingHourUs = std::int64_t{3600} * 1'000'000;
constexpr std::int64_t kStartUs = 1'790'000'000'000'000;
constexpr std::int64_t kRoundUs = 40 * 24 * kInterleavingHourUs;  // commit ids only rise; no round repeats the time of another

// What a refusal says about the state that it was decided on: one of those between two sequence numbers.
struct Claim {
  std::string text;
  std::string branch;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::function<bool(const std::optional<State>&)> holds;
};

// What all processes of one history share. Only one thread of them runs at a time.
struct World {
  ManualClock clock;
  StorePtr disk;
  Chronicle chronicle;
  std::map<std::string, std::uint64_t> seen;   // newest record that somebody was told of, by branch
  std::map<std::string, std::string> told;     // tag -> commit id
  std::map<std::string, int> created, deleted;  // acknowledged, by branch
  std::vector<Claim> claims;
  int commits = 0, refusals = 0, reads = 0, deaths = 0;

  explicit World(std::uint64_t seed)
      : clock(kStartUs + static_cast<std::int64_t>(seed) * kRoundUs), disk(objectstore::make_memory_store(clock)) {
    chronicle.set_clock(clock);
  }
  void note_seen(const std::string& branch, std::uint64_t seq) { seen[branch] = std::max(seen[branch], seq); }
};

bool has_person(const std::optional<State>& state, const std::string& who) {
  return state && state->people.contains(who);
}

class Player {
 public:
  Player(World& world, Scheduler::Process& process, std::size_t number)
      : world_(world), process_(process), number_(number) {}

  void play(int operations) {
    for (int done = 0; done < operations;) {
      auto graph = GraphStore::open(process_.store(), {.clock = &world_.clock});
      while (graph && done < operations && !process_.dead()) {
        one(**graph, numbered(numbered("p", static_cast<std::int64_t>(number_)) + "/", done++));
        (*graph)->drain();
      }
      graph = std::unexpected(Error{});
      if (process_.dead()) {
        ++world_.deaths;
        process_.revive();
      }
    }
  }

 private:
  std::size_t up_to(std::size_t most) { return process_.random()() % (most + 1); }
  std::string contended() { return numbered("X", static_cast<std::int64_t>(up_to(2))); }

  void one(GraphStore& graph, const std::string& tag) {
    static const std::vector<std::string> kBranches{"main", "main", "main", "w", "v"};
    branch_ = kBranches[up_to(4)];
    const std::string side = up_to(1) == 0 ? "w" : "v";
    least_ = world_.seen[branch_];
    switch (up_to(15)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return age(graph, tag, up_to(1) == 0 ? "Ada" : "Bo");
      case 4:
        return insert(graph, tag, tag);
      case 5:
      case 6:
        return insert(graph, tag, contended());
      case 7:
        return remove(graph, tag, contended());
      case 8:
        return note(graph, tag);
      case 9:
        return edge(graph, tag);
      case 10:
        return load(graph, tag);
      case 11:
        return create(graph, side, branch_);
      case 12:
        return erase(graph, side);
      case 13: {
        const auto head = graph.parts().log->confirmed_head(branch_);
        if (head && head->live()) (void)graph.parts().keeper->settle(*head->record);
        return;
      }
      default:
        return read(graph);
    }
  }

  [[nodiscard]] WriteOptions options(const std::string& tag) const { return {.branch = branch_, .actor = tag}; }

  void age(GraphStore& graph, const std::string& tag, const std::string& who) {
    world_.chronicle.plan(tag, [who](State& state) { return state.people.contains(who) && ++state.people[who] > 0; });
    // Ada and Bo are never removed: they can be missing on no branch.
    answer(tag, birthday(graph, who, options(tag)),
           [who](const std::optional<State>& state) { return state && !has_person(state, who); });
  }
  void insert(GraphStore& graph, const std::string& tag, const std::string& who) {
    world_.chronicle.plan(tag, [who](State& state) { return state.people.emplace(who, 1).second; });
    answer(tag, insert_person(graph, who, 1, options(tag)),
           [who](const std::optional<State>& state) { return has_person(state, who); });
  }
  void remove(GraphStore& graph, const std::string& tag, const std::string& who) {
    world_.chronicle.plan(tag, [who](State& state) { return state.people.erase(who) == 1; });
    answer(tag, remove_person(graph, who, options(tag)),
           [who](const std::optional<State>& state) { return state && !has_person(state, who); });
  }
  void note(GraphStore& graph, const std::string& tag) {
    world_.chronicle.plan(tag, [tag](State& state) { return state.notes.insert(tag) != state.notes.end(); });
    answer(tag, insert_note(graph, tag, options(tag)), {});
  }
  void edge(GraphStore& graph, const std::string& tag) {
    world_.chronicle.plan(tag, [](State& state) {
      state.knows.emplace("Ada", "Bo");
      return true;
    });
    answer(tag, insert_knows(graph, "Ada", "Bo", options(tag)), {});
  }
  // Makes its branch if need be.
  void load(GraphStore& graph, const std::string& tag) {
    const std::string one = contended();
    world_.chronicle.plan(tag, [one, tag](State& state) {
      state.people[one] = 50;
      state.people[tag] = 51;
      return true;
    });
    WriteOptions how = options(tag);
    how.kind = CommitKind::kLoad;
    if (branch_ != "main") how.fork_from = "main";
    answer(tag, put_people(graph, {{one, 50}, {tag, 51}}, how), {});
  }

  // `refused`: what the state must have been like for the write to be refused or to change nothing.
  void answer(const std::string& tag, const Result<WriteOutcome>& told,
              std::function<bool(const std::optional<State>&)> refused) {
    if (process_.dead()) return;
    if (told && told->commit) {
      ++world_.commits;
      world_.told[tag] = told->commit->id;
      const auto place = world_.chronicle.commit_of(tag);
      ASSERT_TRUE(place) << tag << " was acknowledged and is in no log";
      return world_.note_seen(branch_, place->second);
    }
    if (!told && told.error().code == Code::kConflict && told.error().detail != nullptr &&
        told.error().detail->field == "read_set_conflict") {
      return;
    }
    const Code code = told ? Code::kConflict : told.error().code;
    const bool refusal = code == Code::kConflict || code == Code::kNotFound;
    if (!refusal) {
      EXPECT_TRUE(code == Code::kIoError || code == Code::kInternal || code == Code::kUnavailable)
          << tag << ": " << told.error().render();
      return;
    }
    const bool no_branch = !told && told.error().message.starts_with("branch");
    if (no_branch) refused = [](const std::optional<State>& state) { return !state; };
    claim(tag + (told ? " changed nothing" : ": " + told.error().message), std::move(refused));
  }

  void claim(std::string text, std::function<bool(const std::optional<State>&)> holds) {
    ++world_.refusals;
    ASSERT_TRUE(holds) << text;
    world_.claims.push_back({std::move(text), branch_, least_, world_.chronicle.newest(branch_), std::move(holds)});
  }

  void create(GraphStore& graph, const std::string& name, const std::string& from) {
    const std::uint64_t source_least = world_.seen[from], least = world_.chronicle.newest(name);
    const Result<void> told = graph.create_branch(name, from);
    if (process_.dead() || !told) return;
    ++world_.created[name];
    const auto log = world_.chronicle.logs().find(name);
    ASSERT_NE(log, world_.chronicle.logs().end());
    EXPECT_TRUE(std::any_of(log->second.upper_bound(least), log->second.end(), [&](const auto& entry) {
      const auto& forked = entry.second.record.forked_from;
      return forked && forked->branch == from && forked->seq >= source_least;
    })) << name << " was acknowledged, but not from a state of " << from << " that was known before";
  }
  void erase(GraphStore& graph, const std::string& name) {
    const Result<void> told = graph.delete_branch(name);
    if (!process_.dead() && told) ++world_.deleted[name];
  }

  void read(GraphStore& graph) {
    const std::int64_t began_us = world_.clock.now_us();
    const auto head = graph.head(branch_);
    if (process_.dead()) return;
    if (!head) {
      if (head.error().code == Code::kNotFound) {
        claim("reading: " + head.error().message, [](const std::optional<State>& state) { return !state; });
      } else {
        EXPECT_EQ(head.error().code, Code::kIoError) << head.error().render();
      }
      return;
    }
    const std::uint64_t seq = (*head)->record().seq;
    EXPECT_GE(seq, least_) << "a reader of " << branch_ << " went back";
    world_.note_seen(branch_, seq);
    const auto state = state_of(**head);
    if (!state) {
      const bool too_late = world_.clock.now_us() - began_us > 22 * kInterleavingHourUs;
      EXPECT_TRUE(process_.dead() || state.error().code == Code::kIoError || too_late) << state.error().render();
      return;
    }
    ++world_.reads;
    EXPECT_EQ(std::optional<State>(*state) == world_.chronicle.state_at(branch_, seq), true) << branch_ << "/" << seq;
  }

  World& world_;
  Scheduler::Process& process_;
  const std::size_t number_;
  std::string branch_;
  std::uint64_t least_ = 0;
};

// What cleanup may take: records whose successor is 24 h old, unless a branch starts there or one that stays names it.
void remove_old_records(World& world) {
  std::set<std::pair<std::string, std::uint64_t>> kept, all;
  std::vector<const CommitRecord*> keeping;
  for (const auto& [branch, log] : world.chronicle.logs()) {
    for (auto at = log.begin(); at != log.end(); ++at) {
      all.emplace(branch, at->first);
      const auto next = std::next(at);
      const bool young = next == log.end() || world.clock.now_us() - next->second.born_us < 24 * kInterleavingHourUs;
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

GraphPtr begin(World& world) {
  const StoreOptions options{.clock = &world.clock};
  const GraphPtr graph = init_people(world.disk, options);
  world.chronicle.plan("start", [](State& state) {
    state.people = {{"Ada", 0}, {"Bo", 0}};
    return true;
  });
  EXPECT_TRUE(put_people(*graph, {{"Ada", 0}, {"Bo", 0}}, {.actor = "start"}));
  EXPECT_TRUE(graph->create_branch("w", "main"));
  graph->drain();
  for (const std::string branch : {"main", "w"}) {
    auto keys = keys_under(world.disk, log_prefix(branch));
    std::ranges::reverse(keys);  // newest first is the order of names
    for (const std::string& key : keys) world.chronicle.add(key, world.disk->get(key).value().bytes());
    world.note_seen(branch, world.chronicle.newest(branch));
  }
  return graph;
}

void expect_counts(const World& world) {
  for (const auto& [branch, log] : world.chronicle.logs()) {
    int creations = 0, deletions = 0;
    bool lived = false;
    for (const auto& [seq, entry] : log) {
      creations += !lived && entry.state ? 1 : 0;
      deletions += entry.state ? 0 : 1;
      lived = entry.state.has_value();
    }
    const auto count = [&](const std::map<std::string, int>& told) {
      return told.contains(branch) ? told.at(branch) : 0;
    };
    EXPECT_LE(count(world.created), creations) << branch << ": two were told to have created it";
    EXPECT_LE(count(world.deleted), deletions) << branch;
  }
}

void expect_what_was_told(const World& world) {
  for (const auto& [tag, id] : world.told) {
    const auto found = world.chronicle.commit_of(tag);
    ASSERT_TRUE(found) << tag;
    EXPECT_EQ(found->first, id) << tag;
  }
  for (const Claim& claim : world.claims) {
    bool held = claim.least == 0 && claim.holds(std::nullopt);  // before the branch ever was
    const std::uint64_t first = std::max(claim.least, world.chronicle.first(claim.branch));
    for (std::uint64_t seq = first; seq <= claim.most && !held; ++seq) {
      held = claim.holds(world.chronicle.state_at(claim.branch, seq));
    }
    EXPECT_TRUE(held) << claim.text << ": true of no state of " << claim.branch << " while it was decided";
  }
  expect_counts(world);
}

// The final state equals carrying out the commits in the order of the logs.
void expect_final_state(World& world) {
  const GraphPtr graph = open_people(world.disk, {.clock = &world.clock, .background_settle = false});
  std::vector<std::string> live;
  for (const auto& [branch, log] : world.chronicle.logs()) {
    if (log.rbegin()->second.state) live.push_back(branch);
  }
  EXPECT_EQ(graph->branches().value(), live);
  for (const std::string& branch : live) {
    const auto head = graph->head(branch);
    ASSERT_TRUE(head) << head.error().render();
    const auto state = state_of(**head);
    ASSERT_TRUE(state) << branch << ": " << state.error().render();
    EXPECT_EQ(*state == *world.chronicle.logs().at(branch).rbegin()->second.state, true) << branch;
  }
}

struct SerialIo {
  SerialIo() { set_parallel_io_threads(1); }
  ~SerialIo() { set_parallel_io_threads(kParallelIoThreads); }
};

TEST(Interleaving, RandomHistoriesAreSerializable) {
  const SerialIo serial;
  int commits = 0, refusals = 0, reads = 0, deaths = 0;
  fault::for_each_seed(150, [&](std::uint64_t seed) {
    World world(seed);
    begin(world);
    fault::Chances chances;
    if (seed % 3 == 0) chances = {.fail_before = 0, .fail_after = 0, .late = 0, .crash = 0, .clock = 4};
    Scheduler scheduler(seed, world.disk, world.clock, chances);
    scheduler.on_record(
        [&](std::string_view key, std::span<const std::byte> bytes) { world.chronicle.add(key, bytes); });
    scheduler.between_turns([&] { remove_old_records(world); });
    for (std::size_t number = 0; number < 3; ++number) {
      scheduler.add_process([&, number](Scheduler::Process& process) { Player(world, process, number).play(6); });
    }
    scheduler.run();
    expect_what_was_told(world);
    expect_final_state(world);
    if (::testing::Test::HasFailure()) ADD_FAILURE() << scheduler.trace();
    commits += world.commits;
    refusals += world.refusals;
    reads += world.reads;
    deaths += world.deaths;
  });
  EXPECT_TRUE(commits > 0 && refusals > 0 && reads > 0 && deaths > 0)
      << commits << " commits, " << refusals << " refusals, " << reads << " reads, " << deaths << " deaths";
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
