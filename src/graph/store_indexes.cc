#include "graph/store_indexes.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "base/task_pool.h"

namespace omnigraph::graph {
namespace {

bool is_declared(const schema::TypeConstraints& constraints, const std::string& property) {
  const auto names = [&](const std::vector<std::string>& columns) {
    return std::ranges::find(columns, property) != columns.end();
  };
  return names(constraints.key) || std::ranges::any_of(constraints.index, names);
}

// What coverage is told of: the kind of the declaration, empty for what is always there.
std::string_view told_kind(index::IndexKind kind) {
  if (kind == index::IndexKind::kText) return "fulltext";
  if (kind == index::IndexKind::kOrdered) return "ordered";
  return kind == index::IndexKind::kVector ? "vector" : "";
}

bool has_one_of(const lance::Fragment& fragment, const std::set<std::string>& paths) {
  return std::ranges::any_of(fragment.files, [&](const auto& file) { return paths.contains(file.path); });
}

std::uint64_t live_rows_of(const TableView& table, std::size_t fragment) {
  const lance::Fragment& of = table.manifest().fragments[fragment];
  return of.physical_rows - (of.deletion_file ? of.deletion_file->deleted_rows : 0);
}

}  // namespace

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
    if (of.is_plain_scalar() && of.scalar != schema::ScalarType::kBlob) {
      declared.push_back({p, index::IndexKind::kOrdered});
    }
    if (of.scalar != schema::ScalarType::kString || !of.is_plain_scalar() || of.is_enum()) continue;
    declared.push_back({p, index::IndexKind::kText});
    declared.push_back({p, index::IndexKind::kWords});
  }
  return declared;
}

std::vector<FileIndex> wanted_indexes(const schema::Catalog& catalog, const TableView& table) {
  std::vector<FileIndex> wanted;
  const auto* indexed = dynamic_cast<const IndexedTable*>(&table);
  if (indexed == nullptr) return wanted;
  for (const DeclaredIndex& declared : declared_indexes(catalog, table.type())) {
    std::ranges::move(indexed->file_indexes(declared.property, declared.kind), std::back_inserter(wanted));
  }
  return wanted;
}

Result<StoredIndexes> store_indexes(objectstore::ObjectStore& store, const schema::Catalog& catalog,
                                    const TableView& table, const IndexedFiles& files) {
  std::vector<FileIndex> wanted = wanted_indexes(catalog, table);
  std::erase_if(wanted, [&](const FileIndex& each) {
    const lance::Fragment& fragment = table.manifest().fragments[each.fragment];
    return (each.source.kind == index::IndexKind::kWords && !files.with_words) ||
           (!files.only.empty() && !has_one_of(fragment, files.only));
  });
  // As many at a time as there are processors. One that a power loss tears is told by its checksum and made again.
  std::vector<Result<void>> stored(wanted.size());
  base::TaskPool::shared().parallel_for(wanted.size(), [&](std::size_t i) {
    stored[i] = [&]() -> Result<void> {
      const auto& indexed = dynamic_cast<const IndexedTable&>(table);
      if (indexed.is_stored(wanted[i])) return {};
      OG_ASSIGN_OR_RETURN(const Buffer bytes, indexed.make_index(wanted[i]));
      return store.put(wanted[i].key, bytes.bytes(), objectstore::Durability::kWriteBack);
    }();
  });
  for (const Result<void>& each : stored) OG_RETURN_IF_ERROR(each);
  StoredIndexes keys;
  for (FileIndex& each : wanted) keys.insert(std::move(each.key));
  return keys;
}

std::vector<IndexCoverage> index_coverage(const schema::Catalog& catalog, const TableView& table,
                                          const StoredIndexes& known) {
  std::map<std::pair<std::string, std::string_view>, IndexCoverage> coverage;  // by property and kind
  const auto& properties = catalog.properties_of(table.type());
  for (const DeclaredIndex& declared : declared_indexes(catalog, table.type())) {
    const std::string_view kind = told_kind(declared.kind);
    if (kind.empty()) continue;
    const std::string& name = properties[declared.property].name;
    coverage[{name, kind}] = {.property = name,
                              .kind = std::string(kind),
                              .rows_covered = table.live_rows(),
                              .rows_total = table.live_rows()};
  }
  std::vector<FileIndex> unknown = wanted_indexes(catalog, table);
  std::erase_if(unknown,
                [&](const FileIndex& each) { return told_kind(each.source.kind).empty() || known.contains(each.key); });
  std::vector<char> is_stored(unknown.size());
  base::TaskPool::shared().parallel_for(unknown.size(), [&](std::size_t i) {
    is_stored[i] = dynamic_cast<const IndexedTable&>(table).is_stored(unknown[i]) ? 1 : 0;
  });
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    if (is_stored[i] != 0) continue;
    coverage[{properties[unknown[i].property].name, told_kind(unknown[i].source.kind)}].rows_covered -=
        live_rows_of(table, unknown[i].fragment);
  }
  std::vector<IndexCoverage> sorted;
  for (auto& [key, of] : coverage) sorted.push_back(std::move(of));
  return sorted;
}

}  // namespace omnigraph::graph
