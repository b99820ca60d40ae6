// Properties of every type after interface injection (chapter 01 section 4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/ast.h"
#include "schema/diagnostics.h"

namespace omnigraph::schema {

// Points into the ast::File it was made from.
struct ResolvedProperty {
  const ast::Property* source = nullptr;
  bool injected = false;
  std::vector<std::string> interfaces;  // implemented ones that declare it, sorted
};

struct ResolvedType {
  const ast::Declaration* declaration = nullptr;
  std::vector<ResolvedProperty> properties;  // declared order, injected ones after
  std::vector<std::string> implements;       // known interfaces, as written, without repetitions
  [[nodiscard]] const ast::Property* find(std::string_view name) const;
};

// One entry per declaration, in file order. Reports unknown interfaces and properties that do not fit theirs.
[[nodiscard]] std::vector<ResolvedType> resolve_types(const ast::File& file, Diagnostics& diagnostics);

}  // namespace omnigraph::schema
