#include "policy/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace omnigraph::policy {
namespace {

constexpr std::string_view kBundle = R"(
version: 1
groups:
  curators: [ana, raj]
  leads: [ana]
protected_branches: [main]
rules:
  - id: curate
    allow: { actors: { group: curators }, actions: [read, change], branch_scope: unprotected }
  - id: release
    allow: { actors: { group: leads }, actions: [branch_merge], target_branch_scope: protected }
  - id: a-read-all
    allow: { actors: { group: leads }, actions: [read] }
)";

std::shared_ptr<const Bundle> parsed(std::string_view yaml) {
  auto bundle = Bundle::parse(yaml, BundleKind::kGraph);
  EXPECT_TRUE(bundle) << bundle.error().message;
  return bundle.value_or(nullptr);
}

std::string refusal(std::string_view yaml, std::optional<BundleKind> kind = BundleKind::kGraph) {
  const auto bundle = Bundle::parse(yaml, kind);
  EXPECT_FALSE(bundle);
  return bundle ? "" : bundle.error().message;
}

TEST(Bundle, AllowsWhatARuleNamesAndNothingElse) {
  const auto bundle = parsed(kBundle);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->authorize({"raj", Action::kChange, "dev", {}}).allowed);
  const Decision denied = bundle->authorize({"raj", Action::kChange, "main", {}});
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.message, "policy denied action 'change' on branch 'main' for actor 'raj'");
  EXPECT_FALSE(bundle->authorize({"raj", Action::kRead, {}, {}}).allowed) << "a scoped rule needs a branch";
  EXPECT_TRUE(bundle->authorize({"ana", Action::kRead, {}, {}}).allowed);
  EXPECT_TRUE(bundle->authorize({"ana", Action::kBranchMerge, "dev", "main"}).allowed);
  EXPECT_EQ(bundle->authorize({"raj", Action::kBranchMerge, "dev", "main"}).message,
            "policy denied action 'branch_merge' on branch 'dev' targeting branch 'main' for actor 'raj'");
  EXPECT_EQ(bundle->authorize({"eve", Action::kRead, "dev", {}}).message,
            "policy denied action 'read' for unknown actor 'eve'");
}

TEST(Bundle, NamesTheSmallestMatchingRule) {
  const auto bundle = parsed(kBundle);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->authorize({"ana", Action::kRead, "dev", {}}).matched_rule_id, "a-read-all");
}

TEST(Bundle, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(refusal("version: 2"), testing::HasSubstr("policy version must be 1"));
  EXPECT_NE(refusal("version: 1\nwho: x").find("unknown field `who`"), std::string::npos);
  EXPECT_NE(refusal("version: 1\nrules: []\nrules: []").find("repeats field `rules`"), std::string::npos);
  const std::string group = "version: 1\ngroups: { g: [a] }\n";
  const auto rule = [&](const std::string& body) { return group + "rules: [ { id: r, allow: { " + body + " } } ]"; };
  EXPECT_NE(refusal(rule("actors: { group: x }, actions: [read]")).find("policy rule 'r' references unknown group 'x'"),
            std::string::npos);
  EXPECT_NE(refusal(rule("actors: { group: g }, actions: [read, read]")).find("repeats action"), std::string::npos);
  EXPECT_NE(refusal(rule("actors: { group: g }, actions: [invoke_query], branch_scope: any"))
                .find("policy rule 'r' uses branch_scope with unsupported action 'invoke_query'"),
            std::string::npos);
  EXPECT_NE(refusal(rule("actors: { group: g }, actions: [read], branch_scope: any, target_branch_scope: any"))
                .find("may specify branch_scope or target_branch_scope, not both"),
            std::string::npos);
  EXPECT_NE(refusal(rule("actors: { group: g }, actions: [graph_list]"))
                .find("policy rule 'r' uses server-scoped action 'graph_list' in a Graph policy file; move it to a "
                      "server policy file"),
            std::string::npos);
  EXPECT_NE(refusal(rule("actors: { group: g }, actions: [read]"), BundleKind::kServer)
                .find("policy rule 'r' uses per-graph action 'read' in a Server policy file"),
            std::string::npos);
  EXPECT_NE(refusal("version: 1\nkind: server").find("does not fit its binding"), std::string::npos);
}

}  // namespace
}  // namespace omnigraph::policy
