// NDJSON of the entities of one snapshot (chapter 03 section 3): what exports and baselines write.
// Errors: those of reading the tables; kInternal for a non-finite float; the sink's own.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/graph.h"
#include "graph/snapshot.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {

// Edge types, then node types, each by name; empty `names` = all. A name selects both a node and an edge type of that
// name. kBadRequest: `unknown export type 'X'`.
[[nodiscard]] Result<std::vector<schema::TypeRef>> exported_types(const schema::Catalog& catalog,
                                                                  const std::vector<std::string>& names);

// All entities of the types in this order, within a type by id, in pieces of about 64 KiB.
[[nodiscard]] Result<void> export_types(const graph::Snapshot& snapshot, const std::vector<schema::TypeRef>& types,
                                        objectstore::ObjectStore& store, const Graph::TextSink& sink);

}  // namespace omnigraph::engine
