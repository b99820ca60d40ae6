// Runs a bound read query over one snapshot: planner and vectorized operators (chapter 02 sections 6 and 8).
// Thread safety: free function; the snapshot is immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "columnar/scalar.h"
#include "graph/snapshot.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

struct ReadResult {
  std::vector<std::string> columns;  // row keys in projection order, duplicates kept
  std::vector<schema::PropertyType> types;
  columnar::Batch rows;  // one column a projection
};

struct ReadContext {
  std::int64_t now_ms = 0;            // now(): one instant per execution
  std::function<bool()> cancelled{};  // polled between batches
  // Turns query text into a vector of `dimension` elements (nearest with a String). May be empty: then an error.
  std::function<Result<columnar::FloatVector>(std::string_view text, std::uint32_t dimension, std::string_view model,
                                              std::string_view property)>
      embed{};
};

// `parameters`: query::read_parameters' result. Errors: kBadRequest prefixed `query: ` for run-time errors, storage
// errors.
[[nodiscard]] Result<ReadResult> execute_read(const query::BoundQuery& query,
                                              const std::vector<columnar::Scalar>& parameters,
                                              const graph::Snapshot& snapshot, const ReadContext& context);

}  // namespace omnigraph::exec
