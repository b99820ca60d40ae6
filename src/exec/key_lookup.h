// Recognizes the conditions that pin a node by its key or id, and looks it up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/runtime.h"

namespace omnigraph::exec {

// The one row of `variable` that equality conditions on its whole key (or on its id) leave: kNoOrdinal if there is no
// such row; nullopt if the conditions do not pin it. `conditions`: of the block, on any variable.
[[nodiscard]] Result<std::optional<Ordinal>> find_by_key(VariableId variable,
                                                         const std::vector<const query::Expr*>& conditions,
                                                         Runtime& runtime);

// The rows of `variable` that `x in list` conditions on its key (of one property) or its id leave, ascending; nullopt
// if there is no such condition, or so long a list that a scan is as good.
[[nodiscard]] Result<std::optional<std::vector<Ordinal>>> find_by_key_list(
    VariableId variable, const std::vector<const query::Expr*>& conditions, Runtime& runtime);

// The canonical text of the one key value that equals a constant (chapter 01 section 6).
struct KeyText {
  enum class Outcome : std::uint8_t { kText, kNoRow, kUnknown } outcome;  // kUnknown: several key values may be equal
  std::string text{};
};
[[nodiscard]] KeyText key_text(schema::ScalarType type, const Value& constant);

// Members of a type's key in the order its ids are made of.
[[nodiscard]] std::vector<std::string> key_members(const graph::Snapshot& snapshot, const schema::Catalog& catalog,
                                                   schema::TypeRef type);

}  // namespace omnigraph::exec
