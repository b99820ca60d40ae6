#include "graph/branches.h"

#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "graph/record_draft.h"

namespace omnigraph::graph {
namespace {

// Racing writers each take a slot; losing this often means something else is wrong.
constexpr int kTriesMax = 64;

Error kept_changing(const std::string& branch) {
  return conflict("branch '" + branch + "' kept changing; nothing was done, try again");
}

}  // namespace

Result<std::vector<Branches::Live>> Branches::live() const {
  OG_ASSIGN_OR_RETURN(const std::vector<std::string> names, parts_.log->names());
  std::vector<Head> heads(names.size());
  OG_RETURN_IF_ERROR(parallel_io(names.size(), [&](std::size_t i) -> Result<void> {
    OG_ASSIGN_OR_RETURN(heads[i], parts_.log->confirmed_head(names[i]));
    return {};
  }));
  std::vector<Live> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (heads[i].live()) out.push_back({names[i], std::move(heads[i])});
  }
  return out;
}

Result<Head> Branches::own_head(const std::string& branch, bool lost_before) const {
  if (!lost_before) {
    // The put proves a slot that is known to be next: the first of a name without a log, or the one above a tombstone.
    OG_ASSIGN_OR_RETURN(Head head, parts_.log->recent_head(branch));
    if (!head.live()) return head;
  }
  return parts_.log->confirmed_head(branch);
}

Result<void> Branches::create(std::string_view name, std::string_view from) {
  OG_ASSIGN_OR_RETURN(const std::string branch, checked_branch_name(name));
  if (branch == kMainBranch) return std::unexpected(bad_request("cannot create branch 'main'"));
  OG_ASSIGN_OR_RETURN(const std::string source_name, checked_branch_name(from));
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    WriteBase base;
    OG_RETURN_IF_ERROR(parallel_io(2, [&](std::size_t i) -> Result<void> {
      if (i == 0) {
        OG_ASSIGN_OR_RETURN(base.head, own_head(branch, attempt > 0));
        return {};
      }
      // A put proves its own log only: what the branch is made from is confirmed first.
      OG_ASSIGN_OR_RETURN(base.source, parts_.log->confirmed_head(source_name));
      return {};
    }));
    if (base.head.live()) return std::unexpected(conflict("branch '" + branch + "' already exists"));
    if (!base.source->live()) return std::unexpected(branch_not_found(source_name));
    OG_ASSIGN_OR_RETURN(
        const Published published,
        parts_.publisher->publish(forked_record(branch, base.head, *base.record(), *parts_.log), {},
                                  {.source = base.record(), .confirmed = base.confirmed(), .uploads = nullptr}));
    if (published.outcome == PublishOutcome::kWon) return {};
  }
  return std::unexpected(kept_changing(branch));
}

Result<void> Branches::remove(std::string_view name) {
  OG_ASSIGN_OR_RETURN(const std::string branch, checked_branch_name(name));
  if (branch == kMainBranch) return std::unexpected(bad_request("cannot delete branch 'main'"));
  const std::shared_ptr<std::mutex> turn = parts_.branch_turn(branch);
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    const std::lock_guard lock(*turn);
    // The tombstone's put proves a cached head; a refusal is told only from one confirmed now.
    OG_ASSIGN_OR_RETURN(Head head, attempt == 0 ? parts_.log->recent_head(branch) : parts_.log->confirmed_head(branch));
    if (!head.live() && attempt == 0) {
      OG_ASSIGN_OR_RETURN(head, parts_.log->confirmed_head(branch));
    }
    if (!head.live()) return std::unexpected(branch_not_found(branch));
    const CommitRecord& last = head.record->record;
    CommitRecord tombstone;
    tombstone.branch = branch;
    tombstone.incarnation = last.incarnation;
    tombstone.seq = last.seq + 1;
    tombstone.forked_from = last.forked_from;
    tombstone.head_id = last.head_id;
    tombstone.head_version = last.head_version;
    tombstone.deleted = true;
    OG_ASSIGN_OR_RETURN(
        const Published published,
        parts_.publisher->publish(std::move(tombstone), {},
                                  {.source = nullptr, .confirmed = {head.confirmed}, .uploads = nullptr}));
    if (published.outcome == PublishOutcome::kWon) return {};
  }
  return std::unexpected(kept_changing(branch));
}

}  // namespace omnigraph::graph
