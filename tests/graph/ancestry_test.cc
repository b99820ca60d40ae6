#include "graph/ancestry.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "graph/layout.h"
#include "graph/publish_loop.h"
#include "objectstore/metered_store.h"
#include "tests/graph/ancestors.h"
#include "tests/graph/branched_graph.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kAncestrySchema = "node A { name: String @key }";

// A graph whose commits change nothing: only their parents matter.
class History {
 public:
  explicit History(std::shared_ptr<objectstore::ObjectStore> store = objectstore::make_memory_store())
      : graph_(kAncestrySchema, std::move(store)) {
    note(head("main"));
  }

  BranchedGraph& graph() { return graph_; }
  RecordPtr record(const std::string& branch) { return graph_->parts().log->confirmed_head(branch).value().record; }
  std::string head(const std::string& branch) { return record(branch)->record.head_id; }

  void fork(const std::string& branch, const std::string& from) { ASSERT_TRUE(graph_->create_branch(branch, from)); }
  void commit(const std::string& branch) { publish(branch, std::nullopt); }
  void merge(const std::string& source, const std::string& target) {
    const CommitRecord from = record(source)->record;
    publish(target, RecordPosition{.branch = source, .seq = from.seq, .id = from.head_id});
  }

  MergeBase base(const std::string& source, const std::string& target) {
    auto found = find_merge_base(*graph_->parts().log, record(source), record(target));
    EXPECT_TRUE(found) << found.error().render();
    return found ? *found : MergeBase{};
  }

  // By the definition: all common ancestors, those that no other one descends from, the largest of them.
  std::string naive_base(const std::string& source, const std::string& target) const {
    const std::set<std::string> ours = ancestors(source), theirs = ancestors(target);
    std::set<std::string> common;
    std::set_intersection(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                          std::inserter(common, common.begin()));
    std::pair<std::uint64_t, std::string> best;
    for (const std::string& id : common) {
      const bool covered = std::any_of(common.begin(), common.end(), [&](const std::string& other) {
        return other != id && ancestors(other).contains(id);
      });
      if (!covered) best = std::max(best, {versions_.at(id), id});
    }
    return best.second;
  }

 private:
  void publish(const std::string& branch, std::optional<RecordPosition> merged) {
    const std::string before = head(branch);
    const auto published = publish_draft(graph_->parts(), branch, [&](DraftAttempt& attempt) -> Result<bool> {
      CommitFacts facts;
      facts.merged = merged;
      OG_RETURN_IF_ERROR(attempt.draft.append(facts, PreparedWrite{}));
      return true;
    });
    ASSERT_TRUE(published) << published.error().render();
    const Commit& made = (*published)->record.commits.back();
    parents_[made.id] = made.parents;
    versions_[made.id] = made.version;
  }
  void note(const std::string& genesis) {
    parents_[genesis] = {};
    versions_[genesis] = 1;
  }
  std::set<std::string> ancestors(const std::string& id) const {
    return ancestors_of(id, [this](const std::string& at) -> const auto& { return parents_.at(at); });
  }

  BranchedGraph graph_;
  std::map<std::string, std::vector<std::string>> parents_;
  std::map<std::string, std::uint64_t> versions_;
};

TEST(AncestryTest, ForksAndTheirHeads) {
  History history;
  history.commit("main");
  history.fork("a", "main");
  EXPECT_EQ(history.base("a", "main").relation, Relation::kUpToDate) << "equal heads";
  const std::string shared = history.head("main");
  history.commit("a");
  EXPECT_EQ(history.base("a", "main").relation, Relation::kFastForward);
  EXPECT_EQ(history.base("a", "main").commit_id, shared);
  EXPECT_EQ(history.base("main", "a").relation, Relation::kUpToDate);
  history.commit("main");
  EXPECT_EQ(history.base("a", "main").relation, Relation::kDiverged);
  EXPECT_EQ(history.base("a", "main").commit_id, shared);
  history.fork("b", "a");  // a fork of a fork that made no commit
  history.fork("c", "b");
  EXPECT_EQ(history.base("c", "main").commit_id, shared);
  EXPECT_EQ(history.base("c", "a").relation, Relation::kUpToDate);
  EXPECT_EQ(history.base("main", "c").relation, Relation::kDiverged);
}

TEST(AncestryTest, TheBaseMayLieInADeletedBranchsLog) {
  History history;
  history.fork("old", "main");
  history.commit("old");
  const std::string shared = history.head("old");
  history.fork("a", "old");
  history.fork("b", "old");
  history.commit("a");
  history.commit("b");
  ASSERT_TRUE(history.graph()->delete_branch("old"));
  history.fork("old", "main");  // another branch of that name
  history.commit("old");
  EXPECT_EQ(history.base("a", "b").commit_id, shared);
  EXPECT_EQ(history.base("a", "b").record->record.branch, "old");
  EXPECT_EQ(history.base("a", "old").commit_id, history.base("main", "a").commit_id);
}

TEST(AncestryTest, OfSeveralBasesTheOneWithTheLargerVersion) {
  History history;
  history.fork("w", "main");
  history.commit("main");
  history.commit("main");
  history.commit("w");
  const std::string on_main = history.head("main");
  history.merge("w", "main");
  // The other way around, from the state before that merge: two branches that took each other's first state over.
  const auto published = publish_draft(history.graph()->parts(), "w", [&](DraftAttempt& attempt) -> Result<bool> {
    CommitFacts facts;
    const CommitRecord main = history.record("main")->record;
    facts.merged = RecordPosition{.branch = "main", .seq = main.seq - 1, .id = on_main};
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, PreparedWrite{}));
    return true;
  });
  ASSERT_TRUE(published) << published.error().render();
  EXPECT_EQ(history.base("w", "main").relation, Relation::kDiverged);
  EXPECT_EQ(history.base("w", "main").commit_id, on_main) << "version 3 against 2 of w's commit";
  EXPECT_EQ(history.base("main", "w").commit_id, on_main);
}

TEST(AncestryTest, ABaseThatCleanupRemovedIsGone) {
  History history;
  history.fork("a", "main");
  const RecordPtr fork_point = history.record("main");
  history.commit("a");
  history.commit("main");
  ASSERT_TRUE(history.graph().store()->remove(record_key("main", fork_point->record.seq)));
  const auto reopened = GraphStore::open(history.graph().store(), {.background_settle = false}).value();
  CommitLog& log = *reopened->parts().log;
  const auto found = find_merge_base(log, log.confirmed_head("a")->record, log.confirmed_head("main")->record);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kGone);
  EXPECT_NE(found.error().message.find("history_expired"), std::string::npos) << found.error().message;
}

TEST(AncestryTest, CostGrowsWithTheDivergence) {
  const auto metered = objectstore::make_metered_store(objectstore::make_memory_store());
  History history(metered);
  for (int i = 0; i < 300; ++i) history.commit("main");
  history.fork("a", "main");
  for (int i = 0; i < 5; ++i) history.commit("a");
  for (int i = 0; i < 3; ++i) history.commit("main");
  const auto reopened = GraphStore::open(metered, {.background_settle = false}).value();
  CommitLog& log = *reopened->parts().log;
  const RecordPtr source = log.confirmed_head("a")->record, target = log.confirmed_head("main")->record;
  metered->reset();
  ASSERT_TRUE(find_merge_base(log, source, target));
  EXPECT_LE(metered->meter().requests, 20u);
}

TEST(AncestryTest, RandomHistories) {
  const char* wanted = std::getenv("OMNIGRAPH_ANCESTRY_SEED");
  const std::uint64_t seed = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("OMNIGRAPH_ANCESTRY_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    History history;
    std::vector<std::string> branches{"main"};
    const auto any = [&] { return branches[random() % branches.size()]; };
    for (int step = 0; step < 40; ++step) {
      switch (random() % 6) {
        case 0:
          if (branches.size() < 5) {
            branches.push_back(std::string("b").append(std::to_string(branches.size())));
            history.fork(branches.back(), branches[random() % (branches.size() - 1)]);
          }
          break;
        case 1:
        case 2: {
          const std::string source = any(), target = any();
          if (source != target) history.merge(source, target);
          break;
        }
        default: history.commit(any());
      }
      const std::string source = any(), target = any();
      if (source == target) continue;
      ASSERT_EQ(history.base(source, target).commit_id, history.naive_base(history.head(source), history.head(target)))
          << "round " << round << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
