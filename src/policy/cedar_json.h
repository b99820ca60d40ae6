// Entities and requests from JSON.
//
// Entities: `[{"uid": {"type", "id"}, "attrs": {..}, "parents": [..], "tags": {..}}]`. Values: JSON booleans, integers,
// strings, arrays and objects, with the escapes `{"__entity": {"type", "id"}}`, `{"__extn": {"fn", "arg"}}` and
// `{"__extn": {"fn", "args": [..]}}`. Where the schema knows the type, a string may stand for an extension value and
// `{"type", "id"}` for an entity.
// Errors: kBadRequest naming the attribute. Thread safety: free functions.
// Source: Cedar policy language reference, "Entities and context".
#pragma once

#include <string_view>

#include "base/result.h"
#include "policy/cedar_entities.h"
#include "policy/cedar_evaluator.h"
#include "policy/cedar_schema.h"

namespace omnigraph::policy::cedar {

// With the actions of the schema, closed.
[[nodiscard]] Result<Entities> entities_of_json(std::string_view json, const Schema& schema);
// `{"principal", "action", "resource": {"type", "id"}, "context": {..}}`; other members are not looked at.
[[nodiscard]] Result<Request> request_of_json(std::string_view json, const Schema& schema);

}  // namespace omnigraph::policy::cedar
