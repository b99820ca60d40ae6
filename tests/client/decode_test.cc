#include "client/decode.h"

#include <gtest/gtest.h>

#include "client/remote_read.h"

namespace omnigraph::client {
namespace {

TEST(ErrorOf, TakesTheServersWords) {
  const Error denied = error_of({403, {}, R"({ "error": "policy denied", "code": "forbidden" })"});
  EXPECT_EQ(denied.code, Code::kForbidden);
  EXPECT_EQ(denied.message, "policy denied");
  ASSERT_NE(denied.detail, nullptr);
  EXPECT_EQ(denied.detail->json, R"({"error":"policy denied","code":"forbidden"})");
  const Error page = error_of({502, {}, "<html>\n"});
  EXPECT_EQ(page.code, Code::kInternal);
  EXPECT_EQ(page.message, "server returned 502: <html>");
  EXPECT_EQ(page.detail, nullptr);
  EXPECT_EQ(error_of({404, {}, R"({"error":7})"}).message, R"(server returned 404: {"error":7})");
}

TEST(ErrorOf, OnlyAFailedPreconditionIsOne) {
  EXPECT_EQ(error_of({412, {}, R"({"error":"x","precondition_failure":{"expected":"A"}})"}).code,
            Code::kPreconditionFailed);
  EXPECT_EQ(error_of({412, {}, R"({"error":"x","code":"conflict"})"}).code, Code::kConflict);
  EXPECT_EQ(error_of({412, {}, "?"}).code, Code::kConflict);
}

TEST(Decode, KeepsNullsAndIgnoresNewMembers) {
  const auto commit = decode_commit(
      R"({"graph_commit_id":"C","graph_branch":null,"graph_manifest_version":3,"parent_commit_id":"P",
          "merged_parent_commit_id":null,"actor_id":null,"created_at":-5,"later":{}})");
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->graph_branch, std::nullopt);
  EXPECT_EQ(commit->parent_commit_id, "P");
  EXPECT_EQ(commit->created_at, -5);
  const auto change = decode_branch_change(R"({"uri":"u","name":"n","actor_id":"amy"})");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->from, "");
  EXPECT_EQ(change->actor_id, "amy");
}

TEST(Decode, OtherShapesAreErrors) {
  for (const char* body : {"{}", "[]", R"({"branches":7})", R"({"branches":[1]})"}) {
    const auto branches = decode_branches(body);
    ASSERT_FALSE(branches) << body;
    EXPECT_EQ(branches.error().code, Code::kInternal);
    EXPECT_NE(branches.error().message.find("list of branches"), std::string::npos);
  }
  EXPECT_FALSE(decode_mutate_answer(R"({"branch":"main","query_name":"q","affected_nodes":-1,"affected_edges":"x"})"));
}

TEST(RemoteRead, KeepsSpellingsAndOrders) {
  const auto read = remote_read_of(
      R"({"query_name":"q","target":{"branch":"main","snapshot":null},"row_count":2,"columns":["b","a"],"rows":[{"b":1e22,"a":"x\"y"},{"a":[1,2]}],"graph_commit_id":"C"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->target.branch, "main");
  EXPECT_EQ(read->target.snapshot, std::nullopt);
  EXPECT_EQ(read->columns, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(read->cells, (std::vector<std::vector<std::string>>{{"1e22", R"("x\"y")"}, {"null", "[1,2]"}}));
}

TEST(RemoteRead, WithoutColumnsTheRowsDecide) {
  const auto read = remote_read_of(R"({"query_name":"q","target":{},"row_count":2,"rows":[{"z":1},{"a":2}]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->columns, (std::vector<std::string>{"a", "z"}));
  EXPECT_FALSE(remote_read_of(R"({"branch":"main","affected_nodes":1})"));
}

TEST(UrlOf, EncodesSegmentsAndValues) {
  const std::string path[] = {"graphs", "g", "branches", "a/b c"};
  const std::pair<std::string, std::string> query[] = {{"branch", "x&y"}, {"mode", "merge"}};
  EXPECT_EQ(url_of("http://h", path, query), "http://h/graphs/g/branches/a%2Fb%20c?branch=x%26y&mode=merge");
  const std::string empty[] = {"branches", ""};
  EXPECT_FALSE(url_of("http://h", empty));
}

}  // namespace
}  // namespace omnigraph::client
