#include "policy/decision_table.h"

#include <algorithm>
#include <array>

namespace omnigraph::policy {

namespace {

constexpr std::string_view kActorType = "Omnigraph::Actor";
constexpr std::string_view kGroupType = "Omnigraph::Group";
constexpr std::array<std::string_view, 4> kTruthNames = {"has_branch", "branch_is_protected", "has_target_branch",
                                                         "target_branch_is_protected"};

// Whether the value depends on nothing of the request but its truths.
bool asks_for_truths_only(const cedar::Expr& expr) {
  if (expr.kind == cedar::ExprKind::kVariable) return false;
  if (expr.kind == cedar::ExprKind::kGet && expr.operands[0].kind == cedar::ExprKind::kVariable) {
    return expr.operands[0].variable == cedar::Variable::kContext &&
           std::ranges::find(kTruthNames, expr.names[0]) != kTruthNames.end();
  }
  return std::ranges::all_of(expr.operands, asks_for_truths_only);
}

bool is_member(const GroupBits& groups, std::uint32_t group) { return (groups[group / 64] >> (group % 64) & 1) != 0; }

}  // namespace

unsigned Truths::number() const {
  return (has_branch ? 1u : 0u) | (branch_is_protected ? 2u : 0u) | (has_target_branch ? 4u : 0u) |
         (target_branch_is_protected ? 8u : 0u);
}

Truths Truths::of(unsigned number) {
  return {(number & 1u) != 0, (number & 2u) != 0, (number & 4u) != 0, (number & 8u) != 0};
}

cedar::Value context_value(const Truths& truths, std::string_view branch, std::string_view target) {
  cedar::Attributes attributes;  // names in order
  attributes.reserve(6);
  attributes.emplace_back("branch", cedar::Value::text(std::string(branch)));
  attributes.emplace_back("branch_is_protected", cedar::Value::boolean(truths.branch_is_protected));
  attributes.emplace_back("has_branch", cedar::Value::boolean(truths.has_branch));
  attributes.emplace_back("has_target_branch", cedar::Value::boolean(truths.has_target_branch));
  attributes.emplace_back("target_branch", cedar::Value::text(std::string(target)));
  attributes.emplace_back("target_branch_is_protected", cedar::Value::boolean(truths.target_branch_is_protected));
  return cedar::Value::record(std::move(attributes));
}

void DecisionTable::add(const cedar::Policy& policy, std::uint32_t rank, const World& world) {
  if (!cedar::holds(policy.action, world.action, world.entities)) return;
  if (!cedar::holds(policy.resource, world.resource, world.entities)) return;
  Row row{.policy = &policy, .rank = rank};
  if (!settle_principal(row, world)) return;
  settle_condition(row, world);
  evaluates_ = evaluates_ || row.condition_evaluated || row.principal == Principal::kEvaluated;
  rows_.push_back(row);
}

// False: the policy speaks of nobody who can ask.
bool DecisionTable::settle_principal(Row& row, const World& world) {
  using Kind = cedar::ScopeTest::Kind;
  const cedar::ScopeTest& test = row.policy->principal;
  // Principals are actors, and actors are in groups alone.
  const bool about_type = test.kind == Kind::kIs || test.kind == Kind::kIsIn;
  if (about_type && test.type != kActorType) return false;
  if (test.kind == Kind::kAny || test.kind == Kind::kIs) return true;
  const bool in_one = test.kind == Kind::kIn || test.kind == Kind::kIsIn;
  if (in_one && test.entities.front().as_entity()->type == kGroupType) {
    const auto group = world.groups.find(test.entities.front().as_entity()->id);
    if (group == world.groups.end()) return false;
    row.group = group->second;
    row.principal = Principal::kInGroup;
    return true;
  }
  row.principal = Principal::kEvaluated;
  return true;
}

void DecisionTable::settle_condition(Row& row, const World& world) {
  const auto settled = [](const cedar::Condition& condition) { return asks_for_truths_only(condition.test); };
  row.condition_evaluated = !std::ranges::all_of(row.policy->conditions, settled);
  for (unsigned number = 0; number < Truths::kCombinations && !row.condition_evaluated; ++number) {
    const cedar::Request request{{}, world.action, world.resource, context_value(Truths::of(number), {}, {})};
    const Result<bool> answer = cedar::conditions_hold(*row.policy, request, world.entities);
    // What fails must be told at the request, with its error.
    row.condition_evaluated = !answer.has_value();
    if (answer && *answer) row.answers = static_cast<std::uint16_t>(row.answers | 1u << number);
  }
}

Verdict DecisionTable::judge(const GroupBits& groups, const Truths& truths, const cedar::Request* request,
                             const cedar::Entities& entities) const {
  OG_CHECK(request != nullptr || !evaluates_);
  const unsigned asked = truths.number();
  Verdict verdict;
  const Row* permit = nullptr;
  const Row* forbid = nullptr;
  for (const Row& row : rows_) {
    if (row.principal == Principal::kInGroup && !is_member(groups, row.group)) continue;
    if (row.principal == Principal::kEvaluated && !cedar::holds(row.policy->principal, request->principal, entities)) {
      continue;
    }
    bool satisfied = (row.answers >> asked & 1) != 0;
    if (row.condition_evaluated) {
      auto answer = cedar::conditions_hold(*row.policy, *request, entities);
      satisfied = answer.value_or(false);
      if (!answer && verdict.failed == nullptr) {
        verdict.failed = row.policy;
        verdict.error = std::move(answer).error();
      }
    }
    if (!satisfied) continue;
    const Row*& best = row.policy->effect == cedar::Effect::kForbid ? forbid : permit;
    if (best == nullptr || row.rank < best->rank) best = &row;
  }
  if (verdict.failed != nullptr) return verdict;
  const Row* decided = forbid != nullptr ? forbid : permit;
  verdict.allowed = decided != nullptr && decided == permit;
  if (decided != nullptr) verdict.matched = decided->policy;
  return verdict;
}

}  // namespace omnigraph::policy
