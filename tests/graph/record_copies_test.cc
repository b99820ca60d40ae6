// Copies inside records: what a cold reader of a far store gets with the head (graph/record_copies.h).
#include "graph/record_copies.h"

#include <gtest/gtest.h>

#include "graph/layout.h"
#include "graph/store_parts.h"
#include "objectstore/metered_store.h"
#include "tests/graph/verify_support.h"

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

// Goal: `verify --deep` compares copies with the objects: a cold reader reads the copy.
TEST_F(CopiesInAGraphTest, ACopyThatDiffersFromItsObjectIsDamage) {
  {
    const GraphPtr graph = init_people(memory);
    ASSERT_TRUE(insert_person(*graph, "Ada", 36));
    ASSERT_TRUE(insert_note(*graph, "n"));
    graph->drain();
  }
  EXPECT_EQ(damage_in(memory), "");
  const GraphPtr graph = open_people(memory, {.background_settle = false});
  const RecordPtr head = graph->parts().log->confirmed_head("main").value().record;
  ASSERT_NE(head->copies, nullptr);
  ObjectCopies copies = head->copies->all();
  const std::string people = head->record.tables.at("node:Person").manifest;
  ASSERT_TRUE(copies.contains(people));
  const std::string at = record_key("main", head->record.seq);
  const auto rewrite = [&](const std::string& packed) {
    CommitRecord record = head->record;
    std::vector<Attachment> own;
    for (const auto& [key, place] : head->record.attached) {
      if (place.seq != record.seq) continue;
      own.push_back({key, std::string(graph->parts().objects->attachment(*head, key, place).value().text())});
      record.attached.erase(key);
    }
    const std::string bytes = encode_record(record, own, packed).value();
    ASSERT_TRUE(memory->put(at, std::as_bytes(std::span(bytes))));
  };
  copies[people] = memory->get(head->record.tables.at("node:Note").manifest).value();
  ASSERT_NO_FATAL_FAILURE(rewrite(std::string(pack_copies(copies).text())));
  std::string expected = "corrupt_object ";
  expected.append(at).append(": its copy of '").append(people).append("' differs from the object\n");
  EXPECT_EQ(damage_in(memory), expected);
  EXPECT_EQ(damage_in(memory, /*deep=*/false), "");

  ASSERT_NO_FATAL_FAILURE(rewrite("no frame"));
  const auto report = verify(open_people(memory, {.background_settle = false})->parts(), {.deep = true});
  ASSERT_TRUE(report) << report.error().render();
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].code, "torn_copy");
  EXPECT_TRUE(report->ok()) << "readers ask for the objects themselves";
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
