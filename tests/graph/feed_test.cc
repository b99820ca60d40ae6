#include "graph/feed.h"

#include <gtest/gtest.h>

#include <mutex>
#include <random>
#include <thread>

#include "graph/layout.h"
#include "objectstore/metered_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

using Ids = std::vector<std::string>;

Result<Feed> feed_of(GraphStore& graph, const std::string& branch) {
  OG_ASSIGN_OR_RETURN(const Head head, graph.parts().log->confirmed_head(branch));
  return Feed::open(graph.parts(), head.record, head.record->record.seq);
}

// What commits() says, oldest first, without genesis.
Ids expected_chain(GraphStore& graph, const std::string& branch) {
  Ids ids;
  const auto commits = graph.commits(branch).value();
  for (auto logged = commits.rbegin(); logged != commits.rend(); ++logged) ids.push_back(logged->commit.id);
  ids.erase(ids.begin());
  return ids;
}

// All commits after a place, in steps of `count`.
Ids walk(const Feed& feed, FeedPosition at, std::size_t count) {
  Ids ids;
  while (true) {
    const auto step = feed.next(at, count);
    if (!step) {
      ADD_FAILURE() << step.error().render();
      return ids;
    }
    EXPECT_FALSE(step->unreadable) << *step->unreadable;
    EXPECT_LE(step->commits.size(), count);
    for (const FeedCommit& commit : step->commits) {
      EXPECT_EQ(commit.commit().parents.at(0), ids.empty() ? at.commit_id : ids.back());
      if (commit.index == 0) {
        EXPECT_EQ(commit.parent->record.head_id, commit.commit().parents.at(0));
      }
      EXPECT_EQ(commit.after.commit_id, commit.commit().id);
      ids.push_back(commit.commit().id);
    }
    if (step->at_end || step->unreadable) return ids;
    if (step->commits.empty()) {
      ADD_FAILURE() << "the walk stands still at " << at.commit_id;
      return ids;
    }
    at = step->reached;
  }
}

WriteOptions on(const std::string& branch) {
  WriteOptions options;
  options.branch = branch;
  return options;
}

// Goal: from every commit of every branch exactly the rest of its chain follows, whatever the step.
// Method: random writes, some in groups, and forks of forks, deleted and made again; commits() is the model.
TEST(Feed, WalksWhatCommitsLists) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  Ids branches{"main"};
  for (int i = 0; i < 120; ++i) {
    const std::string branch = branches[random() % branches.size()];
    const auto what = random() % 10;
    if (what == 0 && branches.size() < 6) {
      const std::string name = numbered("b", static_cast<std::int64_t>(random() % 8));
      if (graph->create_branch(name, branch)) branches.push_back(name);
    } else if (what == 1 && branch != "main") {
      ASSERT_TRUE(graph->delete_branch(branch));
      std::erase(branches, branch);
    } else if (what == 2) {
      std::vector<std::jthread> writers;
      for (int w = 0; w < 3; ++w) {
        writers.emplace_back([&, w] { EXPECT_TRUE(insert_note(*graph, numbered("n", w), on(branch))); });
      }
    } else {
      ASSERT_TRUE(insert_note(*graph, numbered("note", i), on(branch)));
    }
  }
  graph->drain();
  const std::vector<GraphPtr> readers{graph, open_people(store)};
  for (const GraphPtr& reader : readers) {
    for (const std::string& branch : branches) {
      SCOPED_TRACE(branch);
      const Ids chain = expected_chain(*reader, branch);
      const auto feed = feed_of(*reader, branch);
      ASSERT_TRUE(feed) << feed.error().render();
      const auto start = feed->beginning();
      ASSERT_TRUE(start && start->position);
      for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        EXPECT_EQ(walk(*feed, *start->position, count), chain);
      }
      for (std::size_t i = 0; i < chain.size(); ++i) {
        const auto place = feed->after(chain[i]);
        ASSERT_TRUE(place && place->position) << chain[i];
        EXPECT_EQ(walk(*feed, *place->position, 16),
                  Ids(chain.begin() + static_cast<std::ptrdiff_t>(i) + 1, chain.end()));
      }
    }
  }
}

TEST(Feed, KnowsWhatIsNotOnTheChain) {
  const GraphPtr graph = init_people(objectstore::make_memory_store());
  ASSERT_TRUE(graph->create_branch("w", "main"));
  const auto main_only = insert_note(*graph, "on main").value().commit->id;
  const auto w_only = insert_note(*graph, "on w", on("w")).value().commit->id;
  graph->drain();
  const auto feed = feed_of(*graph, "w").value();
  for (const std::string& id : {main_only, base::new_ulid(), std::string("x"), std::string()}) {
    const auto place = feed.after(id);
    ASSERT_TRUE(place) << place.error().render();
    EXPECT_FALSE(place->position || place->unreadable) << id;
  }
  EXPECT_TRUE(feed.after(w_only)->position);
}

// Goal: a poll near the head costs the same however long the history is, and reads no record twice.
TEST(Feed, RequestsNearTheHeadAreFlat) {
  for (const int commits : {10, 200}) {
    const auto store = objectstore::make_metered_store(objectstore::make_memory_store());
    FeedPosition at;
    {
      const GraphPtr graph = init_people(store, {.background_settle = false});
      for (int i = 0; i < commits; ++i) ASSERT_TRUE(insert_note(*graph, numbered("n", i)));
      const Ids chain = expected_chain(*graph, "main");
      at = *feed_of(*graph, "main")->after(chain[chain.size() - 4])->position;
      graph->drain();
    }
    const GraphPtr reader = open_people(store, {.background_settle = false});
    store->reset();
    const auto feed = feed_of(*reader, "main").value();
    EXPECT_EQ(walk(feed, at, 128).size(), 3u);
    // Finding the head cold takes a list and a get; besides it, the record of the place and the two between.
    EXPECT_LE(store->meter().requests, 5u) << commits;
    store->reset();
    EXPECT_EQ(walk(feed_of(*reader, "main").value(), at, 128).size(), 3u);
    EXPECT_LE(store->meter().requests, 1u) << commits;
  }
}

// Goal: removed records are named, and nothing is told across the hole.
// Method: records are removed by hand, as cleanup does, and read by a new process.
TEST(Feed, NamesTheFirstUnreadableCommit) {
  const StorePtr store = objectstore::make_memory_store();
  Ids chain;
  FeedPosition old_place, last_removed;
  {
    const GraphPtr graph = init_people(store);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(insert_note(*graph, numbered("n", i)));
    graph->drain();
    chain = expected_chain(*graph, "main");
    const Feed feed = feed_of(*graph, "main").value();
    old_place = *feed.after(chain[1])->position;
    last_removed = *feed.after(chain[4])->position;
    const std::uint64_t first = graph->parts().log->first_seq();
    for (std::uint64_t i = 0; i <= 5; ++i) ASSERT_TRUE(store->remove(record_key("main", first + i)));
    for (std::size_t i = 0; i < 5; ++i) ASSERT_TRUE(store->remove(commit_pointer_key(chain[i])));
  }
  const GraphPtr reader = open_people(store);
  const Feed feed = feed_of(*reader, "main").value();
  // Kept: chain[5..7]. Of the removed ones the last is known by name.
  EXPECT_EQ(feed.beginning()->unreadable, chain[4]);
  EXPECT_EQ(feed.after(chain[1])->unreadable, chain[4]);
  EXPECT_EQ(feed.next(old_place, 10)->unreadable, chain[4]);
  // The state before chain[5] is gone, so its changes are.
  EXPECT_EQ(feed.after(chain[4])->unreadable, chain[5]);
  EXPECT_EQ(feed.next(last_removed, 10)->unreadable, chain[5]);
  const auto kept = feed.after(chain[5]);
  ASSERT_TRUE(kept && kept->position);
  EXPECT_EQ(walk(feed, *kept->position, 10), Ids(chain.begin() + 6, chain.end()));
  const auto found = reader->parts().log->read("main", old_place.seq + 4).value();  // the record of chain[5]
  EXPECT_EQ(found->record.head_id, chain[5]);
  EXPECT_EQ(record_before(reader->parts(), *found).value(), nullptr);
}

TEST(Feed, TheStateBeforeABranchesFirstCommitIsItsSources) {
  const GraphPtr graph = init_people(objectstore::make_memory_store());
  const auto source = insert_note(*graph, "a").value().commit->id;
  WriteOptions created = on("w");
  created.fork_from = "main";
  created.kind = CommitKind::kLoad;
  const auto made = insert_note(*graph, "b", created);
  ASSERT_TRUE(made) << made.error().render();
  const Feed feed = feed_of(*graph, "w").value();
  const auto step = feed.next(*feed.after(source)->position, 10).value();
  ASSERT_EQ(step.commits.size(), 1u);
  EXPECT_TRUE(step.at_end);
  EXPECT_EQ(step.commits[0].record->record.branch, "w");
  EXPECT_EQ(step.commits[0].parent->record.head_id, source);
  EXPECT_EQ(record_before(graph->parts(), *step.commits[0].record).value()->record.head_id, source);
}

}  // namespace
}  // namespace omnigraph::graph::testing
