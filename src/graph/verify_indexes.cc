#include "graph/verify_indexes.h"

#include "graph/store_indexes.h"

namespace omnigraph::graph {

Result<void> check_indexes(const TableCheck& check, objectstore::ObjectStore& store, std::set<std::string>& seen,
                           const FindingSink& sink) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, check.snapshot->table(check.type));
  for (const FileIndex& wanted : wanted_indexes(*check.snapshot->catalog(), *view)) {
    if (!seen.insert(wanted.key).second) continue;
    const Result<Buffer> stored = store.get(wanted.key);
    if (!stored && stored.error().code == Code::kNotFound) continue;
    if (!stored) return std::unexpected(stored.error());
    if (const auto whole = index::IndexFile::check(*stored, wanted.source); !whole) {
      sink({.code = "index_unreadable",
            .key = wanted.key,
            .message = whole.error().message + "; it is passed over until `omnigraph optimize` makes it anew",
            .unsound = false});
      continue;
    }
    OG_ASSIGN_OR_RETURN(const Buffer made, dynamic_cast<const IndexedTable&>(*view).make_index(wanted));
    if (made.text() == stored->text()) continue;
    sink(
        {.code = "index_wrong",
         .key = wanted.key,
         .message = "it is whole, but not the index of its data file; remove the object and run `omnigraph optimize`"});
  }
  return {};
}

}  // namespace omnigraph::graph
