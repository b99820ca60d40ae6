#include <gmock/gmock.h>

#include <set>

#include "columnar/builder.h"
#include "graph/id_table.h"
#include "graph/prepare_fold.h"
#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

using ::testing::ElementsAre;

class PrepareFiles : public PrepareTest {
 protected:
  void SetUp() override {
    open(R"(
node Dock { name: String  note: String?  img: Blob?  vec: Vector(2)? }
edge Near: Dock -> Dock
)");
    dock = node("Dock");
    near = edge("Near");
  }

  // Docks without a Blob: append_scalar knows no structs.
  std::shared_ptr<StagedRows> docks(const std::vector<std::string>& ids, std::size_t note_bytes = 0,
                                    bool with_image = false) {
    const SnapshotPtr snapshot = head();
    auto result = std::make_shared<StagedRows>(*snapshot->catalog(), dock);
    std::vector<columnar::ArrayBuilder> columns;
    for (const columnar::Field& field : result->fields()) columns.emplace_back(field.type);
    for (const std::string& id : ids) {
      columns[0].append_string(id);
      columns[1].append_string("name of " + id);
      if (note_bytes == 0) {
        columns[2].append_null();
      } else {
        std::string note;
        for (std::size_t i = 0; i < note_bytes; ++i)
          note += static_cast<char>('!' + (i * 31 + note.size() * i + id.size()) % 90);
        columns[2].append_string(note + id);
      }
      if (with_image) {
        columns[3].child(0).append_string("digest");
        columns[3].child(1).append_value(std::uint64_t{2});
        columns[3].child(2).append_string("hi");
        for (std::size_t child = 3; child < 7; ++child) columns[3].child(child).append_null();
        columns[3].close_struct();
      } else {
        columns[3].append_null();
      }
      columns[4].append_null();
    }
    columnar::Batch batch;
    batch.length = static_cast<std::int64_t>(ids.size());
    for (columnar::ArrayBuilder& column : columns) batch.columns.push_back(column.finish());
    EXPECT_TRUE(result->append(std::move(batch)));
    return result;
  }

  Result<PreparedWrite> prepare(const std::shared_ptr<const StagedRows>& rows, PreparedFileCache& cache) {
    WriteSet writes;
    writes.tables[dock].puts.push_back({rows, PutMode::kMerge, false});
    return prepare_write(*head(), writes, *memory_, cache);
  }

  Result<WriteOutcome> put(const std::shared_ptr<const StagedRows>& rows) {
    return write([&](WriteTransaction& transaction) -> Result<void> {
      transaction.put(rows, PutMode::kMerge, false);
      return {};
    });
  }

  std::set<std::string> fields_of(const lance::Fragment& fragment) {
    std::set<std::string> names;
    for (const lance::SchemaField& field : table(dock)->manifest().fields) {
      for (const std::int32_t id : fragment.files.at(0).fields) {
        if (id == field.id) names.insert(field.name);
      }
    }
    return names;
  }
  schema::TypeRef dock, near;
};

TEST_F(PrepareFiles, ColumnsWithoutValuesAreLeftOutButNotABlobsHeader) {
  const auto cache = make_prepared_file_cache();
  auto plain = prepare(docks({"a", "b"}), *cache);
  ASSERT_TRUE(plain) << plain.error().render();
  ASSERT_EQ(plain->tables.size(), 1u);
  const PreparedTable& after = plain->tables[0];
  ASSERT_EQ(after.added.size(), 1u);
  EXPECT_EQ(fields_of(after.added[0]), (std::set<std::string>{"id", "name", "img"}));
  EXPECT_EQ(after.added[0].physical_rows, 2u);
  EXPECT_EQ(after.live_rows, 2u);
  EXPECT_EQ(after.next_row_id, table(dock)->manifest().next_row_id + 2);
  ASSERT_EQ(plain->small.size(), 1u);
  EXPECT_TRUE(plain->uploaded.empty());
  EXPECT_EQ(plain->small[0].bytes.size(), after.added[0].files[0].file_size_bytes);
  EXPECT_THAT(plain->small[0].key, ::testing::EndsWith(".lnc"));

  auto with_image = prepare(docks({"a"}, 4, true), *cache);
  ASSERT_TRUE(with_image) << with_image.error().render();
  EXPECT_EQ(fields_of(with_image->tables[0].added.at(0)),
            (std::set<std::string>{"id", "name", "note", "img", "sha256", "size", "data"}));
}

TEST_F(PrepareFiles, BlobsReadBack) {
  expect_ok(put(docks({"a"}, 0, true)));
  expect_ok(put(docks({"b"})));
  const TableViewPtr view = table(dock);
  const auto column = *view->property(2);
  const Ordinal a = *view->find("a"), b = *view->find("b");
  const auto at_a = column->locate(a), at_b = column->locate(b);
  EXPECT_EQ(column->chunk(at_a.chunk)->child(2)->string_value(at_a.index), "hi");
  EXPECT_TRUE(column->chunk(at_a.chunk)->child(4)->is_null(at_a.index));
  EXPECT_TRUE(column->chunk(at_b.chunk)->child(0)->is_null(at_b.index));
}

TEST_F(PrepareFiles, LargeFilesAreUploadedOnceAcrossAttempts) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back(numbered("d", i));
  const auto rows = docks(ids, 300);
  const auto cache = make_prepared_file_cache();
  const auto first = prepare(rows, *cache);
  const auto second = prepare(rows, *cache);
  ASSERT_TRUE(first && second);
  ASSERT_EQ(first->uploaded.size(), 1u);
  EXPECT_TRUE(first->small.empty());
  EXPECT_EQ(first->uploaded, second->uploaded);
  EXPECT_EQ(first->tables[0].added.at(0).files, second->tables[0].added.at(0).files);
  const auto stored = memory_->head(first->uploaded[0]);
  ASSERT_TRUE(stored) << stored.error().render();
  EXPECT_EQ(stored->size, first->tables[0].added[0].files[0].file_size_bytes);
  // Other rows are another file.
  const auto other = prepare(docks(ids, 300), *cache);
  ASSERT_TRUE(other);
  EXPECT_NE(other->uploaded, first->uploaded);
}

TEST_F(PrepareFiles, DeletionsNameAllPositionsAndEmptyFragmentsGo) {
  expect_ok(put(docks({"a", "b", "c"})));
  expect_ok(put(docks({"d"})));
  expect_ok(remove({{dock, "b"}}));
  const auto prepare_removal = [&](const std::vector<std::string>& ids) {
    WriteSet writes;
    for (const std::string& id : ids) writes.tables[dock].removed.push_back(*table(dock)->find(id));
    return prepare_write(*head(), writes, *memory_, *make_prepared_file_cache());
  };
  const auto some = prepare_removal({"c", "d"});
  ASSERT_TRUE(some) << some.error().render();
  EXPECT_EQ(some->tables.at(0).deletions, (std::map<std::size_t, std::vector<std::uint32_t>>{{0, {1, 2}}}));
  EXPECT_THAT(some->tables[0].removed_fragments, ElementsAre(1u));
  EXPECT_EQ(some->tables[0].live_rows, 1u);
  EXPECT_EQ(some->tables[0].counts.deleted, 2u);
  const auto all = prepare_removal({"a", "c"});
  ASSERT_TRUE(all);
  EXPECT_THAT(all->tables[0].removed_fragments, ElementsAre(0u));
  EXPECT_TRUE(all->tables[0].deletions.empty());
}

TEST_F(PrepareFiles, AWriteThatChangesNothingMakesNoTable) {
  const auto cache = make_prepared_file_cache();
  const auto nothing = prepare(docks({}), *cache);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->tables.empty());
}

TEST_F(PrepareFiles, TheFootprintNamesTheTablesThatDecided) {
  expect_ok(put(docks({"a"})));
  WriteSet writes;
  writes.tables[near].puts.push_back({staged(near, {{text("e"), text("a"), text("a")}}), PutMode::kAppend, true});
  const auto prepared = prepare_write(*head(), writes, *memory_, *make_prepared_file_cache());
  ASSERT_TRUE(prepared) << prepared.error().render();
  EXPECT_EQ(prepared->footprint, (std::set<schema::TypeRef>{dock, near}));
}

// Goal: many small commits leave few fragments and each row is rewritten a few times only.
// Method: 600 one-row commits with an update now and then; fragments, rows, ids and row ids against a model.
TEST_F(PrepareFiles, SmallFragmentsAreFolded) {
  std::map<std::string, std::uint64_t> row_ids;
  std::uint64_t written_rows = 0;
  for (int i = 0; i < 600; ++i) {
    const std::string id = i % 10 == 9 ? numbered("d", i / 2) : numbered("d", i);
    expect_ok(put(docks({id})));
    const TableViewPtr view = table(dock);
    ASSERT_LE(view->manifest().fragments.size(), 7u * 4u) << "after " << i;
    written_rows += view->manifest().fragments.back().physical_rows;
    const std::uint64_t row = view->row_id(*view->find(id));
    const auto [known, added] = row_ids.emplace(id, row);
    ASSERT_EQ(known->second, row) << id;
  }
  const TableViewPtr view = table(dock);
  EXPECT_EQ(view->live_rows(), row_ids.size());
  for (const auto& [id, row] : row_ids) {
    const Ordinal o = *view->find(id);
    ASSERT_NE(o, kNoOrdinal) << id;
    EXPECT_EQ(view->row_id(o), row);
    EXPECT_EQ(text_at(**view->property(0), o), "name of " + id);
  }
  EXPECT_LT(written_rows, 600u * 5u) << "rows written per row";
}

TEST(FragmentsToFold, TakesRunsOfASizeClass) {
  const auto fold = [](const std::vector<std::uint64_t>& rows, std::uint64_t new_rows) {
    std::vector<FoldCandidate> fragments;
    for (const std::uint64_t live : rows) fragments.push_back({.live_rows = live});
    return fragments_to_fold(fragments, new_rows);
  };
  EXPECT_TRUE(fold({1, 1, 1, 1, 1, 1}, 1).empty());
  EXPECT_THAT(fold({1, 1, 1, 1, 1, 1, 1}, 1), ElementsAre(0u, 1u, 2u, 3u, 4u, 5u, 6u));
  EXPECT_THAT(fold({1000000, 1, 1, 1, 1, 1, 1, 1}, 1), ElementsAre(1u, 2u, 3u, 4u, 5u, 6u, 7u));
  EXPECT_TRUE(fold({1, 1, 1, 1, 1, 1, 1}, 0).empty()) << "nothing new";
  EXPECT_TRUE(fold({1, 1, 1, 1, 1, 1, 1}, 100'000).empty()) << "a large write stands alone";
  // One class fills the next.
  EXPECT_EQ(fold({8, 8, 8, 8, 8, 8, 8, 1, 1, 1, 1, 1, 1, 1}, 1).size(), 14u);
}

TEST(IdTable, FindsWhatWasPut) {
  IdTable table;
  for (std::uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(table.put(value_hash(std::to_string(i)), i), IdTable::kNone);
  for (std::uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(table.find(value_hash(std::to_string(i))), i);
  EXPECT_EQ(table.find(value_hash("x")), IdTable::kNone);
  EXPECT_EQ(table.put(value_hash("7"), 99), 7u);
  EXPECT_EQ(table.find(value_hash("7")), 99u);
  EXPECT_EQ(table.size(), 10'000u);
}

TEST(HashPasses, EachHashIsInOnePass) {
  const HashPasses passes(1000, 300);
  EXPECT_EQ(passes.count(), 4u);
  for (int i = 0; i < 1000; ++i) {
    const base::Hash128 hash = value_hash(std::to_string(i));
    int found = 0;
    for (std::uint64_t pass = 0; pass < passes.count(); ++pass) found += passes.contains(pass, hash) ? 1 : 0;
    ASSERT_EQ(found, 1);
  }
  EXPECT_EQ(HashPasses(0).count(), 1u);
}

}  // namespace
}  // namespace omnigraph::graph
