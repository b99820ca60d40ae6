// Baselines: an export with the cursor that goes on from it (chapter 03 section 7.4).

#include <algorithm>

#include "engine/change_block.h"
#include "engine/changes.h"
#include "engine/export_rows.h"
#include "graph/feed.h"
#include "graph/layout.h"
#include "graph/store_parts.h"

namespace omnigraph::engine {
namespace {

class CapturedHead final : public BaselineCapture {
 public:
  CapturedHead(graph::SnapshotPtr snapshot, std::vector<schema::TypeRef> types, objectstore::ObjectStore& store,
               Baseline baseline)
      : snapshot_(std::move(snapshot)), types_(std::move(types)), store_(store), baseline_(std::move(baseline)) {}

  Result<void> write_records(const std::function<Result<void>(std::string_view)>& sink) const override {
    return export_types(*snapshot_, types_, store_, sink);
  }
  const Baseline& baseline() const override { return baseline_; }

 private:
  const graph::SnapshotPtr snapshot_;
  const std::vector<schema::TypeRef> types_;
  objectstore::ObjectStore& store_;
  const Baseline baseline_;
};

}  // namespace

Result<std::shared_ptr<const BaselineCapture>> Changes::capture_baseline(const BaselineRequest& request) {
  OG_ASSIGN_OR_RETURN(const NormalFilter filter, NormalFilter::of(request.filter));
  OG_ASSIGN_OR_RETURN(const std::string branch, graph::checked_branch_name(request.branch));
  graph::StoreParts& parts = state_->store.parts();
  OG_ASSIGN_OR_RETURN(const graph::Head head, parts.log->confirmed_head(branch));
  if (!head.live()) return std::unexpected(graph::branch_not_found(branch));
  OG_ASSIGN_OR_RETURN(graph::SnapshotPtr snapshot, parts.snapshots->at_head(head.record));
  OG_ASSIGN_OR_RETURN(auto types, exported_types(*snapshot->catalog(), request.filter.types));
  std::erase_if(types, [&](schema::TypeRef type) { return !filter.wants(type.kind); });
  const FeedCursor cursor{head.record->record.incarnation, filter.digest(), graph::Feed::end_of(*head.record)};
  Baseline baseline{head.record->record.head_id, encode(state_->store.graph_id(), cursor)};
  return std::make_shared<const CapturedHead>(std::move(snapshot), std::move(types), state_->store.store(),
                                              std::move(baseline));
}

}  // namespace omnigraph::engine
