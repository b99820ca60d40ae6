#include <gtest/gtest.h>

#include "base/clock.h"
#include "graph/layout.h"
#include "objectstore/metered_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

struct BranchesTest : ::testing::Test {
  StorePtr store = objectstore::make_memory_store();
  GraphPtr graph = init_people(store);
  State state(std::string_view branch) {
    auto read = read_state(store, branch);
    EXPECT_TRUE(read) << read.error().render();
    return read ? *read : State{};
  }
};

TEST_F(BranchesTest, ABranchStartsAsItsSourceAndGoesItsOwnWay) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  ASSERT_TRUE(graph->create_branch(" side/x ", "main"));
  EXPECT_EQ(graph->branches().value(), (std::vector<std::string>{"main", "side/x"}));
  const SnapshotPtr fresh = graph->head("side/x").value();
  EXPECT_EQ(fresh->commit_id(), graph->head("main").value()->commit_id());
  ASSERT_TRUE(insert_person(*graph, "Bo", 2, {.branch = "side/x"}));
  ASSERT_TRUE(insert_person(*graph, "Cy", 3));
  EXPECT_EQ(state("main").people, (People{{"Ada", 1}, {"Cy", 3}}));
  EXPECT_EQ(state("side/x").people, (People{{"Ada", 1}, {"Bo", 2}}));
  const SnapshotPtr side = graph->head("side/x").value();
  EXPECT_EQ(side->record().tables.at("node:Person").branch, "side/x");
  EXPECT_EQ(side->record().tables.at("node:Note").branch, "main");
  EXPECT_EQ(side->record().forked_from->branch, "main");
  EXPECT_EQ(side->version(), 3u);
}

TEST_F(BranchesTest, Refusals) {
  const auto code = [](const Result<void>& result) { return result ? "ok" : result.error().message; };
  EXPECT_EQ(code(graph->create_branch("main", "main")), "cannot create branch 'main'");
  EXPECT_EQ(code(graph->delete_branch("main")), "cannot delete branch 'main'");
  EXPECT_EQ(code(graph->delete_branch("x")), "branch 'x' not found");
  EXPECT_EQ(code(graph->create_branch("x", "y")), "branch 'y' not found");
  EXPECT_EQ(code(graph->create_branch("", "main")), "branch name cannot be empty");
  ASSERT_TRUE(graph->create_branch("x", "main"));
  EXPECT_EQ(code(graph->create_branch("x", "main")), "branch 'x' already exists");
  EXPECT_EQ(graph->head("y").error().message, "branch 'y' not found");
  EXPECT_EQ(insert_person(*graph, "Ada", 1, {.branch = "y"}).error().message, "branch 'y' not found");
  EXPECT_EQ(graph->commits("y").error().code, Code::kNotFound);
}

TEST_F(BranchesTest, ANameComesBackAsAnotherBranch) {
  ASSERT_TRUE(graph->create_branch("side", "main"));
  const std::string old_commit = insert_person(*graph, "Old", 1, {.branch = "side"}).value().commit->id;
  const CommitRecord old = graph->head("side").value()->record();
  ASSERT_TRUE(graph->at_commit(old_commit));
  ASSERT_TRUE(graph->delete_branch("side"));
  EXPECT_EQ(graph->branches().value(), (std::vector<std::string>{"main"}));
  EXPECT_EQ(graph->at_commit(old_commit).error().code, Code::kNotFound) << "no live branch has it";
  ASSERT_TRUE(graph->create_branch("side", "main"));
  const CommitRecord again = graph->head("side").value()->record();
  EXPECT_GT(again.incarnation, old.incarnation);
  EXPECT_EQ(again.seq, old.seq + 2) << "the log continues behind the tombstone";
  EXPECT_TRUE(state("side").people.empty());
  EXPECT_EQ(open_people(store)->at_commit(old_commit).error().code, Code::kNotFound);
}

TEST_F(BranchesTest, ABranchOutlivesTheOneItWasMadeFrom) {
  ASSERT_TRUE(graph->create_branch("a", "main"));
  const std::string kept = insert_person(*graph, "Ada", 1, {.branch = "a"}).value().commit->id;
  ASSERT_TRUE(graph->create_branch("b", "a"));
  const std::string later = insert_person(*graph, "Later", 1, {.branch = "a"}).value().commit->id;
  ASSERT_TRUE(insert_person(*graph, "Bo", 2, {.branch = "b"}));
  ASSERT_TRUE(graph->delete_branch("a"));
  EXPECT_EQ(state("b").people, (People{{"Ada", 1}, {"Bo", 2}}));
  graph->drain();
  for (const bool pointers : {true, false}) {
    if (!pointers) {
      remove_under(store, "commits/");
    }
    const GraphPtr other = open_people(store);
    EXPECT_TRUE(other->at_commit(kept)) << "it lies on b's chain";
    EXPECT_EQ(other->at_commit(later).error().code, Code::kNotFound) << "it came after the fork";
    const auto commits = other->commits("b").value();
    ASSERT_EQ(commits.size(), 3u);
    EXPECT_EQ(commits[0].branch, "b");
    EXPECT_EQ(commits[1].branch, "a");
    EXPECT_EQ(commits[1].commit.id, kept);
    EXPECT_EQ(commits[2].branch, "main");
  }
}

TEST_F(BranchesTest, AWriteMayMakeItsBranch) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  const auto refused = insert_person(*graph, "Ada", 1, {.branch = "new", .fork_from = "main"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(graph->branches().value(), (std::vector<std::string>{"main"})) << "a refused write leaves no branch";
  const auto written =
      insert_person(*graph, "Bo", 2, {.branch = "new", .kind = CommitKind::kLoad, .fork_from = "main"});
  ASSERT_TRUE(written) << written.error().render();
  EXPECT_TRUE(written->branch_created);
  EXPECT_EQ(written->commit->version, 3u);
  EXPECT_EQ(written->commit->parents, std::vector<std::string>{graph->head("main").value()->commit_id()});
  EXPECT_EQ(state("new").people, (People{{"Ada", 1}, {"Bo", 2}}));
  EXPECT_EQ(graph->commits("new").value().size(), 3u);
  const auto second = insert_person(*graph, "Cy", 3, {.branch = "new", .fork_from = "main"});
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->branch_created) << "it is there by now";
  EXPECT_EQ(insert_person(*graph, "X", 1, {.branch = "n2", .fork_from = "nowhere"}).error().message,
            "branch 'nowhere' not found");
}

TEST_F(BranchesTest, CreatingAndDeletingCostOnePutEach) {
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  graph->drain();
  const auto metered = objectstore::make_metered_store(store);
  const GraphPtr other = open_people(metered);
  ASSERT_TRUE(other->head("main"));
  const auto puts = [&] {
    std::uint64_t count = 0;
    for (const auto& request : metered->meter().log) {
      count += request.operation != "get" && request.operation != "list" && request.operation != "head";
    }
    return count;
  };
  metered->reset();
  ASSERT_TRUE(other->create_branch("side", "main"));
  EXPECT_LE(puts(), 2u);
  metered->reset();
  ASSERT_TRUE(other->delete_branch("side"));
  EXPECT_EQ(puts(), 1u);
}

// Goal: what travels inside records stays readable through a fork whose source is deleted.
TEST_F(BranchesTest, AttachmentsOfTheSourceAreFoundFromTheFork) {
  store = objectstore::make_memory_store();
  const StoreOptions quiet{.background_settle = false};
  graph = init_people(store, quiet);
  ASSERT_TRUE(graph->create_branch("a", "main"));
  ASSERT_TRUE(insert_person(*graph, "Ada", 1, {.branch = "a"}));
  ASSERT_TRUE(graph->create_branch("b", "a"));
  ASSERT_TRUE(graph->delete_branch("a"));
  EXPECT_TRUE(keys_under(store, "tables/").empty()) << "nothing was put in place";
  EXPECT_EQ(state("b").people, (People{{"Ada", 1}}));
}

// Goal: chapter 09 section 10: one put. The tombstone proves the head that this process knows.
TEST_F(BranchesTest, DeletingAKnownBranchIsOneRequest) {
  const auto metered = objectstore::make_metered_store(store);
  const GraphPtr other = open_people(metered);
  ASSERT_TRUE(other->create_branch("side", "main"));
  metered->reset();
  ASSERT_TRUE(other->delete_branch("side"));
  EXPECT_EQ(metered->meter().requests, 1u);
  EXPECT_EQ(graph->branches().value(), (std::vector<std::string>{"main"}));
}

// Goal: chapter 09 section 10: one put, and the look at the source that no put on another log can replace.
TEST_F(BranchesTest, CreatingABranchWhoseNameIsKnownToBeFreeIsTwoRequests) {
  const auto metered = objectstore::make_metered_store(store);
  const GraphPtr other = open_people(metered);
  ASSERT_TRUE(other->head("main"));
  ASSERT_FALSE(other->head("side"));
  for (const bool lived_before : {false, true}) {
    metered->reset();
    ASSERT_TRUE(other->create_branch("side", "main"));
    EXPECT_EQ(metered->meter().requests, 2u) << lived_before;
    EXPECT_EQ(state("side"), state("main"));
    ASSERT_TRUE(other->delete_branch("side"));
  }
}

// Goal: a name that was free when it was last looked for may have been taken since, or even have lived and died.
TEST_F(BranchesTest, CreatingABranchWhoseNameOthersTook) {
  const GraphPtr other = open_people(store);
  ASSERT_FALSE(other->head("side"));
  ASSERT_TRUE(graph->create_branch("side", "main"));
  EXPECT_EQ(other->create_branch("side", "main").error().code, Code::kConflict);

  ASSERT_FALSE(other->head("brief"));
  ASSERT_TRUE(graph->create_branch("brief", "main"));
  const std::uint64_t first = graph->head("brief").value()->record().seq;
  ASSERT_TRUE(graph->delete_branch("brief"));
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  ASSERT_TRUE(other->create_branch("brief", "main"));
  EXPECT_EQ(state("brief"), state("main"));
  EXPECT_EQ(graph->head("brief").value()->record().seq, first + 2);
}

// What the deleting process does not know yet: commits, a deletion, another branch under the name.
TEST_F(BranchesTest, DeletingABranchThatOthersMoved) {
  const GraphPtr other = open_people(store);
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(insert_person(*other, "Ada", 1, {.branch = "side"}));
  ASSERT_TRUE(graph->delete_branch("side"));
  EXPECT_EQ(open_people(store)->branches().value(), (std::vector<std::string>{"main"}));

  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(other->head("side"));
  ASSERT_TRUE(other->delete_branch("side"));
  EXPECT_EQ(graph->delete_branch("side").error().code, Code::kNotFound);

  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(other->delete_branch("side"));
  ASSERT_TRUE(other->create_branch("side", "main"));
  ASSERT_TRUE(graph->delete_branch("side"));
  EXPECT_EQ(other->delete_branch("side").error().code, Code::kNotFound);
  EXPECT_EQ(open_people(store)->branches().value(), (std::vector<std::string>{"main"}));
}

TEST_F(BranchesTest, AHeadUnconfirmedForMoreThanAnHourIsListedAgain) {
  ManualClock clock(1'790'000'000'000'000);
  const StorePtr memory = objectstore::make_memory_store(clock);
  const GraphPtr first = init_people(memory, {.clock = &clock});
  const auto metered = objectstore::make_metered_store(memory);
  const GraphPtr second = open_people(metered, {.clock = &clock});
  ASSERT_TRUE(second->head("main"));
  metered->reset();
  ASSERT_TRUE(second->head("main"));
  ASSERT_EQ(metered->meter().requests, 1u);
  EXPECT_EQ(metered->meter().log[0].operation, "get");
  clock.advance_us(std::int64_t{3'700} * 1'000'000);
  metered->reset();
  ASSERT_TRUE(second->head("main"));
  ASSERT_GE(metered->meter().requests, 1u);
  EXPECT_EQ(metered->meter().log[0].operation, "list");
}

}  // namespace
}  // namespace omnigraph::graph::testing
