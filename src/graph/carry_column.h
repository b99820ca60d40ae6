// Values of a property whose type was widened (chapter 01 section 9.1), in their new column type.
// Thread safety: free function.
#pragma once

#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

// Same length and nulls; the column itself when its storage does not change. REQUIRES: the types are equal but for
// nullability and enum values, or `to` is a widening of `from`, also of list items.
[[nodiscard]] columnar::ArrayPtr carry_column(const columnar::ArrayPtr& column, const schema::PropertyType& from,
                                              const schema::PropertyType& to);

}  // namespace omnigraph::graph
