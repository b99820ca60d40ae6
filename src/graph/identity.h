// Entity ids (chapter 01 section 6): canonical strings of key values and composite keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

// Canonical text of one key value; the value is not null. Errors: kBadRequest for a non-finite float.
[[nodiscard]] Result<std::string> canonical_key_text(const columnar::Array& column, std::int64_t i,
                                                     const schema::PropertyType& type);
// Id from the member texts in id order: the text itself for one member, else a compact JSON array.
[[nodiscard]] std::string id_of_key(const std::vector<std::string>& member_texts);

}  // namespace omnigraph::graph
