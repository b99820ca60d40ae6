// Parameter values of one call: JSON text to typed scalars (chapter 02 section 5).
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/scalar.h"
#include "query/bound_query.h"

namespace omnigraph::query {

// In the order of BoundQuery::parameters. Each value has the declared type: I32/I64/U32/U64 as integers (u64 above
// the i64 range), F32 as float, F64 as double, Date/DateTime as such, Vector as FloatVector, [T] as ScalarList,
// null where allowed. `json`: one JSON object, or empty / `null` for none. Errors: kBadRequest, texts of the chapter.
[[nodiscard]] Result<std::vector<columnar::Scalar>> read_parameters(const BoundQuery& query, std::string_view json);

}  // namespace omnigraph::query
