#include "policy/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "policy/bundle_compile.h"
#include "policy/cedar_parser.h"
#include "policy/cedar_validator.h"
#include "policy/test_cases.h"

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

TEST(Bundle, ChecksTheWholeFile) {
  EXPECT_THAT(refusal("version: 1\ngroups: { x: [] }"), testing::HasSubstr("must list at least one actor"));
  EXPECT_THAT(refusal("version: 1\ngroups: { x: [' '] }"), testing::HasSubstr("must not be blank"));
  EXPECT_THAT(refusal("version: 1\ngroups: { x: [omnigraph:gc] }"), testing::HasSubstr("are reserved"));
  EXPECT_THAT(refusal("version: 1\nprotected_branches: ['']"), testing::HasSubstr("must not be blank"));
  const std::string group = "version: 1\ngroups: { g: [a] }\n";
  const auto rules = [&](const std::string& text) { return group + "rules: [" + text + "]"; };
  const std::string good = "{ id: r, allow: { actors: { group: g }, actions: [read] } }";
  EXPECT_THAT(refusal(rules(good + ", " + good)), testing::HasSubstr("duplicate policy rule id 'r'"));
  EXPECT_THAT(refusal(rules("{ id: r, allow: { actors: { group: g }, actions: [read], brunch_scope: any } }")),
              testing::HasSubstr("brunch_scope"));
  EXPECT_THAT(refusal(rules("{ id: r, allow: { actors: { group: g }, actions: [graph_list, read] } }"), std::nullopt),
              testing::HasSubstr("mixes the server-scoped action"));
  EXPECT_THAT(refusal(rules("{ id: r, allow: { actors: { group: g }, actions: [fly] } }")),
              testing::HasSubstr("unknown action 'fly'"));
  EXPECT_THAT(refusal(rules("{ id: r, allow: { actors: { group: g }, actions: [] } }")),
              testing::HasSubstr("at least one action"));
  const auto nothing = parsed("version: 1\nrules: []");
  EXPECT_FALSE(nothing->authorize({"ana", Action::kRead, {}, {}}).allowed);
}

TEST(Bundle, TrimsBranchNamesBeforeItJudges) {
  const auto bundle = parsed(kBundle);
  const Decision denied = bundle->authorize({"raj", Action::kChange, "\u3000 main \t", {}});
  EXPECT_EQ(denied.message, "policy denied action 'change' on branch 'main' for actor 'raj'");
}

TEST(Bundle, CompilesRulesToPermitsThatValidate) {
  const auto bundle = Bundle::parse(kBundle, BundleKind::kGraph, "lib").value();
  const std::string& text = bundle->rules_as_cedar();
  const auto permits = cedar::parse_policies(text);
  ASSERT_TRUE(permits) << text;
  ASSERT_EQ(permits->size(), 4u);
  for (const cedar::Policy& permit : *permits) {
    const auto valid = cedar::validate(permit, bundle_schema(BundleKind::kGraph), text);
    EXPECT_TRUE(valid) << valid.error().render();
  }
  EXPECT_THAT(text, testing::HasSubstr("@id(\"curate:read\")"));
  EXPECT_THAT(text, testing::HasSubstr("resource == Omnigraph::Graph::\"lib\""));
  EXPECT_THAT(text, testing::HasSubstr("when { context.has_branch && !context.branch_is_protected }"));
}

// Section 5 said by hand over the rules; what the Cedar permits must come to.
bool expected_by_rules(const Bundle& bundle, const std::string& group, const Request& request,
                       const std::set<std::string>& protected_branches) {
  const auto holds = [&](const std::optional<BranchScope>& scope, const std::optional<std::string>& branch) {
    if (!scope || *scope == BranchScope::kAny) return true;
    return branch && protected_branches.contains(*branch) == (*scope == BranchScope::kProtected);
  };
  for (const Rule& rule : bundle.rules()) {
    const bool named = std::ranges::find(rule.actions, request.action) != rule.actions.end();
    if (named && rule.group == group && holds(rule.branch_scope, request.branch) &&
        holds(rule.target_branch_scope, request.target_branch)) {
      return true;
    }
  }
  return false;
}

// Goal: a bundle allows exactly what its rules say. Method: random bundles, every request over small sets of names.
TEST(Bundle, AgreesWithItsRules) {
  const auto seed = static_cast<unsigned>(std::random_device()());
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::array<std::string_view, 3> kScopes = {"any", "protected", "unprotected"};
  for (int round = 0; round < 30; ++round) {
    std::string yaml = "version: 1\ngroups: { g0: [a0], g1: [a1] }\nprotected_branches: [main]\nrules:\n";
    for (unsigned rule = 0; rule < random() % 6; ++rule) {
      const auto action = static_cast<Action>(random() % 9);
      yaml += "  - { id: r" + std::to_string(rule) + ", allow: { actors: { group: g" + std::to_string(random() % 2) +
              " }, actions: [" + std::string(action_name(action)) + "]";
      const bool branch = action <= Action::kChange;
      if (action <= Action::kBranchMerge && random() % 4 != 0) {
        yaml +=
            std::string(branch ? ", branch_scope: " : ", target_branch_scope: ") + std::string(kScopes[random() % 3]);
      }
      yaml += " } }\n";
    }
    const auto bundle = parsed(yaml);
    ASSERT_TRUE(bundle) << yaml;
    for (int actor = 0; actor < 2; ++actor) {
      for (int action = 0; action < 10; ++action) {
        for (const std::optional<std::string>& branch :
             {std::optional<std::string>(), std::optional<std::string>("main"), std::optional<std::string>("dev")}) {
          for (const std::optional<std::string>& target :
               {std::optional<std::string>(), std::optional<std::string>("main"), std::optional<std::string>("dev")}) {
            const Request request{"a" + std::to_string(actor), static_cast<Action>(action), branch, target};
            EXPECT_EQ(bundle->authorize(request).allowed,
                      expected_by_rules(*bundle, "g" + std::to_string(actor), request, {"main"}))
                << yaml << action << ' ' << branch.value_or("-") << ' ' << target.value_or("-");
          }
        }
      }
    }
  }
}

constexpr std::string_view kFrozen = R"(
version: 1
groups: { crew: [ana] }
rules:
  - { id: edit, allow: { actors: { group: crew }, actions: [change] } }
cedar: |
  forbid(principal, action == Omnigraph::Action::"change", resource) when { context.branch == "frozen" };
  @id("all-read") permit(principal, action == Omnigraph::Action::"read", resource);
)";

TEST(CedarBundle, ForbidsBesideItsRules) {
  const auto bundle = parsed(kFrozen);
  ASSERT_TRUE(bundle);
  const Decision frozen = bundle->authorize({"ana", Action::kChange, "frozen", {}});
  EXPECT_FALSE(frozen.allowed);
  EXPECT_EQ(frozen.matched_rule_id, "policy0");
  EXPECT_EQ(frozen.message, "policy denied action 'change' on branch 'frozen' for actor 'ana'");
  EXPECT_EQ(bundle->authorize({"ana", Action::kChange, "dev", {}}).matched_rule_id, "edit");
  const Decision stranger = bundle->authorize({"zed", Action::kRead, {}, {}});
  EXPECT_TRUE(stranger.allowed) << "with Cedar text an unknown actor is an actor without groups";
  EXPECT_EQ(stranger.matched_rule_id, "all-read");
  EXPECT_EQ(bundle->authorize({"zed", Action::kChange, "dev", {}}).message,
            "policy denied action 'change' on branch 'dev' for actor 'zed'");
}

TEST(CedarBundle, MayBeAPlainFile) {
  const auto bundle = parsed("// who reads\npermit(principal == Omnigraph::Actor::\"ana\", action, resource);");
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->authorize({"ana", Action::kBranchDelete, {}, "x"}).allowed);
  EXPECT_FALSE(bundle->authorize({"raj", Action::kRead, {}, {}}).allowed);
  EXPECT_EQ(bundle->actor_count(), 0u);
}

TEST(CedarBundle, NeverAllowsWhenItCannotEvaluate) {
  const auto bundle = parsed(
      "permit(principal, action, resource);\n"
      "permit(principal, action, resource) when { 9223372036854775807 + 1 == 0 };");
  ASSERT_TRUE(bundle);
  const Decision decision = bundle->authorize({"ana", Action::kRead, "main", {}});
  EXPECT_FALSE(decision.allowed);
  EXPECT_THAT(decision.failure, testing::HasSubstr("policy 'policy1'"));
  EXPECT_THAT(decision.message, testing::StartsWith("policy evaluation failed: "));
}

TEST(CedarBundle, SaysOnlyWhatTheSchemaKnows) {
  const auto plain = [](const std::string& head, const std::string& condition) {
    return refusal("permit(" + head + ") when { " + condition + " };");
  };
  EXPECT_THAT(plain("principal, action, resource", "context.brunch == \"x\""),
              testing::HasSubstr("no attribute \"brunch\""));
  EXPECT_THAT(plain("principal == User::\"a\", action, resource", "true"), testing::HasSubstr("is not declared"));
  EXPECT_THAT(plain("principal, action == Omnigraph::Action::\"fly\", resource", "true"),
              testing::HasSubstr("is not declared"));
  EXPECT_THAT(plain("principal, action == Omnigraph::Action::\"graph_list\", resource", "true"),
              testing::HasSubstr("policy 'policy0' uses server-scoped action 'graph_list' in a Graph policy file"));
  EXPECT_THAT(plain("principal, action, resource is Omnigraph::Server", "true"),
              testing::HasSubstr("applies to no request"));
  EXPECT_THAT(
      refusal("@id(\"x\") permit(principal, action, resource);\n@id(\"x\") permit(principal, action, resource);"),
      testing::HasSubstr("duplicate policy id 'x'"));
  EXPECT_THAT(refusal("permit(principal == ?principal, action, resource);"),
              testing::HasSubstr("templates are not supported"));
  const auto server =
      Bundle::parse("permit(principal, action, resource == Omnigraph::Server::\"root\");", BundleKind::kServer);
  ASSERT_TRUE(server) << server.error().render();
  EXPECT_TRUE((*server)->authorize({"x", Action::kGraphList, {}, {}}).allowed);
}

TEST(CedarBundle, JudgesTheGraphItIsBoundTo) {
  const std::string text = "permit(principal, action, resource == Omnigraph::Graph::\"lib\");";
  EXPECT_TRUE(Bundle::parse(text, BundleKind::kGraph, "lib").value()->authorize({"x", Action::kRead, {}, {}}).allowed);
  EXPECT_FALSE(
      Bundle::parse(text, BundleKind::kGraph, "misc").value()->authorize({"x", Action::kRead, {}, {}}).allowed);
}

// Goal: any bytes are a bundle or an error. Method: valid files with bytes changed, dropped and repeated.
TEST(CedarBundle, SurvivesAnyBytes) {
  const auto seed = static_cast<unsigned>(std::random_device()());
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 400; ++round) {
    std::string text(round % 2 == 0 ? kFrozen : kBundle);
    for (int change = 0; change < 3; ++change) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = static_cast<char>(random() % 256);
      } else {
        text.insert(at, text.substr(random() % text.size(), random() % 20));
      }
    }
    const auto bundle = Bundle::parse(text, BundleKind::kGraph);
    if (bundle) (void)(*bundle)->authorize({"ana", Action::kChange, "main", {}});
  }
}

TEST(PolicyTests, CompareDecisions) {
  const auto cases = read_test_cases(
      "version: 1\ncases:\n  - { id: a, actor: raj, action: change, branch: main, expect: allow }\n"
      "  - { id: b, actor: ana, action: branch-merge, branch: t1, target_branch: main, expect: allow }\n"
      "  - { id: c, actor: ana, action: read, expect: deny }\n");
  ASSERT_TRUE(cases) << cases.error().message;
  EXPECT_THAT(run_test_cases(*parsed(kBundle), *cases),
              testing::ElementsAre("a: expected Allow but got deny", "c: expected Deny but got allow"));
  const auto refused = [](const std::string& text) {
    const auto read = read_test_cases(text);
    return read ? std::string() : read.error().message;
  };
  EXPECT_THAT(refused("version: 1\ncases: [{ id: a, actor: x, action: read, expect: deny, brunch: m }]"),
              testing::HasSubstr("`brunch`"));
  EXPECT_THAT(refused("version: 1\ncases: [{ id: a, actor: x, action: fly, expect: deny }]"),
              testing::HasSubstr("unknown action 'fly'"));
  EXPECT_THAT(refused("version: 1\ncases: [{ id: a, actor: x, action: read, expect: no }]"),
              testing::HasSubstr("write allow or deny"));
  EXPECT_THAT(refused("version: 1\ncases: [{ id: a, actor: ' ', action: read, expect: deny }]"),
              testing::HasSubstr("must not be blank"));
  EXPECT_THAT(refused("cases: []"), testing::HasSubstr("policy version must be 1"));
  EXPECT_THAT(refused("version: 1\ncases: [{id: a, actor: x, action: read, expect: deny},{id: a, actor: x, action: "
                      "read, expect: deny}]"),
              testing::HasSubstr("duplicate policy test id 'a'"));
}

}  // namespace
}  // namespace omnigraph::policy
