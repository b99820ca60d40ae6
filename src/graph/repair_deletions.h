// Deletion bitmaps lie twice in the store, once under the names Lance gives them and once as the engine's own copy. The
// clean-up of other tools may take the former where only branches and history use them (chapter 09 section 5); these
// find and restore them. Thread safety: free functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct LostDeletion {
  std::string key;   // where Lance readers look
  std::string copy;  // that still exists
};

// Of every version in place below `table_root`. Two lists when nothing is lost, else also each manifest.
[[nodiscard]] Result<std::vector<LostDeletion>> lost_deletions(objectstore::ObjectStore& store,
                                                               const std::string& table_root);
[[nodiscard]] Result<void> restore_deletions(objectstore::ObjectStore& store, const std::vector<LostDeletion>& lost);

}  // namespace omnigraph::graph
