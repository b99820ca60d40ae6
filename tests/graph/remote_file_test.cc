// Reading parts of a large far file (graph/remote_file.h) against the file's whole content.
#include "graph/remote_file.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/ulid.h"
#include "lance/file_reader.h"
#include "lance/file_writer.h"
#include "objectstore/metered_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kKey = "tables/node/T-1/data/x.lnc";

struct RemoteFileTest : ::testing::Test {
  const StorePtr memory = objectstore::make_memory_store();
  const std::shared_ptr<objectstore::MeteredStore> metered = objectstore::make_metered_store(memory);
  const std::shared_ptr<CommitLog> log = std::make_shared<CommitLog>(metered, system_clock(), 1);
  const std::shared_ptr<const ObjectReader> objects = std::make_shared<const ObjectReader>(metered, log);
  const RecordPtr record = std::make_shared<const LoadedRecord>();

  std::string store_random(std::size_t size) {
    std::string content(size, '\0');
    std::mt19937_64 random(size);
    for (char& c : content) c = static_cast<char>(random());
    EXPECT_TRUE(memory->put(kKey, std::as_bytes(std::span(content))));
    return content;
  }
  std::shared_ptr<const RemoteFile> open(std::uint64_t size) {
    return RemoteFile::open(std::string(kKey), size, record, objects).value();
  }
};

// Goal: whatever is fetched in whatever order holds the object's bytes, and no byte travels twice.
TEST_F(RemoteFileTest, RandomRangesHoldTheContent) {
  const std::uint64_t seed = base::random_u64();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::string content = store_random(3 << 20);
  const auto file = open(content.size());
  for (int round = 0; round < 60; ++round) {
    std::vector<lance::FileRange> ranges(1 + random() % 4);
    for (lance::FileRange& range : ranges) {
      range.offset = random() % content.size();
      range.size = random() % std::min<std::uint64_t>(content.size() - range.offset + 1, 100'000);
    }
    ASSERT_TRUE(file->fetch(ranges));
    for (const lance::FileRange& range : ranges) {
      ASSERT_EQ(file->bytes().slice(range.offset, range.size).text(), content.substr(range.offset, range.size));
    }
  }
  EXPECT_LE(metered->meter().bytes_read, content.size());
}

TEST_F(RemoteFileTest, NeighboursTravelTogetherAndWhatIsThereIsNotAskedFor) {
  const std::string content = store_random(2 << 20);
  const auto file = open(content.size());
  const std::vector<lance::FileRange> ranges{{1'000'000, 10}, {0, 100}, {200, 100}, {1'000'100, 10}};
  ASSERT_TRUE(file->fetch(ranges));
  EXPECT_EQ(metered->meter().requests, 2u);
  ASSERT_TRUE(file->fetch(ranges));
  EXPECT_EQ(metered->meter().requests, 2u);
}

TEST_F(RemoteFileTest, AnObjectThatEndsEarlyIsDamaged) {
  const std::string content = store_random(1 << 20);
  const auto file = open(content.size() + 100);
  const lance::FileRange end{content.size(), 100};
  const auto fetched = file->fetch(std::span(&end, 1));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, Code::kCorruptObject);
  EXPECT_NE(fetched.error().message.find(kKey), std::string::npos);
}

TEST_F(RemoteFileTest, ManyReadersAtOnce) {
  const std::string content = store_random(1 << 20);
  const auto file = open(content.size());
  std::vector<std::jthread> readers;
  for (std::uint64_t r = 0; r < 4; ++r) {
    readers.emplace_back([&, r] {
      for (std::uint64_t i = 0; i < 50; ++i) {
        const lance::FileRange range{(i * 20'000 + r * 7'000) % (content.size() - 5'000), 5'000};
        EXPECT_TRUE(file->fetch(std::span(&range, 1)));
        EXPECT_EQ(file->bytes().slice(range.offset, range.size).text(), content.substr(range.offset, range.size));
      }
    });
  }
}

// Goal: one column of a large table file costs that column's bytes.
// Method: notes with long texts; a new process reads the ids alone, then the texts.
TEST_F(RemoteFileTest, OneColumnOfALargeTableIsReadAlone) {
  const GraphPtr graph = init_people(memory);
  std::mt19937_64 random(7);
  std::vector<std::string> texts(2'000);
  for (std::string& text : texts) {
    text.resize(4'000);
    for (char& c : text) c = static_cast<char>('!' + random() % 90);
  }
  ASSERT_TRUE(graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(note_rows(*transaction.base()->catalog(), texts), PutMode::kAppend, true);
    return {};
  }));
  graph->drain();
  const GraphPtr other = open_people(metered, {.background_settle = false});
  const TableViewPtr notes = other->head("main").value()->table(kNote).value();
  ASSERT_GT(notes->manifest().fragments.at(0).files.at(0).file_size_bytes, kWholeFileBytes);
  metered->reset();
  ASSERT_EQ(notes->ids().value()->length(), 2'000);
  EXPECT_LT(metered->meter().bytes_read, 1u << 20);
  EXPECT_LE(metered->meter().requests, 2u) << "the end of the file, the ids";
  const auto read = notes->property(0).value();
  std::multiset<std::string> found;
  for (std::int64_t row = 0; row < read->length(); ++row) {
    const auto place = read->locate(row);
    found.emplace(read->chunk(place.chunk)->string_value(place.index));
  }
  EXPECT_EQ(found, std::multiset<std::string>(texts.begin(), texts.end()));
}

}  // namespace
}  // namespace omnigraph::graph::testing
