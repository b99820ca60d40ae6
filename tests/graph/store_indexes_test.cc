#include "graph/store_indexes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "base/warning.h"
#include "graph/indexed_table.h"
#include "graph/optimize.h"
#include "graph/store_parts.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kDocsSchema = R"(
node Doc { slug: String @key  body: String? @index  plain: String? }
edge Near: Doc -> Doc
)";
constexpr schema::TypeRef kDoc{schema::EntityKind::kNode, 0};
constexpr std::size_t kBody = 1;
constexpr int kDocs = 5000;

std::shared_ptr<const StagedRows> doc_rows(const schema::Catalog& catalog, int begin, int end,
                                           const std::string& extra = "") {
  auto rows = std::make_shared<StagedRows>(catalog, kDoc);
  columnar::ArrayBuilder id(columnar::utf8()), slug(columnar::utf8()), body(columnar::utf8()), plain(columnar::utf8());
  for (int i = begin; i < end; ++i) {
    id.append_string(numbered("d", i));
    slug.append_string(numbered("d", i));
    body.append_string(numbered("word", i % 50) + " common " + extra);
    plain.append_null();
  }
  EXPECT_TRUE(rows->append({rows->fields(), {id.finish(), slug.finish(), body.finish(), plain.finish()}, end - begin}));
  return rows;
}

void put_docs(GraphStore& graph, int begin, int end, const std::string& extra = "") {
  const auto done = graph.write({}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(doc_rows(*transaction.base()->catalog(), begin, end, extra), PutMode::kMerge, false);
    return {};
  });
  ASSERT_TRUE(done) << done.error().render();
}

constexpr schema::TypeRef kNear{schema::EntityKind::kEdge, 0};

void put_edges(GraphStore& graph, const std::vector<std::pair<std::string, std::string>>& pairs) {
  const auto done = graph.write({}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(knows_rows(*transaction.base()->catalog(), pairs), PutMode::kAppend, true);
    return {};
  });
  ASSERT_TRUE(done) << done.error().render();
}

// All rows of both directions.
std::vector<std::vector<std::uint32_t>> edges_of(GraphStore& graph) {
  std::vector<std::vector<std::uint32_t>> rows;
  const SnapshotPtr head = graph.head("main").value();
  for (const AdjacencyDirection direction : {AdjacencyDirection::kOut, AdjacencyDirection::kIn}) {
    const auto adjacency = head->adjacency(0, direction).value();
    for (Ordinal o = 0; o < head->table(kDoc).value()->physical_rows(); ++o) {
      rows.emplace_back(adjacency->neighbors(o).begin(), adjacency->neighbors(o).end());
      rows.emplace_back(adjacency->edges(o).begin(), adjacency->edges(o).end());
    }
  }
  return rows;
}

struct StoreIndexesTest : ::testing::Test {
  StoreIndexesTest() {
    base::set_warning_sink([this](std::string_view code, std::string_view text) {
      warnings.push_back(std::string(code).append(": ").append(text));
    });
    graph = GraphStore::init(store, kDocsSchema, std::nullopt).value();
    put_docs(*graph, 0, kDocs / 2);
    put_docs(*graph, kDocs / 2, kDocs);
    graph->drain();
  }
  ~StoreIndexesTest() override {
    base::set_warning_sink({});
    graph.reset();
    std::filesystem::remove_all(*store->local_root());
  }

  OptimizeOutcome optimized() {
    auto outcome = optimize(graph->parts(), "main");
    EXPECT_TRUE(outcome) << outcome.error().render();
    return outcome ? std::move(*outcome) : OptimizeOutcome();
  }
  // As another process would see it.
  TableViewPtr fresh_table() {
    graph.reset();
    graph = GraphStore::open(store).value();
    return graph->head("main").value()->table(kDoc).value();
  }
  std::map<std::string, std::string> indexes() {
    std::map<std::string, std::string> bytes;
    for (const std::string& key : keys_under(store, "index/")) bytes[key] = store->get(key).value().text();
    return bytes;
  }
  // Of the body's tokens: it has fewer terms than the one of the slug.
  std::string body_key() {
    std::string found;
    for (const auto& [key, bytes] : indexes()) {
      if (!key.starts_with("index/text/")) continue;
      if (found.empty() || bytes.size() < indexes()[found].size()) found = key;
    }
    return found;
  }
  void overwrite(const std::string& key, std::string_view bytes) {
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(bytes))));
  }
  void damage(const std::string& key) {
    std::string bytes = indexes()[key];
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    overwrite(key, bytes);
  }
  static index::TextSegmentPtr body_of(const TableView& table) {
    auto segments = text_segments(table, kBody, index::TermKind::kToken);
    EXPECT_TRUE(segments) << segments.error().render();
    EXPECT_EQ(segments->size(), 1u);
    return segments->front();
  }

  const StorePtr store = objectstore::create_local_store(fresh_directory("store_indexes")).value();
  GraphPtr graph;
  std::vector<std::string> warnings;
};

TEST_F(StoreIndexesTest, OptimizeStoresWhatIsDeclared) {
  EXPECT_TRUE(indexes().empty()) << "a write of few rows makes none";
  const TableViewPtr before = graph->head("main").value()->table(kDoc).value();
  EXPECT_EQ(index_coverage(*graph->head("main").value()->catalog(), *before)[0].rows_covered, kDocs)
      << "small files count as covered";
  ASSERT_NE(optimized().published, nullptr);
  const TableViewPtr table = fresh_table();
  ASSERT_THAT(table->manifest().fragments, SizeIs(1));
  std::string stem = table->manifest().fragments[0].files[0].path;
  stem.resize(stem.rfind('.'));
  std::map<std::string, int> folders;
  for (const auto& [key, bytes] : indexes()) {
    EXPECT_THAT(key, HasSubstr(stem + "-"));
    ++folders[key.substr(0, key.rfind('/'))];
  }
  EXPECT_EQ(folders,
            (std::map<std::string, int>{{"index/key", 1}, {"index/ordered", 2}, {"index/text", 2}, {"index/words", 2}}))
      << "ids; slug and body, not plain";
  const auto coverage = index_coverage(*graph->head("main").value()->catalog(), *table);
  ASSERT_THAT(coverage, SizeIs(4)) << "each property by both kinds";
  EXPECT_EQ(coverage[0].property, "body");
  EXPECT_EQ(coverage[0].kind, "fulltext");
  EXPECT_EQ(coverage[1].property, "body");
  EXPECT_EQ(coverage[1].kind, "ordered");
  EXPECT_EQ(coverage[1].rows_covered, kDocs);
  EXPECT_EQ(coverage[0].rows_covered, kDocs);
  EXPECT_EQ(coverage[0].rows_total, kDocs);
  ASSERT_TRUE(store->remove(body_key()));
  EXPECT_EQ(index_coverage(*graph->head("main").value()->catalog(), *table)[0].rows_covered, 0u);
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

// Goal: a reader takes the stored index, and does without.
// Method: a whole index of other texts under the same key shows in what the reader finds; then none is there.
TEST_F(StoreIndexesTest, ReadersUseThem) {
  optimized();
  const std::string key = body_key();
  const index::TextSegmentPtr own = body_of(*fresh_table());
  EXPECT_EQ(own->postings(own->find("common")).size(), static_cast<std::size_t>(kDocs));
  EXPECT_EQ(own->bytes().text(), indexes()[key]);

  columnar::ArrayBuilder other(columnar::utf8());
  for (int i = 0; i < kDocs; ++i) other.append_string("zulu");
  std::uint64_t parameters = 0;
  std::memcpy(&parameters, own->bytes().data() + 24, sizeof(parameters));
  overwrite(key, index::TextSegment::build({columnar::utf8(), {other.finish()}}, 0, kDocs, index::TermKind::kToken,
                                           parameters)
                     ->bytes()
                     .text());
  EXPECT_NE(body_of(*fresh_table())->find("zulu"), index::TextSegment::kNoTerm);

  remove_under(store, "index/");
  EXPECT_EQ(body_of(*fresh_table())->bytes().text(), own->bytes().text());
  EXPECT_NE(fresh_table()->find("d4999").value(), kNoOrdinal);
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

TEST_F(StoreIndexesTest, TheKeyIndexIsUsed) {
  optimized();
  const std::string key = keys_under(store, "index/key/")[0];
  const std::string bytes = indexes()[key];
  EXPECT_NE(fresh_table()->find("d17").value(), kNoOrdinal);
  // One whose tables are empty finds nothing: so it was asked.
  std::uint64_t parameters = 0;
  std::memcpy(&parameters, bytes.data() + 24, sizeof(parameters));
  index::IndexFileWriter writer({.kind = index::IndexKind::kKey, .rows = kDocs, .parameters = parameters});
  const std::vector<std::uint32_t> starts(3);  // of two buckets without an entry
  const std::vector<std::byte> entries(index::kBitPadding);
  writer.add(std::span<const std::uint32_t>(starts));
  writer.add(std::span<const std::byte>(entries));
  overwrite(key, writer.finish().text());
  EXPECT_EQ(fresh_table()->find("d17").value(), kNoOrdinal);
  damage(key);
  EXPECT_NE(fresh_table()->find("d17").value(), kNoOrdinal);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("index_unreadable: '" + key + "'")));
}

// Goal: damage costs time, never an answer, is told once, and goes with the next optimize, which makes no commit.
TEST_F(StoreIndexesTest, DamagedOnesArePassedOverAndMadeAnew) {
  optimized();
  const auto whole = indexes();
  const std::string key = body_key();
  damage(key);
  const TableViewPtr table = fresh_table();
  EXPECT_EQ(body_of(*table)->bytes().text(), whole.at(key));
  EXPECT_EQ(body_of(*table)->bytes().text(), whole.at(key));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("index_unreadable: '" + key + "'")));
  warnings.clear();
  const std::string head = graph->head("main").value()->commit_id();
  EXPECT_EQ(optimized().published, nullptr);
  EXPECT_EQ(graph->head("main").value()->commit_id(), head);
  EXPECT_EQ(indexes(), whole);

  std::string newer = whole.at(key);
  newer[8] = 9;
  overwrite(key, newer);
  EXPECT_EQ(body_of(*fresh_table())->bytes().text(), whole.at(key));
  EXPECT_THAT(warnings.back(), HasSubstr("version 9"));
  remove_under(store, "index/");
  EXPECT_EQ(optimized().published, nullptr);
  EXPECT_EQ(indexes(), whole) << "two builders make the same bytes";
}

// Goal: adjacency from stored rows is the one built from the columns, as edges and nodes come and go.
// Method: each state is read with the indexes and without.
TEST_F(StoreIndexesTest, AdjacencyTakesStoredRows) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < kDocs; ++i) pairs.emplace_back(numbered("d", i * 7 % kDocs), numbered("d", i * i % 977));
  put_edges(*graph, pairs);
  put_edges(*graph, {pairs.begin(), pairs.begin() + 20});
  optimized();
  ASSERT_THAT(keys_under(store, "index/out/"), SizeIs(1));
  ASSERT_THAT(keys_under(store, "index/in/"), SizeIs(1));
  const auto stored = indexes();
  const auto expect_same = [&](const char* what) {
    fresh_table();
    const auto with = edges_of(*graph);
    remove_under(store, "index/");
    fresh_table();
    EXPECT_EQ(with, edges_of(*graph)) << what;
    for (const auto& [key, bytes] : stored) overwrite(key, bytes);
  };
  expect_same("as optimized");
  put_docs(*graph, kDocs, kDocs + 3);
  put_edges(*graph, {{"d5001", "d7"}, {"d7", "d5002"}, {"d7", "d7"}});
  expect_same("with edges in a small file");
  ASSERT_TRUE(graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.remove(kNear, std::vector<Ordinal>{0, 17, 4000});
    return {};
  }));
  expect_same("with deleted edges");
  put_docs(*graph, 5, 6, "changed");
  expect_same("with a node whose ordinal is no longer its row id");
}

// That they are read shows in the warning of a damaged one.
TEST_F(StoreIndexesTest, AdjacencyReadsThem) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < kDocs; ++i) pairs.emplace_back(numbered("d", i), numbered("d", 3));
  put_edges(*graph, pairs);
  optimized();
  fresh_table();
  const auto whole = edges_of(*graph);
  const std::string key = keys_under(store, "index/in/")[0];
  damage(key);
  fresh_table();
  EXPECT_EQ(edges_of(*graph), whole);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("index_unreadable: '" + key + "'")));
}

// A branch has its files, and so their indexes; what a write adds is looked at without.
TEST_F(StoreIndexesTest, BranchesShareThem) {
  optimized();
  const auto stored = indexes();
  ASSERT_TRUE(graph->create_branch("side", "main"));
  WriteOptions options;
  options.branch = "side";
  ASSERT_TRUE(graph->write(options, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(doc_rows(*transaction.base()->catalog(), 7, 9, "fresh"), PutMode::kMerge, false);
    return {};
  }));
  const TableViewPtr side = graph->head("side").value()->table(kDoc).value();
  const auto segments = text_segments(*side, kBody, index::TermKind::kToken).value();
  ASSERT_THAT(segments, SizeIs(2));
  EXPECT_EQ(segments[0], body_of(*graph->head("main").value()->table(kDoc).value()));
  EXPECT_NE(segments[1]->find("fresh"), index::TextSegment::kNoTerm);
  EXPECT_EQ(indexes(), stored) << "a write makes none";
}

}  // namespace
}  // namespace omnigraph::graph::testing
