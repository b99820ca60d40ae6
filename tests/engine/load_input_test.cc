// Loads whose schema another process changed a moment ago (engine/load_input.h): on a far store the input is parsed
// with the schema that this process knows.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/graph.h"
#include "engine/load_input.h"
#include "engine/schema_change.h"
#include "objectstore/metered_store.h"

namespace omnigraph::engine {
namespace {

constexpr std::string_view kBefore = "node Ship { name: String @key }\n";
constexpr std::string_view kAfter = "node Ship { name: String @key  tons: I64? }\n";

struct LoadInputTest : testing::Test {
  const std::shared_ptr<objectstore::ObjectStore> store = objectstore::make_memory_store();
  const std::shared_ptr<Graph> one = Graph::init_on(store, "memory", kBefore).value();
  const std::shared_ptr<Graph> two = Graph::open_on(store, "memory").value();

  // Of a source that gives every byte once, `step` at a time.
  static Result<LoadAnswer> load(Graph& graph, const std::string& lines, std::size_t step = 1 << 20) {
    std::size_t done = 0;
    const ByteSource source = [&](std::span<std::byte> out) -> Result<std::size_t> {
      const std::size_t size = std::min({out.size(), lines.size() - done, step});
      std::copy_n(reinterpret_cast<const std::byte*>(lines.data()) + done, size, out.begin());
      done += size;
      return size;
    };
    LoadRequest request;
    request.mode = LoadMode::kAppend;
    return graph.load(source, request);
  }
  static std::string ships(const std::string& prefix, int count, const std::string& more) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines += R"({"type":"Ship","data":{"name":")" + prefix + std::to_string(i) + '"' + more + "}}\n";
    }
    return lines;
  }
};

TEST_F(LoadInputTest, ANewPropertyIsTakenAlthoughTheSchemaCameFromAnotherProcess) {
  ASSERT_TRUE(load(*two, ships("a", 3, "")));
  ASSERT_TRUE(one->apply_schema(kAfter, {}));
  const auto loaded = load(*two, ships("b", 3, R"(,"tons":5)"));
  ASSERT_TRUE(loaded) << loaded.error().render();
  EXPECT_EQ(loaded->total_entities, 3u);
}

// Goal: rows that both schemas take are stored under the new one.
TEST_F(LoadInputTest, RowsThatBothSchemasTake) {
  ASSERT_TRUE(load(*two, ships("a", 3, "")));
  ASSERT_TRUE(one->apply_schema(kAfter, {}));
  const auto loaded = load(*two, ships("b", 3, ""), 7);
  ASSERT_TRUE(loaded) << loaded.error().render();
  EXPECT_EQ(two->snapshot("main").value().datasets.at(0).entity_count, 6u);
}

// More input than is kept: the parser waits for the head, and nothing is lost.
TEST_F(LoadInputTest, MoreThanIsKept) {
  ASSERT_TRUE(load(*two, ships("a", 1, "")));
  ASSERT_TRUE(one->apply_schema(kAfter, {}));
  std::string lines = ships("b", 2'000, R"(,"tons":5)");
  lines += std::string(kLoadInputKeptMax, '\n');
  lines += ships("c", 2'000, R"(,"tons":5)");
  const auto loaded = load(*two, lines);
  ASSERT_TRUE(loaded) << loaded.error().render();
  EXPECT_EQ(loaded->total_entities, 4'000u);
}

TEST_F(LoadInputTest, WhatTheConfirmedSchemaRefusesIsRefused) {
  ASSERT_TRUE(load(*two, ships("a", 1, "")));
  ASSERT_TRUE(one->apply_schema(kAfter, {}));
  EXPECT_NE(load(*two, ships("b", 1, R"(,"draft":5)")).error().message.find("draft"), std::string::npos);
  EXPECT_NE(load(*one, ships("b", 1, R"(,"draft":5)")).error().message.find("draft"), std::string::npos);
}

// Goal: chapter 09 section 5: the publish proves the head, so a load asks for nothing but its upload and its publish.
TEST_F(LoadInputTest, AWarmLoadAsksForNoConfirmation) {
  const auto metered = objectstore::make_metered_store(store);
  OpenOptions quiet;
  quiet.store.background_settle = false;
  const auto graph = Graph::open_on(metered, "memory", quiet).value();
  ASSERT_TRUE(load(*graph, ships("a", 1, "")));
  metered->reset();
  ASSERT_TRUE(load(*graph, ships("b", 10, "")));
  EXPECT_EQ(metered->meter().requests, 1u);
}

}  // namespace
}  // namespace omnigraph::engine
