#include "graph/table_cache.h"

#include "graph/fragment_view.h"
#include "graph/layout.h"
#include "graph/memory_cost.h"
#include "lance/deletions.h"

namespace omnigraph::graph {
namespace {

// Bytes of memory. Large local files are mapped, so that what they take is mostly address space.
constexpr std::uint64_t kManifestsMax = std::uint64_t{32} << 20;
constexpr std::uint64_t kSmallFilesMax = std::uint64_t{64} << 20;
constexpr std::uint64_t kLargeFilesMax = std::uint64_t{2} << 30;
constexpr std::uint64_t kWrittenRowsMax = std::uint64_t{16} << 20;
constexpr std::uint64_t kDeletionsMax = std::uint64_t{32} << 20;
constexpr std::uint64_t kViewsMax = std::uint64_t{64} << 20;

// Up to here a file is small. Those that commits bring are, also after many of them were folded into one.
constexpr std::uint64_t kSmallFileBytes = std::uint64_t{1} << 20;

// Two branches may give one property of one schema text different identities.
std::string view_key(const TableEntry& entry, const RecordSchema& schema, const TypeIdentity& identity) {
  std::string key = entry.manifest + " " + schema.digest;
  for (const PropertyIdentity& property : identity.properties) {
    key += ' ';
    if (!property.field_ids.empty()) key += std::to_string(property.field_ids.front());
  }
  return key;
}

}  // namespace

TableCache::TableCache(std::shared_ptr<const ObjectReader> objects, bool remote)
    : objects_(std::move(objects)),
      derived_(std::make_shared<DerivedData>(objects_)),
      remote_(remote),
      manifests_("manifests", kManifestsMax),
      small_files_("small_files", kSmallFilesMax),
      large_files_("large_files", kLargeFilesMax),
      rows_("written_rows", kWrittenRowsMax),
      deletions_("deletions", kDeletionsMax),
      views_("table_views", kViewsMax) {}

Result<ManifestPtr> TableCache::manifest(const LoadedRecord& record, const std::string& key) {
  if (ManifestPtr known = manifests_.find(key)) return known;
  OG_ASSIGN_OR_RETURN(const Buffer bytes, objects_->get(record, key));
  OG_ASSIGN_OR_RETURN(lance::Manifest parsed, lance::parse_manifest(bytes, key));
  auto shared = std::make_shared<const lance::Manifest>(std::move(parsed));
  return manifests_.insert(key, shared, memory_of(*shared));
}

void TableCache::note_manifest(const std::string& key, ManifestPtr manifest) {
  const std::uint64_t bytes = memory_of(*manifest);
  manifests_.insert(key, std::move(manifest), bytes);
}

void TableCache::note_rows(const std::string& key, FileRowsPtr rows) {
  const std::uint64_t bytes = memory_of(*rows);
  rows_.insert(key, std::move(rows), bytes);
}

std::shared_ptr<DataFile> TableCache::data_file(const RecordPtr& record, const std::string& key,
                                                std::uint64_t size_bytes) {
  LruCache<DataFile>& files = size_bytes <= kSmallFileBytes ? small_files_ : large_files_;
  if (auto known = files.find(key)) return known;
  auto cost = std::make_shared<base::CacheCost>();
  auto file = std::make_shared<DataFile>(key, record, objects_, remote_ ? size_bytes : 0, rows_.find(key), cost);
  return files.insert(key, std::move(file), std::move(cost));
}

Result<PositionsPtr> TableCache::deletions(const LoadedRecord& record, const std::string& table_root,
                                           const lance::Fragment& fragment) {
  const lance::DeletionFileEntry& entry = *fragment.deletion_file;
  std::string key = deletion_copy_key(table_root, fragment, entry);
  if (PositionsPtr known = deletions_.find(key)) return known;
  const std::string cache_key = key;
  Result<Buffer> bytes = objects_->get(record, key);
  if (!bytes && bytes.error().code == Code::kCorruptObject) {  // a foreign writer makes no copy
    key = deletion_file_key(table_root, fragment.id, entry);
    bytes = objects_->get(record, key);
  }
  if (!bytes) return std::unexpected(std::move(bytes).error());
  OG_ASSIGN_OR_RETURN(std::vector<std::uint32_t> positions,
                      lance::read_deletions(*bytes, entry, fragment.physical_rows, key));
  auto shared = std::make_shared<const std::vector<std::uint32_t>>(std::move(positions));
  return deletions_.insert(cache_key, shared, 64 + 4 * shared->size());
}

Result<TableViewPtr> TableCache::view(const RecordPtr& record, const RecordSchema& schema,
                                      const std::shared_ptr<const schema::Catalog>& catalog, schema::TypeRef type,
                                      const TableEntry& entry) {
  const TypeIdentity* identity = schema.find(catalog->table_key(type));
  if (identity == nullptr) {
    return std::unexpected(corrupt_object(entry.manifest, "the record has no identity for its type"));
  }
  const std::string key = view_key(entry, schema, *identity);
  if (TableViewPtr known = views_.find(key)) return known;
  OG_ASSIGN_OR_RETURN(ManifestPtr manifest, this->manifest(*record, entry.manifest));
  auto cost = std::make_shared<base::CacheCost>();
  OG_ASSIGN_OR_RETURN(TableViewPtr made, make_fragment_view(*this, record, *identity, catalog, type, entry.manifest,
                                                            std::move(manifest), cost));
  return views_.insert(key, std::move(made), std::move(cost));
}

}  // namespace omnigraph::graph
