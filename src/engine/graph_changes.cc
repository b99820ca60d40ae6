// Changes of one commit; what all change requests share.

#include "engine/change_block.h"
#include "engine/changes.h"
#include "engine/graph_impl.h"
#include "engine/sealed_token.h"
#include "graph/feed.h"
#include "graph/layout.h"

namespace omnigraph::engine {
namespace {

Error commit_not_found(const std::string& id) { return not_found("commit '" + id + "' not found"); }

}  // namespace

Changes::Changes(graph::GraphStore& store) : state_(std::make_unique<ChangesState>(store)) {}
Changes::~Changes() = default;

Changes& changes_of(Graph& graph) { return static_cast<GraphImpl&>(graph).changes(); }  // there is no other kind

Result<CommitChangesPage> Changes::commit_changes(const CommitChangesRequest& request) {
  OG_ASSIGN_OR_RETURN(const NormalFilter filter, NormalFilter::of(request.filter));
  graph::StoreParts& parts = state_->store.parts();
  const std::string& graph_id = state_->store.graph_id();
  const std::string& id = request.commit_id;
  const auto may_read = [&](std::string_view branch) { return !request.may_read || request.may_read(branch); };

  auto found = graph::History(parts).find(id);
  if (!found && found.error().code == Code::kGone) {
    // Nobody can tell any more where it landed; it is judged as main's.
    return std::unexpected(may_read(graph::kMainBranch) ? change_feed_gap(id, std::nullopt) : commit_not_found(id));
  }
  if (!found) return std::unexpected(std::move(found).error());
  const graph::RecordPtr& record = found->record;
  if (!may_read(record->record.branch)) return std::unexpected(commit_not_found(id));

  BlockPlace place;
  if (request.page_token) {
    OG_ASSIGN_OR_RETURN(const CommitPageToken token, decode_commit_page(graph_id, *request.page_token));
    if (token.commit_id != id) return std::unexpected(cursor_rejected("it belongs to another commit"));
    if (token.filter != filter.digest()) return std::unexpected(cursor_rejected("it was made with other filters"));
    place = token.place;
  }
  graph::RecordPtr parent;
  if (found->index == 0 && !record->record.commits.front().parents.empty()) {
    OG_ASSIGN_OR_RETURN(parent, graph::record_before(parts, *record));
  }
  OG_ASSIGN_OR_RETURN(const CommitBlock block, open_block(*state_, record, found->index, parent));
  CommitChangesPage page;
  page.cause = block.cause;
  PageBudget budget(request.limit);
  OG_ASSIGN_OR_RETURN(const auto rest, read_block(*state_, block, filter, place, budget, page.changes));
  if (rest) page.next_page_token = encode(graph_id, CommitPageToken{id, filter.digest(), *rest});
  return page;
}

Result<std::string> Changes::head_mark(std::string_view branch, std::chrono::milliseconds max_age) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  graph::CommitLog& log = *state_->store.parts().log;
  const graph::Moment now = log.now();
  const std::lock_guard lock(state_->marks_mutex);  // held while asking: the others want the same answer
  const auto known = state_->marks.find(name);
  if (known != state_->marks.end() && graph::elapsed_us(known->second.seen, now) < max_age.count() * 1000) {
    return known->second.mark;
  }
  OG_ASSIGN_OR_RETURN(const graph::Head head, log.confirmed_head(name));
  if (!head.live()) return std::unexpected(graph::branch_not_found(name));
  const std::string mark = head.record->record.incarnation + "/" + std::to_string(head.record->record.seq);
  constexpr std::size_t kMarksMax = 256;  // older ones are of branches that nobody follows any more
  if (state_->marks.size() >= kMarksMax) {
    std::erase_if(state_->marks, [&](const auto& entry) {
      return graph::elapsed_us(entry.second.seen, now) >= max_age.count() * 1000;
    });
  }
  state_->marks[name] = {mark, now};
  return mark;
}

}  // namespace omnigraph::engine
