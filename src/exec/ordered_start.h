// Finds the rows that an order by one property with an ordered index begins with, instead of scanning the table
// (index/ordered_index.h).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "exec/plan.h"

namespace omnigraph::exec {

// If the pipeline is a plain scan and the query's first key is a property of the scanned variable, narrows the source
// to rows among which are the first `count` of any order that begins with this key: from each file so many that pass
// the filter, from the end that comes first, with all that equal the last of them; files without an index are left
// whole. Does nothing where nulls or NaN would come first or are needed, where files without an index hold many rows,
// or where so few rows pass that a scan is as good. Errors: those of reading the column.
[[nodiscard]] Result<void> start_at_first(Pipeline& pipeline, const query::ReadQuery& read, std::uint64_t count,
                                          Runtime& runtime);

}  // namespace omnigraph::exec
