// Objects that the caller of a write puts into the store itself before any data file: large Blobs. Thread safety: as the
// transaction's.
#pragma once

#include "graph/moment.h"
#include "graph/store.h"

namespace omnigraph::graph {

// The rows of the write reference such objects, the first of them not put before `began`: the write has 12 hours from
// there (chapter 09 section 5), for `cleanup` takes objects that nothing references yet for left-overs after a day.
void note_upload(WriteTransaction& transaction, const Moment& began);

}  // namespace omnigraph::graph
