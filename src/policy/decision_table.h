// What a bundle's policies come to for one action on the one resource it has there, so that a check costs little more
// than a look at each of them. What a head says of action and resource is settled when the table is made; that the
// principal is in a group is one bit; and a condition that asks only for the truths of the context has sixteen answers,
// which the Cedar evaluator itself wrote down. Whatever does not fit is evaluated at each request.
//
// Source: chapter 08 sections 4 and 5. Thread safety: immutable once filled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "policy/cedar_evaluator.h"

namespace omnigraph::policy {

// Groups an actor is in: bit g % 64 of word g / 64 for group number g.
using GroupBits = std::vector<std::uint64_t>;
using GroupNumbers = std::map<std::string, std::uint32_t, std::less<>>;

// The four truths of a context, as bits of one number.
struct Truths {
  bool has_branch = false, branch_is_protected = false, has_target_branch = false, target_branch_is_protected = false;

  static constexpr unsigned kCombinations = 16;
  [[nodiscard]] unsigned number() const;
  [[nodiscard]] static Truths of(unsigned number);
};

// The context of section 4.
[[nodiscard]] cedar::Value context_value(const Truths& truths, std::string_view branch, std::string_view target);

struct Verdict {
  bool allowed = false;
  // Of the satisfied forbids, else of the satisfied permits, the policy of lowest rank; null: none.
  const cedar::Policy* matched = nullptr;
  // The first policy that could not be evaluated; then nothing is allowed.
  const cedar::Policy* failed = nullptr;
  std::optional<Error> error;
};

class DecisionTable {
 public:
  // What the policies are judged by besides the request; outlives the table.
  struct World {
    const cedar::Entities& entities;
    const GroupNumbers& groups;
    const cedar::Value& action;
    const cedar::Value& resource;
  };

  // Policies are added in their order and outlive the table. Ranks order them where several decide.
  void add(const cedar::Policy& policy, std::uint32_t rank, const World& world);

  // Whether some policy needs the request itself.
  [[nodiscard]] bool evaluates() const { return evaluates_; }
  // `request` may be null unless evaluates(). `groups` has a bit for every group number.
  [[nodiscard]] Verdict judge(const GroupBits& groups, const Truths& truths, const cedar::Request* request,
                              const cedar::Entities& entities) const;

 private:
  enum class Principal : std::uint8_t { kEverybody, kInGroup, kEvaluated };
  struct Row {
    const cedar::Policy* policy = nullptr;
    std::uint32_t rank = 0;
    std::uint32_t group = 0;  // of kInGroup
    Principal principal = Principal::kEverybody;
    bool condition_evaluated = false;
    std::uint16_t answers = 0;  // to the condition: bit n for truths n
  };
  [[nodiscard]] static bool settle_principal(Row& row, const World& world);
  static void settle_condition(Row& row, const World& world);

  std::vector<Row> rows_;
  bool evaluates_ = false;
};

}  // namespace omnigraph::policy
