// A constraint that the state after a write would not satisfy, as data: a merge reports all of them at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schema/catalog.h"

namespace omnigraph::graph {

enum class ViolationKind : std::uint8_t { kValue, kUnique, kOrphanEdge, kCardinality };

struct Violation {
  ViolationKind kind = ViolationKind::kValue;
  schema::TypeRef type;
  std::optional<std::string> entity_id{};  // the offending entity, where one can be named
  std::string message;                     // as the error of a single write
};

}  // namespace omnigraph::graph
