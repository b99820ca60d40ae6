// Making the indexes that a schema declares (chapter 04 section 4) for data files that have none, and telling how far
// they reach. Thread safety: free functions; may be called concurrently, also by other processes: all of them put the
// same bytes. Errors: those of reading the columns and of the store.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/indexed_table.h"
#include "objectstore/object_store.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

// A load makes indexes of the files it writes that have at least this many rows.
inline constexpr std::uint64_t kLoadIndexedRowsMin = 65'536;

// An index that the data files of a type have if they are large enough.
struct DeclaredIndex {
  std::size_t property = 0;  // or kIdColumn, kEndpointColumns
  index::IndexKind kind = index::IndexKind::kKey;
};
[[nodiscard]] std::vector<DeclaredIndex> declared_indexes(const schema::Catalog& catalog, schema::TypeRef type);

// What the data files of the view ought to have: the key index, of edges the rows of both directions, and the indexes
// of declared properties; of a text its tokens for search and bm25, and its words for fuzzy.
[[nodiscard]] std::vector<FileIndex> wanted_indexes(const schema::Catalog& catalog, const TableView& table);

// Which indexes of which data files.
struct IndexedFiles {
  std::set<std::string> only{};  // paths, as in the manifest; empty: all
  bool with_words = true;
};
using StoredIndexes = std::set<std::string>;  // keys
// Puts what is wanted and missing, or not whole; all of what is wanted is there then.
[[nodiscard]] Result<StoredIndexes> store_indexes(objectstore::ObjectStore& store, const schema::Catalog& catalog,
                                                  const TableView& table, const IndexedFiles& files = {});

// A declared index of a property. Rows of small files count as covered.
struct IndexCoverage {
  std::string property;
  std::string kind;  // fulltext ordered vector
  std::uint64_t rows_covered = 0;
  std::uint64_t rows_total = 0;  // both: live rows
};
// By property name, then by kind. `known`: not looked at again.
[[nodiscard]] std::vector<IndexCoverage> index_coverage(const schema::Catalog& catalog, const TableView& table,
                                                        const StoredIndexes& known = {});

}  // namespace omnigraph::graph
