#include "graph/history_cut.h"

#include <algorithm>
#include <vector>

#include "graph/layout.h"

namespace omnigraph::graph {
namespace {

// The oldest record of `incarnation` in the unbroken run of slots that ends at `last`; null if that is gone itself.
Result<RecordPtr> oldest_in_run(CommitLog& log, const std::string& branch, const std::string& incarnation,
                                std::uint64_t last) {
  OG_ASSIGN_OR_RETURN(const std::vector<std::uint64_t> seqs, log.list_seqs(branch));
  const auto first = std::ranges::find(seqs, last);
  auto end = first;
  while (end != seqs.end() && *end == last - static_cast<std::uint64_t>(end - first)) ++end;
  // The run may reach into an earlier life of the name: incarnations rise along a log.
  RecordPtr oldest;
  std::ptrdiff_t low = 0, high = end - first;  // of the run's positions, those below `low` belong to the incarnation
  while (low < high) {
    const std::ptrdiff_t middle = low + (high - low) / 2;
    Result<RecordPtr> record = log.read(branch, *(first + middle));
    if (!record && record.error().code != Code::kNotFound) return std::unexpected(std::move(record).error());
    if (record && (*record)->record.incarnation == incarnation) {
      oldest = std::move(*record);
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return oldest;
}

std::string quoted(std::string_view commit_id) {
  std::string out = "'";
  return out.append(commit_id).append("'");
}

}  // namespace

Result<OldestReadable> oldest_readable(CommitLog& log, const RecordPtr& head) {
  OldestReadable oldest{.id = head->record.head_id, .version = head->record.head_version, .cut = true};
  RecordPtr at = head;
  while (true) {
    OG_ASSIGN_OR_RETURN(const RecordPtr first,
                        oldest_in_run(log, at->record.branch, at->record.incarnation, at->record.seq));
    if (first == nullptr) return oldest;  // removed since
    if (!first->record.commits.empty()) {
      oldest.id = first->record.commits.front().id;
      oldest.version = first->record.commits.front().version;
    }
    oldest.cut = oldest.version > 1;
    const std::optional<RecordPosition>& fork = first->record.forked_from;
    // The record that made the branch has no commits, or goes on from the one it was forked from.
    const bool begins = fork && (first->record.commits.empty() || first->record.commits.front().parents.empty() ||
                                 first->record.commits.front().parents[0] == fork->id);
    if (!begins) return oldest;
    Result<RecordPtr> source = log.read(fork->branch, fork->seq);
    if (!source && source.error().code == Code::kNotFound) return oldest;
    if (!source) return std::unexpected(std::move(source).error());
    at = std::move(*source);
  }
}

Error history_expired_before(std::string_view commit_id, std::string_view oldest_id) {
  std::string text = "history_expired: commit " + quoted(commit_id) + " was removed by cleanup";
  if (!oldest_id.empty()) text.append("; the oldest commit still readable is ").append(quoted(oldest_id));
  return Error{Code::kGone, std::move(text)};
}

Error history_expired_on(CommitLog& log, std::string_view branch, std::string_view commit_id) {
  for (const std::string_view name : {branch, kMainBranch}) {
    const Result<Head> head = log.recent_head(name);
    if (!head || !head->live()) continue;
    const Result<OldestReadable> oldest = oldest_readable(log, head->record);
    if (oldest) return history_expired_before(commit_id, oldest->id);
  }
  return history_expired_before(commit_id, {});
}

Error history_purged(CommitLog& log, std::string_view branch, std::uint64_t record_seq, std::string_view table_id,
                     std::string_view commit_id) {
  const Result<RecordPtr> record = log.read(branch, record_seq);
  if (!record) return history_expired_on(log, branch, commit_id);
  for (const Commit& commit : (*record)->record.commits) {
    if (std::ranges::find(commit.purged, table_id) == commit.purged.end()) continue;
    std::string text = "history_expired: rows of commit " + quoted(commit_id);
    text.append(" were removed by a hard drop; the oldest commit still readable is ")
        .append(quoted(std::string_view(commit.id)));
    return Error{Code::kGone, std::move(text)};
  }
  return history_expired_on(log, branch, commit_id);
}

}  // namespace omnigraph::graph
