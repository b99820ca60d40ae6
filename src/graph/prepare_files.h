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
#include "graph/moment.h"
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
  FileIndexing* indexing = nullptr;         // null: its files get no indexes
  FoldedRows folded;
};

// Writes the files of all plans and appends them to the tables of `out`, which are in the order of the plans.
[[nodiscard]] Result<void> write_files(const std::vector<TablePlan>& plans, objectstore::ObjectStore& store,
                                       PreparedFileCache& cache, PreparedWrite& out);

// One file of some of a table's staged pieces, [first, end).
struct FilePieces {
  std::size_t first = 0, end = 0;
  bool with_folded = false;  // the plan's folded rows before them
};
// Writes that file; its fragment goes to `table`, its bytes, if they are few, to `out`.
[[nodiscard]] Result<void> write_file(const TablePlan& plan, const TableLayout& layout, const FilePieces& pieces,
                                      objectstore::ObjectStore& store, PreparedFileCache& cache, PreparedTable& table,
                                      PreparedWrite& out);

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
  // An attempt of the write begins, `now` or soon after. What the cache serves from the store must not be older than
  // began() says, whatever became of the attempt that uploaded it (publisher.h, kUploadForUs).
  void begin_attempt(const Moment& now);
  [[nodiscard]] Moment began() const;  // of the first attempt whose uploads may be used, else of this one
  [[nodiscard]] std::optional<Entry> find(const std::string& content) const;
  void insert(const std::string& content, Entry entry);

 private:
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Entry> entries_;
  bool has_uploads_ = false;  // some entry is in the store
  Moment began_;
};

}  // namespace omnigraph::graph
