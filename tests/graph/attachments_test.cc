#include "graph/attachments.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "lance/manifest.h"
#include "objectstore/metered_store.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

struct AttachmentsTest : ::testing::Test {
  ~AttachmentsTest() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder = fresh_directory("attachments");
  StorePtr store = objectstore::open_local_store(folder).value();
  static constexpr StoreOptions kQuiet{.clock = nullptr, .background_settle = false, .exclusive_writer = false};
};

std::size_t attached_records(const GraphPtr& graph) {
  return load_of(graph->head("main").value()->record().attached).records;
}

TEST_F(AttachmentsTest, SixtyFourCommitsWithoutAnyPutInPlace) {
  State expected;
  {
    const GraphPtr graph = init_people(store, kQuiet);
    ASSERT_TRUE(insert_person(*graph, "Ada", 0));
    for (int i = 0; i < 62; ++i) {
      ASSERT_TRUE(insert_note(*graph, numbered("n", i)));
      expected.notes.insert(numbered("n", i));
    }
    expected.people = {{"Ada", 0}};
    EXPECT_TRUE(keys_under(store, "tables/").empty());
    EXPECT_TRUE(keys_under(store, "schema/").empty());
  }
  EXPECT_EQ(read_state(store).value(), expected);
  const GraphPtr reopened = open_people(store);
  ASSERT_TRUE(insert_knows(*reopened, "Ada", "Ada"));
  expected.knows = {{"Ada", "Ada"}};
  reopened->drain();
  EXPECT_EQ(read_state(store).value(), expected);
}

TEST_F(AttachmentsTest, NeverMoreThanSixtyFourRecordsStayAttached) {
  const GraphPtr graph = init_people(store, kQuiet);
  State expected;
  for (int i = 0; i < 150; ++i) {
    // Alternating tables keep several records referenced.
    const std::string name = numbered("p", i);
    if (i % 2 == 0) {
      ASSERT_TRUE(insert_person(*graph, name, i));
      expected.people[name] = i;
    } else {
      ASSERT_TRUE(insert_note(*graph, name));
      expected.notes.insert(name);
    }
    ASSERT_LE(attached_records(graph), kAttachedRecordsMax);
  }
  EXPECT_EQ(read_state(store).value(), expected);
}

TEST_F(AttachmentsTest, TheBackgroundSettlesFromHalfTheLimitOn) {
  const GraphPtr graph = init_people(store);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(insert_person(*graph, numbered("p", i), i));
    graph->drain();
    ASSERT_LE(attached_records(graph), kAttachedRecordsMax / 2 + 1);
  }
  EXPECT_EQ(read_state(store).value().people.size(), 100u);
}

// Goal: reading gives the same from every intermediate state of putting attachments in place.
// Method: a copy of the settled folder loses its placed files in every possible prefix; a second process reads each
// time.
TEST_F(AttachmentsTest, ReadsAreTheSameAtEveryStepOfPlacing) {
  {
    const GraphPtr graph = init_people(store, kQuiet);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(insert_person(*graph, numbered("p", i), i));
    ASSERT_TRUE(insert_knows(*graph, "p0", "p3"));
    ASSERT_TRUE(remove_person(*graph, "p1"));
  }
  const State expected = read_state(store).value();
  EXPECT_EQ(expected.people.size(), 3u);
  const GraphPtr reader = open_people(store, kQuiet);
  const SnapshotPtr head = reader->head("main").value();
  const auto log_store = std::make_shared<CommitLog>(store, system_clock(), head->record().seq - 6);
  const auto objects = std::make_shared<const ObjectReader>(store, log_store);
  const RecordPtr record = log_store->confirmed_head("main").value().record;
  for (const auto& [key, at] : record->record.attached) {
    const Buffer bytes = objects->attachment(*record, key, at).value();
    ASSERT_EQ(store->put_if_absent(key, bytes.bytes(), objectstore::Durability::kWriteBack).value(),
              objectstore::PutOutcome::kCreated);
    const auto state = read_state(store);
    ASSERT_TRUE(state) << key << ": " << state.error().render();
    EXPECT_EQ(*state, expected) << key;
  }
}

// Goal: a file that a power loss tore is not believed and not kept: the record is the durable copy.
TEST_F(AttachmentsTest, TornFilesAreReadFromTheRecordAndWrittenAnewWhenSettled) {
  State expected;
  {
    const GraphPtr graph = init_people(store);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(insert_note(*graph, numbered("n", i)));
      expected.notes.insert(numbered("n", i));
    }
    ASSERT_TRUE(insert_person(*graph, "Ada", 7));
    expected.people = {{"Ada", 7}};
    graph->drain();
  }
  const SnapshotPtr before = open_people(store, kQuiet)->head("main").value();
  std::size_t torn = 0;
  for (const auto& [key, at] : before->record().attached) {
    const std::filesystem::path path = folder / key;
    ASSERT_TRUE(std::filesystem::exists(path)) << key;
    if (torn++ % 2 == 0) {
      std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    } else {
      std::filesystem::remove(path);
    }
  }
  ASSERT_GT(torn, 4u);
  EXPECT_EQ(read_state(store).value(), expected);
  const auto log = std::make_shared<CommitLog>(store, system_clock(), before->record().seq);
  AttachmentKeeper keeper(store, std::make_shared<const ObjectReader>(store, log));
  const RecordPtr record = log->confirmed_head("main").value().record;
  const auto all = [](const std::string&) { return true; };
  EXPECT_EQ(keeper.carried(record->record.attached, all).size(), record->record.attached.size());
  ASSERT_TRUE(keeper.place({&record, 1}));
  EXPECT_EQ(keeper.carried(record->record.attached, all).size(), record->record.attached.size())
      << "placed by another, or unsynced, is not settled";
  ASSERT_TRUE(keeper.settle(*record));
  EXPECT_TRUE(keeper.carried(record->record.attached, all).empty());
  for (const auto& [key, at] : before->record().attached) {
    EXPECT_EQ(std::filesystem::file_size(folder / key), at.size) << key << " is still torn";
  }
}

TEST_F(AttachmentsTest, OtherToolsFindEveryVersionAndMainWithoutAVersion) {
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
  ASSERT_TRUE(remove_person(*graph, "Ada"));
  graph->drain();
  const TableEntry entry = graph->head("main").value()->record().tables.at("node:Person");
  const std::string versions = entry.manifest.substr(0, entry.manifest.rfind('/') + 1);
  const std::string newest = keys_under(store, versions).front();
  const auto number = lance::version_of_name(newest.substr(versions.size()));
  ASSERT_TRUE(number);
  const auto regular = lance::parse_manifest(store->get(newest).value(), newest).value();
  const auto detached = lance::parse_manifest(store->get(entry.manifest).value(), entry.manifest).value();
  EXPECT_EQ(regular.version, *number);
  EXPECT_EQ(regular.table_metadata.at("omnigraph.version"), std::to_string(*number));
  EXPECT_EQ(regular.table_metadata.at("omnigraph.commit"), graph->head("main").value()->commit_id());
  EXPECT_EQ(regular.live_rows(), 1u);
  EXPECT_TRUE(regular.transaction.has_value());
  EXPECT_EQ(detached.version, entry.version);
  ASSERT_EQ(regular.fragments.size(), detached.fragments.size());
  // Both copies of the deletion bitmap are there.
  const std::string root = versions.substr(0, versions.size() - std::string("_versions/").size());
  for (const lance::Fragment& fragment : regular.fragments) {
    for (const auto& file : fragment.files) EXPECT_TRUE(store->head(root + "data/" + file.path));
    if (!fragment.deletion_file) continue;
    EXPECT_TRUE(store->head(root + "_deletions/" + lance::deletion_file_name(fragment.id, *fragment.deletion_file)));
    EXPECT_EQ(keys_under(store, root + "deletes/").size(), keys_under(store, root + "_deletions/").size());
  }
}

TEST_F(AttachmentsTest, AForeignVersionIsNeverBuiltOver) {
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(insert_person(*graph, "Ada"));
  graph->drain();
  const TableEntry entry = graph->head("main").value()->record().tables.at("node:Person");
  const std::string versions = entry.manifest.substr(0, entry.manifest.rfind('/') + 1);
  const std::string newest = keys_under(store, versions).front();
  lance::Manifest foreign = lance::parse_manifest(store->get(newest).value(), newest).value();
  foreign.version += 1;  // a foreign writer copies our metadata, at most
  const std::string foreign_key = versions + lance::manifest_name(foreign.version);
  const std::string bytes = lance::serialize_manifest(foreign);
  ASSERT_TRUE(store->put_if_absent(foreign_key, std::as_bytes(std::span(bytes))));
  ASSERT_TRUE(insert_person(*graph, "Bo"));
  ASSERT_TRUE(insert_person(*graph, "Cy"));
  graph->drain();
  EXPECT_EQ(keys_under(store, versions).front(), foreign_key);
  EXPECT_EQ(read_state(store).value().people.size(), 3u) << "the log goes on all the same";
}

// Goal: chapter 09 section 10, "request budget".
void expect_request_budget(const StorePtr& bare, int commits_before) {
  const auto metered = objectstore::make_metered_store(bare);
  const GraphPtr graph = open_people(metered);
  int done = static_cast<int>(graph->head("main").value()->version());
  for (; done < commits_before; ++done) ASSERT_TRUE(insert_person(*graph, numbered("p", done), done));
  graph->drain();
  ASSERT_TRUE(graph->head("main"));
  std::uint64_t most = 0;
  for (int i = 0; i < 5; ++i) {
    metered->reset();
    const auto written = insert_person(*graph, numbered(numbered("q", commits_before) + "-", i), i);
    ASSERT_TRUE(written) << written.error().render();
    graph->drain();
    const auto log = metered->meter().log;
    EXPECT_EQ(log.front().operation, "publish") << "at commit " << commits_before << ": durable after one request";
    most = std::max(most, metered->meter().requests);
    metered->reset();
    ASSERT_EQ(people_in(*graph->head("main").value()).value().size(), written->commit->version - 1);
    EXPECT_EQ(metered->meter().requests, 1u) << "a warm head costs one request, its rows none";
  }
  EXPECT_LE(most, 6u) << "at commit " << commits_before;
}

TEST_F(AttachmentsTest, RequestBudgetAtCommit10And2000) {
  for (const StorePtr& backend : {store, objectstore::make_memory_store()}) {
    ASSERT_NE(init_people(backend), nullptr);
    expect_request_budget(backend, 10);
    expect_request_budget(backend, 2000);
  }
}

// As far away as a bucket, so that requests made together overlap.
class DistantStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return inner_->get(key, range);
  }
};

TEST_F(AttachmentsTest, ColdOpenToTheFirstRowTakesFiveHops) {
  const StorePtr memory = objectstore::make_memory_store();
  {
    const GraphPtr graph = init_people(memory);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(insert_person(*graph, numbered("p", i), i));
  }
  const auto metered = objectstore::make_metered_store(std::make_shared<DistantStore>(memory));
  const GraphPtr graph = open_people(metered, kQuiet);
  EXPECT_EQ(age_of(*graph->head("main").value(), "p99").value(), 99);
  std::string trail;
  for (const auto& request : metered->meter().log) trail += request.operation + " " + request.key + "\n";
  EXPECT_LE(metered->meter().dependent_hops, 5u) << trail;
}

}  // namespace
}  // namespace omnigraph::graph::testing
