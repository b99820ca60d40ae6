#include "graph/table_view.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "columnar/kernels.h"
#include "graph/fragment_view.h"
#include "graph/indexed_table.h"
#include "graph/layout.h"
#include "graph/make_index.h"
#include "graph/memory_cost.h"
#include "graph/parallel_io.h"
#include "graph/row_map.h"
#include "graph/warm_tables.h"

namespace omnigraph::graph {
namespace {

using columnar::ChunkedArray;
using ColumnPtr = std::shared_ptr<const ChunkedArray>;

// A column of the view: where its values lie in each data file, and the values once read.
struct Column {
  columnar::DataType type;
  std::vector<std::int32_t> field_ids;  // depth-first; empty = no file has it
  std::vector<bool> parents;            // of each: whether it is a list or a struct
  std::mutex mutex;
  ColumnPtr values;  // guarded by mutex
};

class FragmentView final : public TableView, public IndexedTable {
 public:
  struct Parts {
    schema::TypeRef type;
    ManifestPtr manifest;
    std::string key;                                            // of the manifest, for errors
    std::vector<std::vector<std::shared_ptr<DataFile>>> files;  // by fragment, as its DataFileEntries
    std::vector<std::uint64_t> deleted;
    Ordinal live_rows = 0;
    bool remote = false;  // files are far away
    std::shared_ptr<DerivedData> derived;
    base::CacheCostPtr cost;
  };

  FragmentView(Parts parts, std::vector<std::unique_ptr<Column>> system,
               std::vector<std::unique_ptr<Column>> properties)
      : parts_(std::move(parts)), system_(std::move(system)), properties_(std::move(properties)) {
    for (const lance::Fragment& fragment : parts_.manifest->fragments) {
      starts_.push_back(physical_rows_);
      physical_rows_ += static_cast<Ordinal>(fragment.physical_rows);
    }
    parts_.cost->add(own_bytes());
  }

  schema::TypeRef type() const override { return parts_.type; }
  Ordinal physical_rows() const override { return physical_rows_; }
  Ordinal live_rows() const override { return parts_.live_rows; }
  std::span<const std::uint64_t> deleted_words() const override { return parts_.deleted; }

  Result<ColumnPtr> property(std::size_t index) const override {
    OG_CHECK(index < properties_.size());
    return read(*properties_[index]);
  }
  Result<ColumnPtr> ids() const override { return read(*system_[0]); }
  Result<ColumnPtr> sources() const override { return read_edge(1); }
  Result<ColumnPtr> destinations() const override { return read_edge(2); }
  Result<ColumnPtr> source_rows() const override { return read_edge(3); }
  Result<ColumnPtr> destination_rows() const override { return read_edge(4); }

  std::uint64_t row_id(Ordinal o) const override {
    OG_CHECK(o < physical_rows_);
    const std::size_t i = fragment_of(o);
    return parts_.manifest->fragments[i].row_ids->at(o - starts_[i]);
  }

  Ordinal ordinal_of_row(std::uint64_t row_id) const override {
    std::call_once(rows_once_, [&] {
      rows_ = std::make_unique<RowMap>(parts_.manifest->fragments, parts_.deleted);
      parts_.cost->add(rows_->memory_bytes());
    });
    return rows_->find(row_id);
  }

  Result<Ordinal> find(std::string_view id) const override {
    if (parts_.remote) std::call_once(find_once_, [&] { open_for_find(); });
    // Newest first: recent rows are asked for most, and an updated row's old version lies in an older fragment.
    for (std::size_t i = parts_.files.size(); i-- > 0;) {
      OG_ASSIGN_OR_RETURN(const std::shared_ptr<const index::KeyIndex> keys, key_index(i));
      Ordinal found = kNoOrdinal;
      keys->find(id, [&](std::uint32_t position) {
        if (is_deleted(starts_[i] + position)) return true;
        found = starts_[i] + position;
        return false;
      });
      if (found != kNoOrdinal) return found;
    }
    return kNoOrdinal;
  }

  Result<ColumnPtr> fragment_property(std::size_t i, std::size_t index) const override {
    OG_CHECK(index < properties_.size());
    return read_one(*properties_[index], i);
  }
  Result<ColumnPtr> fragment_system(std::size_t i, std::size_t system_column) const override {
    OG_CHECK(system_column < system_.size());
    return read_one(*system_[system_column], i);
  }

  Result<std::vector<index::TextSegmentPtr>> text_segments(std::size_t property, index::TermKind kind) const override {
    OG_CHECK(property < properties_.size());
    std::vector<index::TextSegmentPtr> segments(parts_.files.size());
    const auto make = [&](std::size_t i) -> Result<void> {
      OG_ASSIGN_OR_RETURN(segments[i], text_segment(*properties_[property], i, kind));
      return {};
    };
    if (parts_.remote) {  // one round trip for those that are stored
      OG_RETURN_IF_ERROR(parallel_io(segments.size(), make));
    } else {
      for (std::size_t i = 0; i < segments.size(); ++i) OG_RETURN_IF_ERROR(make(i));
    }
    return segments;
  }

  index::EdgeRowsPtr edge_rows(std::size_t i, index::IndexKind direction) const override {
    const std::optional<FileIndex> wanted = file_index(i, kEndpointColumns, direction);
    if (!wanted) return nullptr;
    return parts_.derived->stored(
        wanted->key, [&](Buffer bytes) { return index::EdgeRows::open(std::move(bytes), wanted->source); });
  }

  std::vector<index::VectorSegmentPtr> vector_segments(std::size_t property) const override {
    OG_CHECK(property < properties_.size());
    std::vector<index::VectorSegmentPtr> segments(parts_.files.size());
    const std::size_t dimension = properties_[property]->type.list_size;
    const auto take = [&](std::size_t i) -> Result<void> {
      const std::optional<FileIndex> wanted = file_index(i, property, index::IndexKind::kVector);
      if (wanted) segments[i] = parts_.derived->vectors(wanted->key, wanted->source, dimension);
      return {};
    };
    if (parts_.remote) {
      (void)parallel_io(segments.size(), take);
    } else {
      for (std::size_t i = 0; i < segments.size(); ++i) (void)take(i);
    }
    return segments;
  }

  std::vector<index::OrderedIndexPtr> ordered_indexes(std::size_t property) const override {
    std::vector<index::OrderedIndexPtr> indexes(parts_.files.size());
    for (std::size_t i = 0; !parts_.remote && i < indexes.size(); ++i) {
      const std::optional<FileIndex> wanted = file_index(i, property, index::IndexKind::kOrdered);
      if (wanted) indexes[i] = parts_.derived->ordered(wanted->key, wanted->source);
    }
    return indexes;
  }

  std::vector<FileIndex> file_indexes(std::size_t property, index::IndexKind kind) const override {
    std::vector<FileIndex> indexes;
    for (std::size_t i = 0; i < parts_.files.size(); ++i) {
      if (std::optional<FileIndex> wanted = file_index(i, property, kind)) indexes.push_back(*std::move(wanted));
    }
    return indexes;
  }

  bool is_stored(const FileIndex& wanted) const override {
    const auto open = [&](const Buffer& bytes) -> Result<std::shared_ptr<const Buffer>> {
      OG_RETURN_IF_ERROR(index::IndexFile::check(bytes, wanted.source));
      return std::make_shared<const Buffer>(bytes);
    };
    return parts_.derived->stored(wanted.key, open) != nullptr;
  }

  Result<Buffer> make_index(const FileIndex& wanted) const override {
    const std::vector<const Column*> columns = indexed_columns(wanted.property);
    OG_ASSIGN_OR_RETURN(const ColumnPtr values, read_one(*columns.front(), wanted.fragment));
    OG_ASSIGN_OR_RETURN(const ColumnPtr others, read_one(*columns.back(), wanted.fragment));
    return graph::make_index(wanted.source, *values, *others);
  }

  const lance::Manifest& manifest() const override { return *parts_.manifest; }
  Ordinal fragment_start(std::size_t i) const override { return starts_[i]; }

 private:
  // File and columns of a field in fragment `i`; file = files.size() when the fragment has none of it.
  struct Place {
    std::size_t file = 0;
    std::vector<std::int32_t> columns;
  };

  // Before a column is read.
  std::uint64_t own_bytes() const {
    constexpr std::uint64_t kAllocation = 16;
    std::uint64_t bytes = sizeof(*this) + memory_of(*parts_.manifest) + parts_.key.size() +
                          parts_.deleted.size() * sizeof(std::uint64_t) + starts_.size() * sizeof(Ordinal);
    for (const auto& files : parts_.files) bytes += sizeof(files) + kAllocation + files.size() * sizeof(files[0]);
    return bytes + (system_.size() + properties_.size()) * (sizeof(Column) + 4 * kAllocation);
  }

  std::size_t fragment_of(Ordinal o) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), o);
    std::size_t i = static_cast<std::size_t>(after - starts_.begin()) - 1;
    // Of several fragments with one start all but the last are empty, which upper_bound has skipped.
    return i;
  }

  Place place_of(std::size_t i, const Column& column) const {
    const lance::Fragment& fragment = parts_.manifest->fragments[i];
    for (std::size_t f = 0; f < fragment.files.size(); ++f) {
      const lance::DataFileEntry& file = fragment.files[f];
      Place place{.file = f, .columns = {}};
      bool found = false;
      for (std::size_t id = 0; id < column.field_ids.size(); ++id) {
        const auto at = std::find(file.fields.begin(), file.fields.end(), column.field_ids[id]);
        // 2.1 and later keep no column for a parent.
        const bool parent = file.minor_version > 0 && column.parents[id];
        if (at == file.fields.end()) {
          if (!parent) place.columns.push_back(-1);
        } else {
          place.columns.push_back(file.column_indices[static_cast<std::size_t>(at - file.fields.begin())]);
          found = true;
        }
      }
      if (found) return place;
    }
    return {.file = fragment.files.size(), .columns = {}};
  }

  struct FileColumns {
    DataFile* file = nullptr;
    std::vector<std::int32_t> columns;
  };
  // One round trip for all. What fails here fails again, and is reported, where it is used.
  static void bring_together(std::vector<FileColumns> files) {
    std::erase_if(files, [](const FileColumns& wanted) { return wanted.file->is_at_hand(wanted.columns); });
    if (files.size() < 2) return;
    (void)parallel_io(files.size(), [&](std::size_t i) -> Result<void> {
      files[i].file->bring(files[i].columns);
      return {};
    });
  }

  // The files of ids: all of them while they are small, else only the small ones; find() asks for a large one only if
  // nothing newer holds the id.
  void open_for_find() const {
    constexpr std::uint64_t kTogetherBytes = std::uint64_t{64} << 20;
    constexpr std::uint64_t kSmallBytes = std::uint64_t{4} << 20;
    std::uint64_t total = 0;
    std::vector<std::pair<FileColumns, std::uint64_t>> candidates;
    for (std::size_t i = 0; i < parts_.files.size(); ++i) {
      const Place place = place_of(i, *system_[0]);
      if (place.file == parts_.files[i].size()) continue;
      const std::uint64_t bytes = parts_.manifest->fragments[i].files[place.file].file_size_bytes;
      candidates.emplace_back(FileColumns{parts_.files[i][place.file].get(), place.columns}, bytes);
      total += bytes;
    }
    std::vector<FileColumns> files;
    for (const auto& [file, bytes] : candidates) {
      if (total <= kTogetherBytes || bytes <= kSmallBytes) files.push_back(file);
    }
    bring_together(std::move(files));
  }

  Result<ColumnPtr> read_edge(std::size_t index) const {
    OG_CHECK(parts_.type.kind == schema::EntityKind::kEdge);
    return read(*system_[index]);
  }

  Result<ColumnPtr> read(Column& column) const {
    const std::lock_guard lock(column.mutex);
    if (column.values != nullptr) return column.values;
    if (parts_.remote) {
      std::vector<FileColumns> files;
      for (std::size_t i = 0; i < parts_.files.size(); ++i) {
        const Place place = place_of(i, column);
        if (place.file < parts_.files[i].size()) {
          files.push_back({parts_.files[i][place.file].get(), place.columns});
        }
      }
      bring_together(std::move(files));
    }
    std::vector<columnar::ArrayPtr> chunks;
    std::uint64_t null_bytes = 0;
    for (std::size_t i = 0; i < parts_.files.size(); ++i) {
      const std::size_t first = chunks.size();
      OG_RETURN_IF_ERROR(read_fragment(column, i, chunks));
      if (place_of(i, column).file < parts_.files[i].size()) continue;  // the file counts what it gives
      for (std::size_t c = first; c < chunks.size(); ++c) null_bytes += memory_of(*chunks[c]);
    }
    parts_.cost->add(null_bytes + sizeof(ChunkedArray) +
                     chunks.size() * (sizeof(columnar::ArrayPtr) + sizeof(Ordinal)));
    column.values = std::make_shared<const ChunkedArray>(column.type, std::move(chunks));
    return column.values;
  }

  Result<ColumnPtr> read_one(const Column& column, std::size_t i) const {
    std::vector<columnar::ArrayPtr> chunks;
    OG_RETURN_IF_ERROR(read_fragment(column, i, chunks));
    return std::make_shared<const ChunkedArray>(column.type, std::move(chunks));
  }

  Result<void> read_fragment(const Column& column, std::size_t i, std::vector<columnar::ArrayPtr>& chunks) const {
    const lance::Fragment& fragment = parts_.manifest->fragments[i];
    if (fragment.physical_rows == 0) return {};
    const auto rows = static_cast<std::int64_t>(fragment.physical_rows);
    const Place place = place_of(i, column);
    if (place.file == fragment.files.size()) {
      chunks.push_back(columnar::all_null(column.type, rows));
      return {};
    }
    DataFile& file = *parts_.files[i][place.file];
    OG_ASSIGN_OR_RETURN(const ColumnPtr values, file.column(column.type, place.columns));
    if (values->length() != rows) {
      return std::unexpected(corrupt_object(file.key(), "it has " + std::to_string(values->length()) +
                                                            " rows where the manifest says " + std::to_string(rows)));
    }
    for (std::size_t c = 0; c < values->chunk_count(); ++c) chunks.push_back(values->chunk(c));
    return {};
  }

  Result<index::TextSegmentPtr> text_segment(const Column& column, std::size_t i, index::TermKind kind) const {
    const lance::Fragment& fragment = parts_.manifest->fragments[i];
    const Place place = place_of(i, column);
    if (place.file == fragment.files.size()) return parts_.derived->no_text(fragment.physical_rows, kind);
    return parts_.derived->text(fragment.files[place.file].path, fragment.physical_rows, place.columns, kind,
                                [&] { return read_one(column, i); });
  }

  std::vector<const Column*> indexed_columns(std::size_t property) const {
    if (property == kIdColumn) return {system_[0].get()};
    if (property == kEndpointColumns) return {system_[3].get(), system_[4].get()};
    return {properties_[property].get()};
  }

  // nullopt: the fragment is too small for an index, or no file of it has the columns.
  std::optional<FileIndex> file_index(std::size_t i, std::size_t property, index::IndexKind kind) const {
    const lance::Fragment& fragment = parts_.manifest->fragments[i];
    if (fragment.physical_rows < kIndexedRowsMin) return std::nullopt;
    std::size_t file = fragment.files.size();
    std::vector<std::int32_t> columns;
    for (const Column* column : indexed_columns(property)) {
      const Place place = place_of(i, *column);
      if (place.file == fragment.files.size() || (!columns.empty() && place.file != file)) return std::nullopt;
      file = place.file;
      columns.insert(columns.end(), place.columns.begin(), place.columns.end());
    }
    const index::IndexSource source{
        .kind = kind, .rows = fragment.physical_rows, .parameters = index_parameters(index_recipe(kind), columns)};
    return FileIndex{.fragment = i,
                     .property = property,
                     .key = index_key(kind, fragment.files[file].path, source.parameters),
                     .source = source};
  }

  Result<std::shared_ptr<const index::KeyIndex>> key_index(std::size_t i) const {
    const Place place = place_of(i, *system_[0]);
    if (place.file == parts_.files[i].size()) {
      return std::unexpected(corrupt_object(
          parts_.key, "fragment " + std::to_string(parts_.manifest->fragments[i].id) + " has no column 'id'"));
    }
    DataFile& file = *parts_.files[i][place.file];
    if (auto known = file.known_key_index()) return known;
    return file.key_index(place.columns, [&](const ColumnPtr& ids) { return stored_key_index(i, *ids); });
  }

  // A far store is not asked: the ids are needed too, and hashing these is faster than a request.
  DataFile::KeyIndexPtr stored_key_index(std::size_t i, const ChunkedArray& ids) const {
    const std::optional<FileIndex> wanted = file_index(i, kIdColumn, index::IndexKind::kKey);
    if (parts_.remote || !wanted) return nullptr;
    return parts_.derived->stored(
        wanted->key, [&](Buffer bytes) { return index::KeyIndex::open(std::move(bytes), wanted->source, ids); });
  }

  const Parts parts_;
  const std::vector<std::unique_ptr<Column>> system_;  // id, src, dst, SrcRow, DstRow
  const std::vector<std::unique_ptr<Column>> properties_;
  std::vector<Ordinal> starts_;
  Ordinal physical_rows_ = 0;
  mutable std::once_flag find_once_;
  mutable std::once_flag rows_once_;
  mutable std::unique_ptr<RowMap> rows_;
};

void append_parents(const columnar::DataType& type, std::vector<bool>& parents) {
  const bool parent = type.id == columnar::TypeId::kList || type.id == columnar::TypeId::kStruct;
  parents.push_back(parent);
  for (std::size_t i = 0; parent && i < type.child_count(); ++i) append_parents(type.child(i).type, parents);
}

std::unique_ptr<Column> make_column(columnar::DataType type, std::vector<std::int32_t> field_ids) {
  auto column = std::make_unique<Column>();
  append_parents(type, column->parents);
  if (field_ids.size() != column->parents.size()) field_ids.clear();  // of another type: as if no file had it
  column->type = std::move(type);
  column->field_ids = std::move(field_ids);
  return column;
}

std::vector<std::int32_t> id_of_field(const lance::Manifest& manifest, std::string_view name) {
  for (const lance::SchemaField& field : manifest.fields) {
    if (field.parent_id == -1 && field.name == name) return {field.id};
  }
  return {};
}

std::vector<std::unique_ptr<Column>> system_columns(const lance::Manifest& manifest, schema::EntityKind kind) {
  std::vector<std::unique_ptr<Column>> columns;
  columns.push_back(make_column(columnar::utf8(), id_of_field(manifest, "id")));
  if (kind == schema::EntityKind::kNode) return columns;
  for (const char* name : {"src", "dst"}) columns.push_back(make_column(columnar::utf8(), id_of_field(manifest, name)));
  for (const char* name : {"SrcRow", "DstRow"}) {
    columns.push_back(make_column(columnar::primitive(columnar::TypeId::kUint64), id_of_field(manifest, name)));
  }
  return columns;
}

std::vector<std::unique_ptr<Column>> property_columns(const TypeIdentity& identity,
                                                      const std::vector<schema::Property>& properties) {
  std::vector<std::unique_ptr<Column>> columns;
  for (const schema::Property& property : properties) {
    const auto found = std::find_if(identity.properties.begin(), identity.properties.end(),
                                    [&](const PropertyIdentity& p) { return p.name == property.name; });
    columns.push_back(make_column(schema::column_type(property.type),
                                  found == identity.properties.end() ? std::vector<std::int32_t>() : found->field_ids));
  }
  return columns;
}

}  // namespace

Result<TableViewPtr> make_fragment_view(TableCache& cache, const RecordPtr& record, const TypeIdentity& identity,
                                        const std::shared_ptr<const schema::Catalog>& catalog, schema::TypeRef type,
                                        const std::string& manifest_key, ManifestPtr manifest,
                                        base::CacheCostPtr cost) {
  const std::string root = table_root_of(manifest_key);
  FragmentView::Parts parts{.type = type,
                            .manifest = manifest,
                            .key = manifest_key,
                            .files = {},
                            .deleted = {},
                            .live_rows = 0,
                            .remote = cache.remote(),
                            .derived = cache.derived(),
                            .cost = std::move(cost)};
  std::uint64_t physical_rows = 0;
  for (const lance::Fragment& fragment : manifest->fragments) physical_rows += fragment.physical_rows;
  if (physical_rows >= kNoOrdinal) {
    return std::unexpected(
        Error{Code::kResourceLimit, "'" + manifest_key + "' has more than 2^32-2 rows; run optimize"});
  }
  warm_deletions(cache, record, root, *manifest);
  std::uint64_t start = 0;
  std::uint64_t deleted_rows = 0;
  for (const lance::Fragment& fragment : manifest->fragments) {
    if (!fragment.row_ids || fragment.row_ids->size() != fragment.physical_rows) {
      return std::unexpected(
          corrupt_object(manifest_key, "fragment " + std::to_string(fragment.id) + " has no row ids for its rows"));
    }
    std::vector<std::shared_ptr<DataFile>> files;
    for (const lance::DataFileEntry& file : fragment.files) {
      if (file.base_id) {
        return std::unexpected(Error{Code::kUnsupportedFormat, "unsupported dataset: '" + manifest_key +
                                                                   "' keeps files outside its folder (base paths)"});
      }
      files.push_back(cache.data_file(record, data_file_key(root, file.path), file.file_size_bytes));
    }
    parts.files.push_back(std::move(files));
    if (fragment.deletion_file) {
      OG_ASSIGN_OR_RETURN(const PositionsPtr positions, cache.deletions(*record, root, fragment));
      parts.deleted.resize((physical_rows + 63) / 64);
      for (const std::uint32_t position : *positions) {
        const std::uint64_t ordinal = start + position;
        parts.deleted[ordinal >> 6] |= std::uint64_t{1} << (ordinal & 63);
      }
      deleted_rows += positions->size();
    }
    start += fragment.physical_rows;
  }
  parts.live_rows = static_cast<Ordinal>(physical_rows - deleted_rows);
  auto system = system_columns(*manifest, type.kind);
  auto properties = property_columns(identity, catalog->properties_of(type));
  return std::make_shared<FragmentView>(std::move(parts), std::move(system), std::move(properties));
}

}  // namespace omnigraph::graph
