// What follows publishes is worked off in batches: the queue by itself, and the batches of a graph.
#include "graph/background.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>

#include "graph/store_parts.h"
#include "lance/manifest.h"
#include "objectstore/metered_store.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

RecordPtr numbered_record(std::uint64_t seq) {
  LoadedRecord loaded;
  loaded.record.seq = seq;
  return std::make_shared<const LoadedRecord>(std::move(loaded));
}

// Notes the sequence numbers of each batch.
struct Notes {
  std::mutex mutex;
  std::vector<std::vector<std::uint64_t>> batches;

  void add(const Background::Batch& batch) {
    const std::lock_guard lock(mutex);
    auto& seqs = batches.emplace_back();
    for (const RecordPtr& record : batch) seqs.push_back(record->record.seq);
  }
  std::vector<std::uint64_t> all() {
    const std::lock_guard lock(mutex);
    std::vector<std::uint64_t> seqs;
    for (const auto& batch : batches) seqs.insert(seqs.end(), batch.begin(), batch.end());
    return seqs;
  }
};

std::vector<std::uint64_t> numbers(std::uint64_t count) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(i);
  return out;
}

TEST(Background, EveryRecordIsWorkedOffOnceInOrder) {
  Notes notes;
  {
    Background background([&](const Background::Batch& batch) { notes.add(batch); });
    background.drain();  // nothing to wait for
    for (std::uint64_t i = 0; i < 100; ++i) {
      background.post(numbered_record(i));
      if (i % 30 == 29) {
        background.drain();
        EXPECT_EQ(notes.all().size(), i + 1);
      }
    }
  }
  EXPECT_EQ(notes.all(), numbers(100)) << "closing works off the rest";
}

TEST(Background, ARequestIsABatchWithoutRecords) {
  Notes notes;
  Background background([&](const Background::Batch& batch) { notes.add(batch); });
  background.request();
  background.drain();
  EXPECT_EQ(notes.batches, (std::vector<std::vector<std::uint64_t>>{{}}));
}

// Goal: a batch begins by itself: when enough is queued, when the writers pause, and in the end although they do not.
TEST(Background, ABatchBeginsByItself) {
  std::promise<std::size_t> begun;
  Background background([&](const Background::Batch& batch) { begun.set_value(batch.size()); });
  {
    const Background::Write under_way(background);
    for (std::uint64_t i = 0; i < Background::kBatchRecords; ++i) background.post(numbered_record(i));
    EXPECT_GT(begun.get_future().get(), 0u);
    background.drain();
    begun = {};
    background.post(numbered_record(99));  // no pause in sight
    EXPECT_EQ(begun.get_future().get(), 1u);
    begun = {};
    background.post(numbered_record(100));
  }
  EXPECT_EQ(begun.get_future().get(), 1u);
}

// Goal: what is thrown ends nothing.
TEST(Background, WorkThatThrowsIsForgotten) {
  int calls = 0;
  Background background([&](const Background::Batch&) {
    if (++calls == 1) throw std::bad_alloc();
  });
  for (int i = 0; i < 2; ++i) {
    background.post(numbered_record(0));
    background.drain();
  }
  EXPECT_EQ(calls, 2);
}

// Holds the first object that is put in place until open().
class GatedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<objectstore::PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                                objectstore::Durability durability) override {
    if (key.find("/data/") != std::string_view::npos && !held_.test_and_set()) {
      reached_.set_value();
      opened_.get_future().wait();
    }
    return inner_->put_if_absent(key, body, durability);
  }
  void wait_until_reached() { reached_.get_future().wait(); }
  void open() { opened_.set_value(); }

 private:
  std::atomic_flag held_;
  std::promise<void> reached_, opened_;
};

bool is_data(const std::string& key) { return key.find("/data/") != std::string::npos; }
bool is_version(const std::string& key, bool detached) {
  const std::size_t at = key.find("/_versions/");
  if (at == std::string::npos) return false;
  const auto version = lance::version_of_name(key.substr(at + 11));
  return (version && *version >= lance::kDetachedVersionMin) == detached;
}

// Goal: commits that wait are put in place together, data of all before manifests of any, and the regular versions
// advance once for all of them.
// Method: the first commit's data file does not get into place before ten more commits wait.
TEST(Background, CommitsThatWaitArePutInPlaceTogether) {
  constexpr std::size_t kWaiting = 10;
  for (const bool local : {true, false}) {
    const auto folder = fresh_directory("background");
    const StorePtr disk = local ? objectstore::open_local_store(folder).value() : objectstore::make_memory_store();
    {
      ASSERT_NE(init_people(disk), nullptr);
    }
    const auto metered = objectstore::make_metered_store(disk);
    const auto gated = std::make_shared<GatedStore>(metered);
    const GraphPtr graph = open_people(gated);
    ASSERT_TRUE(insert_person(*graph, "Ada", 0));
    gated->wait_until_reached();
    for (std::size_t i = 0; i < kWaiting; ++i) {
      ASSERT_TRUE(insert_note(*graph, numbered("n", static_cast<std::int64_t>(i))));
    }
    metered->reset();
    gated->open();
    graph->drain();

    std::vector<std::string> data, detached, regular;
    std::size_t pointers = 0, last_data = 0, first_detached = ~std::size_t{0};
    const auto log = metered->meter().log;
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (log[i].operation != "put_if_absent") continue;
      const bool of_notes = log[i].key.find("/Note-") != std::string::npos;
      if (is_data(log[i].key) && of_notes) {
        data.push_back(log[i].key);
        last_data = i;
      } else if (is_version(log[i].key, true) && of_notes) {
        detached.push_back(log[i].key);
        first_detached = std::min(first_detached, i);
      } else if (is_version(log[i].key, false) && of_notes) {
        regular.push_back(log[i].key);
      }
      pointers += log[i].key.starts_with("commits/") ? 1 : 0;
    }
    EXPECT_EQ(data.size(), kWaiting);
    EXPECT_EQ(detached.size(), kWaiting);
    EXPECT_GE(pointers, kWaiting);  // a far store may have got the first one before
    EXPECT_EQ(regular.size(), 1u) << "the regular versions advanced more than once";
    EXPECT_LT(last_data, first_detached);
    // A new process finds all of it, and the newest regular version is the head's.
    EXPECT_EQ(read_state(disk).value().notes.size(), kWaiting);
    ASSERT_EQ(regular.size(), 1u);
    const auto newest = lance::parse_manifest(disk->get(regular[0]).value(), regular[0]).value();
    EXPECT_EQ(newest.live_rows(), kWaiting);
    EXPECT_EQ(newest.table_metadata.at("omnigraph.commit"), graph->head("main").value()->commit_id());
    std::filesystem::remove_all(folder);
  }
}

// Goal: one write after the other, each by a process that ends, never has to put a long history in place first.
// Method: processes that write to one of two tables in turn, so that every record stays referenced; the requests each
// makes before its publish are counted.
TEST(Background, ShortLivedWritersSettleALittleEach) {
  const StorePtr disk = objectstore::make_memory_store();
  {
    ASSERT_NE(init_people(disk), nullptr);
  }
  std::size_t most_requests = 0, most_records = 0;
  for (int i = 0; i < 80; ++i) {
    const auto metered = objectstore::make_metered_store(disk);
    const GraphPtr graph = open_people(metered);
    ASSERT_TRUE(i % 2 == 0 ? insert_person(*graph, numbered("p", i), i) : insert_note(*graph, numbered("n", i)));
    const auto log = metered->meter().log;
    const auto publish = std::ranges::find(log, "publish", &objectstore::StoreRequest::operation);
    most_requests = std::max(most_requests, static_cast<std::size_t>(publish - log.begin()));
    most_records = std::max(most_records, load_of(graph->head("main").value()->record().attached).records);
  }
  // To open and to look at the fragments takes most of them; settling two records about ten.
  EXPECT_LE(most_requests, 60u);
  EXPECT_LE(most_records, kAttachedRecordsMax);
  const State state = read_state(disk).value();
  EXPECT_EQ(state.people.size() + state.notes.size(), 80u);
}

}  // namespace
}  // namespace omnigraph::graph::testing
