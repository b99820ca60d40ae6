#include "graph/copied_objects.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "graph/layout.h"

namespace omnigraph::graph {
namespace {

class CopyChoice {
 public:
  CopyChoice(TableCache& tables, const std::vector<NewObject>& objects, bool attached, const RecordPtr& source)
      : tables_(tables), attached_(attached), source_(source) {
    for (const NewObject& object : objects) fresh_.emplace(object.key, &object.bytes);
  }

  ObjectCopies choose(const CommitRecord& record) {
    add(schema_key(record.schema.digest), left_);
    for (const auto& [table, entry] : record.tables) add(entry.manifest, left_);
    std::uint64_t rows_left = std::min(left_, kCopiedRowsBytesMax);
    for (const auto& [table, entry] : record.tables) add_rows(entry, rows_left);
    return std::move(copies_);
  }

 private:
  // Newest first: these are the small ones.
  void add_rows(const TableEntry& entry, std::uint64_t& left) {
    if (left == 0 || entry.rows == 0) return;
    const ManifestPtr manifest = known_manifest(entry.manifest);
    if (manifest == nullptr) return;
    const std::string root = table_root_of(entry.manifest);
    for (auto fragment = manifest->fragments.rbegin(); fragment != manifest->fragments.rend(); ++fragment) {
      if (fragment->deletion_file) add_small(deletion_copy_key(root, *fragment, *fragment->deletion_file), left);
      for (const lance::DataFileEntry& file : fragment->files) {
        const bool small = file.file_size_bytes > 0 && file.file_size_bytes <= kCopiedFileBytesMax;
        if (small && !file.base_id) add_small(data_file_key(root, file.path), left);
      }
    }
  }

  void add_small(const std::string& key, std::uint64_t& left) { add(key, left, kCopiedFileBytesMax); }
  void add(const std::string& key, std::uint64_t& left, std::uint64_t size_max = kCopiesBytesMax) {
    if (attached_ && fresh_.contains(key)) return;
    std::optional<Buffer> bytes = bytes_of(key);
    if (!bytes || bytes->size() > size_max || bytes->size() + key.size() > left) return;
    left -= bytes->size() + key.size();
    copies_.emplace(key, *std::move(bytes));
  }

  // Without a request.
  [[nodiscard]] bool is_at_hand(const std::string& key) const {
    if (source_ == nullptr) return false;
    const ObjectReader::Where at = tables_.objects()->where(*source_, key);
    if (at.place == ObjectReader::Place::kRecord) return tables_.objects()->has_record(*at.at);
    return at.place == ObjectReader::Place::kHere;
  }

  [[nodiscard]] std::optional<Buffer> bytes_of(const std::string& key) const {
    if (const auto found = fresh_.find(key); found != fresh_.end()) return *found->second;
    if (!is_at_hand(key)) return tables_.objects()->remembered(key);
    Result<Buffer> bytes = tables_.objects()->get(*source_, key);
    return bytes ? std::optional(*std::move(bytes)) : std::nullopt;
  }

  [[nodiscard]] ManifestPtr known_manifest(const std::string& key) {
    if (source_ == nullptr || (!tables_.knows_manifest(key) && !is_at_hand(key))) return nullptr;
    return tables_.manifest(*source_, key).value_or(nullptr);
  }

  TableCache& tables_;
  const bool attached_;
  const RecordPtr& source_;
  std::map<std::string_view, const Buffer*> fresh_;
  std::uint64_t left_ = kCopiesBytesMax;
  ObjectCopies copies_;
};

}  // namespace

ObjectCopies objects_to_copy(TableCache& tables, const CommitRecord& record, const std::vector<NewObject>& objects,
                             bool attached, const RecordPtr& source) {
  if (!tables.remote() || record.deleted) return {};
  return CopyChoice(tables, objects, attached, source).choose(record);
}

}  // namespace omnigraph::graph
