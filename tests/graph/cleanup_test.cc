// Cleanup: what stays, what goes, and that nobody is fooled by it (chapter 09 sections 3, 9 and 10).
#include "graph/cleanup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "graph/history_cut.h"
#include "graph/layout.h"
#include "graph/mark_logs.h"
#include "graph/publish_loop.h"
#include "objectstore/faulty_store.h"
#include "tests/graph/ancestors.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::int64_t kStartUs = 1'790'000'000'000'000;
constexpr std::int64_t kHoursADay = 24;

std::set<std::string> key_set(const StorePtr& store) {
  const std::vector<std::string> keys = keys_under(store, "");
  return {keys.begin(), keys.end()};
}

struct CleanupTest : ::testing::Test {
  ManualClock clock{kStartUs};
  StorePtr store = objectstore::make_memory_store(clock);
  StoreOptions options() const { return {.clock = &clock, .background_settle = true, .exclusive_writer = false}; }
  GraphPtr graph = init_people(store, options());

  void pass_hours(std::int64_t hours) { clock.advance_us(hours * kMicrosPerHour); }

  CleanupReport clean(const RetentionPolicy& policy) {
    graph->drain();
    auto report = cleanup(graph->parts(), {.policy = policy, .store_now_us = {}});
    EXPECT_TRUE(report) << report.error().render();
    return report ? *report : CleanupReport{};
  }

  // As a process sees it that was not there before.
  Result<State> state_at(const std::string& commit_id) {
    OG_ASSIGN_OR_RETURN(const GraphPtr fresh, GraphStore::open(store, {.clock = &clock, .background_settle = false}));
    OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, fresh->at_commit(commit_id));
    return state_of(*snapshot);
  }

  std::string write(const std::string& name, const std::string& branch = "main") {
    const auto written = insert_person(*graph, name, 1, {.branch = branch});
    EXPECT_TRUE(written) << written.error().render();
    graph->drain();  // what is in place need not be carried by the next commit
    return written ? written->commit->id : std::string();
  }
};

// A merge commit that changes nothing: what counts here is the second parent.
Result<RecordPtr> join(GraphStore& graph, const std::string& source, const std::string& target) {
  StoreParts& parts = graph.parts();
  return publish_draft(parts, target, [&](DraftAttempt& attempt) -> Result<bool> {
    OG_ASSIGN_OR_RETURN(const Head from, parts.log->confirmed_head(source));
    const CommitRecord& record = from.record->record;
    attempt.also_confirmed.push_back(from.confirmed);
    CommitFacts facts;
    facts.kind = CommitKind::kMerge;
    facts.merged = RecordPosition{.branch = record.branch, .seq = record.seq, .id = record.head_id};
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, PreparedWrite{}));
    return true;
  });
}

TEST_F(CleanupTest, KeepsTheNewestCommitsAndSaysWhatWent) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(write(numbered("p", i)));
    pass_hours(1);
  }
  graph->drain();
  for (const char* branch : {"main"}) {
    ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head(branch).value().record));
  }
  ids.push_back(write("last"));
  pass_hours(2 * kHoursADay);
  const CleanupReport report = clean({.keep = 3, .older_than_us = {}});
  EXPECT_EQ(report.commits_removed, 9u) << "genesis and eight of eleven";
  EXPECT_EQ(report.carriers, 0u);
  EXPECT_GE(report.tables.at("node:Person").versions_removed, 7u);
  EXPECT_GT(report.tables.at("node:Person").bytes_removed, 0u);
  EXPECT_TRUE(report.tables.contains("node:Note")) << "every type is listed";
  EXPECT_TRUE(report.holders.empty());
  const auto commits = open_people(store, options())->commits("main").value();
  ASSERT_EQ(commits.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(commits[i].commit.id, ids[ids.size() - 1 - i]);
    EXPECT_EQ(state_at(commits[i].commit.id).value().people.size(), 11 - i);
  }
  EXPECT_EQ(keys_under(store, "commits/").size(), 3u);
  EXPECT_EQ(damage_in(store), "");
  const std::set<std::string> before = key_set(store);
  const CleanupReport again = clean({.keep = 3, .older_than_us = {}});
  EXPECT_EQ(again.bytes_removed, 0u);
  EXPECT_EQ(key_set(store), before);
  EXPECT_TRUE(insert_person(*graph, "after"));
}

TEST_F(CleanupTest, NothingGoesThatSomebodyMayStillBeBuildingOn) {
  const std::string first = write("a");
  const std::string second = write("b");
  pass_hours(23);
  clean({.keep = 1, .older_than_us = {}});
  EXPECT_TRUE(state_at(first)) << "its successor is younger than a day";
  pass_hours(2);
  const std::string third = write("c");
  clean({.keep = 1, .older_than_us = {}});
  EXPECT_TRUE(state_at(second)) << "its successor is new";
  EXPECT_TRUE(state_at(third));
}

TEST_F(CleanupTest, AgeAndCountEachKeep) {
  const std::string old_one = write("a");
  pass_hours(10 * kHoursADay);
  const std::string young = write("b");
  pass_hours(2 * kHoursADay);
  const std::string head = write("c");
  pass_hours(2 * kHoursADay);
  clean({.keep = 1, .older_than_us = 5 * kHoursADay * kMicrosPerHour});
  EXPECT_TRUE(state_at(young)) << "younger than five days";
  EXPECT_EQ(state_at(old_one).error().code, Code::kGone);
  clean({.keep = 3, .older_than_us = kMicrosPerHour});
  EXPECT_TRUE(state_at(young)) << "among the newest three";
  clean({.keep = {}, .older_than_us = kMicrosPerHour});
  EXPECT_EQ(state_at(young).error().code, Code::kGone);
  EXPECT_TRUE(state_at(head)) << "a head stays whatever its age";
}

TEST_F(CleanupTest, RemovedHistoryIsGoneAndUnknownIdsAreNotFound) {
  const std::string removed = write("a");
  const std::string never = base::new_ulid(clock);
  const std::string also_removed = write("b");
  pass_hours(1);
  const std::string kept = write("c");
  const std::string head = write("d");
  pass_hours(48);
  graph->drain();
  ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head("main").value().record));
  const std::string last = write("e");
  pass_hours(48);
  clean({.keep = 3, .older_than_us = {}});
  for (const GraphPtr& reader : {graph, open_people(store, options())}) {
    for (const std::string& id : {removed, never, also_removed}) {
      const auto found = reader->at_commit(id);
      ASSERT_FALSE(found);
      EXPECT_EQ(found.error().code, Code::kGone) << id;
      EXPECT_NE(found.error().message.find("history_expired"), std::string::npos);
      EXPECT_NE(found.error().message.find(id), std::string::npos);
      EXPECT_NE(found.error().message.find(kept), std::string::npos) << "names the oldest commit still readable";
      EXPECT_EQ(reader->commit(id).error().code, Code::kGone);
    }
    EXPECT_EQ(reader->at_commit(base::new_ulid(clock)).error().code, Code::kNotFound);
    EXPECT_TRUE(reader->at_commit(kept));
    EXPECT_TRUE(reader->at_commit(head));
  }
  StoreParts& parts = graph->parts();
  const OldestReadable oldest = oldest_readable(*parts.log, parts.log->confirmed_head("main").value().record).value();
  EXPECT_EQ(oldest.id, kept);
  EXPECT_TRUE(oldest.cut);
  // A pointer whose record is gone, as an interrupted run leaves it.
  const std::string json = commit_pointer_json("main", parts.log->first_seq() + 1);
  ASSERT_TRUE(store->put(commit_pointer_key(removed), std::as_bytes(std::span(json))));
  EXPECT_EQ(open_people(store, options())->at_commit(removed).error().code, Code::kGone);
}

TEST_F(CleanupTest, AWholeChainHasNoGap) {
  ASSERT_TRUE(graph->create_branch("side", "main"));
  write("a");
  ASSERT_TRUE(graph->create_branch("inner", "side"));
  StoreParts& parts = graph->parts();
  for (const char* branch : {"main", "side", "inner"}) {
    const OldestReadable oldest = oldest_readable(*parts.log, parts.log->confirmed_head(branch).value().record).value();
    EXPECT_EQ(oldest.version, 1u) << branch;
    EXPECT_FALSE(oldest.cut);
  }
  EXPECT_EQ(graph->at_commit("00000000000000000000000000").error().code, Code::kNotFound);
}

TEST_F(CleanupTest, ADeletedBranchShrinksToItsTombstoneAndTheNameGoesOnWithItsSlots) {
  ASSERT_TRUE(graph->create_branch("side", "main"));
  const std::string lost = write("a", "side");
  const std::uint64_t last = graph->head("side").value()->record().seq;
  ASSERT_TRUE(graph->delete_branch("side"));
  EXPECT_EQ(keys_under(store, "log/side/").size(), 3u);
  pass_hours(12);
  clean({.keep = 100, .older_than_us = {}});
  EXPECT_EQ(keys_under(store, "log/side/").size(), 3u) << "what was built on the last record may still be under way";
  pass_hours(24);
  clean({.keep = 100, .older_than_us = {}});
  ASSERT_EQ(keys_under(store, "log/side/").size(), 1u);
  EXPECT_LT(store->head(keys_under(store, "log/side/")[0])->size, 1024u);
  EXPECT_EQ(graph->at_commit(lost).error().code, Code::kNotFound) << "no live branch was cut";
  pass_hours(24 * 7);
  clean({.keep = 1, .older_than_us = {}});
  ASSERT_EQ(keys_under(store, "log/side/").size(), 1u) << "the newest record of a log stays for good";
  const GraphPtr fresh = open_people(store, options());
  ASSERT_TRUE(fresh->create_branch("side", "main"));
  EXPECT_EQ(fresh->head("side").value()->record().seq, last + 2);
  EXPECT_EQ(damage_in(store), "");
}

// Goal: later merges find their base, on both sides, and the report names who holds the history.
TEST_F(CleanupTest, ABranchHoldsTheHistoryBackToItsMergeBases) {
  const std::string before = write("before");
  const std::string fork = write("fork");
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(graph->create_branch("inner", "side"));
  std::vector<std::string> main_ids, side_ids;
  for (int i = 0; i < 4; ++i) {
    main_ids.push_back(write(numbered("m", i)));
    side_ids.push_back(write(numbered("s", i), "side"));
    write(numbered("i", i), "inner");
  }
  pass_hours(48);
  const CleanupReport report = clean({.keep = 1, .older_than_us = {}});
  for (const auto& ids : {main_ids, side_ids}) {
    for (const std::string& id : ids) EXPECT_TRUE(state_at(id)) << id;
  }
  EXPECT_TRUE(state_at(fork));
  ASSERT_FALSE(report.holders.empty());
  EXPECT_EQ(report.holders[0].branch, "inner");
  EXPECT_EQ(report.holders[0].base_id, fork);
  EXPECT_GT(report.holders[0].commits, 0u);
  // The base moves up with a merge, and lets the older history go.
  ASSERT_TRUE(graph->delete_branch("inner"));
  ASSERT_TRUE(join(*graph, "main", "side"));
  const std::string tip = write("tip", "side");
  pass_hours(48);
  clean({.keep = 1, .older_than_us = {}});
  const GraphPtr fresh = open_people(store, options());
  FreshReader reader(fresh->parts());
  const LogSurvey survey = LogSurvey::take(*store, *reader.log).value();
  EXPECT_NE(survey.find_commit(main_ids.back()).record, nullptr) << "the new base";
  EXPECT_TRUE(state_at(tip));
  EXPECT_EQ(damage_in(store), "");
  EXPECT_TRUE(state_at(fork)) << "the record the branch was created from";
}

// Goal: whatever was not asked to go, is as it was; whatever is still there, is whole; a second run has nothing to do.
// Method: random histories with branches, merges, deletions and pauses, cleaned up with random policies. The model
// keeps the state and the parents of every commit.
class CleanedHistory {
 public:
  CleanedHistory(CleanupTest& test, std::uint64_t seed) : test_(test), random_(seed) {}

  void step() {
    const std::vector<std::string> branches = test_.graph->branches().value();
    const std::string branch = branches[pick(branches.size())];
    switch (pick(12)) {
      case 0: (void)test_.graph->create_branch(numbered("b", static_cast<std::int64_t>(pick(4))), branch); return;
      case 1:
        if (branch == "main") return;
        ASSERT_TRUE(test_.graph->delete_branch(branch));
        return;
      case 2: {
        const std::string source = branches[pick(branches.size())];
        if (source != branch) note(branch, join(*test_.graph, source, branch).value()->record.head_id);
        return;
      }
      case 3: test_.pass_hours(static_cast<std::int64_t>(pick(60))); return;
      default: write(branch);
    }
  }

  void clean_and_check() {
    GraphStore& graph = *test_.graph;
    graph.drain();
    if (pick(2) == 0) {  // as a long-lived server does
      const std::vector<std::string> names = graph.branches().value();
      for (const std::string& branch : names) {
        ASSERT_TRUE(graph.parts().keeper->settle(*graph.parts().log->confirmed_head(branch).value().record));
      }
    }
    RetentionPolicy policy;
    if (pick(3) != 0) policy.keep = pick(6);
    if (!policy.keep || pick(3) == 0) policy.older_than_us = static_cast<std::int64_t>(pick(100)) * kMicrosPerHour;
    SCOPED_TRACE(::testing::Message() << "keep " << (policy.keep ? std::to_string(*policy.keep) : "-") << " age "
                                      << (policy.older_than_us ? *policy.older_than_us / kMicrosPerHour : -1));
    const std::set<std::string> due = promised(policy);
    test_.clean(policy);
    ASSERT_EQ(damage_in(test_.store), "");
    const GraphPtr fresh = open_people(test_.store, test_.options());
    for (const std::string& id : due) {
      const auto snapshot = fresh->at_commit(id);
      ASSERT_TRUE(snapshot) << id << ": " << snapshot.error().render();
    }
    const std::vector<std::string> branches = fresh->branches().value();
    for (const std::string& branch : branches) {
      const auto commits = fresh->commits(branch).value();
      for (const auto& logged : commits) {
        const auto snapshot = fresh->at_commit(logged.commit.id);
        ASSERT_TRUE(snapshot) << snapshot.error().render();
        ASSERT_EQ(state_of(**snapshot).value(), states_.at(logged.commit.id)) << logged.commit.id;
      }
    }
    check_bases(*fresh);
    for (const auto& [id, state] : states_) {
      const auto snapshot = fresh->at_commit(id);
      ASSERT_TRUE(snapshot || snapshot.error().code == Code::kGone || snapshot.error().code == Code::kNotFound);
    }
    const std::set<std::string> keys = key_set(test_.store);
    test_.clean(policy);
    ASSERT_EQ(key_set(test_.store), keys) << "a second run has nothing to do";
  }

 private:
  std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  void write(const std::string& branch) {
    GraphStore& graph = *test_.graph;
    const std::string name = numbered("p", static_cast<std::int64_t>(pick(30)));
    const WriteOptions options{.branch = branch};
    Result<WriteOutcome> written;
    switch (pick(4)) {
      case 0: written = insert_note(graph, name, options); break;
      case 1: {
        const Result<People> people = people_in(*graph.head(branch).value());
        ASSERT_TRUE(people);
        if (people->empty()) return;
        written = insert_knows(graph, people->begin()->first, people->rbegin()->first, options);
        break;
      }
      default: written = put_people(graph, {{name, static_cast<std::int32_t>(pick(90))}}, options);
    }
    ASSERT_TRUE(written) << written.error().render();
    note(branch, written->commit->id);
  }

  void note(const std::string& branch, const std::string& id) {
    const SnapshotPtr head = test_.graph->head(branch).value();
    ASSERT_EQ(head->commit_id(), id);
    states_[id] = state_of(*head).value();
    parents_[id] = test_.graph->commit(id).value().commit.parents;
  }

  // Commits that the policy says stay, by the chains of live branches as they are now.
  std::set<std::string> promised(const RetentionPolicy& policy) {
    std::set<std::string> due;
    const GraphPtr fresh = open_people(test_.store, test_.options());
    const std::vector<std::string> branches = fresh->branches().value();
    for (const std::string& branch : branches) {
      std::uint64_t count = 0;
      std::uint64_t expected_version = 0;
      const auto commits = fresh->commits(branch).value();
      for (const auto& [commit, landed_on] : commits) {
        if (count > 0 && commit.version != expected_version) break;  // cut before
        expected_version = commit.version - 1;
        if (commit.version == 1 && !states_.contains(commit.id)) states_[commit.id] = State{};
        const bool young = policy.older_than_us && test_.clock.now_us() - commit.at_us < *policy.older_than_us;
        if (count == 0 || (policy.keep && count < *policy.keep) || young) due.insert(commit.id);
        ++count;
      }
    }
    return due;
  }

  std::set<std::string> ancestors(const std::string& id) {
    return ancestors_of(id, [this](const std::string& at) -> const auto& { return parents_[at]; });
  }

  // Best common ancestors, by their definition, of each live branch with main.
  void check_bases(GraphStore& fresh) {
    FreshReader reader(fresh.parts());
    const LogSurvey survey = LogSurvey::take(*test_.store, *reader.log).value();
    const std::set<std::string> main = ancestors(fresh.head("main").value()->commit_id());
    const std::vector<std::string> branches = fresh.branches().value();
    for (const std::string& branch : branches) {
      std::vector<std::string> common;
      for (const std::string& id : ancestors(fresh.head(branch).value()->commit_id())) {
        if (main.contains(id)) common.push_back(id);
      }
      for (const std::string& id : common) {
        const bool best = std::ranges::none_of(
            common, [&](const std::string& other) { return other != id && ancestors(other).contains(id); });
        ASSERT_TRUE(!best || survey.find_commit(id).record != nullptr) << "merge base of " << branch << ": " << id;
      }
    }
  }

  CleanupTest& test_;
  std::mt19937_64 random_;
  std::map<std::string, State> states_;
  std::map<std::string, std::vector<std::string>> parents_;
};

TEST_F(CleanupTest, RandomHistoriesKeepWhatWasPromised) {
  const char* rounds_text = std::getenv("OMNIGRAPH_TEST_ROUNDS");
  const int rounds = rounds_text == nullptr ? 3 : std::atoi(rounds_text);
  const char* seed_text = std::getenv("OMNIGRAPH_TEST_SEED");
  const std::uint64_t first = seed_text == nullptr ? std::random_device()() : std::strtoull(seed_text, nullptr, 10);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(round);
    SCOPED_TRACE(::testing::Message() << "OMNIGRAPH_TEST_SEED=" << seed << " OMNIGRAPH_TEST_ROUNDS=1");
    store = objectstore::make_memory_store(clock);
    graph = init_people(store, options());
    CleanedHistory history(*this, seed);
    for (int i = 0; i < 3; ++i) {
      for (int step = 0; step < 25; ++step) history.step();
      history.clean_and_check();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// What cleanup is to do in the tests of interruption: branches, a merge, a deleted branch, left-overs.
void make_history(GraphStore& graph, ManualClock& clock) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(insert_note(graph, numbered("old", i)));
    graph.drain();
  }
  clock.advance_us(kMicrosPerHour);
  ASSERT_TRUE(insert_person(graph, "Ada"));
  graph.drain();
  ASSERT_TRUE(graph.create_branch("side", "main"));
  ASSERT_TRUE(graph.create_branch("dead", "main"));
  ASSERT_TRUE(insert_person(graph, "Bo", 2, {.branch = "side"}));
  graph.drain();
  ASSERT_TRUE(insert_person(graph, "Di", 2, {.branch = "dead"}));
  graph.drain();
  ASSERT_TRUE(insert_knows(graph, "Ada", "Ada"));
  graph.drain();
  ASSERT_TRUE(birthday(graph, "Ada"));
  graph.drain();
  ASSERT_TRUE(join(graph, "main", "side"));
  ASSERT_TRUE(graph.delete_branch("dead"));
  graph.drain();
  for (const char* branch : {"main", "side"}) {
    ASSERT_TRUE(graph.parts().keeper->settle(*graph.parts().log->confirmed_head(branch).value().record));
  }
  clock.advance_us(kMicrosPerHour);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(birthday(graph, "Ada"));
    ASSERT_TRUE(insert_note(graph, numbered("n", i), {.branch = "side"}));
    graph.drain();
  }
  const std::string left_over = "left over";
  ASSERT_TRUE(
      graph.store().put("tables/node/Note-01ARZ3NDEKTSV4RRFFQ69G5FAV/data/0.lnc", std::as_bytes(std::span(left_over))));
  ASSERT_TRUE(graph.store().put("blobs/ab/abcd-01ARZ3NDEKTSV4RRFFQ69G5FAV", std::as_bytes(std::span(left_over))));
  ASSERT_TRUE(graph.store().put("index/text/0101-ff", std::as_bytes(std::span(left_over))));
  graph.drain();
}

// Goal: interrupted anywhere, the graph is whole, and a second run does what the first would have done.
// Method: every fault at every store operation of a run on a copy of one history.
TEST_F(CleanupTest, InterruptedAnywhereAnotherRunFinishes) {
  make_history(*graph, clock);
  graph->drain();
  std::vector<std::pair<std::string, Buffer>> content;
  for (const std::string& key : keys_under(store, "")) content.emplace_back(key, store->get(key).value());
  const auto copy = [&] {
    const StorePtr made = objectstore::make_memory_store(clock);
    for (const auto& [key, bytes] : content) EXPECT_TRUE(made->put(key, bytes.bytes()));
    pass_hours(48);
    return made;
  };
  const StoreOptions quiet{.clock = &clock, .background_settle = false, .exclusive_writer = false};
  const CleanupOptions keep_one{.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}};
  const auto run = [&](const StorePtr& on) -> Result<CleanupReport> {
    OG_ASSIGN_OR_RETURN(const GraphPtr opened, GraphStore::open(on, quiet));
    return cleanup(opened->parts(), keep_one);
  };
  const StorePtr undisturbed = copy();
  const auto whole_run = run(undisturbed);
  ASSERT_TRUE(whole_run) << whole_run.error().render();
  ASSERT_GE(whole_run->commits_removed, 4u);
  const std::set<std::string> goal = key_set(undisturbed);
  ASSERT_FALSE(goal.contains("blobs/ab/abcd-01ARZ3NDEKTSV4RRFFQ69G5FAV"));
  std::map<std::string, State> heads;
  for (const char* branch : {"main", "side"}) heads[branch] = read_state(undisturbed, branch).value();
  for (const objectstore::Fault fault : {objectstore::Fault::kFailAfter, objectstore::Fault::kCrashBefore}) {
    // Requests go out side by side, so that every run meets other operations at a number.
    const std::uint64_t stride = std::getenv("OMNIGRAPH_TEST_ROUNDS") == nullptr ? 7 : 1;
    for (std::uint64_t at = 0;; at += stride) {
      SCOPED_TRACE(::testing::Message() << "fault " << static_cast<int>(fault) << " at operation " << at);
      ASSERT_LT(at, 2'000u);
      const StorePtr disk = copy();
      const auto faulty = objectstore::make_faulty_store(disk, {.fault = fault, .at_operation = at});
      const auto told = run(faulty);
      if (faulty->fired()) {
        EXPECT_FALSE(told && fault == objectstore::Fault::kCrashBefore);
      } else {
        ASSERT_TRUE(told);
      }
      // Reading everything each time would take long: deep now and then, heads always.
      ASSERT_TRUE(at % 4 != 0 || damage_in(disk).empty());
      for (const auto& [branch, state] : heads) ASSERT_EQ(read_state(disk, branch).value(), state);
      const auto second = run(disk);
      ASSERT_TRUE(second) << second.error().render();
      ASSERT_EQ(key_set(disk), goal);
      if (!faulty->fired()) break;
    }
  }
}

// Goal: what cannot be read ends the run before anything is removed.
TEST_F(CleanupTest, WhatCannotBeReadEndsTheRun) {
  for (int i = 0; i < 5; ++i) write(numbered("p", i));
  graph->drain();
  ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head("main").value().record));
  write("last");
  graph->drain();
  pass_hours(48);
  const auto record = graph->head("main").value()->record();
  const std::string manifest = record.tables.at("node:Note").manifest;
  ASSERT_FALSE(record.attached.contains(manifest));
  for (const std::string& key : {manifest, keys_under(store, "log/main/").back()}) {
    const Buffer bytes = store->get(key).value();
    const std::string half(bytes.text().substr(0, bytes.size() / 2));
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(half))));
    pass_hours(48);
    const std::set<std::string> before = key_set(store);
    const auto report = cleanup(open_people(store, options())->parts(),
                                {.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}});
    ASSERT_FALSE(report) << key;
    EXPECT_NE(report.error().message.find(key), std::string::npos) << report.error().message;
    EXPECT_EQ(key_set(store), before);
    ASSERT_TRUE(store->put(key, bytes.bytes()));
  }
}

// Goal: objects of writers under way survive, whatever is unknown is left alone, left-overs go.
TEST_F(CleanupTest, YoungAndUnknownObjectsStay) {
  write("a");
  graph->drain();
  const auto manifest = graph->head("main").value()->record().tables.at("node:Person").manifest;
  const std::string root = table_root_of(manifest);
  const std::vector<std::string> ours{root + "/data/left.lnc",
                                      root + "/deletes/left-1.bin",
                                      root + "/_deletions/0-1-2.bin",
                                      root + "/_versions/d18000000000000000000.manifest",
                                      "blobs/00/00-x",
                                      "index/text/none-1"};
  const std::vector<std::string> others{root + "/data/foreign.lance",
                                        root + "/_transactions/1-x.txn",
                                        root + "/_versions/latest_version_hint.json",
                                        "mine.txt",
                                        "tables/readme",
                                        root + "/_indices/u/index.idx"};
  for (const auto& keys : {ours, others}) {
    for (const std::string& key : keys) ASSERT_TRUE(store->put(key, {}));
  }
  pass_hours(23);
  clean({.keep = 1, .older_than_us = {}});
  for (const std::string& key : ours) EXPECT_TRUE(store->head(key)) << key;
  pass_hours(1);
  clean({.keep = 1, .older_than_us = {}});
  for (const std::string& key : ours) EXPECT_FALSE(store->head(key)) << key;
  for (const std::string& key : others) EXPECT_TRUE(store->head(key)) << key;
}

// Runs `at_publish` once, before or after the look at the clock.
class StallingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::function<void()> before_look, after_look;
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    if (before_look) std::exchange(before_look, nullptr)();
    return inner_->publish(key, body, [&]() -> Result<void> {
      OG_RETURN_IF_ERROR(before_effect());
      if (after_look) std::exchange(after_look, nullptr)();
      return {};
    });
  }
};

// Goal: a slot that cleanup freed fools no writer, however long it stalls.
TEST_F(CleanupTest, AWriterThatStallsForAWeekLosesOrTriesAgain) {
  for (const bool before_look : {true, false}) {
    for (const bool forking : {false, true}) {
      SCOPED_TRACE(::testing::Message() << before_look << forking);
      store = objectstore::make_memory_store(clock);
      graph = init_people(store, options());
      write("a");
      const auto stalling = std::make_shared<StallingStore>(store);
      const GraphPtr stalled = open_people(stalling, options());
      ASSERT_TRUE(stalled->head("main"));
      const auto a_week = [&] {
        for (int i = 0; i < 4; ++i) write(numbered("meanwhile", i));
        graph->drain();
        ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head("main").value().record));
        write("settled");
        pass_hours(7 * kHoursADay);
        EXPECT_GT(clean({.keep = 1, .older_than_us = {}}).commits_removed, 3u);
      };
      (before_look ? stalling->before_look : stalling->after_look) = a_week;
      if (forking) {
        const auto made = stalled->create_branch("side", "main");
        EXPECT_TRUE(!made || read_state(store, "side").value() == read_state(store).value());
      } else {
        const auto written = insert_person(*stalled, "stalled");
        const State state = read_state(store).value();
        EXPECT_EQ(state.people.contains("stalled"), written.has_value());
        EXPECT_EQ(state.people.size(), written ? 7u : 6u);
        EXPECT_TRUE(!written ||
                    open_people(store, options())->head("main").value()->commit_id() == written->commit->id);
      }
      EXPECT_EQ(damage_in(store), "");
    }
  }
}

TEST_F(CleanupTest, AnIdleReaderSeesTheTrueHeadAndAStalledRunRemovesNothingNewer) {
  write("a");
  const GraphPtr idle = open_people(store, options());
  ASSERT_TRUE(idle->head("main"));
  for (int i = 0; i < 4; ++i) write(numbered("p", i));
  graph->drain();
  ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head("main").value().record));
  const std::string newest = write("q");
  pass_hours(7 * kHoursADay);
  clean({.keep = 1, .older_than_us = {}});
  EXPECT_EQ(idle->head("main").value()->commit_id(), newest);
  EXPECT_EQ(people_in(*idle->head("main").value()).value().size(), 6u);

  // A run that stalls for a week right before it removes: what came meanwhile is none of its business.
  class Stall final : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    std::function<void()> before_remove;
    Result<void> remove(std::string_view key) override {
      const std::lock_guard lock(mutex_);
      if (before_remove) std::exchange(before_remove, nullptr)();
      return inner_->remove(key);
    }

   private:
    std::mutex mutex_;
  };
  const auto stall = std::make_shared<Stall>(store);
  const GraphPtr cleaner = open_people(stall, options());
  for (int i = 0; i < 4; ++i) write(numbered("r", i));
  pass_hours(48);
  stall->before_remove = [&] {
    for (int i = 0; i < 4; ++i) write(numbered("late", i));
    ASSERT_TRUE(graph->create_branch("late", "main"));
    pass_hours(7 * kHoursADay);
    clean({.keep = 1, .older_than_us = {}});
    write("last");
    graph->drain();
  };
  const auto stalled = cleanup(cleaner->parts(), {.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}});
  ASSERT_TRUE(stalled) << stalled.error().render();
  EXPECT_EQ(read_state(store).value().people.size(), 15u);
  EXPECT_EQ(damage_in(store), "");
}

// Goal: runs side by side do no harm, and what one took the other passes over.
TEST_F(CleanupTest, RunsMayOverlap) {
  make_history(*graph, clock);
  pass_hours(48);
  std::vector<std::optional<Error>> failed(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < failed.size(); ++i) {
      threads.emplace_back([&, i] {
        const GraphPtr own = open_people(store, options());
        const auto report =
            cleanup(own->parts(), {.policy = {.keep = 1 + i % 2, .older_than_us = {}}, .store_now_us = {}});
        if (!report) failed[i] = report.error();
      });
    }
  }
  for (const auto& error : failed) {
    // One that met another's half-removed record may give up, and then removed nothing it should not have.
    EXPECT_TRUE(!error || error->code == Code::kGone || error->code == Code::kCorruptObject) << error->render();
  }
  EXPECT_EQ(damage_in(store), "");
  clean({.keep = 1, .older_than_us = {}});
  EXPECT_EQ(damage_in(store), "");
}

// Goal: what a hard drop deleted goes although kept records name it; reading it is removed history, and no damage.
TEST_F(CleanupTest, TablesOfAHardDropGoBeforeTheirCommits) {
  People many;  // too much to travel inside the record
  for (int i = 0; i < 30'000; ++i) many[numbered("person-", i)] = i;
  const std::string old_commit = put_people(*graph, many).value().commit->id;
  ASSERT_TRUE(insert_note(*graph, "n"));
  const std::string small_commit = write("b");
  graph->drain();
  ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head("main").value().record));
  write("c");
  const std::string drop = write("d");
  graph->drain();
  // The newest commit says what a schema change would: older versions of the table are deleted.
  const std::string key = keys_under(store, "log/main/").front();
  CommitRecord record = decode_record(store->get(key).value(), key).value();
  record.commits.back().purged = {record.tables.at("node:Person").id};
  record.purges = {{record.tables.at("node:Person").id, record.seq}};
  std::vector<Attachment> attachments;
  const LoadedRecord loaded{decode_record(store->get(key).value(), key).value(), store->get(key).value(), nullptr};
  for (const auto& [name, at] : loaded.record.attached) {
    if (at.seq != record.seq) continue;
    attachments.push_back({name, std::string(graph->parts().objects->attachment(loaded, name, at).value().text())});
    record.attached.erase(name);
  }
  const std::string bytes = encode_record(record, attachments).value();
  ASSERT_TRUE(store->put(key, std::as_bytes(std::span(bytes))));
  pass_hours(48);
  graph = open_people(store, options());
  const CleanupReport report = clean({});
  EXPECT_EQ(report.commits_removed, 0u) << "no policy: commits stay";
  EXPECT_GT(report.tables.at("node:Person").versions_removed, 1u);
  EXPECT_EQ(report.tables.at("node:Note").versions_removed, 0u);
  EXPECT_EQ(damage_in(store), "");
  const GraphPtr fresh = open_people(store, options());
  EXPECT_EQ(people_in(*fresh->head("main").value()).value().size(), 30'003u);
  const SnapshotPtr history = fresh->at_commit(old_commit).value();
  EXPECT_TRUE(history->table(kNote));
  const auto people = history->table(kPerson);
  ASSERT_FALSE(people);
  EXPECT_EQ(people.error().code, Code::kGone);
  EXPECT_NE(people.error().message.find("history_expired"), std::string::npos);
  EXPECT_NE(people.error().message.find(old_commit), std::string::npos);
  const auto small = fresh->at_commit(small_commit).value()->table(kPerson);
  ASSERT_FALSE(small) << "its bytes are still inside its record";
  EXPECT_EQ(small.error().code, Code::kGone);
  EXPECT_FALSE(fresh->at_commit(small_commit).value()->adjacency(0, AdjacencyDirection::kOut));
  EXPECT_TRUE(fresh->at_commit(drop).value()->table(kPerson));
}

// Goal: on a local disk ages are those of the files, old temporary ones go first, and data that is only inside records
// of one's predecessors survives.
TEST(CleanupLocal, AgesAreThoseOfTheFiles) {
  const std::filesystem::path folder = fresh_directory("cleanup");
  const StorePtr store = objectstore::open_local_store(folder).value();
  const auto age_files = [&] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) {
        std::filesystem::last_write_time(entry.path(),
                                         std::filesystem::file_time_type::clock::now() - std::chrono::hours(48));
      }
    }
  };
  constexpr StoreOptions kQuiet{.clock = nullptr, .background_settle = false, .exclusive_writer = false};
  std::vector<std::string> ids;
  {
    const GraphPtr graph = init_people(store, kQuiet);
    for (int i = 0; i < 12; ++i) {
      const auto written =
          i % 3 == 0 ? insert_note(*graph, numbered("n", i)) : insert_person(*graph, numbered("p", i), i);
      ASSERT_TRUE(written);
      ids.push_back(written->commit->id);
    }
  }
  const State whole = read_state(store).value();
  std::filesystem::create_directories(folder / "tables");
  const std::filesystem::path stalled = folder / "log" / "main" / ".x.commit.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const std::filesystem::path upload = folder / "tables" / ".x.lnc.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV";
  std::FILE* made = std::fopen(stalled.c_str(), "w");
  ASSERT_NE(made, nullptr);
  std::fclose(made);
  std::filesystem::copy(stalled, upload);
  const GraphPtr graph = open_people(store, kQuiet);
  const CleanupOptions keep_one{.policy = {.keep = 1, .older_than_us = {}}, .store_now_us = {}};
  ASSERT_EQ(cleanup(graph->parts(), keep_one)->commits_removed, 0u) << "all files are new";
  EXPECT_TRUE(std::filesystem::exists(stalled));
  std::filesystem::last_write_time(stalled, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  std::filesystem::last_write_time(upload, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  ASSERT_TRUE(cleanup(graph->parts(), keep_one));
  EXPECT_FALSE(std::filesystem::exists(stalled));
  EXPECT_TRUE(std::filesystem::exists(upload)) << "an upload may take long";
  age_files();
  const auto report = cleanup(graph->parts(), keep_one);
  ASSERT_TRUE(report) << report.error().render();
  EXPECT_GT(report->commits_removed, 0u);
  EXPECT_GT(report->carriers, 0u) << "nothing was put in place, so some records carry what the head needs";
  EXPECT_FALSE(std::filesystem::exists(upload));
  EXPECT_EQ(read_state(store).value(), whole);
  EXPECT_EQ(damage_in(store), "");
  const auto listed = open_people(store, kQuiet)->commits("main").value();
  for (const auto& logged : listed) {
    EXPECT_TRUE(open_people(store, kQuiet)->at_commit(logged.commit.id)) << "what is listed can be read";
  }
  age_files();
  const std::set<std::string> keys = key_set(store);
  ASSERT_TRUE(cleanup(open_people(store, kQuiet)->parts(), keep_one));
  EXPECT_EQ(key_set(store), keys);
  ASSERT_TRUE(insert_person(*open_people(store, kQuiet), "after"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace omnigraph::graph::testing
