// Runs the statements of a bound mutation against one write transaction (chapter 02 section 9): a private image of the
// base snapshot, read-your-writes between statements, final rows handed to the transaction at the end.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "columnar/scalar.h"
#include "graph/store.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

struct MutationCounts {
  std::uint64_t affected_nodes = 0;
  std::uint64_t affected_edges = 0;
};

struct MutateContext {
  std::int64_t now_ms = 0;  // fixed per request, also across retries
};

// Leaves the transaction untouched when no row is affected.
[[nodiscard]] Result<MutationCounts> execute_mutation(const query::BoundQuery& query,
                                                      const std::vector<columnar::Scalar>& parameters,
                                                      graph::WriteTransaction& transaction, const MutateContext& context);

}  // namespace omnigraph::exec
