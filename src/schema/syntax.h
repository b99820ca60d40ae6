// Recursive descent over the grammar of chapter 01 section 2. After a mistake it continues at the next property,
// constraint or declaration, so that one run reports more than one.
#pragma once

#include <string_view>

#include "schema/ast.h"
#include "schema/diagnostics.h"

namespace omnigraph::schema {

// What could be read; complete only if `diagnostics` stays without syntax errors. Besides syntax it reports what
// is wrong with one type, name or cardinality by itself: reserved names, enum duplicates, dimensions, bounds.
[[nodiscard]] ast::File parse_syntax(std::string_view source, Diagnostics& diagnostics);

}  // namespace omnigraph::schema
