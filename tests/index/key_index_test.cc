#include "index/key_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "columnar/builder.h"

namespace omnigraph::index {
namespace {

columnar::ArrayPtr id_array(const std::vector<std::string>& ids) {
  columnar::ArrayBuilder builder(columnar::utf8());
  for (const std::string& id : ids) builder.append_string(id);
  return builder.finish();
}

std::vector<std::uint32_t> positions(const KeyIndex& index, std::string_view id) {
  std::vector<std::uint32_t> found;
  index.find(id, [&](std::uint32_t position) {
    found.push_back(position);
    return true;
  });
  return found;
}

TEST(KeyIndex, FindsEveryPositionAscending) {
  const auto index = KeyIndex::build({columnar::utf8(), {id_array({"a", "b", "a", "", "a"})}});
  EXPECT_THAT(positions(*index, "a"), testing::ElementsAre(0, 2, 4));
  EXPECT_THAT(positions(*index, ""), testing::ElementsAre(3));
  EXPECT_TRUE(positions(*index, "c").empty());
  EXPECT_EQ(index->find_first("a"), 0u);
  EXPECT_EQ(index->find_first("zz"), std::nullopt);
  int visits = 0;
  index->find("a", [&](std::uint32_t) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

TEST(KeyIndex, EmptyAndNulls) {
  EXPECT_TRUE(positions(*KeyIndex::build({columnar::utf8(), {}}), "a").empty());
  columnar::ArrayBuilder builder(columnar::utf8());
  builder.append_null();
  builder.append_string("x");
  const auto index = KeyIndex::build({columnar::utf8(), {builder.finish()}});
  EXPECT_TRUE(positions(*index, "").empty());
  EXPECT_THAT(positions(*index, "x"), testing::ElementsAre(1));
}

// Goal: every position of every id and nothing else, over several chunks.
// Method: random ids, many repeated, against a multimap, with a printed seed.
TEST(KeyIndex, AgreesWithAMultimap) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    std::unordered_multimap<std::string, std::uint32_t> model;
    std::vector<columnar::ArrayPtr> chunks;
    std::uint32_t next = 0;
    for (std::size_t c = 0; c < 1 + random() % 4; ++c) {
      std::vector<std::string> ids(1 + random() % 3000);
      for (std::string& id : ids) {
        id = "node-" + std::to_string(random() % 4000);
        model.emplace(id, next++);
      }
      chunks.push_back(id_array(ids));
    }
    const auto index = KeyIndex::build({columnar::utf8(), chunks});
    for (int id = 0; id < 4500; ++id) {
      const std::string text = "node-" + std::to_string(id);
      std::vector<std::uint32_t> expected;
      const auto [begin, end] = model.equal_range(text);
      for (auto at = begin; at != end; ++at) expected.push_back(at->second);
      std::ranges::sort(expected);
      ASSERT_EQ(positions(*index, text), expected) << text;
    }
  }
}

// An index that was kept finds the same rows, and is refused for other ids.
TEST(KeyIndex, OpensWhereItLies) {
  std::vector<std::string> ids(5000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = "node-" + std::to_string(i % 4321);
  const columnar::ChunkedArray column{columnar::utf8(), {id_array(ids)}};
  const IndexSource source{.kind = IndexKind::kKey, .rows = ids.size(), .parameters = 3};
  const Buffer bytes = KeyIndex::build(column)->file(source);
  EXPECT_EQ(bytes.text(), KeyIndex::build(column)->file(source).text());
  const auto index = KeyIndex::open(bytes, source, column);
  ASSERT_TRUE(index) << index.error().message;
  for (const std::string& id : ids) {
    std::vector<std::uint32_t> expected;
    for (std::size_t i = std::stoul(id.substr(5)); i < ids.size(); i += 4321) {
      expected.push_back(static_cast<std::uint32_t>(i));
    }
    ASSERT_EQ(positions(**index, id), expected) << id;
  }
  EXPECT_TRUE(positions(**index, "node-4321").empty());
  ids.pop_back();
  EXPECT_FALSE(KeyIndex::open(bytes, source, {columnar::utf8(), {id_array(ids)}}));
}

// Objects that are whole but would lead a look-up beyond the ids are refused.
TEST(KeyIndex, RefusesTablesThatLeadAstray) {
  const columnar::ChunkedArray column{columnar::utf8(), {id_array({"a", "b", "c"})}};
  const IndexSource source{.kind = IndexKind::kKey, .rows = 3, .parameters = 3};
  const auto opens = [&](const std::vector<std::uint32_t>& starts, const std::vector<std::uint32_t>& entries) {
    columnar::ByteSink stream;
    append_stream(entries, 10, stream);  // two bits of a position, eight of a hash
    std::memset(stream.extend(kBitPadding), 0, kBitPadding);
    IndexFileWriter writer(source);
    writer.add(std::span(starts));
    writer.add(std::span<const std::byte>(stream.data(), stream.size()));
    return KeyIndex::open(writer.finish(), source, column).has_value();
  };
  EXPECT_TRUE(opens({0, 1, 3}, {2, 1, 0}));
  EXPECT_TRUE(opens({0, 0, 2}, {2, 1})) << "a null has no entry";
  EXPECT_FALSE(opens({0, 1, 3}, {2, 1, 3})) << "a row that is not there";
  EXPECT_FALSE(opens({0, 2, 1}, {2})) << "a bucket that ends before it begins";
  EXPECT_FALSE(opens({0, 1, 3}, {2, 1})) << "fewer entries than buckets hold";
  EXPECT_FALSE(opens({0, 1, 4}, {2, 1, 0, 0})) << "more entries than rows";
  EXPECT_FALSE(opens({0, 1, 2, 3}, {2, 1, 0})) << "three buckets";
}

}  // namespace
}  // namespace omnigraph::index
