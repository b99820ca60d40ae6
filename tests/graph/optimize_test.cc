#include "graph/optimize.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "objectstore/object_store.h"
#include "tests/graph/maintenance_support.h"

namespace omnigraph::graph::testing {
namespace {

using objectstore::make_memory_store;

OptimizeOutcome optimized(GraphStore& graph, const std::string& branch = "main", const FragmentTarget& target = {}) {
  auto outcome = optimize(graph.parts(), branch, target);
  if (!outcome) {
    ADD_FAILURE() << outcome.error().render();
    return {};
  }
  return std::move(*outcome);
}

const OptimizedTable& table_of(const OptimizeOutcome& outcome, std::string_view key) {
  for (const OptimizedTable& table : outcome.tables) {
    if (table.table_key == key) return table;
  }
  ADD_FAILURE() << "no table " << key;
  static const OptimizedTable kNone;
  return kNone;
}

// On every backend that runs here.
struct OptimizeTest : ::testing::TestWithParam<bool> {
  OptimizeTest() {
    store = GetParam() ? objectstore::create_local_store(fresh_directory("optimize")).value() : make_memory_store();
    graph = init_people(store);
  }
  ~OptimizeTest() override {
    graph.reset();
    if (const auto root = store->local_root()) std::filesystem::remove_all(*root);
  }
  // People, edges among them and notes, one commit each; updates and deletions on top.
  void fill(int people) {
    for (int i = 0; i < people; ++i) ASSERT_TRUE(insert_person(*graph, numbered("p", i), i));
    for (int i = 0; i < people; ++i) {
      ASSERT_TRUE(insert_knows(*graph, numbered("p", (i * 7) % people), numbered("p", (i * 3 + 1) % people)));
    }
    for (int i = 0; i < people; i += 4) ASSERT_TRUE(birthday(*graph, numbered("p", i)));
    ASSERT_TRUE(insert_person(*graph, "extra"));
    ASSERT_TRUE(remove_person(*graph, "extra"));
    ASSERT_TRUE(insert_note(*graph, "hello"));
  }
  StorePtr store;
  GraphPtr graph;
};
INSTANTIATE_TEST_SUITE_P(Backends, OptimizeTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "local" : "memory"; });

TEST_P(OptimizeTest, RowsRowIdsAndAdjacencyStay) {
  fill(20);
  const SnapshotPtr before = graph->head("main").value();
  const State state = state_of(*before).value();
  const auto people = row_ids_of(*before, kPerson), knows = row_ids_of(*before, kKnows);
  ASSERT_GT(manifest_of(*before, kPerson).fragments.size(), 1u);

  const OptimizeOutcome outcome = optimized(*graph);
  ASSERT_NE(outcome.published, nullptr);
  const Commit& commit = outcome.published->record.commits.back();
  EXPECT_EQ(commit.kind, CommitKind::kOptimize);
  EXPECT_TRUE(commit.content_preserving);
  EXPECT_EQ(commit.parents, std::vector<std::string>{before->commit_id()});
  EXPECT_EQ(outcome.published->record.commits.size(), 1u);

  const SnapshotPtr after = graph->head("main").value();
  EXPECT_EQ(after->commit_id(), commit.id);
  EXPECT_EQ(state_of(*after).value(), state);
  EXPECT_EQ(row_ids_of(*after, kPerson), people);
  EXPECT_EQ(row_ids_of(*after, kKnows), knows);
  EXPECT_EQ(read_state(store).value(), state);
  for (const schema::TypeRef type : {kPerson, kKnows}) {
    const lance::Manifest& manifest = manifest_of(*after, type);
    ASSERT_EQ(manifest.fragments.size(), 1u);
    EXPECT_FALSE(manifest.fragments[0].deletion_file);
    EXPECT_EQ(manifest.fragments[0].physical_rows, after->table(type).value()->live_rows());
    ASSERT_TRUE(manifest.transaction);
    EXPECT_TRUE(std::holds_alternative<lance::Transaction::Rewrite>(manifest.transaction->operation));
  }
  // In the order of their row ids, and all of them are there: one range.
  EXPECT_EQ(manifest_of(*after, kPerson).fragments[0].row_ids->segments().size(), 1u);
  EXPECT_EQ(state_of(*graph->at_commit(before->commit_id()).value()).value(), state) << "history is as it was";

  const OptimizedTable& table = table_of(outcome, "node:Person");
  EXPECT_TRUE(table.committed);
  EXPECT_EQ(table.fragments_added, 1u);
  EXPECT_EQ(table.fragments_removed, manifest_of(*before, kPerson).fragments.size());
  EXPECT_EQ(table.head_version, after->record().tables.at("node:Person").head_version);
  EXPECT_FALSE(table_of(outcome, "node:Note").committed) << "one fragment without deletions is as good as it gets";
}

TEST_P(OptimizeTest, NothingToDoIsNoCommit) {
  fill(9);
  ASSERT_NE(optimized(*graph).published, nullptr);
  const std::string head = graph->head("main").value()->commit_id();
  const auto keys = keys_under(store, "tables/");
  EXPECT_EQ(optimized(*graph).published, nullptr);
  EXPECT_EQ(graph->head("main").value()->commit_id(), head);
  EXPECT_EQ(keys_under(store, "tables/"), keys);
}

TEST_P(OptimizeTest, TheOrdinaryChainFollowsWithARewrite) {
  fill(9);
  const OptimizeOutcome outcome = optimized(*graph);
  for (const OptimizedTable& table : outcome.tables) {
    const SnapshotPtr head = graph->head("main").value();
    const RegularVersion newest = newest_regular(*store, root_of(*head, table.table_key)).value();
    EXPECT_TRUE(newest.ours);
    EXPECT_EQ(newest.version, table.regular_version);
    const lance::Manifest& content = manifest_of(*head, type_of_table(*head->catalog(), table.table_key));
    ASSERT_EQ(newest.manifest->fragments.size(), content.fragments.size());
    for (std::size_t i = 0; i < content.fragments.size(); ++i) {
      EXPECT_EQ(newest.manifest->fragments[i].files, content.fragments[i].files);
    }
    if (!table.committed) continue;
    ASSERT_TRUE(newest.manifest->transaction);
    const auto* rewrite = std::get_if<lance::Transaction::Rewrite>(&newest.manifest->transaction->operation);
    ASSERT_NE(rewrite, nullptr);
    ASSERT_EQ(rewrite->groups.size(), 1u);
    EXPECT_EQ(rewrite->groups[0].first.size(), table.fragments_removed);
    EXPECT_EQ(newest.manifest->transaction->read_version + 1, newest.version);
  }
}

TEST_P(OptimizeTest, AttachmentsAreSettled) {
  const GraphPtr silent = open_people(store, {.background_settle = false});
  ASSERT_TRUE(insert_person(*silent, "Ada"));
  const CommitRecord record = silent->head("main").value()->record();
  ASSERT_FALSE(record.attached.empty());
  ASSERT_TRUE(materialize(open_people(store)->parts(), "main"));
  for (const auto& [key, at] : record.attached) EXPECT_TRUE(store->head(key)) << key;
  const RegularVersion newest = newest_regular(*store, root_of(*silent->head("main").value(), "node:Person")).value();
  EXPECT_EQ(newest.commit_id, record.head_id);
  EXPECT_EQ(newest_regular(*store, root_of(*silent->head("main").value(), "node:Note")).value().version, 1u)
      << "its content has not changed";
}

TEST_P(OptimizeTest, EdgesLieInTheOrderOfTheirSources) {
  fill(20);
  optimized(*graph);
  const TableViewPtr edges = graph->head("main").value()->table(kKnows).value();
  const auto sources = edges->source_rows().value(), targets = edges->destination_rows().value();
  std::pair<std::uint64_t, std::uint64_t> last{0, 0};
  for (Ordinal o = 0; o < edges->physical_rows(); ++o) {
    const auto a = sources->locate(o), b = targets->locate(o);
    const std::pair now{sources->chunk(a.chunk)->value<std::uint64_t>(a.index),
                        targets->chunk(b.chunk)->value<std::uint64_t>(b.index)};
    EXPECT_LE(last, now);
    last = now;
  }
}

TEST_P(OptimizeTest, FilesAreCutAtTheTarget) {
  People people;
  for (int i = 0; i < 100; ++i) people[numbered("p", i)] = i;
  ASSERT_TRUE(put_people(*graph, people));
  ASSERT_TRUE(insert_person(*graph, "late"));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(remove_person(*graph, numbered("p", i * 3)));
  optimized(*graph, "main", {.rows = 25, .bytes = 1u << 20});
  const SnapshotPtr head = graph->head("main").value();
  EXPECT_EQ(people_in(*head).value().size(), 71u);
  for (const lance::Fragment& fragment : manifest_of(*head, kPerson).fragments) EXPECT_LE(fragment.physical_rows, 25u);
}

TEST_P(OptimizeTest, ABranchIsDoneOnItsOwn) {
  fill(9);
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(insert_person(*graph, "only here", 1, {.branch = "side"}));
  const std::string main_head = graph->head("main").value()->commit_id();
  const State side = read_state(store, "side").value();
  EXPECT_NE(optimized(*graph, "side").published, nullptr);
  EXPECT_EQ(graph->head("main").value()->commit_id(), main_head);
  EXPECT_EQ(read_state(store, "side").value(), side);
  EXPECT_EQ(manifest_of(*graph->head("side").value(), kPerson).fragments.size(), 1u);
  const auto missing = optimize(graph->parts(), "nope");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "branch 'nope' not found");
}

TEST_P(OptimizeTest, DriftIsSkippedAndOtherTablesAreDone) {
  fill(9);
  graph->drain();
  put_foreign_version(store, root_of(*graph->head("main").value(), "node:Person"));
  const OptimizeOutcome outcome = optimized(*graph);
  EXPECT_TRUE(table_of(outcome, "node:Person").drifted);
  EXPECT_FALSE(table_of(outcome, "node:Person").committed);
  EXPECT_TRUE(table_of(outcome, "edge:Knows").committed);
  EXPECT_FALSE(table_of(outcome, "edge:Knows").drifted);
  const std::uint64_t drifted = table_of(outcome, "node:Person").regular_version;
  ASSERT_TRUE(insert_person(*graph, "later"));
  graph->drain();
  const RegularVersion newest = newest_regular(*store, root_of(*graph->head("main").value(), "node:Person")).value();
  EXPECT_EQ(newest.version, drifted) << "nothing goes on top of drift";
  EXPECT_EQ(read_state(store).value().people.size(), 10u);
}

// Goal: what others do while the files are written is neither lost nor undone, and the files are written once.
TEST_P(OptimizeTest, WritesMeanwhileAreCarriedOver) {
  fill(20);
  graph->drain();
  const auto watcher = std::make_shared<UploadWatcher>(store);
  const GraphPtr optimizer = open_people(watcher);
  const auto people = row_ids_of(*graph->head("main").value(), kPerson);
  State expected;
  watcher->meanwhile = [&] {
    EXPECT_TRUE(birthday(*graph, "p3"));
    EXPECT_TRUE(birthday(*graph, "p3"));
    EXPECT_TRUE(insert_person(*graph, "new", 77));
    EXPECT_TRUE(insert_knows(*graph, "new", "p5"));
    const auto gone = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {  // p4 and its edges
      const SnapshotPtr& base = transaction.base();
      OG_ASSIGN_OR_RETURN(const TableViewPtr table, base->table(kPerson));
      OG_ASSIGN_OR_RETURN(const Ordinal at, table->find("p4"));
      std::vector<Ordinal> edges;
      for (const AdjacencyDirection direction : {AdjacencyDirection::kOut, AdjacencyDirection::kIn}) {
        OG_ASSIGN_OR_RETURN(const auto adjacency, base->adjacency(0, direction));
        edges.insert(edges.end(), adjacency->edges(at).begin(), adjacency->edges(at).end());
      }
      transaction.remove(kKnows, edges);
      transaction.remove(kPerson, std::vector<Ordinal>{at});
      return {};
    });
    EXPECT_TRUE(gone);
    expected = state_of(*graph->head("main").value()).value();
  };
  const OptimizeOutcome outcome = optimized(*optimizer);
  ASSERT_NE(outcome.published, nullptr);
  EXPECT_FALSE(watcher->meanwhile);
  EXPECT_EQ(watcher->uploads, 2) << "one file of people and one of edges, written once";
  const SnapshotPtr after = open_people(store)->head("main").value();
  EXPECT_EQ(state_of(*after).value(), expected);
  EXPECT_EQ(expected.people.count("p4"), 0u);
  auto now = row_ids_of(*after, kPerson);
  now.erase("new");
  auto then = people;
  then.erase("p4");
  EXPECT_EQ(now, then);
  // Both copies of the bitmap that hides the carried-over rows are there.
  const lance::Manifest& manifest = manifest_of(*after, kPerson);
  const std::string root = root_of(*after, "node:Person");
  int hidden = 0;
  for (const lance::Fragment& fragment : manifest.fragments) {
    if (!fragment.deletion_file) continue;
    ++hidden;
    EXPECT_TRUE(store->head(deletion_file_key(root, fragment.id, *fragment.deletion_file)));
    EXPECT_TRUE(store->head(deletion_copy_key(root, fragment, *fragment.deletion_file)));
  }
  EXPECT_GE(hidden, 1);
  EXPECT_NE(optimized(*open_people(store)).published, nullptr) << "and the next run cleans up";
  EXPECT_EQ(read_state(store).value(), expected);
}

TEST_P(OptimizeTest, AnOverwriteMeanwhileWins) {
  fill(9);
  graph->drain();
  const auto watcher = std::make_shared<UploadWatcher>(store);
  const GraphPtr optimizer = open_people(watcher);
  watcher->meanwhile = [&] {
    const auto done = graph->write({.kind = CommitKind::kLoad}, [&](WriteTransaction& transaction) -> Result<void> {
      transaction.replace_all(kPerson);
      transaction.replace_all(kKnows);
      transaction.put(people_rows(*transaction.base()->catalog(), {{"Eve", 1}}), PutMode::kAppend, false);
      return {};
    });
    EXPECT_TRUE(done);
  };
  optimized(*optimizer);
  const State state = read_state(store).value();
  EXPECT_EQ(state.people, (People{{"Eve", 1}}));
  EXPECT_TRUE(state.knows.empty());
}

// Writers elsewhere are not held up, and both sides end.
TEST_P(OptimizeTest, WritersGoOn) {
  fill(12);
  const GraphPtr writer = open_people(store);
  std::atomic<bool> stop = false;
  int written = 0;
  std::thread thread([&] {
    while (!stop) {
      EXPECT_TRUE(birthday(*writer, "p1"));
      ++written;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(optimize(graph->parts(), "main"));
  stop = true;
  thread.join();
  EXPECT_EQ(read_state(store).value().people.at("p1"), 1 + written);
}

// Once `rival` is set, it acts before every nth request about a log, the first of them a publish.
class RestlessRivalStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    step(key, false);
    return inner_->get(key, range);
  }
  Result<objectstore::Listing> list(std::string_view prefix, const objectstore::ListOptions& options) override {
    step(prefix, false);
    return inner_->list(prefix, options);
  }
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    step(key, true);
    return inner_->publish(key, body, before_effect);
  }

  std::function<void()> rival;
  int every = 1;
  int publishes = 0;

 private:
  void step(std::string_view key, bool is_publish) {
    if (!rival || !key.starts_with("log/") || (publishes == 0 && !is_publish)) return;
    publishes += is_publish ? 1 : 0;
    if (requests_++ % every == 0) rival();
  }
  int requests_ = 0;
};

// Goal: a writer elsewhere that never pauses does not keep maintenance from its end.
// Method: the writer commits as often as three requests about the log take, always just before a publish could win; who
// looks for a still newer head before each try loses every time.
TEST_P(OptimizeTest, AWriterThatNeverPausesDoesNotWinEveryRace) {
  fill(8);
  graph->drain();
  const auto rivalled = std::make_shared<RestlessRivalStore>(store);
  const GraphPtr optimizer = open_people(rivalled, {.background_settle = false});
  int written = 0;
  rivalled->every = 3;
  rivalled->rival = [&] {
    ASSERT_TRUE(birthday(*graph, "p1"));
    ++written;
  };
  const auto outcome = optimize(optimizer->parts(), "main");
  ASSERT_TRUE(outcome) << outcome.error().render();
  EXPECT_NE(outcome->published, nullptr);
  EXPECT_GE(written, 1);
  EXPECT_GE(rivalled->publishes, 2) << "no race was lost";
  EXPECT_EQ(read_state(store).value().people.at("p1"), 1 + written);
}

// Goal: there is an end to it, and it says what it was.
TEST(OptimizeRace, MaintenanceGivesUpAfterTenMinutes) {
  ManualClock clock(1'790'000'000'000'000);
  const StorePtr store = objectstore::make_memory_store(clock);
  const GraphPtr graph = init_people(store, {.clock = &clock});
  for (const char* name : {"Ada", "Bo", "Cy"}) ASSERT_TRUE(insert_person(*graph, name));
  graph->drain();
  const auto rivalled = std::make_shared<RestlessRivalStore>(store);
  const GraphPtr optimizer = open_people(rivalled, {.clock = &clock, .background_settle = false});
  rivalled->rival = [&] {
    ASSERT_TRUE(birthday(*graph, "Ada"));
    clock.advance_us(3'000'000);
  };
  const Moment begin = moment_of(clock);
  const auto outcome = optimize(optimizer->parts(), "main");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::kConflict) << outcome.error().render();
  EXPECT_NE(outcome.error().message.find("kept changing"), std::string::npos);
  EXPECT_GT(rivalled->publishes, 64);
  EXPECT_GE(elapsed_us(begin, moment_of(clock)), 600'000'000);
  EXPECT_LT(elapsed_us(begin, moment_of(clock)), 620'000'000);
}

// Goal: many one-row commits and an optimize give the same rows as they gave before.
TEST_P(OptimizeTest, ManySmallCommits) {
  const char* given = std::getenv("OMNIGRAPH_TEST_COMMITS");
  const int commits = given != nullptr ? std::atoi(given) : GetParam() ? 80 : 400;
  People expected;
  for (int i = 0; i < commits; ++i) {
    ASSERT_TRUE(insert_person(*graph, numbered("p", i), i));
    expected[numbered("p", i)] = i;
  }
  optimized(*graph);
  const SnapshotPtr head = graph->head("main").value();
  EXPECT_EQ(manifest_of(*head, kPerson).fragments.size(), 1u);
  EXPECT_EQ(people_in(*head).value(), expected);
  EXPECT_EQ(read_state(store).value().people, expected);
}

}  // namespace
}  // namespace omnigraph::graph::testing
