// What reading tables of a far store takes, asked for side by side: their manifests in one round trip, then their
// deletion bitmaps, their smaller data files and the ends of the larger ones in one more. A near store needs none of
// it. Thread safety: free functions; may be called concurrently. No errors: what cannot be had here is asked for again,
// and reported, where it is used.
#pragma once

#include <span>

#include "graph/snapshot.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

// `record` must be one that references the entry. Both outlive the call.
struct TableWanted {
  const RecordPtr& record;
  const TableEntry& entry;
};

void warm_tables(TableCache& cache, std::span<const TableWanted> wanted);

// A snapshot whose tables can be far away. Others pass for near ones.
class FarSnapshot {
 public:
  virtual ~FarSnapshot() = default;
  virtual void warm(std::span<const schema::TypeRef> types) const = 0;
};
// These tables of the snapshot will be read.
void warm_tables(const Snapshot& snapshot, std::span<const schema::TypeRef> types);

// Bitmaps only, of one table whose manifest is there.
void warm_deletions(TableCache& cache, const RecordPtr& record, const std::string& table_root,
                    const lance::Manifest& manifest);

}  // namespace omnigraph::graph
