// Rows that take the places of base rows which the caller knows, so that nobody looks their ids up again.
// Thread safety: as the transaction.
#pragma once

#include <memory>
#include <vector>

#include "graph/store.h"

namespace omnigraph::graph {

// As put(rows, PutMode::kMerge, false). REQUIRES: `replaced` has an ordinal of the transaction's base view for each
// row, live and not given twice, and the row has its id.
void put_replacing(WriteTransaction& transaction, std::shared_ptr<const StagedRows> rows,
                   std::vector<Ordinal> replaced);

}  // namespace omnigraph::graph
