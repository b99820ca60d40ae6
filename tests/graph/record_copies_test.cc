// Copies inside records: what a cold reader of a far store gets with the head (graph/record_copies.h).
#include "graph/record_copies.h"

#include <gtest/gtest.h>

#include "graph/layout.h"
#include "graph/store_parts.h"
#include "objectstore/metered_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

CommitRecord small_record() {
  CommitRecord record;
  record.branch = "main";
  record.incarnation = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  record.seq = 7;
  record.token = "t";
  record.head_id = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
  record.schema.digest = "d";
  return record;
}

TEST(RecordCopies, AreFoundBesideTheAttachments) {
  CommitRecord record = small_record();
  const ObjectCopies objects{{"schema/d.pg", Buffer::from(std::string("node A { }"))},
                             {"t/_versions/1.manifest", Buffer::from(std::string(5'000, 'm'))},
                             {"t/_versions/2.manifest", Buffer()}};
  const auto bytes = encode_record(record, {{"a", "first"}, {"b", "second"}}, pack_copies(objects).text());
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_LT(bytes->size(), 2'000u) << "compressed";
  const auto decoded = decode_record(Buffer::from(*bytes), "log/x");
  ASSERT_TRUE(decoded) << decoded.error().message;
  const AttachedAt& at = decoded->attached.at("b");
  EXPECT_EQ(bytes->substr(at.offset, at.size), "second");
  const auto copies = RecordCopies::in(Buffer::from(*bytes));
  ASSERT_NE(copies, nullptr);
  for (const auto& [key, content] : objects) {
    const auto found = copies->find(key);
    ASSERT_TRUE(found) << key;
    EXPECT_EQ(found->text(), content.text()) << key;
  }
  EXPECT_FALSE(copies->find("a"));
}

TEST(RecordCopies, ARecordWithoutThemHasNone) {
  CommitRecord record = small_record();
  const std::string bytes =
      encode_record(record, {{"copies", R"({"format":1,"copies":{"offset":1,"size":2}})"}}).value();
  EXPECT_EQ(RecordCopies::in(Buffer::from(bytes)), nullptr);
  EXPECT_EQ(RecordCopies::in(Buffer()), nullptr);
}

TEST(RecordCopies, WhatIsNoFrameHoldsNothing) {
  for (const std::string& packed :
       {std::string("x"), std::string(100, 'x'),
        std::string(pack_copies({{"k", Buffer::from(std::string("v"))}}).text()).substr(1)}) {
    EXPECT_FALSE(RecordCopies(Buffer::from(packed)).find("k"));
  }
}

struct CopiesInAGraphTest : ::testing::Test {
  const StorePtr memory = objectstore::make_memory_store();
  const std::shared_ptr<objectstore::MeteredStore> metered = objectstore::make_metered_store(memory);
  // Requests since the last reset whose key contains `part`.
  std::size_t asked_for(std::string_view part) const {
    std::size_t count = 0;
    for (const auto& request : metered->meter().log) count += request.key.find(part) != std::string::npos ? 1 : 0;
    return count;
  }
};

// Goal: after writes to several tables, on main and on a fork, a new process asks for no schema and no manifest, and
// what it reads instead is what lies in their places.
TEST_F(CopiesInAGraphTest, AColdReaderAsksForNoSchemaAndNoManifest) {
  {
    const GraphPtr graph = init_people(memory);
    ASSERT_TRUE(insert_person(*graph, "Ada", 36));
    ASSERT_TRUE(insert_note(*graph, "n"));
    graph->drain();
    ASSERT_TRUE(graph->create_branch("side", "main"));
    ASSERT_TRUE(insert_person(*graph, "Bo", 7, {.branch = "side"}));
    ASSERT_TRUE(insert_note(*graph, "m"));
    graph->drain();
  }
  for (const std::string branch : {"main", "side"}) {
    const GraphPtr graph = open_people(metered, {.background_settle = false});
    metered->reset();
    const SnapshotPtr head = graph->head(branch).value();
    EXPECT_EQ(age_of(*head, "Ada").value(), 36);
    EXPECT_EQ(asked_for("schema/"), 0u) << branch;
    EXPECT_EQ(asked_for("_versions/"), 0u) << branch;
    const RecordPtr record = graph->parts().log->recent_head(branch).value().record;
    ASSERT_NE(record->copies, nullptr);
    std::size_t copied = 0;
    for (const auto& [key, entry] : record->record.tables) {
      const auto copy = record->copies->find(entry.manifest);
      if (!copy) continue;  // attached to this very record
      ++copied;
      EXPECT_EQ(copy->text(), memory->get(entry.manifest).value().text()) << entry.manifest;
    }
    EXPECT_EQ(copied, 2u) << branch;
  }
}

// Records of a graph in a local directory stay as small as they can be: every byte is synced.
TEST(RecordCopies, LocalRecordsHaveNone) {
  const StorePtr store = objectstore::open_local_store(fresh_directory("copies")).value();
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(insert_person(*graph, "Ada", 36));
  EXPECT_EQ(graph->parts().log->recent_head("main").value().record->copies, nullptr);
}

// Flat in history: they are of the tables as they are now.
TEST_F(CopiesInAGraphTest, TheyDoNotGrowWithHistory) {
  const GraphPtr graph = init_people(memory);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(insert_note(*graph, numbered("n", i)));
    graph->drain();
    sizes.push_back(graph->parts().log->recent_head("main").value().record->bytes.size());
  }
  EXPECT_LT(sizes.back(), sizes[5] + 4'000);
}

}  // namespace
}  // namespace omnigraph::graph::testing
