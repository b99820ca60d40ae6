#include "graph/layout.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace omnigraph::graph {
namespace {

TEST(Layout, RecordKeysListNewestFirst) {
  EXPECT_EQ(record_key("main", 0), "log/main/18446744073709551615.commit");
  EXPECT_EQ(record_key("a/b", 1), "log/a%2Fb/18446744073709551614.commit");
  for (const std::uint64_t seq : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, ~std::uint64_t{0} - 1}) {
    EXPECT_EQ(seq_of_record_key(record_key("main", seq)), seq);
    EXPECT_GT(record_key("main", seq), record_key("main", seq + 1));
  }
  EXPECT_EQ(seq_of_record_key("log/main/x.commit"), std::nullopt);
  EXPECT_EQ(seq_of_record_key("log/main/18446744073709551615.manifest"), std::nullopt);
  EXPECT_EQ(seq_of_record_key("log/main/99999999999999999999.commit"), std::nullopt);
}

TEST(Layout, BranchNamesEncodeToOneSegmentAndBack) {
  for (const char* name : {"main", "a/b", ".x", "a.b", "größe", "日本/x", "%"}) {
    const std::string segment = encode_branch(name);
    EXPECT_EQ(segment.find('/'), std::string::npos);
    EXPECT_NE(segment.front(), '.') << "listings skip names that start with a dot";
    EXPECT_EQ(decode_branch(segment), name);
  }
  EXPECT_EQ(encode_branch("a.b-c_d/e"), "a.b-c_d%2Fe");
  EXPECT_EQ(decode_branch("%2f"), std::nullopt) << "one name, one spelling";
  EXPECT_EQ(decode_branch("a b"), std::nullopt);
}

TEST(Layout, BranchNamesAreTrimmedAndChecked) {
  EXPECT_EQ(checked_branch_name("  feature/x \n").value(), "feature/x");
  EXPECT_EQ(checked_branch_name("\xC2\xA0größe\xE3\x80\x80").value(), "größe");
  EXPECT_EQ(checked_branch_name("").error().message, "branch name cannot be empty");
  for (const char* bad : {" ", "/", "a//b", "a/", "/a", "a b", "a..b", "x.lock", "__schema_apply_lock__", "a\tb", "a%b",
                          "a\xE2\x80\x8B"
                          "b",
                          "\xff"}) {
    const auto checked = checked_branch_name(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, Code::kBadRequest);
  }
  EXPECT_TRUE(checked_branch_name(std::string(255, 'a')));
  EXPECT_FALSE(checked_branch_name(std::string(256, 'a')));
  EXPECT_FALSE(checked_branch_name(std::string(100, '/').replace(0, 0, "x")));
}

TEST(Layout, KeysOfATable) {
  const std::string root = table_root(schema::EntityKind::kNode, "Person", "01ARZ");
  EXPECT_EQ(root, "tables/node/Person-01ARZ");
  EXPECT_EQ(table_root_of(root + "/_versions/d9223372036854775813.manifest"), root);
  lance::Fragment fragment;
  fragment.id = 3;
  fragment.files.push_back({.path = "abc.lnc", .fields = {}, .column_indices = {}, .base_id = std::nullopt});
  EXPECT_EQ(deletion_copy_key(root, fragment, {.read_version = 1, .id = 7, .base_id = std::nullopt}),
            root + "/deletes/abc-7.bin");
}

}  // namespace
}  // namespace omnigraph::graph
