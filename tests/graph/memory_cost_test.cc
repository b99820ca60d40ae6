#include "graph/memory_cost.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "graph/adjacency_cache.h"
#include "graph/fragment_view.h"
#include "graph/layout.h"
#include "graph/store_parts.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph {
namespace {

using testing::fresh_directory;
using testing::GraphPtr;
using testing::init_people;
using testing::insert_person;
using testing::kKnows;
using testing::kPerson;
using testing::numbered;
using testing::People;
using testing::put_people;

std::uint64_t allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What `made` says it takes against what the allocator gave for many of it.
template <class Make>
void expect_counted(Make&& make, double least, double most) {
  constexpr std::size_t kCopies = 400;
  using Value = decltype(make());
  std::vector<Value> values;
  values.reserve(kCopies);
  const std::uint64_t before = allocated();
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < kCopies; ++i) {
    values.push_back(make());
    counted += memory_of(*values.back());
  }
  const std::uint64_t taken = allocated() - before;
  if (taken < kCopies) GTEST_SKIP() << "the allocator does not say";  // that of a sanitizer
  const double share = static_cast<double>(counted) / static_cast<double>(taken);
  EXPECT_GE(share, least) << counted << " of " << taken;
  EXPECT_LE(share, most) << counted << " of " << taken;
}

struct People300 {
  std::filesystem::path folder = fresh_directory("memory");
  GraphPtr graph = init_people(objectstore::open_local_store(folder).value());
  People300() {
    for (int batch = 0; batch < 12; ++batch) {
      People people;
      for (int i = 0; i < 25; ++i) people.emplace(numbered("p", batch * 25 + i), i);
      EXPECT_TRUE(put_people(*graph, people));
    }
    EXPECT_TRUE(put_people(*graph, {{"p3", 7}, {"p111", 8}, {"p299", 9}}));
    graph->drain();
  }
  ~People300() {
    graph.reset();
    std::filesystem::remove_all(folder);
  }
  RecordPtr head() const { return graph->parts().log->confirmed_head("main").value().record; }
};

TEST(MemoryCost, OfARecordIsWhatTheAllocatorGave) {
  const People300 people;
  const std::string key = record_key("main", people.head()->record.seq);
  const auto store = objectstore::open_local_store(people.folder).value();
  expect_counted(
      [&] {
        const Buffer bytes =
            Buffer::from(std::string(store->get(key).value().text()));  // a mapped file is not allocated
        CommitRecord record = decode_record(bytes, key).value();
        return std::make_shared<const LoadedRecord>(LoadedRecord{std::move(record), bytes, nullptr, nullptr, nullptr});
      },
      0.8, 1.4);
}

TEST(MemoryCost, OfAManifestIsWhatTheAllocatorGave) {
  const People300 people;
  const TableEntry& entry = people.head()->record.tables.at("node:Person");
  const Buffer bytes = people.graph->parts().objects->get(*people.head(), entry.manifest).value();
  expect_counted(
      [&] { return std::make_shared<const lance::Manifest>(lance::parse_manifest(bytes, entry.manifest).value()); },
      0.8, 1.4);
}

TEST(MemoryCost, VersionsOfATableShareTheirRowIds) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < 20'000; ++i) ids.push_back(i * 7919 % 100'003);
  lance::Manifest manifest;
  manifest.fragments.push_back({.id = 0,
                                .files = {},
                                .deletion_file = {},
                                .physical_rows = ids.size(),
                                .row_ids = lance::RowIdSequence::of(ids)});
  const std::uint64_t before = allocated();
  const std::vector<lance::Manifest> versions(100, manifest);
  EXPECT_LT(allocated() - before, 100 * std::uint64_t{4096});
  EXPECT_EQ(versions.back().fragments[0].row_ids->at(19'999), ids.back());
}

TEST(MemoryCost, AViewAndItsFilesCountWhatTheyComeToKeep) {
  const People300 people;
  const RecordPtr head = people.head();
  const StoreParts& parts = people.graph->parts();
  const auto snapshot = people.graph->head("main").value();
  const TableEntry& entry = head->record.tables.at("node:Person");
  TableCache cache(parts.objects, false);
  const ManifestPtr manifest = cache.manifest(*head, entry.manifest).value();
  const auto cost = std::make_shared<base::CacheCost>();
  const TableViewPtr view = make_fragment_view(cache, head, *head->record.schema.find("node:Person"),
                                               snapshot->catalog(), kPerson, entry.manifest, manifest, cost)
                                .value();
  const std::uint64_t made = cost->bytes();
  EXPECT_GE(made, memory_of(*manifest));
  EXPECT_NE(view->ordinal_of_row(view->row_id(view->physical_rows() - 1)), kNoOrdinal);
  const std::uint64_t mapped = cost->bytes();
  EXPECT_GE(mapped, made + 300 * sizeof(Ordinal));
  ASSERT_TRUE(view->ids());
  EXPECT_GT(cost->bytes(), mapped);
  const std::uint64_t read = cost->bytes();
  ASSERT_TRUE(view->ids());
  EXPECT_EQ(cost->bytes(), read);
}

TEST(MemoryCost, AFileTakenOutOfARecordDoesNotKeepTheRecord) {
  const People300 people;
  ASSERT_TRUE(insert_person(*people.graph, "carried"));
  StoreParts& parts = people.graph->parts();
  const std::string record_of = record_key("main", people.head()->record.seq);
  // As a process that has not read anything yet.
  auto log = std::make_shared<CommitLog>(parts.store, parts.clock, parts.log->first_seq());
  RecordPtr record = log->confirmed_head("main").value().record;
  const std::weak_ptr<const LoadedRecord> kept = record;
  std::string key;
  for (const auto& [attached, at] : record->record.attached) {
    if (attached.ends_with(".lnc") && at.seq == record->record.seq) key = attached;
  }
  ASSERT_FALSE(key.empty());
  const auto cost = std::make_shared<base::CacheCost>();
  const std::uint64_t file_bytes = record->record.attached.at(key).size;
  auto objects = std::make_shared<const ObjectReader>(parts.store, log);
  const std::weak_ptr<const void> bytes = record->bytes.owner();
  DataFile file(key, std::move(record), objects, 0, nullptr, cost);
  ASSERT_TRUE(file.reader());
  EXPECT_GE(cost->bytes(), file_bytes);
  objects.reset();
  log.reset();
  EXPECT_TRUE(kept.expired());
  EXPECT_TRUE(bytes.expired());
  EXPECT_EQ((*file.reader())->row_count(), 1u);
}

TEST(MemoryCost, AForgottenHeadIsFoundAgain) {
  const People300 people;
  ASSERT_TRUE(people.graph->create_branch("side", "main"));
  ASSERT_TRUE(insert_person(*people.graph, "aside", 1, {.branch = "side"}));
  StoreParts& parts = people.graph->parts();
  CommitLog log(parts.store, parts.clock, parts.log->first_seq(), {.heads = 1, .records = 1});  // bytes: one of each
  for (int round = 0; round < 3; ++round) {
    for (const char* branch : {"main", "side"}) {
      const RecordPtr expected = parts.log->confirmed_head(branch).value().record;
      EXPECT_EQ(log.confirmed_head(branch).value().record->record.head_id, expected->record.head_id);
      EXPECT_EQ(log.recent_head(branch).value().record->record.seq, expected->record.seq);
      EXPECT_TRUE(log.read(branch, expected->record.seq));
    }
  }
}

TEST(MemoryCost, OfAnEdgeTypeTheNewestAdjacencyAloneStaysBeyondTheBudget) {
  const People300 people;
  const auto link = [&](std::string_view from, std::string_view to) {
    return people.graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
      transaction.put(testing::knows_rows(*transaction.base()->catalog(), {{std::string(from), std::string(to)}}),
                      PutMode::kAppend, true);
      return {};
    });
  };
  const base::CacheUse& use = base::CacheUse::of("adjacency");
  const std::int64_t entries = use.entries, bytes = use.bytes;
  {
    AdjacencyCache roomy, tight(1);
    for (int version = 0; version < 3; ++version) {
      ASSERT_TRUE(link(numbered("p", version), "p9"));
      const auto head = people.graph->head("main").value();
      const std::string key = head->record().tables.at("edge:Knows").manifest;
      for (AdjacencyCache* cache : {&roomy, &tight}) {
        const auto rows = cache->get(key, head->table(kKnows).value(), head->table(kPerson).value(),
                                     head->table(kPerson).value(), AdjacencyDirection::kOut);
        ASSERT_TRUE(rows) << rows.error().render();
        EXPECT_EQ((*rows)->edge_count(), static_cast<std::uint64_t>(version + 1));
      }
    }
    EXPECT_EQ(use.entries - entries, 3 + 1);
    EXPECT_GT(use.bytes, bytes);
  }
  EXPECT_EQ(use.entries, entries);
  EXPECT_EQ(use.bytes, bytes);
}

}  // namespace
}  // namespace omnigraph::graph
