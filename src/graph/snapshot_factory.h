// Makes snapshots from commit records and keeps the recent ones, so that readers of one head share its views.
// Thread safety: all methods may be called concurrently. Errors: those of TableCache; kCorruptObject for a schema
// object that does not parse.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "graph/adjacency_cache.h"
#include "graph/commit_log.h"
#include "graph/lru_cache.h"
#include "graph/snapshot.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

struct LoadedSchema {
  std::string source;
  std::shared_ptr<const schema::Catalog> catalog;
};
using LoadedSchemaPtr = std::shared_ptr<const LoadedSchema>;

class SnapshotFactory {
 public:
  explicit SnapshotFactory(std::shared_ptr<TableCache> tables);

  // State after the last commit of the record.
  [[nodiscard]] Result<SnapshotPtr> at_head(const RecordPtr& record);
  // State after record.commits[index].
  [[nodiscard]] Result<SnapshotPtr> at_commit(const RecordPtr& record, std::size_t index);
  // Not kept: the record may never be published.
  [[nodiscard]] Result<SnapshotPtr> of_unpublished(const RecordPtr& record);

  // The schema of the digest, read through a record that references it.
  [[nodiscard]] Result<LoadedSchemaPtr> schema(const LoadedRecord& record);
  // A schema this process is about to publish.
  void note_schema(const std::string& digest, LoadedSchemaPtr schema);

  [[nodiscard]] const std::shared_ptr<TableCache>& tables() const { return tables_; }

 private:
  [[nodiscard]] Result<SnapshotPtr> make(const RecordPtr& record, std::shared_ptr<const CommitRecord> state);
  // A cold reader asks for the schema and all manifests at once.
  void warm_up(const LoadedRecord& record, const CommitRecord& state);

  const std::shared_ptr<TableCache> tables_;
  const std::shared_ptr<AdjacencyCache> adjacency_;
  LruCache<const Snapshot> snapshots_;
  LruCache<const LoadedSchema> schemas_;
};

}  // namespace omnigraph::graph
