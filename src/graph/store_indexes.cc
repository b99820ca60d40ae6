#include "graph/store_indexes.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "base/task_pool.h"

namespace omnigraph::graph {
namespace {

struct DeclaredIndex {
  std::size_t property = 0;
  index::IndexKind kind = index::IndexKind::kKey;
};

bool is_declared(const schema::TypeConstraints& constraints, const std::string& property) {
  const auto names = [&](const std::vector<std::string>& columns) {
    return std::ranges::find(columns, property) != columns.end();
  };
  return names(constraints.key) || std::ranges::any_of(constraints.index, names);
}

std::vector<DeclaredIndex> declared_indexes(const schema::Catalog& catalog, schema::TypeRef type) {
  std::vector<DeclaredIndex> declared{{kIdColumn, index::IndexKind::kKey}};
  if (type.kind == schema::EntityKind::kEdge) {
    declared.push_back({kEndpointColumns, index::IndexKind::kOut});
    declared.push_back({kEndpointColumns, index::IndexKind::kIn});
  }
  const auto& properties = catalog.properties_of(type);
  for (std::size_t p = 0; p < properties.size(); ++p) {
    const schema::PropertyType& of = properties[p].type;
    if (!is_declared(catalog.constraints_of(type), properties[p].name)) continue;
    if (of.is_vector()) declared.push_back({p, index::IndexKind::kVector});
    if (of.scalar != schema::ScalarType::kString || !of.is_plain_scalar() || of.is_enum()) continue;
    declared.push_back({p, index::IndexKind::kText});
    declared.push_back({p, index::IndexKind::kWords});
  }
  return declared;
}

// What coverage is told of: the kind of the declaration, empty for what is always there.
std::string_view told_kind(index::IndexKind kind) {
  if (kind == index::IndexKind::kText) return "fulltext";
  return kind == index::IndexKind::kVector ? "vector" : "";
}

bool is_known(const lance::Fragment& fragment, const std::set<std::string>& known) {
  return std::ranges::any_of(fragment.files, [&](const auto& file) { return known.contains(file.path); });
}

std::uint64_t live_rows_of(const TableView& table, std::size_t fragment) {
  const lance::Fragment& of = table.manifest().fragments[fragment];
  return of.physical_rows - (of.deletion_file ? of.deletion_file->deleted_rows : 0);
}

}  // namespace

std::vector<FileIndex> wanted_indexes(const schema::Catalog& catalog, const TableView& table) {
  std::vector<FileIndex> wanted;
  const auto* indexed = dynamic_cast<const IndexedTable*>(&table);
  if (indexed == nullptr) return wanted;
  for (const DeclaredIndex& declared : declared_indexes(catalog, table.type())) {
    std::ranges::move(indexed->file_indexes(declared.property, declared.kind), std::back_inserter(wanted));
  }
  return wanted;
}

Result<void> store_indexes(objectstore::ObjectStore& store, const schema::Catalog& catalog, const TableView& table,
                           const IndexedFiles& files) {
  std::vector<FileIndex> missing;
  for (FileIndex& wanted : wanted_indexes(catalog, table)) {
    const lance::Fragment& fragment = table.manifest().fragments[wanted.fragment];
    if (wanted.source.kind == index::IndexKind::kWords && !files.with_words) continue;
    if (fragment.physical_rows < files.rows_min || is_known(fragment, files.known)) continue;
    if (!dynamic_cast<const IndexedTable&>(table).is_stored(wanted)) missing.push_back(std::move(wanted));
  }
  // As many at a time as there are processors. One that a power loss tears is told by its checksum and made again.
  std::vector<Result<void>> stored(missing.size());
  base::TaskPool::shared().parallel_for(missing.size(), [&](std::size_t i) {
    stored[i] = [&]() -> Result<void> {
      OG_ASSIGN_OR_RETURN(const Buffer bytes, dynamic_cast<const IndexedTable&>(table).make_index(missing[i]));
      return store.put(missing[i].key, bytes.bytes(), objectstore::Durability::kWriteBack);
    }();
  });
  for (const Result<void>& each : stored) OG_RETURN_IF_ERROR(each);
  return {};
}

std::vector<IndexCoverage> index_coverage(const schema::Catalog& catalog, const TableView& table) {
  std::map<std::string, IndexCoverage> coverage;  // by property
  for (const DeclaredIndex& declared : declared_indexes(catalog, table.type())) {
    if (told_kind(declared.kind).empty()) continue;
    const std::string& name = catalog.properties_of(table.type())[declared.property].name;
    coverage[name] = {
        .property = name, .kind = "fulltext", .rows_covered = table.live_rows(), .rows_total = table.live_rows()};
  }
  for (const FileIndex& wanted : wanted_indexes(catalog, table)) {
    if (told_kind(wanted.source.kind).empty()) continue;
    if (dynamic_cast<const IndexedTable&>(table).is_stored(wanted)) continue;
    const std::string& name = catalog.properties_of(table.type())[wanted.property].name;
    coverage[name].rows_covered -= live_rows_of(table, wanted.fragment);
  }
  std::vector<IndexCoverage> sorted;
  for (auto& [name, of] : coverage) sorted.push_back(std::move(of));
  return sorted;
}

}  // namespace omnigraph::graph
