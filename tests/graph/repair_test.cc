#include "graph/repair.h"

#include "graph/next_manifest.h"
#include "lance/deletions.h"
#include "objectstore/object_store.h"
#include "tests/graph/maintenance_support.h"

namespace omnigraph::graph::testing {
namespace {

using objectstore::make_memory_store;

RepairOutcome repaired(GraphStore& graph, const RepairOptions& options) {
  auto outcome = repair(graph.parts(), options);
  if (!outcome) {
    ADD_FAILURE() << outcome.error().render();
    return {};
  }
  return std::move(*outcome);
}

RepairedTable table_of(const RepairOutcome& outcome, std::string_view key) {
  for (const RepairedTable& table : outcome.tables) {
    if (table.table_key == key) return table;
  }
  ADD_FAILURE() << "no table " << key;
  return {};
}

constexpr RepairAction kNoOp = RepairAction::kNoOp;
const RepairOptions kPreview{};
const RepairOptions kConfirm{.confirm = true};
const RepairOptions kForce{.confirm = true, .force = true};
const RepairOptions kRestore{.confirm = true, .restore = true};

struct RepairTest : ::testing::TestWithParam<bool> {
  RepairTest() {
    store = GetParam() ? objectstore::create_local_store(fresh_directory("repair")).value() : make_memory_store();
    graph = init_people(store);
    for (const char* name : {"Ada", "Bo", "Cy", "Di"}) EXPECT_TRUE(insert_person(*graph, name));
    EXPECT_TRUE(insert_knows(*graph, "Ada", "Bo"));
    EXPECT_TRUE(insert_knows(*graph, "Bo", "Cy"));
    graph->drain();
  }
  ~RepairTest() override {
    graph.reset();
    if (const auto root = store->local_root()) std::filesystem::remove_all(*root);
  }
  SnapshotPtr head() { return graph->head("main").value(); }
  std::string people_root() { return root_of(*head(), "node:Person"); }
  RegularVersion newest() { return newest_regular(*store, people_root()).value(); }

  // What another tool's compaction leaves: one fragment of all live rows, in a file of its own, written by a second
  // graph's optimize over the same rows and put below this one under a foreign name.
  std::uint64_t compact_people() {
    const GraphPtr other = open_people(store);
    EXPECT_TRUE(other->create_branch("scratch", "main"));
    EXPECT_TRUE(optimize(other->parts(), "scratch"));
    const SnapshotPtr scratch = other->head("scratch").value();
    std::vector<lance::Fragment> fragments = manifest_of(*scratch, kPerson).fragments;
    EXPECT_TRUE(other->delete_branch("scratch"));
    other->drain();
    return put_foreign_version(store, people_root(), [&](lance::Manifest& manifest) {
      std::uint32_t next = *manifest.max_fragment_id + 1;
      for (lance::Fragment& fragment : fragments) fragment.id = next++;
      manifest.max_fragment_id = next - 1;
      manifest.fragments = fragments;
    });
  }

  // Rows of `people` as another tool would append them: a fragment in a file that some of our own writes made.
  std::uint64_t append_people(const People& people) {
    const GraphPtr other = open_people(store);
    EXPECT_TRUE(other->create_branch("scratch", "main"));
    EXPECT_TRUE(
        other->write({.branch = "scratch", .kind = CommitKind::kLoad}, [&](WriteTransaction& t) -> Result<void> {
          t.replace_all(kKnows);
          t.replace_all(kPerson);
          t.put(people_rows(*t.base()->catalog(), people), PutMode::kAppend, false);
          return {};
        }));
    const SnapshotPtr scratch = other->head("scratch").value();
    EXPECT_TRUE(materialize(other->parts(), "scratch"));
    lance::Fragment fragment = manifest_of(*scratch, kPerson).fragments.back();
    EXPECT_TRUE(other->delete_branch("scratch"));
    other->drain();
    return put_foreign_version(store, people_root(), [&](lance::Manifest& manifest) {
      fragment.id = *manifest.max_fragment_id + 1;
      manifest.max_fragment_id = static_cast<std::uint32_t>(fragment.id);
      fragment.row_ids = lance::RowIdSequence::range(manifest.next_row_id, fragment.physical_rows);
      manifest.next_row_id += fragment.physical_rows;
      manifest.fragments.push_back(fragment);
    });
  }

  // The first row of the first fragment, deleted by another tool.
  std::uint64_t delete_first() {
    return put_foreign_version(store, people_root(), [&](lance::Manifest& manifest) {
      lance::Fragment& fragment = manifest.fragments.front();
      const std::vector<std::uint32_t> positions{0};
      const std::string bitmap = lance::write_deletion_bitmap(positions);
      fragment.deletion_file = lance::DeletionFileEntry{.type = lance::DeletionFileType::kBitmap,
                                                        .read_version = manifest.version - 1,
                                                        .id = 7,
                                                        .deleted_rows = 1,
                                                        .base_id = std::nullopt};
      EXPECT_TRUE(store->put(deletion_file_key(people_root(), fragment.id, *fragment.deletion_file),
                             std::as_bytes(std::span(bitmap))));
    });
  }

  StorePtr store;
  GraphPtr graph;
};
INSTANTIATE_TEST_SUITE_P(Backends, RepairTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "local" : "memory"; });

TEST_P(RepairTest, AHealthyGraphIsLeftAlone) {
  const std::string before = head()->commit_id();
  const auto keys = keys_under(store, "tables/");
  for (const RepairOptions& options : {kPreview, kConfirm, kForce, kRestore}) {
    const RepairOutcome outcome = repaired(*graph, options);
    ASSERT_EQ(outcome.tables.size(), 3u);
    for (const RepairedTable& table : outcome.tables) {
      EXPECT_EQ(table.drift, DriftKind::kNoDrift);
      EXPECT_EQ(table.action, kNoOp);
      EXPECT_TRUE(table.operations.empty());
      EXPECT_GT(table.regular_version, 0u);
    }
    EXPECT_EQ(outcome.published, nullptr);
  }
  EXPECT_EQ(head()->commit_id(), before);
  EXPECT_EQ(keys_under(store, "tables/"), keys);
}

TEST_P(RepairTest, ACompactionIsTakenOver) {
  const State state = state_of(*head()).value();
  const auto row_ids = row_ids_of(*head(), kPerson);
  const std::uint64_t foreign = compact_people();
  RepairedTable table = table_of(repaired(*graph, kPreview), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kVerifiedMaintenance);
  EXPECT_EQ(table.action, RepairAction::kPreview);
  EXPECT_EQ(table.operations.size(), 1u);
  EXPECT_EQ(newest().version, foreign) << "a preview writes nothing";

  const RepairOutcome outcome = repaired(*graph, kConfirm);
  table = table_of(outcome, "node:Person");
  EXPECT_EQ(table.action, RepairAction::kHealed);
  ASSERT_NE(outcome.published, nullptr);
  const Commit& commit = outcome.published->record.commits.back();
  EXPECT_EQ(commit.kind, CommitKind::kRepair);
  EXPECT_TRUE(commit.content_preserving);
  EXPECT_EQ(head()->record().tables.at("node:Person").adopted, foreign);
  EXPECT_EQ(manifest_of(*head(), kPerson).fragments.size(), 1u) << "the other tool's file is used";
  EXPECT_EQ(state_of(*head()).value(), state);
  EXPECT_EQ(row_ids_of(*head(), kPerson), row_ids);
  EXPECT_TRUE(newest().ours) << "the chain goes on above the foreign version";
  EXPECT_EQ(newest().version, foreign + 1);
  EXPECT_EQ(table_of(repaired(*graph, kPreview), "node:Person").drift, DriftKind::kNoDrift);
  ASSERT_TRUE(birthday(*graph, "Ada"));
  graph->drain();
  EXPECT_EQ(newest().version, foreign + 2);
}

// Our commits since are kept: deletions and updates by row id, new rows in their own fragments.
TEST_P(RepairTest, ACompactionIsTakenOverAcrossLaterCommits) {
  compact_people();
  ASSERT_TRUE(birthday(*graph, "Ada"));
  ASSERT_TRUE(remove_person(*graph, "Di"));
  ASSERT_TRUE(insert_person(*graph, "Eve", 5));
  const State state = state_of(*head()).value();
  const auto row_ids = row_ids_of(*head(), kPerson);
  EXPECT_EQ(table_of(repaired(*graph, kConfirm), "node:Person").action, RepairAction::kHealed);
  EXPECT_EQ(state_of(*head()).value(), state);
  EXPECT_EQ(row_ids_of(*head(), kPerson), row_ids);
  EXPECT_EQ(read_state(store).value(), state);
}

TEST_P(RepairTest, SettingsAloneAreMaintenance) {
  const std::uint64_t foreign = put_foreign_version(
      store, people_root(), [](lance::Manifest& manifest) { manifest.table_metadata["someone"] = "was here"; });
  const State state = state_of(*head()).value();
  const RepairOutcome outcome = repaired(*graph, kConfirm);
  EXPECT_EQ(table_of(outcome, "node:Person").action, RepairAction::kHealed);
  EXPECT_EQ(head()->record().tables.at("node:Person").adopted, foreign);
  EXPECT_EQ(state_of(*head()).value(), state);
  EXPECT_TRUE(newest().ours);
}

TEST_P(RepairTest, ChangedRowsNeedForce) {
  append_people({{"Fay", 61}, {"Gus", 62}});
  const std::string before = head()->commit_id();
  RepairedTable table = table_of(repaired(*graph, kPreview), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kSuspicious);
  EXPECT_EQ(table.action, RepairAction::kPreview);
  table = table_of(repaired(*graph, kConfirm), "node:Person");
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_NE(table.refusal.find("--force"), std::string::npos);
  EXPECT_EQ(head()->commit_id(), before);

  State expected = state_of(*head()).value();
  ASSERT_TRUE(insert_person(*graph, "Eve", 5));  // ours, meanwhile
  expected.people["Eve"] = 5;
  expected.people["Fay"] = 61;
  expected.people["Gus"] = 62;
  const RepairOutcome outcome = repaired(*graph, kForce);
  EXPECT_EQ(table_of(outcome, "node:Person").action, RepairAction::kForced);
  const Commit& commit = outcome.published->record.commits.back();
  EXPECT_FALSE(commit.content_preserving);
  EXPECT_EQ(commit.changes.at("node:Person").inserted, 2u);
  EXPECT_EQ(state_of(*head()).value(), expected);
  EXPECT_EQ(read_state(store).value(), expected);
  EXPECT_TRUE(newest().ours);
}

TEST_P(RepairTest, ADeletionIsTakenOverUnlessEdgesNeedTheNode) {
  delete_first();  // Ada, who knows Bo
  const RepairedTable table = table_of(repaired(*graph, kForce), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kSuspicious);
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_EQ(table.refusal, "src 'Ada' not found in Person");
  ASSERT_TRUE(graph->write({}, [&](WriteTransaction& t) -> Result<void> {
    t.replace_all(kKnows);
    return {};
  }));
  const RepairOutcome outcome = repaired(*graph, kForce);
  EXPECT_EQ(table_of(outcome, "node:Person").action, RepairAction::kForced);
  EXPECT_EQ(outcome.published->record.commits.back().changes.at("node:Person").deleted, 1u);
  EXPECT_EQ(read_state(store).value().people.count("Ada"), 0u);
}

TEST_P(RepairTest, RowsChangedOnBothSidesAreRefused) {
  delete_first();
  ASSERT_TRUE(graph->write({}, [&](WriteTransaction& t) -> Result<void> {
    t.replace_all(kKnows);
    return {};
  }));
  ASSERT_TRUE(birthday(*graph, "Ada"));
  const RepairedTable table = table_of(repaired(*graph, kForce), "node:Person");
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_NE(table.refusal.find("'Ada' of Person was changed by another tool and by a commit"), std::string::npos)
      << table.refusal;
}

TEST_P(RepairTest, AnIdThatIsThereTwiceIsRefused) {
  append_people({{"Bo", 99}});
  const RepairedTable table = table_of(repaired(*graph, kForce), "node:Person");
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_EQ(table.refusal, "id 'Bo' is there twice");
}

TEST_P(RepairTest, RestorePutsOurContentOnTop) {
  const std::uint64_t foreign = append_people({{"Fay", 61}});
  ASSERT_TRUE(insert_person(*graph, "Eve", 5));
  const State state = state_of(*head()).value();
  const std::string before = head()->commit_id();
  const RepairOutcome outcome = repaired(*graph, kRestore);
  EXPECT_EQ(table_of(outcome, "node:Person").action, RepairAction::kRestored);
  EXPECT_EQ(table_of(outcome, "node:Person").regular_version, foreign + 1);
  EXPECT_EQ(outcome.published, nullptr);
  EXPECT_EQ(head()->commit_id(), before);
  EXPECT_EQ(state_of(*head()).value(), state);
  EXPECT_TRUE(newest().ours);
  EXPECT_EQ(newest().manifest->live_rows(), state.people.size());
  EXPECT_TRUE(store->head(people_root() + "/_versions/" + lance::manifest_name(foreign))) << "never deleted";
  EXPECT_GE(*newest().manifest->max_fragment_id,
            *regular_version(*store, people_root(), foreign)->manifest->max_fragment_id);
  ASSERT_TRUE(birthday(*graph, "Ada"));
  graph->drain();
  EXPECT_EQ(newest().version, foreign + 2) << "the chain goes on";
}

TEST_P(RepairTest, UnreadableIsRefusedOrRestored) {
  const std::uint64_t version = newest().version + 1;
  const std::string junk = "junk";
  ASSERT_TRUE(
      store->put(people_root() + "/_versions/" + lance::manifest_name(version), std::as_bytes(std::span(junk))));
  RepairedTable table = table_of(repaired(*graph, kForce), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kUnverifiable);
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_FALSE(table.refusal.empty());
  table = table_of(repaired(*graph, kRestore), "node:Person");
  EXPECT_EQ(table.action, RepairAction::kRestored);
  EXPECT_TRUE(newest().ours);
  EXPECT_EQ(newest().version, version + 1);
}

TEST_P(RepairTest, OtherColumnsAreRefused) {
  put_foreign_version(store, people_root(), [](lance::Manifest& manifest) {
    lance::SchemaField& extra = manifest.fields.emplace_back();
    extra.name = "extra";
    extra.id = 90;
    extra.logical_type = "int32";
  });
  const RepairedTable table = table_of(repaired(*graph, kForce), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kSuspicious);
  EXPECT_EQ(table.action, RepairAction::kRefused);
  EXPECT_EQ(table.refusal, "column 'extra' is not in the schema");
}

TEST_P(RepairTest, LostDeletionFilesComeBack) {
  ASSERT_TRUE(put_people(*graph, {{"x1", 1}, {"x2", 2}, {"x3", 3}}));
  ASSERT_TRUE(remove_person(*graph, "x2"));
  graph->drain();
  const auto files = keys_under(store, people_root() + "/_deletions/");
  ASSERT_FALSE(files.empty());
  const std::string bytes(store->get(files[0]).value().text());
  remove_under(store, people_root() + "/_deletions/");
  RepairedTable table = table_of(repaired(*graph, kPreview), "node:Person");
  EXPECT_EQ(table.drift, DriftKind::kNoDrift);
  EXPECT_EQ(table.action, RepairAction::kPreview);
  EXPECT_EQ(table.operations, std::vector<std::string>(files.size(), "restore_deletion_file"));
  table = table_of(repaired(*graph, kConfirm), "node:Person");
  EXPECT_EQ(table.action, RepairAction::kHealed);
  EXPECT_EQ(keys_under(store, people_root() + "/_deletions/"), files);
  EXPECT_EQ(store->get(files[0]).value().text(), bytes);
  EXPECT_EQ(table_of(repaired(*graph, kPreview), "node:Person").action, kNoOp);
}

}  // namespace
}  // namespace omnigraph::graph::testing
