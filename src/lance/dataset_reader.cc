#include "lance/dataset_reader.h"

#include <algorithm>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "columnar/kernels.h"
#include "lance/deletions.h"
#include "lance/file_reader.h"
#include "lance/manifest_messages.h"

namespace omnigraph::lance {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::ChunkedArray;
using columnar::DataType;
using columnar::Field;
using columnar::TypeId;
using objectstore::ObjectStore;

std::string key_under(const std::string& root, std::string_view rest) {
  return root.empty() ? std::string(rest) : root + "/" + std::string(rest);
}

// --- Objects of the dataset --------------------------------------------------------------------------------------

struct DatasetFiles {
  ObjectStore& store;
  const std::string& root;
  const std::vector<BasePath>& bases;

  // `folder`: data/ or _deletions/. Errors: kCorruptObject where the object is missing, kUnsupportedFormat for a
  // base path on another kind of storage.
  [[nodiscard]] Result<Buffer> load(const std::optional<std::uint32_t>& base_id, std::string_view folder,
                                    const std::string& name) const {
    if (!base_id) {
      const std::string key = key_under(root, std::string(folder) + name);
      return present(store.get(key), key);
    }
    for (const BasePath& base : bases) {
      if (base.id != *base_id) continue;
      OG_ASSIGN_OR_RETURN(const std::filesystem::path at, local_path(base.path));
      const std::filesystem::path file = base.is_dataset_root ? at / folder / name : at / name;
      return present(base::map_file(file), file.string());
    }
    return std::unexpected(corrupt_object(root, "no base path " + std::to_string(*base_id)));
  }

 private:
  static Result<Buffer> present(Result<Buffer> loaded, const std::string& key) {
    if (!loaded && loaded.error().code == Code::kNotFound) {
      return std::unexpected(corrupt_object(key, "the manifest names this file, but it is missing"));
    }
    return loaded;
  }
  // Absolute, relative to the process's directory, or a file URL.
  [[nodiscard]] Result<std::filesystem::path> local_path(const std::string& path) const {
    constexpr std::string_view kFileScheme = "file://";
    if (path.starts_with(kFileScheme)) {
      if (auto decoded = base::percent_decode(std::string_view(path).substr(kFileScheme.size()))) {
        return std::filesystem::path(*std::move(decoded));
      }
    } else if (path.find("://") == std::string::npos) {
      return std::filesystem::path(path);
    }
    return std::unexpected(unsupported_dataset(root, "base path '" + path + "' is not on the local file system"));
  }
};

// --- Schema and files --------------------------------------------------------------------------------------------

struct SchemaNode {
  std::int32_t id = 0;
  std::vector<SchemaNode> children;
};

using IdsByParent = std::unordered_map<std::int32_t, std::vector<std::int32_t>>;

std::vector<SchemaNode> nodes_below(const IdsByParent& ids, std::int32_t parent_id) {
  std::vector<SchemaNode> nodes;
  const auto found = ids.find(parent_id);
  if (found == ids.end()) return nodes;
  for (const std::int32_t id : found->second) nodes.push_back({id, nodes_below(ids, id)});
  return nodes;
}

// As column_fields orders them. REQUIRES: that it accepted the fields.
std::vector<SchemaNode> schema_nodes(const std::vector<SchemaField>& fields) {
  IdsByParent ids;
  for (const SchemaField& field : fields) ids[field.parent_id].push_back(field.id);
  return nodes_below(ids, -1);
}

struct OpenFile {
  const DataFileEntry* entry = nullptr;
  std::shared_ptr<const FileReader> reader;
  std::unordered_map<std::int32_t, std::int32_t> columns;  // by field id

  [[nodiscard]] bool has_parents() const { return entry->minor_version == 0; }
};

// The file columns of a field, depth-first; -1 where the file stores nothing. Returns whether it stores any value:
// the header of a struct holds none.
bool list_columns(const OpenFile& file, const SchemaNode& node, const DataType& type, std::vector<std::int32_t>& out) {
  const bool is_parent = type.id == TypeId::kList || type.id == TypeId::kStruct;
  const auto own = file.columns.find(node.id);
  const std::int32_t column = own == file.columns.end() ? -1 : own->second;
  if (!is_parent || file.has_parents()) out.push_back(column);
  bool any = type.id != TypeId::kStruct && (!is_parent || file.has_parents()) && column >= 0;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    any = list_columns(file, node.children[i], type.child(i).type, out) || any;
  }
  return any;
}

class FragmentReader {
 public:
  FragmentReader(const DatasetFiles& files, const Fragment& fragment, const std::string& place)
      : files_(files), fragment_(fragment), place_(place) {}

  Result<void> open() {
    // The files vouch for the row count.
    if (fragment_.files.empty() && fragment_.physical_rows != 0) {
      return std::unexpected(corrupt_object(place_, "fragment " + std::to_string(fragment_.id) + " has " +
                                                        std::to_string(fragment_.physical_rows) +
                                                        " rows and no data file"));
    }
    for (const DataFileEntry& entry : fragment_.files) {
      OG_ASSIGN_OR_RETURN(Buffer bytes, files_.load(entry.base_id, "data/", entry.path));
      if (entry.file_size_bytes != 0 && entry.file_size_bytes != bytes.size()) {
        return refuse(entry, "has " + std::to_string(bytes.size()) + " bytes where the manifest says " +
                                 std::to_string(entry.file_size_bytes));
      }
      OpenFile file{&entry, nullptr, {}};
      OG_ASSIGN_OR_RETURN(file.reader, FileReader::open(std::move(bytes), place_ + "/data/" + entry.path));
      if (file.reader->minor_version() != entry.minor_version) {
        return refuse(entry, "is of version 2." + std::to_string(file.reader->minor_version()) +
                                 " where the manifest says 2." + std::to_string(entry.minor_version));
      }
      if (file.reader->row_count() != fragment_.physical_rows) {
        return refuse(entry, "has " + std::to_string(file.reader->row_count()) + " rows where the manifest says " +
                                 std::to_string(fragment_.physical_rows));
      }
      for (std::size_t i = 0; i < entry.fields.size(); ++i) {
        if (entry.fields[i] >= 0) file.columns.emplace(entry.fields[i], entry.column_indices[i]);
      }
      open_.push_back(std::move(file));
    }
    return {};
  }

  // All physical rows.
  Result<ChunkedArray> read(const SchemaNode& node, const Field& field) const {
    std::vector<Part> parts;
    for (const OpenFile& file : open_) {
      Part part{&file, {}};
      if (list_columns(file, node, field.type, part.columns)) parts.push_back(std::move(part));
    }
    const auto rows = static_cast<std::int64_t>(fragment_.physical_rows);
    if (parts.empty()) return ChunkedArray(field.type, {columnar::all_null(field.type, rows)});
    if (parts.size() == 1) return read_part(parts[0], field);
    if (field.type.id != TypeId::kStruct) return refuse_split(parts[1], field);
    return merge_parts(parts, node, field);
  }

 private:
  struct Part {
    const OpenFile* file;
    std::vector<std::int32_t> columns;
  };

  [[nodiscard]] std::unexpected<Error> refuse(const DataFileEntry& entry, const std::string& what) const {
    return std::unexpected(corrupt_object(place_ + "/data/" + entry.path, what));
  }
  [[nodiscard]] std::unexpected<Error> refuse_split(const Part& part, const Field& field) const {
    return refuse(*part.file->entry, "stores part of field '" + field.name + "', as another file does");
  }

  Result<ChunkedArray> read_part(const Part& part, const Field& field) const {
    OG_ASSIGN_OR_RETURN(ChunkedArray stored, part.file->reader->read(field.type, part.columns));
    if (stored.length() != static_cast<std::int64_t>(fragment_.physical_rows)) {
      return refuse(*part.file->entry, "field '" + field.name + "' has " + std::to_string(stored.length()) + " rows");
    }
    return stored;
  }

  // A struct whose children lie in several files: each child as a whole from the file that has it.
  Result<ChunkedArray> merge_parts(const std::vector<Part>& parts, const SchemaNode& node, const Field& field) const {
    Array::Parts merged;
    merged.type = field.type;
    merged.length = static_cast<std::int64_t>(fragment_.physical_rows);
    merged.children.resize(field.type.child_count());
    for (const Part& part : parts) {
      OG_ASSIGN_OR_RETURN(const ChunkedArray stored, read_part(part, field));
      const ArrayPtr whole = columnar::combine(stored);
      for (std::size_t i = 0; i < merged.children.size(); ++i) {
        std::vector<std::int32_t> ignored;
        if (!list_columns(*part.file, node.children[i], field.type.child(i).type, ignored)) continue;
        if (merged.children[i]) return refuse_split(part, field.type.child(i));
        merged.children[i] = whole->child(i);
      }
    }
    for (std::size_t i = 0; i < merged.children.size(); ++i) {
      if (!merged.children[i]) merged.children[i] = columnar::all_null(field.type.child(i).type, merged.length);
    }
    return ChunkedArray(field.type, {std::make_shared<const Array>(std::move(merged))});
  }

  const DatasetFiles& files_;
  const Fragment& fragment_;
  const std::string& place_;
  std::vector<OpenFile> open_;
};

// Positions that are not deleted. REQUIRES: `deleted` ascending and below `rows`.
std::vector<std::uint32_t> live_positions(std::uint64_t rows, const std::vector<std::uint32_t>& deleted) {
  std::vector<std::uint32_t> live;
  live.reserve(static_cast<std::size_t>(rows) - deleted.size());
  auto next = deleted.begin();
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (next != deleted.end() && *next == row) {
      ++next;
    } else {
      live.push_back(static_cast<std::uint32_t>(row));
    }
  }
  return live;
}

class DatasetScan {
 public:
  DatasetScan(ObjectStore& store, const std::string& root, DatasetRows& out)
      : files_{store, root, out.manifest.base_paths},
        root_(root),
        nodes_(schema_nodes(out.manifest.fields)),
        chunks_(out.fields.size()),
        out_(out) {}

  Result<void> add(const Fragment& fragment) {
    FragmentReader reader(files_, fragment, root_);
    OG_RETURN_IF_ERROR(reader.open());
    std::vector<std::uint32_t> deleted;
    if (fragment.deletion_file) {
      const std::string name = deletion_file_name(fragment.id, *fragment.deletion_file);
      OG_ASSIGN_OR_RETURN(const Buffer bytes, files_.load(fragment.deletion_file->base_id, "_deletions/", name));
      OG_ASSIGN_OR_RETURN(deleted, read_deletions(bytes, *fragment.deletion_file, fragment.physical_rows,
                                                  key_under(root_, "_deletions/" + name)));
    }
    const bool whole = deleted.empty();
    const std::vector<std::uint32_t> live =
        whole ? std::vector<std::uint32_t>() : live_positions(fragment.physical_rows, deleted);
    for (std::size_t i = 0; i < out_.fields.size(); ++i) {
      OG_ASSIGN_OR_RETURN(const ChunkedArray column, reader.read(nodes_[i], out_.fields[i]));
      if (!whole) {
        chunks_[i].push_back(columnar::take(column, live));
        continue;
      }
      for (std::size_t k = 0; k < column.chunk_count(); ++k) chunks_[i].push_back(column.chunk(k));
    }
    append_row_ids(fragment, whole ? nullptr : &live);
    out_.row_count += whole ? fragment.physical_rows : live.size();
    return {};
  }
  void finish() {
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      out_.columns.emplace_back(out_.fields[i].type, std::move(chunks_[i]));
    }
  }

 private:
  void append_row_ids(const Fragment& fragment, const std::vector<std::uint32_t>* live) {
    if (!out_.manifest.stable_row_ids) return;
    if (live == nullptr) {
      fragment.row_ids->append_to(out_.row_ids);
      return;
    }
    for (const std::uint32_t position : *live) out_.row_ids.push_back(fragment.row_ids->at(position));
  }

  const DatasetFiles files_;
  const std::string& root_;
  const std::vector<SchemaNode> nodes_;
  std::vector<std::vector<ArrayPtr>> chunks_;  // by column
  DatasetRows& out_;
};

// Key of the newest regular manifest. Inverted names list newest first; plain ones in no useful order.
Result<std::string> newest_manifest(ObjectStore& store, const std::string& root) {
  const std::string prefix = key_under(root, "_versions/");
  std::optional<std::uint64_t> newest;
  std::string newest_key;
  objectstore::ListOptions options;
  for (bool more = true; more;) {
    OG_ASSIGN_OR_RETURN(const objectstore::Listing page, store.list(prefix, options));
    for (const objectstore::ObjectInfo& object : page.objects) {
      const std::string_view name = std::string_view(object.key).substr(prefix.size());
      const auto version = version_of_name(name);
      if (!version || *version >= kDetachedVersionMin) continue;
      if (!newest && is_inverted_name(name)) return object.key;
      if (newest && *newest >= *version) continue;
      newest = version;
      newest_key = object.key;
    }
    more = page.truncated && !page.objects.empty();
    if (more) options.start_after = page.objects.back().key;
  }
  if (!newest) return std::unexpected(not_found("no dataset at '" + root + "': it has no regular version"));
  return newest_key;
}

}  // namespace

Result<Manifest> open_manifest(ObjectStore& store, const std::string& root, std::optional<std::uint64_t> version) {
  const std::string folder = key_under(root, "_versions/");
  std::string key;
  Result<Buffer> bytes = Buffer();
  if (version) {
    key = folder + manifest_name(*version);
    bytes = store.get(key);
    if (!bytes && bytes.error().code == Code::kNotFound && *version < kDetachedVersionMin) {
      key = folder + plain_manifest_name(*version);
      bytes = store.get(key);
    }
    if (!bytes && bytes.error().code == Code::kNotFound) {
      return std::unexpected(not_found("dataset '" + root + "' has no version " + std::to_string(*version)));
    }
  } else {
    OG_ASSIGN_OR_RETURN(key, newest_manifest(store, root));
    bytes = store.get(key);
  }
  OG_RETURN_IF_ERROR(bytes);
  OG_ASSIGN_OR_RETURN(Manifest manifest, parse_manifest(*bytes, key));
  if (version_of_name(std::string_view(key).substr(folder.size())) != manifest.version) {
    return std::unexpected(
        corrupt_object(key, "holds version " + std::to_string(manifest.version) + ", which is not its name"));
  }
  return manifest;
}

Result<DatasetRows> read_dataset(ObjectStore& store, const std::string& root, std::optional<std::uint64_t> version) {
  DatasetRows out;
  OG_ASSIGN_OR_RETURN(out.manifest, open_manifest(store, root, version));
  OG_ASSIGN_OR_RETURN(out.fields, column_fields(out.manifest.fields));
  DatasetScan scan(store, root, out);
  for (const Fragment& fragment : out.manifest.fragments) OG_RETURN_IF_ERROR(scan.add(fragment));
  scan.finish();
  return out;
}

}  // namespace omnigraph::lance
