// Writes small datasets as the engine does, for tests and for checks with other Lance tools.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_writer.h"
#include "lance/manifest.h"
#include "objectstore/object_store.h"

namespace omnigraph::lance {

struct DatasetOptions {
  bool packed = false;
  // By column; missing: automatic.
  std::map<std::string, ColumnClass> column_classes;
  std::uint64_t version = 1;  // 2^63 and above: detached
  // Deleted positions by fragment.
  std::map<std::uint64_t, std::vector<std::uint32_t>> deletions;
  bool stable_row_ids = true;
  // Row ids of all rows in order; empty: 0, 1, ..
  std::vector<std::uint64_t> row_ids;
  std::map<std::string, std::string> table_metadata;
  // Rows of each append to the file writer; 0: whole batches.
  std::int64_t rows_per_append = 0;
};

// One fragment a batch. The transaction is an overwrite. `root`: key prefix without a trailing '/'.
[[nodiscard]] Result<Manifest> write_dataset(objectstore::ObjectStore& store, const std::string& root,
                                             const std::vector<columnar::Field>& fields,
                                             const std::vector<std::vector<columnar::ArrayPtr>>& batches,
                                             const DatasetOptions& options = {});

// One data file in memory.
struct FileBytes {
  std::string bytes;
  WrittenFile written;
};
[[nodiscard]] Result<FileBytes> write_file(const std::vector<ColumnSpec>& specs,
                                           const std::vector<std::vector<columnar::ArrayPtr>>& batches,
                                           WriterOptions options = {});
[[nodiscard]] std::vector<ColumnSpec> specs_of(const std::vector<columnar::Field>& fields);

}  // namespace omnigraph::lance
