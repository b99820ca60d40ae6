#include <gtest/gtest.h>

#include "graph/layout.h"
#include "objectstore/object_store.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

using objectstore::make_memory_store;

// On every backend that runs here.
struct GraphStoreTest : ::testing::TestWithParam<bool> {
  GraphStoreTest() {
    store = GetParam() ? objectstore::create_local_store(fresh_directory("graph_store")).value() : make_memory_store();
  }
  ~GraphStoreTest() override {
    if (const auto root = store->local_root()) std::filesystem::remove_all(*root);
  }
  StorePtr store;
};
INSTANTIATE_TEST_SUITE_P(Backends, GraphStoreTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "local" : "memory"; });

TEST_P(GraphStoreTest, NothingThereIsNotFound) {
  const auto opened = GraphStore::open(store);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kNotFound);
}

TEST_P(GraphStoreTest, InitMakesAnEmptyGraphOnce) {
  const GraphPtr graph = init_people(store);
  ASSERT_NE(graph, nullptr);
  const SnapshotPtr head = graph->head("main").value();
  EXPECT_EQ(head->version(), 1u);
  EXPECT_EQ(head->schema_source(), kPeopleSchema);
  EXPECT_EQ(head->node_table(1).value()->physical_rows(), 0u);
  EXPECT_EQ(head->record().tables.at("edge:Knows").head_version, 1u);
  const auto commits = graph->commits("main").value();
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].commit.kind, CommitKind::kInit);
  EXPECT_TRUE(commits[0].commit.parents.empty());

  const auto again = GraphStore::init(store, kPeopleSchema, std::nullopt);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(open_people(store)->graph_id(), graph->graph_id());
}

TEST_P(GraphStoreTest, ABadSchemaWritesNothing) {
  ASSERT_FALSE(GraphStore::init(store, "node {", std::nullopt));
  EXPECT_TRUE(keys_under(store, "").empty());
  EXPECT_NE(init_people(store), nullptr);
}

TEST_P(GraphStoreTest, AnInitThatDidNotReachItsCommitIsTakenOver) {
  init_people(store)->drain();
  const std::string file(store->get(kGraphFile).value().text());
  remove_under(store, "log/");
  const GraphPtr graph = init_people(store);
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(store->get(kGraphFile).value().text(), file);
  EXPECT_EQ(graph->head("main").value()->version(), 1u);
}

// A store that does not honour put-if-absent.
class CarelessStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<objectstore::PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                                objectstore::Durability durability) override {
    OG_RETURN_IF_ERROR(inner_->put(key, body, durability));
    return objectstore::PutOutcome::kCreated;
  }
};

TEST_P(GraphStoreTest, AStoreWithoutPutIfAbsentIsRefused) {
  const auto graph = GraphStore::init(std::make_shared<CarelessStore>(store), kPeopleSchema, std::nullopt);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, Code::kUnavailable);
}

TEST_P(GraphStoreTest, WritesAreReadBackHereAndElsewhere) {
  const GraphPtr graph = init_people(store);
  const auto ada = insert_person(*graph, "Ada", 36, {.branch = "main", .actor = "me"});
  ASSERT_TRUE(ada) << ada.error().render();
  EXPECT_EQ(ada->commit->version, 2u);
  EXPECT_EQ(ada->commit->actor, "me");
  EXPECT_EQ(ada->commit->changes.at("node:Person").inserted, 1u);
  ASSERT_TRUE(put_people(*graph, {{"Bo", 1}, {"Cy", 2}}));
  ASSERT_TRUE(insert_knows(*graph, "Ada", "Bo"));
  ASSERT_TRUE(insert_knows(*graph, "Bo", "Ada"));
  ASSERT_TRUE(insert_note(*graph, "hello"));
  ASSERT_TRUE(birthday(*graph, "Ada"));
  const State expected{
      .people = {{"Ada", 37}, {"Bo", 1}, {"Cy", 2}}, .notes = {"hello"}, .knows = {{"Ada", "Bo"}, {"Bo", "Ada"}}};
  EXPECT_EQ(state_of(*graph->head("main").value()).value(), expected);
  const auto elsewhere = read_state(store);
  ASSERT_TRUE(elsewhere) << elsewhere.error().render();
  EXPECT_EQ(*elsewhere, expected);
  // An update keeps the row id, so edges stay where they are and their table is untouched.
  const SnapshotPtr head = graph->head("main").value();
  EXPECT_EQ(head->record().tables.at("edge:Knows").head_version, 3u);
  EXPECT_EQ(head->record().tables.at("node:Person").head_version, 4u);
  EXPECT_EQ(head->record().tables.at("node:Person").rows, 3u);
}

TEST_P(GraphStoreTest, ASnapshotNeverChanges) {
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 1}}));
  const SnapshotPtr before = graph->head("main").value();
  ASSERT_TRUE(birthday(*graph, "Ada"));
  ASSERT_TRUE(remove_person(*graph, "Bo"));
  EXPECT_EQ(people_in(*before).value(), (People{{"Ada", 1}, {"Bo", 1}}));
  EXPECT_EQ(people_in(*graph->head("main").value()).value(), (People{{"Ada", 2}}));
}

TEST_P(GraphStoreTest, EmptyWritesCommitOnlyWhenAsked) {
  const GraphPtr graph = init_people(store);
  const auto nothing = [](WriteTransaction&) -> Result<void> { return {}; };
  const auto quiet = graph->write({}, nothing);
  ASSERT_TRUE(quiet);
  EXPECT_FALSE(quiet->commit);
  const auto asked = graph->write({.kind = CommitKind::kLoad, .commit_when_empty = true}, nothing);
  ASSERT_TRUE(asked);
  ASSERT_TRUE(asked->commit);
  EXPECT_EQ(asked->commit->version, 2u);
  EXPECT_TRUE(asked->commit->tables.empty());
  EXPECT_EQ(graph->commits("main").value().size(), 2u);
}

TEST_P(GraphStoreTest, RefusedWritesLeaveNoTrace) {
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  const auto twice = insert_person(*graph, "Ada");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::kConflict);
  const auto own =
      graph->write({}, [](WriteTransaction&) -> Result<void> { return std::unexpected(bad_request("no")); });
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().message, "no");
  const auto dangling = insert_knows(*graph, "Ada", "Nobody");
  ASSERT_FALSE(dangling);
  EXPECT_EQ(graph->commits("main").value().size(), 2u);
}

// Goal: a refusal is answered from the newest state even when this process has not seen it yet.
TEST_P(GraphStoreTest, ARefusalIsDecidedOnAConfirmedHead) {
  const GraphPtr here = init_people(store);
  ASSERT_TRUE(insert_person(*here, "Ada"));
  const GraphPtr there = open_people(store);
  ASSERT_TRUE(remove_person(*there, "Ada"));
  EXPECT_TRUE(insert_person(*here, "Ada")) << "refused because of a row that was gone";
  ASSERT_TRUE(insert_person(*there, "Bo"));
  const auto removed = remove_person(*here, "Bo");
  ASSERT_TRUE(removed);
  EXPECT_TRUE(removed->commit) << "no effect, because of a row that was not seen yet";
}

TEST_P(GraphStoreTest, PreconditionsCompareWithTheHeadThePublishBuildsOn) {
  const GraphPtr here = init_people(store);
  const std::string genesis = here->head("main").value()->commit_id();
  const GraphPtr there = open_people(store);
  const auto first = insert_person(*there, "Ada", 1, {.if_head = genesis});
  ASSERT_TRUE(first) << first.error().render();
  const auto second = insert_person(*here, "Bo", 1, {.if_head = genesis});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kPreconditionFailed);
  EXPECT_EQ(second.error().message, "precondition failed on branch 'main': expected head '" + genesis +
                                        "' but current is " + first->commit->id);
  ASSERT_NE(second.error().detail, nullptr);
  EXPECT_EQ(second.error().detail->field, "precondition_failure");
  EXPECT_EQ(second.error().detail->json,
            R"({"expected":")" + genesis + R"(","actual":")" + first->commit->id + R"("})");
  // Also for a write that changes nothing.
  const auto nothing = here->write({.if_head = genesis}, [](WriteTransaction&) -> Result<void> { return {}; });
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::kPreconditionFailed);
}

TEST_P(GraphStoreTest, TimeTravelReachesEveryCommit) {
  const GraphPtr graph = init_people(store);
  std::vector<std::pair<std::string, People>> history{{graph->head("main").value()->commit_id(), {}}};
  People people;
  for (int i = 0; i < 12; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    people[name] = i;
    history.emplace_back(insert_person(*graph, name, i).value().commit->id, people);
  }
  graph->drain();
  for (const bool pointers : {true, false}) {
    if (!pointers) {
      remove_under(store, "commits/");
    }
    const GraphPtr reopened = open_people(store);
    for (const auto& [id, expected] : history) {
      const auto snapshot = reopened->at_commit(id);
      ASSERT_TRUE(snapshot) << snapshot.error().render();
      EXPECT_EQ((*snapshot)->commit_id(), id);
      EXPECT_EQ(people_in(**snapshot).value(), expected);
      EXPECT_EQ(reopened->commit(id).value().commit.id, id);
    }
    for (const std::string& unknown :
         {base::new_ulid(), std::string("01ARZ3NDEKTSV4RRFFQ69G5FAV"), std::string("../x")}) {
      const auto missing = reopened->at_commit(unknown);
      ASSERT_FALSE(missing);
      EXPECT_EQ(missing.error().code, Code::kNotFound);
      EXPECT_EQ(missing.error().message, "commit '" + unknown + "' not found");
    }
  }
}

TEST_P(GraphStoreTest, CommitsListTheChainNewestFirst) {
  const GraphPtr graph = init_people(store);
  for (const char* name : {"Ada", "Bo", "Cy"}) ASSERT_TRUE(insert_person(*graph, name));
  const auto commits = open_people(store)->commits("main").value();
  ASSERT_EQ(commits.size(), 4u);
  for (std::size_t i = 0; i < commits.size(); ++i) {
    EXPECT_EQ(commits[i].commit.version, 4 - i);
    EXPECT_EQ(commits[i].branch, "main");
    if (i + 1 == commits.size()) continue;
    EXPECT_EQ(commits[i].commit.parents, std::vector<std::string>{commits[i + 1].commit.id});
    EXPECT_GT(commits[i].commit.id, commits[i + 1].commit.id);
    EXPECT_GT(commits[i].commit.at_us, commits[i + 1].commit.at_us);
  }
}

TEST_P(GraphStoreTest, LargeWritesAreUploadedFirst) {
  const GraphPtr graph = init_people(store);
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back(numbered(std::string(2000, 'x'), i));
  const auto written = graph->write({.kind = CommitKind::kLoad}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(note_rows(*transaction.base()->catalog(), texts), PutMode::kAppend, true);
    return {};
  });
  ASSERT_TRUE(written) << written.error().render();
  for (const auto& [key, at] : graph->head("main").value()->record().attached) {
    EXPECT_EQ(key.find("/Note-") != std::string::npos && key.find("/data/") != std::string::npos, false) << key;
  }
  EXPECT_EQ(read_state(store).value().notes.size(), 500u);
}

TEST_P(GraphStoreTest, ReplacingATypeLeavesExactlyTheNewRows) {
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
  const auto replaced = graph->write({.kind = CommitKind::kLoad}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.replace_all(kPerson);
    transaction.put(people_rows(*transaction.base()->catalog(), {{"Cy", 3}}), PutMode::kMerge, false);
    return {};
  });
  ASSERT_TRUE(replaced) << replaced.error().render();
  EXPECT_EQ(read_state(store).value().people, (People{{"Cy", 3}}));
}

TEST_P(GraphStoreTest, AMissingObjectIsCorruptionAndNotACrash) {
  {
    const GraphPtr graph = init_people(store);
    const std::vector<std::string> texts(200, std::string(2000, 'x'));  // too much to travel in the record
    ASSERT_TRUE(graph->write({.kind = CommitKind::kLoad}, [&](WriteTransaction& transaction) -> Result<void> {
      transaction.put(note_rows(*transaction.base()->catalog(), texts), PutMode::kAppend, true);
      return {};
    }));
  }
  remove_under(store, "tables/node/Note-", ".lnc");
  const auto state = read_state(store);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Code::kCorruptObject) << state.error().render();
  EXPECT_NE(state.error().message.find(".lnc"), std::string::npos);
}

}  // namespace
}  // namespace omnigraph::graph::testing
