// What a process keeps of the indexes of data files (graph/derived_data.h).
#include "graph/derived_data.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "graph/indexed_table.h"
#include "graph/optimize.h"
#include "graph/store_indexes.h"
#include "graph/store_parts.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kPlacesSchema = R"(
node Place { slug: String @key  at: Vector(2)? @index  note: String? @index }
)";
constexpr schema::TypeRef kPlace{schema::EntityKind::kNode, 0};
constexpr std::size_t kAt = 1, kPlaceNote = 2;
constexpr int kPlaces = 5000;

// Counts the reads of indexes, and fails those of vectors if it is to.
class IndexReads : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    if (key.starts_with("index/")) ++reads;
    if (key.starts_with("index/vector/")) {
      ++vector_reads;
      if (fails) return std::unexpected(Error{Code::kUnavailable, "slow down"});
    }
    return ForwardingStore::get(key, range);
  }
  std::atomic<int> reads = 0, vector_reads = 0;
  std::atomic<bool> fails = false;
};

columnar::ArrayPtr points(int count, std::uint32_t dimension) {
  columnar::ArrayBuilder builder(columnar::vector_of(columnar::TypeId::kFloat32, dimension));
  std::vector<float> point(dimension);
  for (int i = 0; i < count; ++i) {
    for (std::uint32_t d = 0; d < dimension; ++d)
      point[d] = static_cast<float>(static_cast<std::uint32_t>(i) * (d + 3) % 71);
    builder.append_vector(point);
  }
  return builder.finish();
}

// Places at points, none with a note.
struct DerivedDataTest : ::testing::Test {
  DerivedDataTest() {
    const auto done = graph->write({}, [](WriteTransaction& transaction) -> Result<void> {
      auto rows = std::make_shared<StagedRows>(*transaction.base()->catalog(), kPlace);
      columnar::ArrayBuilder id(columnar::utf8()), slug(columnar::utf8()), note(columnar::utf8());
      for (int i = 0; i < kPlaces; ++i) {
        id.append_string(numbered("p", i));
        slug.append_string(numbered("p", i));
        note.append_null();
      }
      OG_RETURN_IF_ERROR(
          rows->append({rows->fields(), {id.finish(), slug.finish(), points(kPlaces, 2), note.finish()}, kPlaces}));
      transaction.put(rows, PutMode::kAppend, false);
      return {};
    });
    EXPECT_TRUE(done) << done.error().render();
    graph->drain();
  }

  void optimize_main() const { EXPECT_TRUE(optimize(graph->parts(), "main")); }
  [[nodiscard]] TableViewPtr table() const { return graph->head("main").value()->table(kPlace).value(); }
  [[nodiscard]] index::VectorSegmentPtr vectors() const { return vector_segments(*table(), kAt).at(0); }
  void reopen() {
    graph.reset();
    graph = GraphStore::open(store).value();
  }

  const std::shared_ptr<IndexReads> store = std::make_shared<IndexReads>(objectstore::make_memory_store());
  GraphPtr graph = GraphStore::init(store, kPlacesSchema, std::nullopt).value();
};

TEST_F(DerivedDataTest, WhatIsStoredLaterIsUsed) {
  EXPECT_EQ(vectors(), nullptr);
  EXPECT_EQ(vectors(), nullptr);
  EXPECT_EQ(store->vector_reads, 1) << "the store is not asked by every query";
  optimize_main();
  const index::VectorSegmentPtr found = vectors();
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->row_count(), static_cast<std::uint32_t>(kPlaces));
  EXPECT_EQ(vectors(), found);
}

TEST_F(DerivedDataTest, AStoreInTroubleIsAskedAgain) {
  optimize_main();
  reopen();
  store->fails = true;
  EXPECT_EQ(vectors(), nullptr);
  store->fails = false;
  EXPECT_NE(vectors(), nullptr);
}

TEST_F(DerivedDataTest, OneThreadFetchesAnObject) {
  optimize_main();
  reopen();
  const TableViewPtr view = table();
  store->vector_reads = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] { EXPECT_NE(vector_segments(*view, kAt).at(0), nullptr); });
    }
  }
  EXPECT_EQ(store->vector_reads, 1);
}

// An object that is whole but of vectors of another dimension: searching it would end the process.
TEST_F(DerivedDataTest, VectorsOfAnotherDimensionArePassedOver) {
  const auto wanted = dynamic_cast<const IndexedTable&>(*table()).file_indexes(kAt, index::IndexKind::kVector).at(0);
  const columnar::ChunkedArray column(columnar::vector_of(columnar::TypeId::kFloat32, 3), {points(kPlaces, 3)});
  const Buffer bytes = index::VectorSegment::build(column, wanted.source);
  ASSERT_TRUE(index::VectorSegment::open(bytes, wanted.source));
  ASSERT_TRUE(store->put(wanted.key, bytes.bytes(), objectstore::Durability::kDurable));
  EXPECT_EQ(vectors(), nullptr);
}

// A column that a data file lacks is not analysed by every search.
TEST_F(DerivedDataTest, TermsOfNoTextAreKept) {
  for (const index::TermKind kind : {index::TermKind::kToken, index::TermKind::kFuzzyWord}) {
    const index::TextSegmentPtr segment = text_segments(*table(), kPlaceNote, kind).value().at(0);
    ASSERT_NE(segment, nullptr);
    EXPECT_EQ(segment->term_count(), 0u);
    EXPECT_EQ(segment->row_count(), static_cast<std::uint32_t>(kPlaces));
    EXPECT_EQ(text_segments(*table(), kPlaceNote, kind).value().at(0), segment);
  }
}

// Goal: an optimize that has nothing to do reads each index once, and so does what it tells of them.
TEST_F(DerivedDataTest, OptimizeReadsEachIndexOnce) {
  optimize_main();
  const auto stored = keys_under(store, "index/");
  ASSERT_FALSE(stored.empty());
  reopen();
  const TableViewPtr view = table();
  store->reads = 0;
  const auto outcome = optimize(graph->parts(), "main");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->published, nullptr);
  EXPECT_EQ(outcome->indexes, StoredIndexes(stored.begin(), stored.end()));
  for (const IndexCoverage& of : index_coverage(*graph->head("main").value()->catalog(), *view, outcome->indexes)) {
    EXPECT_EQ(of.rows_covered, static_cast<std::uint64_t>(kPlaces)) << of.property << " " << of.kind;
  }
  EXPECT_EQ(store->reads, static_cast<int>(stored.size()));
}

}  // namespace
}  // namespace omnigraph::graph::testing
