#include "objectstore/observed_store.h"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "base/phase_clock.h"

namespace omnigraph::objectstore {
namespace {

struct Seen {
  StoreOperation operation;
  StoreOutcome outcome;
  std::uint64_t read, written;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class Recorder final : public StoreObserver {
 public:
  Ticket begin(StoreOperation operation, std::string_view) override {
    return {static_cast<std::uint64_t>(operation), 7, 0};
  }
  void end(const Ticket& ticket, StoreOperation operation, StoreOutcome outcome, std::uint64_t read,
           std::uint64_t written) override {
    EXPECT_EQ(ticket, (Ticket{static_cast<std::uint64_t>(operation), 7, 0}));
    seen.push_back({operation, outcome, read, written});
  }
  std::vector<Seen> seen;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(ObservedStore, TellsOutcomesAndBytes) {
  const auto recorder = std::make_shared<Recorder>();
  const auto store = make_observed_store(make_memory_store(), recorder);
  base::PhaseClock clock;
  ASSERT_TRUE(store->put_if_absent("a", bytes_of("four")));
  ASSERT_TRUE(store->put_if_absent("a", bytes_of("other")));
  ASSERT_TRUE(store->get("a"));
  EXPECT_FALSE(store->get("none"));
  EXPECT_FALSE(store->head("none"));
  ASSERT_TRUE(store->put_if_match("a", bytes_of("five5"), "no such tag"));
  ASSERT_TRUE(store->list(""));
  EXPECT_FALSE(store->put("/bad//key", bytes_of("x")));
  {
    const auto upload = store->open_upload("b");
    ASSERT_TRUE(upload);
    ASSERT_TRUE((*upload)->append(bytes_of("123")));
    ASSERT_TRUE((*upload)->finish());
  }
  ASSERT_TRUE(store->open_upload("dropped"));  // and dropped
  using Op = StoreOperation;
  using Out = StoreOutcome;
  const std::vector<Seen> expected = {
      {Op::kPutIfAbsent, Out::kOk, 0, 4}, {Op::kPutIfAbsent, Out::kExists, 0, 0}, {Op::kGet, Out::kOk, 4, 0},
      {Op::kGet, Out::kAbsent, 0, 0},     {Op::kHead, Out::kAbsent, 0, 0},        {Op::kPutIfMatch, Out::kExists, 0, 0},
      {Op::kList, Out::kOk, 0, 0},        {Op::kPut, Out::kFailed, 0, 0},         {Op::kUpload, Out::kOk, 0, 3},
      {Op::kUpload, Out::kFailed, 0, 0},
  };
  EXPECT_EQ(recorder->seen, expected);
  EXPECT_EQ(clock.requests(), expected.size());
  EXPECT_GT(clock.spent(base::Phase::kStorage).count(), 0);
}

}  // namespace
}  // namespace omnigraph::objectstore
