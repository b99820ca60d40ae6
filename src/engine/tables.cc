#include "engine/tables.h"

#include "engine/snapshot_of.h"
#include "graph/layout.h"

namespace omnigraph::engine {

Result<std::vector<TableInfo>> tables_of(Graph& graph, const ReadTarget& target) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr snapshot, snapshot_of(graph.storage(), target));
  std::vector<TableInfo> tables;
  // The map's order, edge: before node:, then by name, is the contract's.
  for (const auto& [key, entry] : snapshot->record().tables) {
    tables.push_back({key, graph::table_root_of(entry.manifest), entry.version, entry.rows});
  }
  return tables;
}

}  // namespace omnigraph::engine
