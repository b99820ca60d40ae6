// Evaluation of policies for one request, and the decision.
//
// An expression that cannot be evaluated (a missing attribute, a type mismatch, an overflow ..) is an error; a policy
// with an error is not satisfied. Operands are evaluated left to right; `&&`, `||` and `if` only what they need.
// Thread safety: free functions over immutable data.
// Source: Cedar policy language reference, "Operators and functions" and "Authorization"; Evaluator of cedar-spec.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/cedar_ast.h"
#include "policy/cedar_entities.h"

namespace omnigraph::policy::cedar {

struct Request {
  Value principal, action, resource;  // entities
  Value context;                      // a record
};

// kBadRequest: what could not be evaluated.
[[nodiscard]] Result<Value> evaluate(const Expr& expr, const Request& request, const Entities& entities);
// Whether one test of a policy's head is true of `entity`.
[[nodiscard]] bool holds(const ScopeTest& test, const Value& entity, const Entities& entities);
// Every `when` and no `unless`, whatever the head says.
[[nodiscard]] Result<bool> conditions_hold(const Policy& policy, const Request& request, const Entities& entities);
[[nodiscard]] Result<bool> is_satisfied(const Policy& policy, const Request& request, const Entities& entities);

struct Answer {
  struct Fault {
    const Policy* policy;
    Error error;
  };
  bool allowed = false;                    // a satisfied permit and no satisfied forbid
  std::vector<const Policy*> determining;  // the satisfied forbids, else the satisfied permits
  std::vector<Fault> errors;
};
[[nodiscard]] Answer authorize(std::span<const Policy* const> policies, const Request& request,
                               const Entities& entities);

}  // namespace omnigraph::policy::cedar
