// Chapter 02 section 6 and chapter 14 written down directly: every assignment of the variables is tried, every clause
// checked for it. Slow and obvious; the model the executor is compared with. Ranking by nearest and bm25 scores is not
// covered.
#pragma once

#include <string>
#include <vector>

#include "columnar/scalar.h"
#include "graph/snapshot.h"
#include "query/bound_query.h"

namespace omnigraph::exec::testing {

// Rows as JSON arrays, ordered if the query orders, not yet cut to offset and limit.
[[nodiscard]] std::vector<std::string> naive_rows(const query::BoundQuery& query,
                                                  const std::vector<columnar::Scalar>& parameters,
                                                  const graph::Snapshot& snapshot);

}  // namespace omnigraph::exec::testing
