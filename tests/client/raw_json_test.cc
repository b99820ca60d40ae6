#include "client/raw_json.h"

#include <gtest/gtest.h>

namespace omnigraph::client {
namespace {

TEST(RawJson, CompactsWithoutChangingTokens) {
  EXPECT_EQ(compact_json(" { \"a b\" : [ 1e22 , 1.0,\n-0.0 ] , \"c\\\"\\u00e9\" : \" x \" } "),
            "{\"a b\":[1e22,1.0,-0.0],\"c\\\"\\u00e9\":\" x \"}");
  EXPECT_EQ(compact_json("7"), "7");
  for (const char* broken : {"", "{", "[1,]", "nul", "{\"a\":1}x", "\"\\ud800\"", "\"\xff\""}) {
    EXPECT_EQ(compact_json(broken), std::nullopt) << broken;
  }
}

TEST(RawJson, MembersAndItemsAreSlices) {
  const std::string text = R"({"a":{"b":[1,"}"]},"c\n":"x","d":[],"e":null})";
  const auto members = json_members(text);
  ASSERT_EQ(members.size(), 4U);
  EXPECT_EQ(members[0].second, R"({"b":[1,"}"]})");
  EXPECT_EQ(members[1].first, "c\n");
  EXPECT_EQ(members[3].second, "null");
  EXPECT_EQ(json_member(text, "d"), "[]");
  EXPECT_TRUE(json_member(text, "none").empty());
  EXPECT_TRUE(json_members("{}").empty());
  EXPECT_TRUE(json_members("[1]").empty());
  EXPECT_TRUE(json_items("[]").empty());
  EXPECT_TRUE(json_items("{}").empty());
  const auto items = json_items(R"([{"x":"],["},[2],"a\\",true])");
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0], R"({"x":"],["})");
  EXPECT_EQ(items[2], R"("a\\")");
  EXPECT_EQ(items[3], "true");
}

TEST(RawJson, StringsAreUnescaped) {
  EXPECT_EQ(json_string(R"("plain")"), "plain");
  EXPECT_EQ(json_string(R"("a\"\u00e9\n")"), "a\"\xc3\xa9\n");
  EXPECT_EQ(json_string("\"\""), "");
  EXPECT_EQ(json_string("1"), std::nullopt);
}

}  // namespace
}  // namespace omnigraph::client
