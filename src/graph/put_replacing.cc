#include "graph/put_replacing.h"

#include <utility>

#include "base/result.h"
#include "graph/collecting_transaction.h"

namespace omnigraph::graph {

void put_replacing(WriteTransaction& transaction, std::shared_ptr<const StagedRows> rows,
                   std::vector<Ordinal> replaced) {
  OG_CHECK(replaced.size() == rows->row_count());
  if (auto* collecting = dynamic_cast<CollectingTransaction*>(&transaction)) {
    collecting->put_replacing(std::move(rows), std::move(replaced));
  } else {
    transaction.put(std::move(rows), PutMode::kMerge, false);
  }
}

}  // namespace omnigraph::graph
