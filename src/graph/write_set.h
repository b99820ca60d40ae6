// What one attempt of a write collected (the state behind a WriteTransaction), before any check.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "graph/moment.h"
#include "graph/snapshot.h"
#include "graph/staged_rows.h"
#include "graph/store.h"

namespace omnigraph::graph {

struct VectorFill;  // graph/vector_fill.h

struct TablePut {
  std::shared_ptr<const StagedRows> rows;
  PutMode mode = PutMode::kMerge;
  bool generated_ids = false;
  // Where the caller knows it: the base row that each row replaces, or kNoOrdinal. Empty: looked up by id.
  std::vector<Ordinal> replaced{};
  // Vectors that the write fills in itself; null: none.
  std::shared_ptr<const VectorFill> fill{};
};

struct TableWrites {
  std::vector<TablePut> puts;
  bool replace_all = false;
  std::vector<Ordinal> removed;  // ordinals of the base view; may repeat, any order
};

class FileIndexing;  // graph/new_file_indexes.h

struct WriteSet {
  std::map<schema::TypeRef, TableWrites> tables;
  std::set<schema::TypeRef> reads;
  std::shared_ptr<FileIndexing> indexing{};  // null: new files get no indexes
  std::optional<Moment> uploads_since{};     // of what the caller put into the store (graph/early_uploads.h)
};

}  // namespace omnigraph::graph
