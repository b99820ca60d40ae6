// Which objects a new record of a far store brings copies of (graph/record_copies.h), so that a cold reader, or a cold
// writer that looks for a key, has with the record what it would have to ask for one by one: the schema, the table
// manifests, and the small data files and deletion bitmaps that recent commits left.
//
// Nothing is asked of the store for it: bytes come from the write itself, from the record it builds on, and from what
// this process has read. So copies pass from record to record, and what is missing once stays out until somebody reads
// it. Thread safety: free function.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/prepare.h"
#include "graph/record_copies.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

// Of all rows in one record: some dozens of commits of a few rows. Compressed a fraction of it.
inline constexpr std::uint64_t kCopiedRowsBytesMax = std::uint64_t{64} << 10;

// `objects`: new ones of the record; if they are `attached` to it they need no copy. `source`: the record it builds on,
// null for none.
[[nodiscard]] ObjectCopies objects_to_copy(TableCache& tables, const CommitRecord& record,
                                           const std::vector<NewObject>& objects, bool attached,
                                           const RecordPtr& source);

}  // namespace omnigraph::graph
