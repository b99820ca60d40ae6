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

// What the data files of the view ought to have: the key index, of edges the rows of both directions, and the indexes
// of declared properties; of a text its tokens for search and bm25, and its words for fuzzy.
[[nodiscard]] std::vector<FileIndex> wanted_indexes(const schema::Catalog& catalog, const TableView& table);

// Which indexes of which data files.
struct IndexedFiles {
  std::uint64_t rows_min = 0;
  std::set<std::string> known{};  // paths, as in the manifest: not those of a fragment with one of these
  bool with_words = true;
};
// Puts what is wanted and missing, or not whole.
[[nodiscard]] Result<void> store_indexes(objectstore::ObjectStore& store, const schema::Catalog& catalog,
                                         const TableView& table, const IndexedFiles& files = {});

// A declared index of a property. Rows of small files count as covered.
struct IndexCoverage {
  std::string property;
  std::string kind;  // fulltext vector
  std::uint64_t rows_covered = 0;
  std::uint64_t rows_total = 0;  // both: live rows
};
// By property name.
[[nodiscard]] std::vector<IndexCoverage> index_coverage(const schema::Catalog& catalog, const TableView& table);

}  // namespace omnigraph::graph
