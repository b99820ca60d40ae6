// Chapter 09 section 10, "small commits" and "crash anywhere is harmless", for power losses: the real local store and
// the whole graph on a simulated disk, cut at every step.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "graph/store_parts.h"
#include "lance/manifest.h"
#include "tests/fault/fault_seed.h"
#include "tests/fault/power_loss.h"

namespace omnigraph::graph::testing {
namespace {

namespace fs = std::filesystem;

struct PowerOperation {
  std::string name;
  std::function<Result<void>(GraphStore&)> run;
};

// Random writes, and the state after each.
struct History {
  std::vector<PowerOperation> operations;
  std::vector<State> states{State{}};  // states[n]: after n operations
  std::uint64_t first_version = 1;     // of states[0]
};

Result<void> dropped_commit(const Result<WriteOutcome>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return {};
}

class HistoryMaker {
 public:
  explicit HistoryMaker(std::uint64_t seed) : random_(seed) {}

  // `long_notes`: of some commits' objects most do not travel inside the record.
  History make(std::size_t count, bool long_notes) {
    History history;
    for (std::size_t i = 0; i < count; ++i) {
      State next = history.states.back();
      history.operations.push_back(one(i, long_notes, next));
      history.states.push_back(std::move(next));
    }
    return history;
  }

 private:
  PowerOperation one(std::size_t at, bool long_notes, State& state) {
    const std::size_t choice = random_() % 10;
    if (long_notes && at % 8 == 2) return note(long_text(), state);
    if (state.people.size() < 3 || choice < 6) return insert(numbered("p", static_cast<std::int64_t>(at)), state);
    const std::string who = person(state);
    switch (choice) {
      case 6: return note(numbered("n", static_cast<std::int64_t>(at)), state);
      case 7:
        if (!has_edge(state, who)) return remove(who, state);
        [[fallthrough]];
      case 8:
        ++state.people[who];
        return {"birthday of " + who, [who](GraphStore& graph) { return dropped_commit(birthday(graph, who)); }};
      default: return edge(who, person(state), state);
    }
  }

  // More than travels inside a record, compressed or not.
  std::string long_text() {
    std::string text(300'000, ' ');
    for (char& c : text) c = static_cast<char>('0' + random_() % 64);
    return text;
  }

  static PowerOperation insert(const std::string& who, State& state) {
    state.people[who] = 7;
    return {"insert " + who, [who](GraphStore& graph) { return dropped_commit(insert_person(graph, who, 7)); }};
  }
  static PowerOperation note(const std::string& text, State& state) {
    state.notes.insert(text);
    return {"note of " + std::to_string(text.size()),
            [text](GraphStore& graph) { return dropped_commit(insert_note(graph, text)); }};
  }
  static PowerOperation remove(const std::string& who, State& state) {
    state.people.erase(who);
    return {"remove " + who, [who](GraphStore& graph) { return dropped_commit(remove_person(graph, who)); }};
  }
  static PowerOperation edge(const std::string& from, const std::string& to, State& state) {
    state.knows.emplace(from, to);
    return {"edge", [from, to](GraphStore& graph) { return dropped_commit(insert_knows(graph, from, to)); }};
  }
  static bool has_edge(const State& state, const std::string& who) {
    return std::ranges::any_of(state.knows, [&](const auto& pair) { return pair.first == who || pair.second == who; });
  }
  std::string person(const State& state) {
    return std::next(state.people.begin(), static_cast<std::ptrdiff_t>(random_() % state.people.size()))->first;
  }

  std::mt19937_64 random_;
};

// Runs operations [first, end) as one process; its background work ends with it.
void run_process(Recording& run, const StorePtr& store, const History& history, std::size_t first, std::size_t end,
                 const StoreOptions& options = {}) {
  const GraphPtr graph = open_people(store, options);
  ASSERT_NE(graph, nullptr);
  for (std::size_t i = first; i < end; ++i) {
    const Result<void> told = history.operations[i].run(*graph);
    ASSERT_TRUE(told) << history.operations[i].name << ": " << told.error().render();
    run.acknowledge(i + 1);
    if (i % 2 == 0) graph->drain();  // the others overlap with what follows them
    if (i % 5 == 3 && options.background_settle) {
      const auto head = graph->parts().log->confirmed_head("main");
      ASSERT_TRUE(head && graph->parts().keeper->settle(*head->record));
    }
  }
}

// The state a new process finds must be the last acknowledged one or the one in flight. Returns which.
std::optional<std::size_t> found_state(const StorePtr& store, const History& history, std::size_t acknowledged) {
  const auto graph = GraphStore::open(store, kQuiet);
  const std::size_t newest = acknowledged == kNothing ? 0 : std::min(acknowledged + 1, history.operations.size());
  if (acknowledged == kNothing && (!graph || !(*graph)->head("main"))) return kNothing;
  if (!graph) {
    ADD_FAILURE() << graph.error().render();
    return std::nullopt;
  }
  const Result<SnapshotPtr> head = (*graph)->head("main");
  const Result<State> state = head ? state_of(**head) : std::unexpected(head.error());
  if (!state) {
    ADD_FAILURE() << state.error().render();
    return std::nullopt;
  }
  for (std::size_t i = acknowledged == kNothing ? 0 : acknowledged; i <= newest; ++i) {
    // The version tells states apart that look the same.
    if ((*head)->version() == history.first_version + i && *state == history.states[i]) return i;
  }
  ADD_FAILURE() << "version " << (*head)->version()
                << " was found; acknowledged: " << history.first_version + acknowledged
                << "; if that is the same, its rows are not";
  return std::nullopt;
}

// Any earlier commit is as readable as the head.
void expect_history(const StorePtr& store, const History& history, std::size_t upto, std::uint64_t seed) {
  const GraphPtr graph = open_people(store, kQuiet);
  const auto commits = graph->commits("main");
  ASSERT_TRUE(commits) << commits.error().render();
  ASSERT_EQ(commits->size(), upto + history.first_version);
  const std::size_t at = seed % (upto + 1);
  const auto snapshot = graph->at_commit((*commits)[upto - at].commit.id);
  ASSERT_TRUE(snapshot) << snapshot.error().render();
  const auto state = state_of(**snapshot);
  ASSERT_TRUE(state) << state.error().render();
  EXPECT_EQ(*state == history.states[at], true) << "commit " << at + 1 << " has other rows than when it was written";
}

// What tools that know nothing of the log see: the newest regular version is whole and, after a write, the newest.
void expect_head_chain(const StorePtr& store, const std::string& commit_id) {
  const GraphPtr graph = open_people(store, kQuiet);
  const std::string manifest = graph->head("main").value()->record().tables.at("node:Person").manifest;
  const std::string folder = manifest.substr(0, manifest.rfind('/') + 1);
  const auto keys = keys_under(store, folder);
  ASSERT_FALSE(keys.empty());
  const auto bytes = store->get(keys.front());
  ASSERT_TRUE(bytes);
  const auto newest = lance::parse_manifest(*bytes, keys.front());
  ASSERT_TRUE(newest) << "the regular versions do not go on after this: " << newest.error().render();
  EXPECT_EQ(newest->table_metadata.at("omnigraph.commit"), commit_id);
}

// Reopens what was left; `deep`: goes on writing there.
void verify(const Cut& cut, const History& history, std::uint64_t seed, bool deep,
            const std::function<void(const Folder&, std::size_t)>& continue_with = {}) {
  SCOPED_TRACE(::testing::Message() << "power loss after step " << cut.step << " (" << cut.text << ")\n"
                                    << cut.tree.losses);
  const Folder folder;
  write_tree(cut.tree, folder.path());
  const std::optional<std::size_t> found = found_state(folder.open(), history, cut.acknowledged);
  if (!found || !deep) return;
  if (*found == kNothing) {
    const auto again = GraphStore::init(folder.open(), kPeopleSchema, std::nullopt);
    ASSERT_TRUE(again) << again.error().render();
    (*again)->drain();
    EXPECT_EQ(found_state(folder.open(), history, 0), std::optional<std::size_t>(0));
    return;
  }
  expect_history(folder.open(), history, *found, seed);
  if (continue_with) return continue_with(folder, *found);
  State next = history.states[*found];
  next.people["Next"] = 9;
  std::string commit_id;
  {
    const GraphPtr graph = open_people(folder.open());
    const auto written = insert_person(*graph, "Next", 9);
    ASSERT_TRUE(written) << "the next write: " << written.error().render();
    commit_id = written->commit->id;
  }
  const Result<State> read = read_state(folder.open());
  ASSERT_TRUE(read) << read.error().render();
  EXPECT_EQ(*read == next, true) << "the next write did not add exactly its row";
  expect_head_chain(folder.open(), commit_id);
}

// Goal: power may fail at any step of writing, placing attachments and settling them, by this process or by the next;
// what a new process finds is exactly the last acknowledged state or the one being written.
// Method: three processes in turn write and settle what they find attached, so that later records leave it out; a new
// process reads what is left after each step.
TEST(PowerLoss, AtEveryStepOfPlacingAndSettling) {
  fault::for_each_seed(1, [](std::uint64_t seed) {
    const History history = HistoryMaker(seed).make(18, /*long_notes=*/true);
    std::vector<Cut> cuts;
    {
      const Folder folder;
      Recording run(folder.path(), seed, kNothing, every_step);
      {
        ASSERT_NE(init_people(folder.open()), nullptr);
      }
      run.acknowledge(0);
      for (const auto& [first, end] : {std::pair<std::size_t, std::size_t>(0, 6), {6, 15}, {15, 18}}) {
        ASSERT_NO_FATAL_FAILURE(run_process(run, folder.open(), history, first, end));
      }
      cuts = run.cuts();
    }
    for (std::size_t i = 0; i < cuts.size() && !::testing::Test::HasFailure(); ++i) {
      verify(cuts[i], history, seed + i, /*deep=*/i % 8 == seed % 8);
    }
  });
}

// Goal: the same for batches: commits that were put in place together, while more were being written.
// Method: every process writes without a pause, so that its commits queue up; a power loss at each step.
TEST(PowerLoss, AtEveryStepOfABatch) {
  fault::for_each_seed(1, [](std::uint64_t seed) {
    const History history = HistoryMaker(seed + 77).make(18, /*long_notes=*/false);
    std::vector<Cut> cuts;
    {
      const Folder folder;
      {
        ASSERT_NE(init_people(folder.open()), nullptr);
      }
      Recording run(folder.path(), seed, 0, every_step);
      for (const auto& [first, end] : {std::pair<std::size_t, std::size_t>(0, 10), {10, 18}}) {
        const GraphPtr graph = open_people(folder.open());
        const Background::Write no_pause(graph->parts().background);
        for (std::size_t i = first; i < end; ++i) {
          ASSERT_TRUE(history.operations[i].run(*graph));
          run.acknowledge(i + 1);
        }
        graph->drain();
        const auto head = graph->parts().log->confirmed_head("main");
        ASSERT_TRUE(head && graph->parts().keeper->settle(*head->record));
      }
      cuts = run.cuts();
    }
    for (std::size_t i = 0; i < cuts.size() && !::testing::Test::HasFailure(); ++i) {
      verify(cuts[i], history, seed + i, /*deep=*/i % 8 == seed % 8);
    }
  });
}

// Goal: what the first power loss left torn is not believed by the process that settles it.
// Method: after one loss the graph is opened again, written to and settled, so that later records leave out what the
// first process had placed, and power fails a second time somewhere.
TEST(PowerLoss, TwiceInARow) {
  fault::for_each_seed(4, [](std::uint64_t seed) {
    const History history = HistoryMaker(seed).make(20, /*long_notes=*/true);
    std::mt19937_64 random(seed);
    std::vector<Cut> cuts;
    {
      const Folder folder;
      Recording run(folder.path(), seed, kNothing, every_step);
      {
        ASSERT_NE(init_people(folder.open()), nullptr);
      }
      run.acknowledge(0);
      ASSERT_NO_FATAL_FAILURE(run_process(run, folder.open(), history, 0, 8));
      cuts = run.cuts();
    }
    const Cut& first = cuts[cuts.size() / 2 + random() % (cuts.size() / 2)];
    verify(first, history, seed, /*deep=*/true, [&](const Folder& folder, std::size_t found) {
      std::vector<Cut> second;
      {
        Recording run(folder.path(), seed + 7, found, [&](std::uint64_t) { return random() % 8 == 0; });
        ASSERT_NO_FATAL_FAILURE(run_process(run, folder.open(), history, found, 18));
        ASSERT_NO_FATAL_FAILURE(run_process(run, folder.open(), history, 18, 20));
        second = run.cuts();
      }
      for (std::size_t i = 0; i < second.size() && !::testing::Test::HasFailure(); ++i) {
        verify(second[i], history, seed + i, /*deep=*/i % 4 == 0);
      }
    });
  });
}

// What the second process reads (with or without A) must stay once it was read. Fills `after` with that and its write.
std::vector<Cut> write_after_a_crash(Recording& run, const Folder& folder, const State& before, History& after) {
  const GraphPtr graph = open_people(folder.open());
  const SnapshotPtr head = graph->head("main").value();
  State with = before;
  with.people["A"] = 1;
  const State found = state_of(*head).value();
  EXPECT_EQ(found == before || found == with, true);
  after.first_version = head->version();
  after.states = {found, found};
  after.states.back().people["B"] = 2;
  after.operations = {{"insert B", {}}};
  run.record(every_step);
  EXPECT_TRUE(insert_person(*graph, "B", 2));
  run.acknowledge(1);
  graph->drain();
  return run.cuts();
}

// Goal: a record that its writer did not live to sync counts only once somebody has: what the next process found and
// built on survives.
// Method: a process dies after each step of a write; the next one reads, writes, and then power fails somewhere.
TEST(PowerLoss, AfterACrashOfTheWriter) {
  fault::for_each_seed(2, [](std::uint64_t seed) {
    const History before = HistoryMaker(seed).make(4, /*long_notes=*/false);
    const Folder base;
    {
      const GraphPtr graph = init_people(base.open());
      for (const PowerOperation& operation : before.operations) ASSERT_TRUE(operation.run(*graph));
    }
    for (std::uint64_t dies_after = 1; !::testing::Test::HasFailure(); ++dies_after) {
      SCOPED_TRACE(::testing::Message() << "the first process dies after step " << dies_after);
      const Folder folder;
      fs::copy(base.path(), folder.path(), fs::copy_options::recursive);
      Recording run(folder.path(), seed, 0);
      run.disk().die_after(dies_after);
      (void)insert_person(*open_people(folder.open()), "A", 1);
      const bool died = run.disk().is_dead();
      run.disk().die_after(0);
      if (!died) break;
      History after;
      std::vector<Cut> cuts = write_after_a_crash(run, folder, before.states.back(), after);
      ASSERT_FALSE(cuts.empty());
      verify(cuts[seed % cuts.size()], after, seed, /*deep=*/true);
      verify(cuts.back(), after, seed, /*deep=*/true);
    }
  });
}

// Goal: who comes late with placing what others have settled meanwhile does not endanger the synced files.
TEST(PowerLoss, ALatePlacementHarmsNoSettledFile) {
  fault::for_each_seed(3, [](std::uint64_t seed) {
    const Folder folder;
    const GraphPtr graph = init_people(folder.open(), kQuiet);
    ASSERT_TRUE(insert_person(*graph, "Ada", 1));
    const GraphPtr late = open_people(folder.open(), kQuiet);
    const auto old = late->parts().log->confirmed_head("main");
    ASSERT_TRUE(old && graph->parts().keeper->settle(*old->record));
    ASSERT_TRUE(insert_note(*graph, "after"));
    History history;
    const SnapshotPtr head = graph->head("main").value();
    ASSERT_LT(head->record().attached.size(), old->record->record.attached.size());
    history.first_version = head->version();
    history.states = {State{.people = {{"Ada", 1}}, .notes = {"after"}, .knows = {}}};
    std::vector<Cut> cuts;
    {
      Recording run(folder.path(), seed, 0, every_step);
      ASSERT_TRUE(late->parts().keeper->place({&old->record, 1}));
      ASSERT_TRUE(late->parts().keeper->settle(*old->record));
      cuts = run.cuts();
    }
    ASSERT_FALSE(cuts.empty());
    for (const Cut& cut : cuts) verify(cut, history, seed, /*deep=*/false);
  });
}

// Goal: records alone are the graph: as many commits as may stay attached, nothing put in place, then a power loss.
TEST(PowerLoss, SixtyFourCommitsNothingInPlace) {
  fault::for_each_seed(1, [](std::uint64_t seed) {
    const History history = HistoryMaker(seed).make(70, /*long_notes=*/false);
    std::vector<Cut> cuts;
    {
      const Folder folder;
      {
        ASSERT_NE(init_people(folder.open(), kQuiet), nullptr);
      }
      // Up to the limit only a few cuts; all while the write that would exceed it settles first.
      std::atomic<std::size_t> done = 0;
      Recording run(folder.path(), seed, 0,
                    [&](std::uint64_t step) { return done >= 60 ? step % 4 == seed % 4 : step % 40 == 0; });
      for (const auto& [first, end] : {std::pair<std::size_t, std::size_t>(0, 60), {60, 70}}) {
        ASSERT_NO_FATAL_FAILURE(run_process(run, folder.open(), history, first, end, kQuiet));
        if (first == 0) {
          EXPECT_TRUE(keys_under(folder.open(), "tables/").empty());
        }
        done = end;
      }
      cuts = run.cuts();
    }
    for (std::size_t i = 0; i < cuts.size() && !::testing::Test::HasFailure(); ++i) {
      verify(cuts[i], history, seed + i, /*deep=*/i % 16 == 0);
    }
  });
}

}  // namespace
}  // namespace omnigraph::graph::testing
