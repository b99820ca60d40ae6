// Live rows of some fragments as new data files, under their row ids: nodes in the order of their row ids, so that
// these make ranges; edges by source and then by target row id, so that the forward adjacency of the file is its own
// row order (chapter 09 section 6).
// Memory: the fragments' columns as they lie in memory, which the plan bounds, and nothing of it afterwards.
// Thread safety: free functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "graph/optimize_plan.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// A table at one head.
struct OptimizeSource {
  RecordPtr record;
  schema::TypeRef type;
  std::shared_ptr<const schema::Catalog> catalog;
  std::string table_key;
  ManifestPtr manifest;

  [[nodiscard]] const TableEntry& entry() const { return record->record.tables.at(table_key); }
};

struct RewrittenFiles {
  std::vector<lance::Fragment> added;  // ids 0
  std::vector<std::string> uploaded;   // their keys; durable
};

// Appends to `out`. `fragments`: indexes in the manifest. Errors: those of reading them and of the store.
[[nodiscard]] Result<void> rewrite_fragments(StoreParts& parts, const OptimizeSource& source,
                                             const std::vector<std::size_t>& fragments, const FragmentTarget& target,
                                             RewrittenFiles& out);

}  // namespace omnigraph::graph
