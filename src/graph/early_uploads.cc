#include "graph/early_uploads.h"

#include "graph/collecting_transaction.h"

namespace omnigraph::graph {

void note_upload(WriteTransaction& transaction, const Moment& began) {
  if (auto* collecting = dynamic_cast<CollectingTransaction*>(&transaction)) collecting->note_upload(began);
}

}  // namespace omnigraph::graph
