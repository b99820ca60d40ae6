// A write publishes within 12 hours of its first upload (chapter 09 section 5), large Blobs included, which go to the
// store before any data file: cleanup would take them for left-overs.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/text.h"
#include "graph/moment.h"
#include "tests/engine/changes_support.h"
#include "tests/graph/forwarding_store.h"

namespace omnigraph::engine::testing_support {
namespace {

// Putting a Blob is followed by hours of something else.
class SlowBlobStore final : public graph::testing::ForwardingStore {
 public:
  SlowBlobStore(std::shared_ptr<objectstore::ObjectStore> inner, ManualClock& clock)
      : ForwardingStore(std::move(inner)), clock_(clock) {}
  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    OG_RETURN_IF_ERROR(inner_->put(key, body, durability));
    if (key.starts_with("blobs/")) clock_.advance_us(hours * graph::kMicrosPerHour);
    return {};
  }
  std::int64_t hours = 0;

 private:
  ManualClock& clock_;
};

struct UploadAgeTest : ::testing::Test {
  ManualClock clock{1'790'000'000'000'000};
  const std::shared_ptr<SlowBlobStore> store =
      std::make_shared<SlowBlobStore>(objectstore::make_memory_store(clock), clock);
  const std::shared_ptr<Graph> graph = fresh();
  const std::string payload = "base64:" + base::base64_encode(std::string(100'000, 'b'));

  std::shared_ptr<Graph> fresh() {
    OpenOptions options;
    options.store.clock = &clock;
    EXPECT_TRUE(Graph::init_on(store, "memory", kSchema));
    return Graph::open_on(store, "memory", options).value();
  }
  // Docks after the write, which takes `hours` from its Blob to its publish.
  std::uint64_t docks() { return graph->snapshot("main").value().datasets.back().entity_count; }
  void expect_in_time_only(const std::function<std::optional<Error>()>& write) {
    for (const std::int64_t hours : {11, 13}) {
      const std::uint64_t before = docks();
      store->hours = hours;
      const std::optional<Error> error = write();
      if (hours < 12) {
        EXPECT_FALSE(error) << error->render();
        EXPECT_EQ(docks(), before + 1);
        continue;
      }
      ASSERT_TRUE(error);
      EXPECT_EQ(error->code, Code::kUnavailable) << error->render();
      EXPECT_NE(error->message.find("more than 12 hours"), std::string::npos) << error->message;
      EXPECT_EQ(docks(), before);
    }
  }
};

TEST_F(UploadAgeTest, ALoad) {
  expect_in_time_only([&]() -> std::optional<Error> {
    const auto told = load(*graph, R"({"type":"Dock","data":{"name":"d","img":")" + payload + "\"}}\n");
    return told ? std::nullopt : std::optional(told.error());
  });
}

TEST_F(UploadAgeTest, AMutation) {
  expect_in_time_only([&]() -> std::optional<Error> {
    const auto told = graph->mutate("query q($img: Blob) { insert Dock { name: \"d\", img: $img } }", "",
                                    "{\"img\":\"" + payload + "\"}", {});
    return told ? std::nullopt : std::optional(told.error());
  });
}

}  // namespace
}  // namespace omnigraph::engine::testing_support
