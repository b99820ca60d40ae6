// Writes that are prepared together (graph/prepare_group.h).
#include "graph/prepare_group.h"

#include <gtest/gtest.h>

#include <random>

#include "graph/layout.h"
#include "graph/record_draft.h"
#include "graph/store_parts.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// New people and who of them, or of those there, knows whom.
struct Coming {
  People people;
  Pairs knows;
};

struct PrepareGroupTest : ::testing::Test {
  struct Member {
    WriteSet writes;
    std::shared_ptr<PreparedFileCache> files = make_prepared_file_cache();
  };

  void add(const Coming& coming) {
    const schema::Catalog& catalog = *graph->head("main").value()->catalog();
    Member& member = members.emplace_back();
    if (!coming.people.empty()) {
      member.writes.tables[kPerson].puts.push_back({people_rows(catalog, coming.people), PutMode::kAppend, false});
    }
    if (!coming.knows.empty()) {
      member.writes.tables[kKnows].puts.push_back({knows_rows(catalog, coming.knows), PutMode::kAppend, true});
    }
  }
  [[nodiscard]] Result<std::optional<std::vector<PreparedWrite>>> prepare() const {
    std::vector<GroupedWrite> writes;
    for (const Member& member : members) writes.push_back({.writes = &member.writes, .files = member.files.get()});
    return prepare_group(*graph->head("main").value(), writes, *store);
  }
  // Publishes them as one record; its commits.
  std::vector<Commit> publish(const std::vector<PreparedWrite>& prepared) {
    StoreParts& parts = graph->parts();
    const WriteBase base{.head = parts.log->confirmed_head("main").value(), .source = {}};
    RecordDraft draft = RecordDraft::start(parts, "main", base).value();
    for (const PreparedWrite& one : prepared) EXPECT_TRUE(draft.append({}, one));
    Uploads uploads;
    const auto published =
        parts.publisher->publish(draft.finish().value(), draft.objects(),
                                 {.source = base.record(), .confirmed = base.confirmed(), .uploads = &uploads});
    EXPECT_TRUE(published && published->outcome == PublishOutcome::kWon);
    parts.follow_up(published->record);
    members.clear();
    return published->record->record.commits;
  }

  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  std::vector<Member> members;
};

// Goal: a group gives what its writes give one after another, at each of its commits, and is refused where they are.
// Method: random groups beside a model; names that collide, edges to people of the base, of the write and of others.
TEST_F(PrepareGroupTest, EqualsOneAfterAnother) {
  const auto seed = static_cast<unsigned>(std::random_device()());
  SCOPED_TRACE(numbered("seed ", seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  State model;
  std::size_t together = 0, apart = 0;
  for (int round = 0; round < 40; ++round) {
    const std::size_t count = 2 + below(14);
    const bool spoilt = below(4) == 0;
    std::vector<State> expected;
    bool independent = true;
    State after = model;
    std::vector<std::string> fresh;  // of this group
    for (std::size_t i = 0; i < count; ++i) {
      Coming coming;
      const std::size_t people = below(3);
      for (std::size_t p = 0; p < people; ++p) {
        std::string name = numbered(numbered("r", round).append("-"), static_cast<std::int64_t>(fresh.size()));
        if (spoilt && below(20) == 0 && !fresh.empty()) name = fresh[below(fresh.size())];
        if (coming.people.emplace(name, static_cast<std::int32_t>(below(90))).second) {
          independent = independent && after.people.emplace(name, coming.people.at(name)).second;
          fresh.push_back(name);
        }
      }
      const auto somebody = [&]() -> std::string {
        const std::size_t kind = below(spoilt ? 12 : 8);
        if (kind < 4 && !coming.people.empty()) return coming.people.begin()->first;
        if (kind == 11 && !fresh.empty()) {
          const std::string& name = fresh[below(fresh.size())];
          independent = independent && coming.people.contains(name);
          return name;
        }
        return std::next(model.people.begin(), static_cast<std::ptrdiff_t>(below(model.people.size())))->first;
      };
      if (model.people.empty() || people == 0) {
        // The first round has nobody to know.
        if (model.people.empty() && people == 0) {
          const std::string name = numbered("first", static_cast<std::int64_t>(i));
          coming.people.emplace(name, 1);
          after.people.emplace(name, 1);
        }
      }
      if (!model.people.empty() && (coming.people.empty() || below(2) == 0)) {
        std::string from = somebody(), to = somebody();
        after.knows.emplace(from, to);
        coming.knows.emplace_back(std::move(from), std::move(to));
      }
      add(coming);
      expected.push_back(after);
    }
    const auto prepared = prepare();
    if (!independent) {
      EXPECT_FALSE(prepared && *prepared) << "round " << round;
      members.clear();
      ++apart;
      continue;
    }
    ASSERT_TRUE(prepared && *prepared) << "round " << round;
    ++together;
    const std::vector<Commit> commits = publish(**prepared);
    ASSERT_EQ(commits.size(), count);
    if (round % 3 == 0) graph->drain();
    const GraphPtr other = round % 2 == 0 ? graph : open_people(store);
    for (std::size_t i = 0; i < count; ++i) {
      const auto snapshot = other->at_commit(commits[i].id);
      ASSERT_TRUE(snapshot) << snapshot.error().render();
      const auto state = state_of(**snapshot);
      ASSERT_TRUE(state) << state.error().render();
      ASSERT_EQ(*state, expected[i]) << "round " << round << ", commit " << i << " of " << count;
    }
    model = std::move(after);
  }
  EXPECT_GT(together, 0u);
  const auto fragments = graph->head("main").value()->table(kPerson).value()->manifest().fragments.size();
  EXPECT_LE(fragments, 40u) << "small ones are folded";
}

// Goal: rows that several commits of a record bring end in one file, under the row ids that they had.
TEST_F(PrepareGroupTest, TheLastOneFoldsTheOthers) {
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}}));
  for (int i = 0; i < 12; ++i) add({.people = {{numbered("p", i), i}}, .knows = {}});
  const auto prepared = prepare();
  ASSERT_TRUE(prepared && *prepared);
  const std::vector<Commit> commits = publish(**prepared);
  const TableViewPtr before = (*graph->at_commit(commits[10].id))->table(kPerson).value();
  const TableViewPtr after = graph->head("main").value()->table(kPerson).value();
  EXPECT_EQ(before->manifest().fragments.size(), 12u);
  EXPECT_EQ(after->manifest().fragments.size(), 1u);
  EXPECT_EQ(after->live_rows(), 13u);
  for (int i = 0; i < 11; ++i) {
    const std::string name = numbered("p", i);
    EXPECT_EQ(after->row_id(after->find(name).value()), before->row_id(before->find(name).value())) << name;
  }
  EXPECT_EQ(commits[11].changes.at("node:Person").inserted, 1u);
}

// Goal: what no head ever has stays in its record: a version between two of its commits is read from there.
TEST_F(PrepareGroupTest, InnerVersionsStayInTheRecord) {
  for (int i = 0; i < 12; ++i) add({.people = {{numbered("p", i), i}}, .knows = {}});
  const auto prepared = prepare();
  ASSERT_TRUE(prepared && *prepared);
  const std::size_t manifests_before = keys_under(store, "tables/node/Person").size();
  const std::vector<Commit> commits = publish(**prepared);
  graph->drain();
  std::size_t inner = 0, placed = 0;
  for (const Commit& commit : commits) {
    const bool there = store->head(commit.tables.at("node:Person").manifest).has_value();
    const bool newest = &commit == &commits.back();
    placed += there && newest ? 1 : 0;
    inner += there && !newest ? 1 : 0;
    EXPECT_TRUE(store->head(commit_pointer_key(commit.id))) << commit.id;
  }
  EXPECT_EQ(placed, 1u);
  EXPECT_EQ(inner, 0u);
  EXPECT_GT(keys_under(store, "tables/node/Person").size(), manifests_before);
  for (std::size_t i = 0; i < commits.size(); ++i) {
    const auto snapshot = open_people(store)->at_commit(commits[i].id);
    ASSERT_TRUE(snapshot) << snapshot.error().render();
    EXPECT_EQ(people_in(**snapshot).value().size(), i + 1);
  }
  // On demand they are put in place.
  const auto record = graph->parts().log->confirmed_head("main").value().record;
  ASSERT_TRUE(graph->parts().keeper->place({&record, 1}));
  for (const Commit& commit : commits) EXPECT_TRUE(store->head(commit.tables.at("node:Person").manifest));
}

}  // namespace
}  // namespace omnigraph::graph::testing
