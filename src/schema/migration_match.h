// Which type and property of an accepted schema a desired one continues (chapter 01 section 9): by kind and name, by
// owner and name, else by a @rename_from hint. Thread safety: free functions on values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

struct TypeMatch {
  std::optional<std::uint32_t> accepted;               // position in the accepted catalog; nullopt: a new type
  std::vector<std::optional<std::size_t>> properties;  // by desired property: the accepted one; nullopt: new
};

// By position in the desired catalog.
struct SchemaMatch {
  std::vector<TypeMatch> interfaces, nodes, edges;
};

// Errors: kBadRequest `schema identity resolution failed: ..`.
[[nodiscard]] Result<SchemaMatch> match_schemas(const Catalog& accepted, const Catalog& desired);

}  // namespace omnigraph::schema
