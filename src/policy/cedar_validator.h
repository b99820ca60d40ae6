// Strict validation of policies against a schema: every policy is type-checked for every combination of action,
// principal type and resource type the schema allows. A valid policy can only fail at evaluation by an overflow, a
// missing entity, or data that breaks the schema.
// Errors: kBadRequest, the first mistake with its place. Thread safety: free function.
// Source: Cedar policy language reference, "Policy validation"; Typechecker and Validator of cedar-spec.
#pragma once

#include <string_view>

#include "base/result.h"
#include "policy/cedar_ast.h"
#include "policy/cedar_schema.h"

namespace omnigraph::policy::cedar {

// `source` is the text the policy was parsed from, for the excerpt.
[[nodiscard]] Result<void> validate(const Policy& policy, const Schema& schema, std::string_view source);

}  // namespace omnigraph::policy::cedar
