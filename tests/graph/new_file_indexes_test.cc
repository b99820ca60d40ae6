#include "graph/new_file_indexes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "base/warning.h"
#include "graph/cleanup.h"
#include "graph/store_indexes.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kLoadStartUs = 1'790'000'000'000'000;
constexpr int kManyPeople = static_cast<int>(kLoadIndexedRowsMin) + 5;
constexpr std::uint64_t kAllInMemory = std::uint64_t{256} << 20;

// Notes what lies below index/ when the record is about to be put; may refuse that, or indexes.
class PublishWatcher final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  bool loses = false, refuses_indexes = false;
  std::size_t indexes_at_publish = 0;

  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    if (refuses_indexes && key.starts_with("index/")) return std::unexpected(Error{Code::kIoError, "no room"});
    return inner_->put(key, body, durability);
  }
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    indexes_at_publish = inner_->list("index/", {}).value().objects.size();
    if (loses) return std::unexpected(Error{Code::kIoError, "the network is gone"});
    return inner_->publish(key, body, before_effect);
  }
};

struct NewFileIndexesTest : ::testing::Test {
  NewFileIndexesTest() {
    base::set_warning_sink([this](std::string_view code, std::string_view) { warnings.emplace_back(code); });
  }
  ~NewFileIndexesTest() override { base::set_warning_sink({}); }

  // Many people, each of whom knows the next one.
  Result<WriteOutcome> load(const std::shared_ptr<FileIndexing>& indexing, std::uint64_t staged_bytes = kAllInMemory) {
    return graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
      if (indexing) index_files(transaction, indexing);
      const schema::Catalog& catalog = *transaction.base()->catalog();
      auto people = std::make_shared<StagedRows>(catalog, kPerson, staged_bytes);
      auto knows = std::make_shared<StagedRows>(catalog, kKnows, staged_bytes);
      for (int begin = 0; begin < kManyPeople; begin += 10'000) {
        const int end = std::min(begin + 10'000, kManyPeople);
        columnar::ArrayBuilder name(columnar::utf8()), age(columnar::primitive(columnar::TypeId::kInt32));
        columnar::ArrayBuilder id(columnar::utf8()), next(columnar::utf8());
        for (int i = begin; i < end; ++i) {
          name.append_string(numbered("person ", i));
          age.append_value(i % 90);
          id.append_string(base::new_ulid());
          next.append_string(numbered("person ", (i + 1) % kManyPeople));
        }
        const columnar::ArrayPtr names = name.finish();
        OG_RETURN_IF_ERROR(people->append({people->fields(), {names, names, age.finish()}, end - begin}));
        OG_RETURN_IF_ERROR(knows->append({knows->fields(), {id.finish(), names, next.finish()}, end - begin}));
      }
      transaction.put(people, PutMode::kAppend, false);
      transaction.put(knows, PutMode::kAppend, true);
      return {};
    });
  }

  // Number of indexes, by kind.
  std::map<std::string, int> kinds() {
    std::map<std::string, int> count;
    for (const std::string& key : keys_under(store, "index/")) ++count[key.substr(0, key.find('/', 6))];
    return count;
  }
  // Verify compares each stored index with one made of the data file.
  std::string damage() {
    graph->drain();
    return damage_in(store);
  }
  void pass_hours(std::int64_t hours) { clock.advance_us(hours * kMicrosPerHour); }

  const std::map<std::string, int> all_kinds{
      {"index/key", 2}, {"index/ordered", 1}, {"index/out", 1}, {"index/in", 1}, {"index/text", 1}};
  ManualClock clock{kLoadStartUs};
  const std::shared_ptr<PublishWatcher> watcher =
      std::make_shared<PublishWatcher>(objectstore::make_memory_store(clock));
  const StorePtr store = watcher;
  const GraphPtr graph = init_people(store, {.clock = &clock});
  std::vector<std::string> warnings;
};

TEST_F(NewFileIndexesTest, AreThereWhenTheRecordIsPut) {
  const auto indexing = std::make_shared<FileIndexing>();
  ASSERT_TRUE(load(indexing));
  EXPECT_EQ(watcher->indexes_at_publish, 6u);
  EXPECT_EQ(kinds(), all_kinds);
  EXPECT_THAT(indexing->left(), IsEmpty());
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(damage(), "");
}

TEST_F(NewFileIndexesTest, AreMadeForLoadsAlone) {
  ASSERT_TRUE(load(nullptr));
  EXPECT_EQ(kinds(), (std::map<std::string, int>()));
}

TEST_F(NewFileIndexesTest, OfRowsThatWereSpilled) {
  ASSERT_TRUE(load(std::make_shared<FileIndexing>(), 1));
  EXPECT_EQ(kinds(), all_kinds);
  EXPECT_EQ(damage(), "");
}

// Columns that would take too much memory are left, and made of the published file.
TEST_F(NewFileIndexesTest, SomeAreLeft) {
  const auto indexing = std::make_shared<FileIndexing>(100'000);
  const auto written = load(indexing, 1);
  ASSERT_TRUE(written) << written.error().render();
  EXPECT_EQ(kinds(), (std::map<std::string, int>{{"index/text", 1}}));
  const FileIndexing::Files left = indexing->left();
  ASSERT_THAT(left, SizeIs(2));
  const SnapshotPtr after = graph->at_commit(written->commit->id).value();
  for (const auto& [type, paths] : left) {
    EXPECT_THAT(paths, SizeIs(1));
    const TableViewPtr table = after->table(type).value();
    ASSERT_TRUE(store_indexes(graph->store(), *after->catalog(), *table, {.only = paths, .with_words = false}));
    ASSERT_TRUE(store_indexes(graph->store(), *after->catalog(), *table, {.only = {"another.lnc"}}));
  }
  EXPECT_EQ(kinds(), all_kinds);
  EXPECT_EQ(damage(), "");
}

TEST_F(NewFileIndexesTest, OneThatCannotBePutDoesNotFailTheLoad) {
  watcher->refuses_indexes = true;
  ASSERT_TRUE(load(std::make_shared<FileIndexing>()));
  EXPECT_EQ(kinds(), (std::map<std::string, int>()));
  ASSERT_FALSE(warnings.empty());
  EXPECT_EQ(warnings.front(), "index_not_stored");
  EXPECT_EQ(damage(), "");
}

// Goal: a load that is never published leaves nothing for good.
TEST_F(NewFileIndexesTest, ThoseOfALostWriteGoWithItsFiles) {
  watcher->loses = true;
  ASSERT_FALSE(load(std::make_shared<FileIndexing>()));
  watcher->loses = false;
  EXPECT_EQ(kinds(), all_kinds);
  pass_hours(23);
  ASSERT_TRUE(cleanup(graph->parts(), {}));
  EXPECT_EQ(kinds(), all_kinds) << "whoever wrote them may still publish";
  ASSERT_TRUE(load(std::make_shared<FileIndexing>()));
  pass_hours(2);
  ASSERT_TRUE(cleanup(graph->parts(), {}));
  EXPECT_EQ(kinds(), all_kinds) << "those of the second load";
  EXPECT_EQ(damage(), "");
}

}  // namespace
}  // namespace omnigraph::graph::testing
