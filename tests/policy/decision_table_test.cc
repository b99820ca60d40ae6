#include "policy/decision_table.h"

#include <gtest/gtest.h>

#include <random>

#include "policy/bundle_compile.h"
#include "policy/cedar_parser.h"

namespace omnigraph::policy {
namespace {

constexpr std::size_t kGroupCount = 70;  // more than one word of bits

std::string group_name(std::size_t i) { return std::string("g").append(std::to_string(i)); }

// Heads and conditions of every form that a bundle's own policies may have; some cannot be evaluated for some requests.
const std::vector<std::string> kHeads = {"principal",
                                         "principal == Omnigraph::Actor::\"ana\"",
                                         "principal in Omnigraph::Group::\"g3\"",
                                         "principal in Omnigraph::Group::\"g66\"",
                                         "principal is Omnigraph::Actor",
                                         "principal is Omnigraph::Actor in Omnigraph::Group::\"g1\"",
                                         "principal in Omnigraph::Actor::\"eve\""};
const std::vector<std::string> kConditions = {
    "",
    "when { context.has_branch && context.branch_is_protected }",
    "unless { context.has_target_branch || !context.has_branch }",
    "when { context.branch like \"rel*\" }",
    "when { if context.has_branch then context.branch_is_protected else context.target_branch_is_protected }",
    "when { principal in Omnigraph::Group::\"g2\" } unless { context.branch == \"main\" }",
    "when { context.has_branch == context.has_target_branch }",
    "when { 9223372036854775807 + 1 == 0 }",
    "when { context.branch_is_protected && 9223372036854775807 + 1 == 0 }",
    "when { context has branch && action == Omnigraph::Action::\"change\" }"};
const std::vector<std::string> kActionTests = {
    "action", "action == Omnigraph::Action::\"change\"", "action == Omnigraph::Action::\"read\"",
    "action in [Omnigraph::Action::\"change\", Omnigraph::Action::\"branch_merge\"]"};

struct Drawn {
  std::string yaml, cedar;
};

Drawn draw(std::mt19937_64& random, bool with_cedar) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  Drawn drawn;
  drawn.yaml = "version: 1\ngroups:\n";
  for (std::size_t i = 0; i < kGroupCount; ++i) {
    drawn.yaml.append("  ").append(group_name(i)).append(": [member").append(std::to_string(i));
    for (const char* actor : {"ana", "raj"}) {
      if (below(4) == 0) drawn.yaml.append(", ").append(actor);
    }
    drawn.yaml.append("]\n");
  }
  drawn.yaml += "protected_branches: [main, release]\nrules:\n";
  for (std::size_t i = 0; i < 6; ++i) {
    const bool target = below(2) == 0;
    const char* scope[] = {"any", "protected", "unprotected"};
    drawn.yaml.append("  - { id: r").append(std::to_string(below(100) * 10 + i));
    drawn.yaml.append(", allow: { actors: { group: ").append(group_name(below(kGroupCount)));
    drawn.yaml.append(" }, actions: [").append(target ? "branch_merge" : "read, change").append("], ");
    drawn.yaml.append(target ? "target_branch_scope: " : "branch_scope: ").append(scope[below(3)]).append(" } }\n");
  }
  if (!with_cedar) return drawn;
  for (std::size_t i = 0; i < 4; ++i) {
    // Mistakes are rare, for one refuses every request.
    std::size_t condition = below(kConditions.size());
    if (condition >= 7 && condition <= 8 && below(4) != 0) condition = 1;
    drawn.cedar.append(below(3) == 0 ? "forbid(" : "permit(").append(kHeads[below(kHeads.size())]).append(", ");
    drawn.cedar.append(kActionTests[below(kActionTests.size())]).append(", resource) ");
    drawn.cedar.append(kConditions[condition]).append("; ");
  }
  drawn.yaml.append("cedar: '").append(drawn.cedar).append("'\n");
  return drawn;
}

// Goal: the table decides as the evaluator does, reason and failure included.
// Method: drawn bundles with groups beyond one word of bits, rules and policies of their own; every request of a few
// actors and branches is also put to all policies by the evaluator.
TEST(DecisionTable, AgreesWithTheEvaluator) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::size_t allowed = 0, failed = 0, forbidden = 0;
  for (int round = 0; round < 150; ++round) {
    const Drawn drawn = draw(random, round % 3 != 0);
    SCOPED_TRACE(::testing::Message() << "seed " << seed << " round " << round << "\n" << drawn.cedar);
    auto source = read_bundle(drawn.yaml, BundleKind::kGraph);
    ASSERT_TRUE(source) << source.error().message;
    const auto compiled = compile_bundle(std::move(*source), BundleKind::kGraph, "lib");
    ASSERT_TRUE(compiled) << compiled.error().message;
    const CompiledBundle& bundle = **compiled;
    std::vector<const cedar::Policy*> policies;
    for (const cedar::Policy& policy : bundle.policies) policies.push_back(&policy);
    for (const char* actor : {"ana", "raj", "member69", "eve"}) {
      const auto known = bundle.actors.find(actor);
      const cedar::Value principal = actor_entity(actor);
      const GroupBits& groups = known == bundle.actors.end() ? bundle.no_groups : known->second.groups;
      for (const Action action : {Action::kRead, Action::kChange, Action::kBranchMerge, Action::kSchemaApply}) {
        for (unsigned number = 0; number < Truths::kCombinations; ++number) {
          const Truths truths = Truths::of(number);
          ASSERT_EQ(truths.number(), number);
          const auto at = static_cast<std::size_t>(action);
          const cedar::Request request{principal, bundle.actions[at], bundle.graph,
                                       context_value(truths, truths.branch_is_protected ? "main" : "relay", "")};
          const cedar::Answer answer = cedar::authorize(policies, request, bundle.entities);
          const DecisionTable& table = bundle.tables[at];
          const Verdict verdict = table.judge(groups, truths, table.evaluates() ? &request : nullptr, bundle.entities);
          ASSERT_EQ(verdict.failed != nullptr, !answer.errors.empty());
          if (verdict.failed != nullptr) {
            ++failed;
            EXPECT_EQ(verdict.failed, answer.errors.front().policy);
            EXPECT_EQ(verdict.error->message, answer.errors.front().error.message);
            EXPECT_FALSE(verdict.allowed);
            continue;
          }
          ASSERT_EQ(verdict.allowed, answer.allowed) << actor << " " << action_name(action) << " " << number;
          const std::string* smallest = nullptr;
          for (const cedar::Policy* policy : answer.determining) {
            const std::string& id = bundle.reported[static_cast<std::size_t>(policy - bundle.policies.data())];
            if (smallest == nullptr || id < *smallest) smallest = &id;
          }
          ASSERT_EQ(verdict.matched == nullptr, smallest == nullptr);
          if (smallest != nullptr) {
            EXPECT_EQ(bundle.reported[static_cast<std::size_t>(verdict.matched - bundle.policies.data())], *smallest);
            (answer.allowed ? allowed : forbidden) += 1;
          }
        }
      }
    }
  }
  EXPECT_GT(allowed, 100u);
  EXPECT_GT(failed, 10u);
  EXPECT_GT(forbidden, 10u);
}

// What chapter 08 makes of rules needs no evaluation at a request.
TEST(DecisionTable, RulesAreSettled) {
  std::mt19937_64 random(1);
  auto source = read_bundle(draw(random, false).yaml, BundleKind::kGraph);
  ASSERT_TRUE(source);
  const auto compiled = compile_bundle(std::move(*source), BundleKind::kGraph, "lib");
  ASSERT_TRUE(compiled);
  for (const DecisionTable& table : (*compiled)->tables) EXPECT_FALSE(table.evaluates());
}

}  // namespace
}  // namespace omnigraph::policy
