// What readers of one graph share: parsed manifests, opened data files, deletion bitmaps and table views, each kept by
// the key of its immutable object, within a budget of memory for each kind (docs/operate.md). Thread safety: all
// methods may be called concurrently.
// Errors: those of ObjectReader, kCorruptObject, kUnsupportedFormat.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/data_file.h"
#include "graph/derived_data.h"
#include "graph/lru_cache.h"
#include "graph/object_reader.h"
#include "graph/table_view.h"
#include "lance/manifest.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

using ManifestPtr = std::shared_ptr<const lance::Manifest>;
using PositionsPtr = std::shared_ptr<const std::vector<std::uint32_t>>;

class TableCache {
 public:
  // `remote`: requests are far away, so what will be needed together is asked for together.
  TableCache(std::shared_ptr<const ObjectReader> objects, bool remote);
  [[nodiscard]] bool remote() const { return remote_; }

  [[nodiscard]] Result<ManifestPtr> manifest(const LoadedRecord& record, const std::string& key);
  [[nodiscard]] bool knows_manifest(const std::string& key) const { return manifests_.contains(key); }
  // A manifest this process wrote: known without reading it back.
  void note_manifest(const std::string& key, ManifestPtr manifest);

  // Columns of a data file this process wrote, for whoever opens it while they are kept.
  void note_rows(const std::string& key, FileRowsPtr rows);

  // `size_bytes` as the manifest says; 0 = not known.
  [[nodiscard]] std::shared_ptr<DataFile> data_file(const RecordPtr& record, const std::string& key,
                                                    std::uint64_t size_bytes);
  // Ascending deleted positions of a fragment that has a deletion file: the engine's copy, else the Lance one.
  [[nodiscard]] Result<PositionsPtr> deletions(const LoadedRecord& record, const std::string& table_root,
                                               const lance::Fragment& fragment);

  // By the key of the engine's copy.
  [[nodiscard]] bool knows_deletions(const std::string& key) const { return deletions_.contains(key); }

  // The rows of `type` at the entry's version. `record` must be one that references the entry.
  [[nodiscard]] Result<TableViewPtr> view(const RecordPtr& record, const RecordSchema& schema,
                                          const std::shared_ptr<const schema::Catalog>& catalog, schema::TypeRef type,
                                          const TableEntry& entry);

  [[nodiscard]] const std::shared_ptr<const ObjectReader>& objects() const { return objects_; }
  [[nodiscard]] const std::shared_ptr<DerivedData>& derived() const { return derived_; }

 private:
  const std::shared_ptr<const ObjectReader> objects_;
  const std::shared_ptr<DerivedData> derived_;
  const bool remote_;
  LruCache<const lance::Manifest> manifests_;
  // Apart from each other: every write leaves another small file, and these must not drive out the large ones.
  LruCache<DataFile> small_files_;
  LruCache<DataFile> large_files_;
  LruCache<const FileRows> rows_;
  LruCache<const std::vector<std::uint32_t>> deletions_;
  LruCache<const TableView> views_;
};

}  // namespace omnigraph::graph
