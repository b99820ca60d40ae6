// The graph at one commit: immutable, and all a query needs. Opening tables and building adjacency happens on first
// use and is shared between snapshots whose data files are the same.
// Thread safety: const methods may be called concurrently. Errors: kIoError, kCorruptObject, kGone (removed by
// cleanup).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "graph/record.h"
#include "graph/table_view.h"
#include "index/adjacency.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

enum class AdjacencyDirection : std::uint8_t { kOut, kIn };

class Snapshot {
 public:
  virtual ~Snapshot() = default;

  [[nodiscard]] virtual const std::string& commit_id() const = 0;
  [[nodiscard]] virtual std::uint64_t version() const = 0;       // graph_manifest_version
  [[nodiscard]] virtual const CommitRecord& record() const = 0;  // `tables` as of this commit
  [[nodiscard]] virtual const std::shared_ptr<const schema::Catalog>& catalog() const = 0;
  [[nodiscard]] virtual const std::string& schema_source() const = 0;

  [[nodiscard]] virtual Result<TableViewPtr> table(schema::TypeRef type) const = 0;
  [[nodiscard]] Result<TableViewPtr> node_table(std::uint32_t index) const {
    return table({schema::EntityKind::kNode, index});
  }
  [[nodiscard]] Result<TableViewPtr> edge_table(std::uint32_t index) const {
    return table({schema::EntityKind::kEdge, index});
  }

  // Live edges between live nodes of edge type `edge_index`; ordinals of the views of this snapshot.
  // kOut: rows are source ordinals, neighbours target ordinals; kIn the reverse.
  [[nodiscard]] virtual Result<std::shared_ptr<const index::Adjacency>> adjacency(
      std::uint32_t edge_index, AdjacencyDirection direction) const = 0;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace omnigraph::graph
