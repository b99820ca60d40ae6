#include "graph/mark_blobs.h"

#include <algorithm>
#include <iterator>

#include "graph/layout.h"
#include "lance/deletions.h"

namespace omnigraph::graph {
namespace {

// Field ids of a Blob column: the struct and its child `object`.
struct BlobField {
  std::int32_t struct_id = 0;
  std::int32_t object_id = 0;
};

std::vector<BlobField> blob_fields(const lance::Manifest& manifest) {
  const auto child = [&](std::int32_t parent, std::string_view name) {
    return std::ranges::find_if(manifest.fields, [&](const lance::SchemaField& field) {
      return field.parent_id == parent && field.name == name;
    });
  };
  std::vector<BlobField> out;
  for (const lance::SchemaField& field : manifest.fields) {
    if (field.parent_id != -1) continue;
    const auto object = child(field.id, "object");
    // No property type but Blob is a struct.
    if (object != manifest.fields.end() && child(field.id, "sha256") != manifest.fields.end()) {
      out.push_back({field.id, object->id});
    }
  }
  return out;
}

std::int32_t column_of(const lance::DataFileEntry& file, std::int32_t field_id) {
  const auto at = std::ranges::find(file.fields, field_id);
  return at == file.fields.end() ? -1 : file.column_indices[static_cast<std::size_t>(at - file.fields.begin())];
}

}  // namespace

Result<void> BlobMarker::note(const std::vector<RecordAt>& records, const std::string& manifest_key,
                              const lance::Manifest& manifest) {
  const std::vector<BlobField> fields = blob_fields(manifest);
  if (fields.empty()) return {};
  const std::string root = table_root_of(manifest_key);
  for (const lance::Fragment& fragment : manifest.fragments) {
    Deleted deleted;
    // Without a record all rows count: what others deleted makes no difference to what is ours.
    if (fragment.deletion_file) {
      OG_RETURN_IF_ERROR(with_some_record(reader_, records, [&](const RecordPtr& record) -> Result<void> {
        OG_ASSIGN_OR_RETURN(const PositionsPtr positions, reader_.tables->deletions(*record, root, fragment));
        deleted = *positions;
        return {};
      }));
    }
    for (const lance::DataFileEntry& file : fragment.files) {
      std::set<Column> columns;
      for (const BlobField& field : fields) {
        const Column column{column_of(file, field.struct_id), column_of(file, field.object_id)};
        if (column.object_column >= 0) columns.insert(column);
      }
      if (!columns.empty()) note_file(records, data_file_key(root, file.path), file, columns, deleted);
    }
  }
  return {};
}

void BlobMarker::note_file(const std::vector<RecordAt>& records, const std::string& key,
                           const lance::DataFileEntry& file, const std::set<Column>& columns, const Deleted& deleted) {
  const auto [found, fresh] = files_.try_emplace(key);
  File& known = found->second;
  known.columns.insert(columns.begin(), columns.end());
  known.records.insert(known.records.end(), records.begin(), records.end());
  if (fresh) {
    known.has_parents = file.minor_version == 0;
    known.dead = deleted;
    return;
  }
  if (!deleted) known.dead.reset();
  if (!known.dead) return;
  std::vector<std::uint32_t> both;
  std::ranges::set_intersection(*known.dead, *deleted, std::back_inserter(both));
  known.dead = std::move(both);
}

Result<std::set<std::string>> BlobMarker::objects() {
  std::set<std::string> out;
  for (const auto& [key, file] : files_) {
    if (file.records.empty()) {
      Result<Buffer> bytes = store_.get(key);
      if (!bytes && bytes.error().code == Code::kNotFound) continue;
      if (!bytes) return std::unexpected(std::move(bytes).error());
      OG_RETURN_IF_ERROR(read(std::move(*bytes), key, file, out));
      continue;
    }
    OG_RETURN_IF_ERROR(with_some_record(reader_, file.records, [&](const RecordPtr& record) -> Result<void> {
      OG_ASSIGN_OR_RETURN(Buffer bytes, reader_.objects->get(*record, key));
      return read(std::move(bytes), key, file, out);
    }));
  }
  return out;
}

Result<void> BlobMarker::read(Buffer bytes, const std::string& key, const File& file, std::set<std::string>& out) {
  OG_ASSIGN_OR_RETURN(const auto reader, lance::FileReader::open(std::move(bytes), key));
  // Only this child is decoded: payloads inside the rows stay untouched.
  const columnar::DataType type = columnar::struct_of({{"object", columnar::utf8()}});
  const auto is_dead = [&](std::int64_t position) {
    return file.dead && std::ranges::binary_search(*file.dead, static_cast<std::uint32_t>(position));
  };
  for (const Column& column : file.columns) {
    std::vector<std::int32_t> columns;
    if (file.has_parents) columns.push_back(column.struct_column);
    columns.push_back(column.object_column);
    OG_ASSIGN_OR_RETURN(const columnar::ChunkedArray values, reader->read(type, columns));
    for (std::size_t c = 0; c < values.chunk_count(); ++c) {
      const columnar::Array& objects = *values.chunk(c)->child(0);
      for (std::int64_t i = 0; i < objects.length(); ++i) {
        if (objects.is_valid(i) && !is_dead(values.chunk_start(c) + i)) out.emplace(objects.string_value(i));
      }
    }
  }
  return {};
}

}  // namespace omnigraph::graph
