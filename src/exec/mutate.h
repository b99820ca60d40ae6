// Runs the statements of a bound mutation against one write transaction (chapter 02 section 9): a private image of the
// base snapshot, read-your-writes between statements, final rows handed to the transaction at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/scalar.h"
#include "graph/store.h"
#include "graph/vector_fill.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

struct MutationCounts {
  std::uint64_t affected_nodes = 0;
  std::uint64_t affected_edges = 0;
};

struct MutateContext {
  std::int64_t now_ms = 0;  // fixed per request, also across retries
  // Stores the payload of a Blob above 64 KiB under `key`, durably. Empty: such a Blob is refused.
  std::function<Result<void>(std::string_view key, std::span<const std::byte> bytes)> put_blob{};
  // The bytes of a Blob that is named by URI, which become the graph's own. Empty: such a Blob is refused.
  std::function<Result<Buffer>(std::string_view uri)> read_external{};
  // Where the vectors of @embed properties come from (chapter 04 section 6). Null: the mutation computes none.
  std::shared_ptr<graph::TextVectors> vectors{};
};

// Leaves the transaction untouched when no row is affected.
[[nodiscard]] Result<MutationCounts> execute_mutation(const query::BoundQuery& query,
                                                      const std::vector<columnar::Scalar>& parameters,
                                                      graph::WriteTransaction& transaction,
                                                      const MutateContext& context);

}  // namespace omnigraph::exec
