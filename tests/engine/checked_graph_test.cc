// Writes through a handle with a policy checker.

#include "engine/checked_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objectstore/object_store.h"

namespace omnigraph::engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kAdd = "query q() { insert Ship { name: \"Ada\" } }";

constexpr std::string_view kBundle = R"(
version: 1
groups: { crew: [ana] }
protected_branches: [main]
rules:
  - { id: edit, allow: { actors: { group: crew }, actions: [change], branch_scope: unprotected } }
  - { id: fork, allow: { actors: { group: crew }, actions: [branch_create], target_branch_scope: unprotected } }
cedar: |
  permit(principal, action, resource) when { context.branch == "odd" && 9223372036854775807 + 1 == 0 };
)";

struct CheckedGraphTest : testing::Test {
  CheckedGraphTest() {
    auto made = Graph::init_on(objectstore::make_memory_store(), "memory", "node Ship { name: String @key }");
    EXPECT_TRUE(made) << made.error().render();
    graph = *made;
    checked = std::make_unique<CheckedGraph>(
        graph, policy::Bundle::parse(kBundle, policy::BundleKind::kGraph, "fleet").value());
  }
  static MutateRequest by(std::optional<std::string> actor, std::string branch) {
    return {.branch = std::move(branch), .actor = std::move(actor), .if_commit = {}};
  }
  std::size_t commit_count() { return graph->commits("main").value().size(); }

  std::shared_ptr<Graph> graph;
  std::unique_ptr<CheckedGraph> checked;
};

TEST_F(CheckedGraphTest, RefusesAWriteWithoutActor) {
  const std::size_t before = commit_count();
  for (const auto& actor : {std::optional<std::string>(), std::optional<std::string>("  ")}) {
    const auto refused = checked->mutate(kAdd, "", "", by(actor, "main"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kForbidden);
    EXPECT_THAT(refused.error().message, StartsWith("no actor "));
    EXPECT_THAT(checked->create_branch("dev", "main", actor).error().message, StartsWith("no actor "));
    EXPECT_THAT(checked->delete_branch("dev", actor).error().message, StartsWith("no actor "));
  }
  EXPECT_THAT(checked->merge({.source = "dev"}).error().message, StartsWith("no actor "));
  EXPECT_THAT(checked->apply_schema("node Ship { name: String @key }", {}).error().message, StartsWith("no actor "));
  EXPECT_EQ(commit_count(), before);
}

TEST_F(CheckedGraphTest, LetsThroughWhatTheBundleAllowsAndNothingElse) {
  const auto denied = checked->mutate(kAdd, "", "", by("ana", "main"));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().message, "policy denied: policy denied action 'change' on branch 'main' for actor 'ana'");
  ASSERT_TRUE(checked->create_branch("dev", "main", "ana"));
  EXPECT_TRUE(checked->mutate(kAdd, "", "", by("ana", "dev")));
  EXPECT_THAT(checked->merge({.source = "dev", .target = "main", .actor = "ana"}).error().message,
              HasSubstr("action 'branch_merge' on branch 'dev' targeting branch 'main' for actor 'ana'"));
  EXPECT_THAT(checked->delete_branch("dev", "ana").error().message,
              HasSubstr("targeting branch 'dev' for actor 'ana'"));
  EXPECT_THAT(checked->apply_schema("node Ship { name: String @key }", {.actor = "ana"}).error().message,
              HasSubstr("action 'schema_apply' targeting branch 'main' for actor 'ana'"));
}

TEST_F(CheckedGraphTest, FailsWhereThePolicyCannotBeEvaluated) {
  const auto failed = checked->mutate(kAdd, "", "", by("ana", "odd"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kInternal);
  EXPECT_THAT(failed.error().message, StartsWith("policy evaluation failed: policy 'policy0'"));
}

TEST_F(CheckedGraphTest, ChecksNothingWithoutAChecker) {
  CheckedGraph free(graph, nullptr);
  EXPECT_TRUE(free.mutate(kAdd, "", "", by(std::nullopt, "main")));
}

}  // namespace
}  // namespace omnigraph::engine
