#include "tests/fault/player.h"

#include <algorithm>

#include "graph/cleanup.h"
#include "graph/merge.h"
#include "graph/moment.h"
#include "graph/optimize.h"
#include "graph/store_parts.h"

namespace omnigraph::graph::testing {
namespace {

bool has_person(const std::optional<State>& state, const std::string& who) {
  return state && state->people.contains(who);
}

}  // namespace

void Player::play(int operations, const Operation& one) {
  for (int done = 0; done < operations;) {
    auto graph = GraphStore::open(process_.store(), {.clock = &world_.clock});
    while (graph && done < operations && !process_.dead()) {
      const int at = done++;
      one(**graph, at, numbered(numbered("p", static_cast<std::int64_t>(number_)) + "/", at));
      (*graph)->drain();
    }
    graph = std::unexpected(Error{});
    if (process_.dead()) {
      ++world_.deaths;
      process_.revive();
    }
  }
}

void Player::turn_to(const std::string& branch) {
  branch_ = branch;
  least_ = world_.seen[branch];
}

void Player::age(GraphStore& graph, const std::string& tag, const std::string& who) {
  world_.chronicle.plan(tag, [who](State& state) { return state.people.contains(who) && ++state.people[who] > 0; });
  // Ada and Bo are never removed: they can be missing on no branch.
  answer(tag, birthday(graph, who, options(tag)),
         [who](const std::optional<State>& state) { return state && !has_person(state, who); });
}

void Player::insert(GraphStore& graph, const std::string& tag, const std::string& who) {
  world_.chronicle.plan(tag, [who](State& state) { return state.people.emplace(who, 1).second; });
  answer(tag, insert_person(graph, who, 1, options(tag)),
         [who](const std::optional<State>& state) { return has_person(state, who); });
}

void Player::remove(GraphStore& graph, const std::string& tag, const std::string& who) {
  world_.chronicle.plan(tag, [who](State& state) { return state.people.erase(who) == 1; });
  answer(tag, remove_person(graph, who, options(tag)),
         [who](const std::optional<State>& state) { return state && !has_person(state, who); });
}

void Player::replace_all(GraphStore& graph, const std::string& tag) {
  world_.chronicle.plan(tag, [](State& state) {
    for (auto& [who, years] : state.people) ++years;
    return !state.people.empty();
  });
  answer(tag,
         graph.write(options(tag),
                     [](WriteTransaction& transaction) -> Result<void> {
                       OG_ASSIGN_OR_RETURN(People people, people_in(*transaction.base()));
                       for (auto& [who, years] : people) ++years;
                       transaction.note_read(kPerson);
                       transaction.put(people_rows(*transaction.base()->catalog(), people), PutMode::kMerge, false);
                       return {};
                     }),
         [](const std::optional<State>& state) { return state && state->people.empty(); });
  if (!process_.dead()) (void)optimize(graph.parts(), branch_);
}

void Player::note(GraphStore& graph, const std::string& tag, const std::string& text) {
  world_.chronicle.plan(tag, [text](State& state) { return state.notes.insert(text) != state.notes.end(); });
  answer(tag, insert_note(graph, text, options(tag)), {});
}

void Player::edge(GraphStore& graph, const std::string& tag) {
  world_.chronicle.plan(tag, [](State& state) {
    state.knows.emplace("Ada", "Bo");
    return true;
  });
  answer(tag, insert_knows(graph, "Ada", "Bo", options(tag)), {});
}

void Player::load(GraphStore& graph, const std::string& tag, const std::string& one) {
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

void Player::answer(const std::string& tag, const Result<WriteOutcome>& told,
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

void Player::claim(std::string text, std::function<bool(const std::optional<State>&)> holds) {
  ++world_.refusals;
  ASSERT_TRUE(holds) << text;
  world_.claims.push_back({std::move(text), branch_, least_, world_.chronicle.newest(branch_), std::move(holds)});
}

void Player::create(GraphStore& graph, const std::string& name, const std::string& from) {
  const std::uint64_t source_least = world_.seen[from], least = world_.chronicle.newest(name);
  const Result<void> told = graph.create_branch(name, from);
  if (process_.dead() || !told) return;
  ++world_.created[name];
  const auto log = world_.chronicle.logs().find(name);
  ASSERT_NE(log, world_.chronicle.logs().end());
  EXPECT_TRUE(std::any_of(log->second.upper_bound(least), log->second.end(),
                          [&](const auto& entry) {
                            const auto& forked = entry.second.record.forked_from;
                            return forked && forked->branch == from && forked->seq >= source_least;
                          }))
      << name << " was acknowledged, but not from a state of " << from << " that was known before";
}

void Player::erase(GraphStore& graph, const std::string& name) {
  const Result<void> told = graph.delete_branch(name);
  if (!process_.dead() && told) ++world_.deleted[name];
}

void Player::merge(GraphStore& graph, const std::string& tag, const std::string& source) {
  world_.chronicle.plan(tag, [](State&) { return true; });  // the chronicle takes the source's state over
  const auto told = merge_branches(graph.parts(), {.source = source, .target = branch_, .actor = tag});
  if (process_.dead() || !told || told->outcome == MergeOutcome::kUpToDate) return;
  EXPECT_EQ(told->outcome, MergeOutcome::kFastForward);
  const auto place = world_.chronicle.commit_of(tag);
  ASSERT_TRUE(place) << tag << " was acknowledged and is in no log";
  ++world_.commits;
  world_.told[tag] = place->first;
  world_.note_seen(branch_, place->second);
}

void Player::settle(GraphStore& graph) {
  const auto head = graph.parts().log->confirmed_head(branch_);
  if (head && head->live()) (void)graph.parts().keeper->settle(*head->record);
}

void Player::clean(GraphStore& graph) {
  const auto told = cleanup(graph.parts(), {.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}});
  if (process_.dead() || !told) return;
  ++world_.cleanups;
  world_.removed += told->commits_removed;
}

void Player::read(GraphStore& graph) {
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
    const bool too_late = world_.clock.now_us() - began_us > 22 * kMicrosPerHour;
    EXPECT_TRUE(process_.dead() || state.error().code == Code::kIoError || too_late) << state.error().render();
    return;
  }
  ++world_.reads;
  EXPECT_EQ(std::optional<State>(*state) == world_.chronicle.state_at(branch_, seq), true) << branch_ << "/" << seq;
}

void play_all(World& world, fault::Scheduler& scheduler, const std::vector<int>& operations, const Move& move) {
  scheduler.on_record([&](std::string_view key, std::span<const std::byte> bytes) { world.chronicle.add(key, bytes); });
  for (std::size_t number = 0; number < operations.size(); ++number) {
    scheduler.add_process([&, number](fault::Scheduler::Process& process) {
      Player player(world, process, number);
      player.play(operations[number],
                  [&](GraphStore& graph, int at, const std::string& tag) { move(player, number, graph, at, tag); });
    });
  }
  scheduler.run();
  expect_what_was_told(world);
  expect_final_state(world);
}

}  // namespace omnigraph::graph::testing
