// The rows of a write as data files: what is new, what replaces a base row under its row id, and small base fragments
// folded in. Files whose total is small stay in memory for the publisher to attach; others stream into the store.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "graph/data_file.h"
#include "graph/prepare.h"
#include "graph/prepare_fold.h"
#include "graph/prepare_state.h"
#include "lance/file_writer.h"

namespace omnigraph::graph {

// Columns of a table's data files: id, for edges src, dst, SrcRow, DstRow, then the properties in catalog order.
struct TableLayout {
  std::vector<columnar::Field> fields;
  std::vector<std::vector<std::int32_t>> field_ids;  // of each, depth-first
  std::vector<lance::ColumnClass> classes;
  std::size_t system_columns = 1;
};
[[nodiscard]] Result<TableLayout> table_layout(const TableState& table);

// What a write makes of one table, before its files are written.
struct TablePlan {
  const TableState* table = nullptr;
  const EndpointRows* endpoints = nullptr;  // edges with staged rows
  FoldedRows folded;
};

// Writes the files of all plans and appends them to the tables of `out`, which are in the order of the plans.
[[nodiscard]] Result<void> write_files(const std::vector<TablePlan>& plans, objectstore::ObjectStore& store,
                                       PreparedFileCache& cache, PreparedWrite& out);

// Files that were written already, by all that decides their content.
class PreparedFileCache {
 public:
  struct Entry {
    lance::DataFileEntry file;
    std::string key;
    std::optional<Buffer> bytes;                             // not in the store yet
    FileRowsPtr rows;                                        // null: not kept
    std::vector<std::shared_ptr<const StagedRows>> sources;  // kept, so that their addresses stay theirs
  };
  [[nodiscard]] std::optional<Entry> find(const std::string& content) const;
  void insert(const std::string& content, Entry entry);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace omnigraph::graph
