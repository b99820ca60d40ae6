// Relations between Cedar types, as strict validation needs them. Thread safety: free functions.
// Source: Subtyping of cedar-spec.
#pragma once

#include <string>

#include "policy/cedar_schema.h"

namespace omnigraph::policy::cedar {

// The type both belong to, null if there is none. Strict: sets and records must agree part by part; only known Bools
// widen to Bool.
[[nodiscard]] TypePtr common_type(const TypePtr& a, const TypePtr& b);
[[nodiscard]] bool is_boolean(const Type& type);
// For messages: `Set<Omnigraph::Actor>`, `{a: Long, b?: Bool}`.
[[nodiscard]] std::string text_of(const Type& type);

}  // namespace omnigraph::policy::cedar
