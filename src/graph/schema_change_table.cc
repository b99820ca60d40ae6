#include "graph/schema_change_table.h"

#include <algorithm>
#include <set>

#include "base/ulid.h"
#include "columnar/kernels.h"
#include "graph/carry_column.h"
#include "graph/layout.h"
#include "lance/file_writer.h"
#include "schema/migration_types.h"

namespace omnigraph::graph {
namespace {

using lance::Manifest;
using lance::SchemaField;

// New files of one table below this stay in memory; the publisher decides whether they travel inside the record.
constexpr std::size_t kSmallFileBytesMax = std::size_t{64} << 10;
// Marks a column of a data file that no field reads any more.
constexpr std::int32_t kIgnoredField = -2;

std::vector<std::int32_t> ids_of(const std::vector<SchemaField>& fields) {
  std::vector<std::int32_t> ids;
  for (const SchemaField& field : fields) ids.push_back(field.id);
  return ids;
}

// A top-level field with all below it, depth-first; empty if there is none.
std::vector<SchemaField> subtree(const Manifest& manifest, std::int32_t id) {
  std::vector<SchemaField> fields;
  std::set<std::int32_t> inside;
  for (const SchemaField& field : manifest.fields) {
    if (field.id != id && !inside.contains(field.parent_id)) continue;
    fields.push_back(field);
    inside.insert(field.id);
  }
  return fields;
}

std::int32_t first_free_id(const Manifest& manifest, const TypeIdentity& identity) {
  std::int32_t highest = -1;
  for (const SchemaField& field : manifest.fields) highest = std::max(highest, field.id);
  for (const lance::Fragment& fragment : manifest.fragments) {
    for (const lance::DataFileEntry& file : fragment.files) {
      for (const std::int32_t id : file.fields) highest = std::max(highest, id);
    }
  }
  for (const PropertyIdentity& property : identity.properties) {
    for (const std::int32_t id : property.field_ids) highest = std::max(highest, id);
  }
  return highest + 1;
}

columnar::Field column_field(const schema::Property& property) {
  return {property.name, schema::column_type(property.type), property.type.nullable || property.type.is_blob()};
}

class TableChange {
 public:
  TableChange(const TableView& view, const TypeIdentity& before, const schema::Catalog& catalog,
              const TableMigration& migration, objectstore::ObjectStore* store, std::string root)
      : view_(view),
        before_(before),
        before_properties_(catalog.properties_of(view.type())),
        after_properties_(migration.desired->properties_of(migration.type)),
        migration_(migration),
        store_(store),
        root_(std::move(root)),
        manifest_(view.manifest()),
        next_field_id_(first_free_id(manifest_, before)) {}

  Result<MigratedTable> run() {
    out_.identity.table_key = migration_.desired->table_key(migration_.type);
    out_.identity.id = before_.id;
    std::vector<SchemaField> fields;
    for (std::size_t i = 0; i < after_properties_.size(); ++i) {
      const std::optional<std::size_t>& from = migration_.match->properties[i];
      OG_ASSIGN_OR_RETURN(const std::vector<SchemaField> own, from ? kept(i, *from) : added(i));
      fields.insert(fields.end(), own.begin(), own.end());
    }
    take_key_order();
    note_lost_properties();
    std::vector<SchemaField> all = other_fields();
    all.insert(all.end(), fields.begin(), fields.end());
    if (all != manifest_.fields) {
      if (!keeps_fields(manifest_, all)) manifest_.index_section.clear();
      manifest_.fields = std::move(all);
      changed_ = true;
    }
    if (changed_) out_.manifest = std::move(manifest_);
    return std::move(out_);
  }

 private:
  // A property that stays, perhaps under another name or in another type.
  Result<std::vector<SchemaField>> kept(std::size_t index, std::size_t from) {
    const schema::Property& property = after_properties_[index];
    const schema::Property& old = before_properties_[from];
    const PropertyIdentity* identity = identity_of(old.name);
    std::vector<SchemaField> fields;
    if (identity != nullptr && !identity->field_ids.empty()) fields = subtree(manifest_, identity->field_ids.front());
    if (identity == nullptr || fields.empty()) {
      return std::unexpected(internal_error("table " + root_ + " has no field for column '" + old.name + "'"));
    }
    if (schema::changes_storage(old.type, property.type)) {
      fields = with_ids(lance::schema_fields({column_field(property)}), fields);
      OG_RETURN_IF_ERROR(rewrite(property, old, from, ids_of(fields)));
    }
    fields.front().name = property.name;
    fields.front().nullable = property.type.nullable || property.type.is_blob();
    out_.identity.properties.push_back({property.name, identity->id, ids_of(fields)});
    return fields;
  }

  // The fields of another type under the ids, and below the parents, of `old`. Widening keeps the shape.
  static std::vector<SchemaField> with_ids(std::vector<SchemaField> fields, const std::vector<SchemaField>& old) {
    OG_CHECK(fields.size() == old.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i].id = old[i].id;
      fields[i].parent_id = old[i].parent_id;
    }
    return fields;
  }

  // A property that is new: null in every row, so no file but the header that a struct needs.
  Result<std::vector<SchemaField>> added(std::size_t index) {
    const schema::Property& property = after_properties_[index];
    std::vector<SchemaField> fields = lance::schema_fields({column_field(property)}, next_field_id_);
    next_field_id_ += static_cast<std::int32_t>(fields.size());
    std::string id = base::new_ulid();
    if (migration_.like != nullptr) {
      for (const PropertyIdentity& known : migration_.like->properties) {
        if (known.name == property.name) id = known.id;
      }
    }
    out_.identity.properties.push_back({property.name, std::move(id), ids_of(fields)});
    if (property.type.is_blob()) OG_RETURN_IF_ERROR(add_headers(property, fields.front().id));
    return fields;
  }

  Result<void> add_headers(const schema::Property& property, std::int32_t field_id) {
    const columnar::Field header{property.name, columnar::struct_of({}), true};
    for (lance::Fragment& fragment : manifest_.fragments) {
      if (fragment.physical_rows == 0) continue;
      const auto rows = static_cast<std::int64_t>(fragment.physical_rows);
      const auto column = std::make_shared<const columnar::Array>(
          columnar::Array::Parts{.type = columnar::struct_of({}), .length = rows});
      OG_RETURN_IF_ERROR(add_file(fragment, {header, field_id}, {column}));
    }
    return {};
  }

  // The values of one column in their new type, beside the files that hold the others.
  Result<void> rewrite(const schema::Property& property, const schema::Property& old, std::size_t from,
                       const std::vector<std::int32_t>& ids) {
    for (std::size_t i = 0; i < manifest_.fragments.size(); ++i) {
      lance::Fragment& fragment = manifest_.fragments[i];
      bool stored = false;
      for (lance::DataFileEntry& file : fragment.files) {
        for (std::int32_t& id : file.fields) {
          if (std::ranges::find(ids, id) == ids.end()) continue;
          id = kIgnoredField;
          stored = true;
        }
      }
      changed_ = changed_ || stored;
      if (!stored || fragment.physical_rows == 0) continue;
      OG_ASSIGN_OR_RETURN(const auto values, view_.fragment_property(i, from));
      std::vector<columnar::ArrayPtr> chunks;
      for (std::size_t c = 0; c < values->chunk_count(); ++c) {
        chunks.push_back(carry_column(values->chunk(c), old.type, property.type));
      }
      const lance::ColumnSpec spec{
          column_field(property), ids.front(), lance::ColumnClass::kAutomatic, {ids.begin() + 1, ids.end()}};
      OG_RETURN_IF_ERROR(add_file(fragment, spec, chunks));
    }
    return {};
  }

  Result<void> add_file(lance::Fragment& fragment, const lance::ColumnSpec& column,
                        const std::vector<columnar::ArrayPtr>& chunks) {
    std::vector<std::byte> bytes;
    const auto writer = lance::make_file_writer({column}, {.packed = fragment.physical_rows >= lance::kPackedRowsMin},
                                                [&](std::span<const std::byte> piece) -> Result<void> {
                                                  bytes.insert(bytes.end(), piece.begin(), piece.end());
                                                  return {};
                                                });
    for (const columnar::ArrayPtr& chunk : chunks) OG_RETURN_IF_ERROR(writer->append({chunk}, chunk->length()));
    OG_ASSIGN_OR_RETURN(const lance::WrittenFile written, writer->finish());
    OG_CHECK(written.row_count == fragment.physical_rows);
    lance::DataFileEntry entry;
    entry.path = lance::new_data_file_name();
    entry.fields = written.fields;
    entry.column_indices = written.column_indices;
    entry.file_size_bytes = written.size_bytes;
    const std::string key = data_file_key(root_, entry.path);
    fragment.files.push_back(std::move(entry));
    // Files of two format versions need a flag of their own (chapter 10 section 4.5).
    if (manifest_.data_format_version != "2.0") manifest_.mixed_file_versions = true;
    changed_ = true;
    if (store_ == nullptr || bytes.size() <= kSmallFileBytesMax) {
      out_.small.push_back({key, Buffer::from(std::move(bytes))});
      return {};
    }
    out_.uploaded = true;
    return store_->put(key, bytes);
  }

  // Columns that are no property: ids and endpoints, and what foreign tools added under a name of their own.
  [[nodiscard]] std::vector<SchemaField> other_fields() const {
    std::set<std::int32_t> properties;
    for (const PropertyIdentity& property : before_.properties) {
      if (!property.field_ids.empty()) properties.insert(property.field_ids.front());
    }
    std::vector<SchemaField> fields;
    for (const SchemaField& field : manifest_.fields) {
      if (field.parent_id != -1 || properties.contains(field.id)) continue;
      const bool taken =
          std::ranges::find(after_properties_, field.name, &schema::Property::name) != after_properties_.end();
      if (taken) continue;
      const std::vector<SchemaField> own = subtree(manifest_, field.id);
      fields.insert(fields.end(), own.begin(), own.end());
    }
    return fields;
  }

  // The order of a composite key was fixed when the type was made; only the names follow renames.
  void take_key_order() {
    for (const std::string& member : before_.key_order) {
      for (std::size_t i = 0; i < after_properties_.size(); ++i) {
        const auto& from = migration_.match->properties[i];
        if (from && before_properties_[*from].name == member) {
          out_.identity.key_order.push_back(after_properties_[i].name);
        }
      }
    }
  }

  void note_lost_properties() {
    std::size_t kept = 0;
    for (const auto& from : migration_.match->properties) kept += from ? 1 : 0;
    out_.lost_property = kept < before_properties_.size();
  }

  [[nodiscard]] const PropertyIdentity* identity_of(std::string_view name) const {
    const auto found = std::ranges::find(before_.properties, name, &PropertyIdentity::name);
    return found == before_.properties.end() ? nullptr : &*found;
  }

  const TableView& view_;
  const TypeIdentity& before_;
  const std::vector<schema::Property>& before_properties_;
  const std::vector<schema::Property>& after_properties_;
  const TableMigration& migration_;
  objectstore::ObjectStore* store_;
  const std::string root_;
  Manifest manifest_;
  std::int32_t next_field_id_;
  bool changed_ = false;
  MigratedTable out_;
};

}  // namespace

Result<MigratedTable> migrate_table(const Snapshot& snapshot, schema::TypeRef before, const TableMigration& migration,
                                    objectstore::ObjectStore* store) {
  const std::string key = snapshot.catalog()->table_key(before);
  const TypeIdentity* identity = snapshot.record().schema.find(key);
  const auto entry = snapshot.record().tables.find(key);
  if (identity == nullptr || entry == snapshot.record().tables.end()) {
    return std::unexpected(internal_error("the commit record has no table for " + key));
  }
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot.table(before));
  return TableChange(*view, *identity, *snapshot.catalog(), migration, store, table_root_of(entry->second.manifest))
      .run();
}

}  // namespace omnigraph::graph
