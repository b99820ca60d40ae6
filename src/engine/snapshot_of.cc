#include "engine/snapshot_of.h"

#include "graph/layout.h"

namespace omnigraph::engine {

Result<graph::SnapshotPtr> snapshot_of(graph::GraphStore& store, const ReadTarget& target) {
  if (target.branch && target.snapshot) {
    return std::unexpected(bad_request("request may specify branch or snapshot, not both"));
  }
  if (target.snapshot) return store.at_commit(*target.snapshot);
  OG_ASSIGN_OR_RETURN(const std::string branch, graph::checked_branch_name(target.branch.value_or("main")));
  return store.head(branch);
}

}  // namespace omnigraph::engine
