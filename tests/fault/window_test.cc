// The scenarios of the protocol model (models/commit_protocol.py) that need a clock: somebody stalls, meanwhile others
// write, days pass and old records are removed; then he goes on.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/clock.h"
#include "base/hash.h"
#include "graph/layout.h"
#include "tests/graph/forwarding_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::int64_t kWindowHourUs = std::int64_t{3600} * 1'000'000;

enum class Stall { kBeforePreparing, kBeforeSending };

// The first publish under a prefix stalls.
class StallingStore final : public ForwardingStore {
 public:
  StallingStore(StorePtr inner, std::string prefix, Stall where, std::function<void()> meanwhile)
      : ForwardingStore(std::move(inner)),
        prefix_(std::move(prefix)),
        where_(where),
        meanwhile_(std::move(meanwhile)) {}
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    const bool stalls = key.starts_with(prefix_) && !std::exchange(stalled_, true);
    if (stalls && where_ == Stall::kBeforePreparing) meanwhile_();
    return inner_->publish(key, body, [&]() -> Result<void> {
      OG_RETURN_IF_ERROR(before_effect());
      if (stalls && where_ == Stall::kBeforeSending) meanwhile_();
      return {};
    });
  }

 private:
  const std::string prefix_;
  const Stall where_;
  const std::function<void()> meanwhile_;
  bool stalled_ = false;
};

struct WindowTest : ::testing::TestWithParam<Stall> {
  ManualClock clock{1'790'000'000'000'000};
  StorePtr disk = objectstore::make_memory_store(clock);
  StoreOptions options{.clock = &clock};
  GraphPtr other = init_people(disk, options);  // never stalls

  void SetUp() override { ASSERT_TRUE(insert_person(*other, "Ada", 1)); }

  GraphPtr stalling(std::string prefix, std::function<void()> meanwhile) {
    return open_people(std::make_shared<StallingStore>(disk, std::move(prefix), GetParam(), std::move(meanwhile)),
                       options);
  }
  // Who stalls for longer than records are kept cannot tell whether his request took effect: he is told so, and asks
  // again.
  template <class Call>
  auto told_in_the_end(Call&& call) {
    auto told = call();
    if (!told && told.error().code == Code::kInternal && GetParam() == Stall::kBeforeSending) told = call();
    return told;
  }
  // Two days pass; of every log only the newest record and what its attachments are read from stay.
  void age_and_clean() {
    other->drain();
    clock.advance_us(48 * kWindowHourUs);
    const auto log = keys_under(disk, "log/");
    std::set<std::string> kept, branches;
    for (const std::string& key : log) {
      if (!branches.insert(key.substr(0, key.rfind('/'))).second) continue;
      kept.insert(key);
      const auto record = decode_record(disk->get(key).value(), key).value();
      for (const auto& [attached, at] : record.attached) kept.insert(record_key(at.branch, at.seq));
    }
    for (const std::string& key : log) {
      if (kept.contains(key)) continue;
      ASSERT_TRUE(disk->remove(key));
    }
  }
  State state(std::string_view branch) {
    const auto head = open_people(disk, {.clock = &clock, .background_settle = false})->head(branch);
    EXPECT_TRUE(head) << head.error().render();
    const auto read = head ? state_of(**head) : std::unexpected(head.error());
    EXPECT_TRUE(read) << read.error().render();
    return read.value_or(State{});
  }
  std::uint64_t newest(std::string_view branch) {
    return seq_of_record_key(keys_under(disk, log_prefix(branch)).front()).value();
  }
};

TEST_P(WindowTest, AStalledWriterTakesNoFreedSlot) {
  const GraphPtr graph = stalling("log/main/", [&] {
    for (const char* name : {"Bo", "Cy", "Di"}) ASSERT_TRUE(insert_person(*other, name));
    age_and_clean();
  });
  const auto told = told_in_the_end([&] { return birthday(*graph, "Ada"); });
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(state("main").people, (People{{"Ada", 2}, {"Bo", 1}, {"Cy", 1}, {"Di", 1}}));
  EXPECT_EQ(open_people(disk, options)->head("main").value()->commit_id(), told->commit->id);
}

TEST_P(WindowTest, AStalledForkStartsFromWhatIsThere) {
  const GraphPtr graph = stalling("log/new/", [&] {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(birthday(*other, "Ada"));
    age_and_clean();
  });
  ASSERT_TRUE(graph->head("main"));
  const auto told = told_in_the_end([&] { return graph->create_branch("new", "main"); });
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(state("new"), state("main"));
  const auto forked = open_people(disk, options)->head("new").value()->record().forked_from;
  ASSERT_TRUE(forked);
  EXPECT_TRUE(disk->head(record_key(forked->branch, forked->seq))) << "the branch rests on a record that is gone";
}

// A write publishes within 12 hours of its first upload: cleanup spares unreferenced objects for 24.
TEST_P(WindowTest, AStalledUploadPublishesInTimeOrNotAtAll) {
  for (const std::int64_t hours : {3, 13}) {
    const std::uint64_t before = newest("main");
    const GraphPtr graph = stalling("log/main/", [&] { clock.advance_us(hours * kWindowHourUs); });
    const std::size_t notes = state("main").notes.size();
    const auto told = graph->write({.kind = CommitKind::kLoad}, [&](WriteTransaction& transaction) -> Result<void> {
      std::vector<std::string> texts;
      for (int i = 0; i < 40; ++i) texts.push_back(base::to_hex(base::random_bytes(10'000)));
      transaction.put(note_rows(*transaction.base()->catalog(), texts), PutMode::kAppend, true);
      return {};
    });
    if (hours < 12) {
      ASSERT_TRUE(told) << told.error().render();
      EXPECT_EQ(state("main").notes.size(), notes + 40);
      continue;
    }
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, Code::kUnavailable) << told.error().render();
    EXPECT_EQ(newest("main"), before);
  }
}

// Goal: a name that was free an hour ago may have lived, died and lost its first record since: its first slot is no
// proof any more.
TEST_P(WindowTest, AFreeNameIsLookedForAgainAfterAnHour) {
  const GraphPtr graph = open_people(disk, options);
  ASSERT_TRUE(graph->head("main"));
  ASSERT_FALSE(graph->head("w"));
  ASSERT_TRUE(other->create_branch("w", "main"));
  ASSERT_TRUE(insert_person(*other, "Old", 1, {.branch = "w"}));
  ASSERT_TRUE(other->delete_branch("w"));
  age_and_clean();
  const std::uint64_t tombstone = newest("w");
  const auto told = graph->create_branch("w", "main");
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(newest("w"), tombstone + 1);
  EXPECT_EQ(state("w"), state("main"));
}

// Goal: of two who create a branch after its deletion one wins, however long the other stalls.
TEST_P(WindowTest, TwoCreatorsOfADeletedBranch) {
  ASSERT_TRUE(other->create_branch("w", "main"));
  ASSERT_TRUE(insert_person(*other, "Old", 1, {.branch = "w"}));
  ASSERT_TRUE(other->delete_branch("w"));
  age_and_clean();
  const std::uint64_t tombstone = newest("w");
  {
    const GraphPtr loser = stalling("log/w/", [&] { ASSERT_TRUE(other->create_branch("w", "main")); });
    const auto told = loser->create_branch("w", "main");
    ASSERT_FALSE(told) << "both were told that they created it";
    EXPECT_EQ(told.error().code, Code::kConflict) << told.error().render();
    EXPECT_EQ(newest("w"), tombstone + 1);
  }
  ASSERT_TRUE(other->delete_branch("w"));
  age_and_clean();
  const std::uint64_t second = newest("w");
  const GraphPtr late = stalling("log/w/", [&] {
    ASSERT_TRUE(other->create_branch("w", "main"));
    ASSERT_TRUE(insert_person(*other, "Gone", 1, {.branch = "w"}));
    ASSERT_TRUE(other->delete_branch("w"));
    age_and_clean();
  });
  const auto told = told_in_the_end([&] { return late->create_branch("w", "main"); });
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(newest("w"), second + 4) << "a freed slot was taken";
  EXPECT_EQ(state("w"), state("main"));
}

// Goal: a write to a branch that was deleted and made again meanwhile lands on the new one or nowhere.
TEST_P(WindowTest, AWriterOfADeletedBranch) {
  ASSERT_TRUE(other->create_branch("w", "main"));
  const GraphPtr graph = stalling("log/w/", [&] {
    ASSERT_TRUE(other->delete_branch("w"));
    ASSERT_TRUE(birthday(*other, "Ada"));
    ASSERT_TRUE(other->create_branch("w", "main"));
    age_and_clean();
  });
  const auto told = told_in_the_end([&] { return birthday(*graph, "Ada", {.branch = "w"}); });
  ASSERT_TRUE(told) << told.error().render();
  EXPECT_EQ(state("w").people.at("Ada"), 3);
  EXPECT_EQ(open_people(disk, options)->head("w").value()->commit_id(), told->commit->id);
}

TEST_P(WindowTest, AnIdleReaderSeesTheTrueHead) {
  const GraphPtr reader = open_people(disk, options);
  ASSERT_TRUE(reader->head("main"));
  for (const char* name : {"Bo", "Cy"}) ASSERT_TRUE(insert_person(*other, name));
  age_and_clean();
  EXPECT_EQ(people_in(*reader->head("main").value()).value().size(), 3u);
  EXPECT_FALSE(birthday(*reader, "Nobody"));
  ASSERT_TRUE(birthday(*reader, "Cy"));
  EXPECT_EQ(state("main").people.at("Cy"), 2);
}

INSTANTIATE_TEST_SUITE_P(Stalls, WindowTest, ::testing::Values(Stall::kBeforePreparing, Stall::kBeforeSending),
                         [](const auto& param) {
                           return param.param == Stall::kBeforePreparing ? "BeforePreparing" : "BeforeSending";
                         });

}  // namespace
}  // namespace omnigraph::graph::testing
