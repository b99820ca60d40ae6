// Fragments that were written anew from an older head, brought onto the newest one: rows that were deleted or updated
// meanwhile are deleted in the new fragments by row id, so that nobody waits for the writing and the writing is not
// done again (chapter 09 section 9).
// Thread safety: free functions on values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/prepare.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

// A fragment and which of its positions were deleted, ascending; null: none.
struct FragmentRows {
  lance::Fragment fragment;
  PositionsPtr deleted{};
};

// The live rows of `removed` are exactly those of `added`, under the same row ids.
struct RewrittenTable {
  std::string table_id;
  std::vector<lance::SchemaField> fields;  // of the manifest it was made from
  std::vector<FragmentRows> removed;
  std::vector<FragmentRows> added;
};

// The table `key` of `record`, which may be any later head of the same branch, with the rewrite done. Nullopt: the
// rewrite is of no use any more (all its fragments are gone, or the columns have changed).
// Errors: of reading deletions; kInternal when a row that must be among the new ones is not.
[[nodiscard]] Result<std::optional<PreparedTable>> carry_over(TableCache& tables, const LoadedRecord& record,
                                                              const std::string& key, const RewrittenTable& rewrite);

// Table key in `tables` of the table with this id; empty: dropped.
[[nodiscard]] std::string key_of_table(const TableMap& tables, std::string_view table_id);
// The type that a table key names. REQUIRES: the catalog has it.
[[nodiscard]] schema::TypeRef type_of_table(const schema::Catalog& catalog, std::string_view key);

}  // namespace omnigraph::graph
