// A whole dataset at one version, as any Lance tool wrote it: for fixtures, foreign versions and `verify`.
// The engine reads its own tables through graph/table_view.h instead.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/manifest.h"
#include "objectstore/object_store.h"

namespace omnigraph::lance {

// Live rows only, in scan order (fragments by id, positions ascending).
struct DatasetRows {
  Manifest manifest;
  std::vector<columnar::Field> fields;
  std::vector<columnar::ChunkedArray> columns;
  std::vector<std::uint64_t> row_ids;  // empty without stable row ids
  std::uint64_t row_count = 0;
};

// `root`: key prefix of the dataset in `store`, without a trailing '/'. No version: the latest regular one.
// Base paths are resolved through the local file system.
[[nodiscard]] Result<Manifest> open_manifest(objectstore::ObjectStore& store, const std::string& root,
                                             std::optional<std::uint64_t> version);
[[nodiscard]] Result<DatasetRows> read_dataset(objectstore::ObjectStore& store, const std::string& root,
                                               std::optional<std::uint64_t> version);

}  // namespace omnigraph::lance
