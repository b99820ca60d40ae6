#include "graph/history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ulid.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

std::optional<std::size_t> index_of(const CommitRecord& record, std::string_view commit_id) {
  for (std::size_t i = 0; i < record.commits.size(); ++i) {
    if (record.commits[i].id == commit_id) return i;
  }
  return std::nullopt;
}

Error commit_not_found(std::string_view commit_id) {
  return not_found("commit '" + std::string(commit_id) + "' not found");
}

}  // namespace

Result<std::vector<GraphStore::LoggedCommit>> History::commits(std::string_view branch) const {
  OG_ASSIGN_OR_RETURN(const std::string name, checked_branch_name(branch));
  OG_ASSIGN_OR_RETURN(const Head head, parts_.log->confirmed_head(name));
  if (!head.live()) return std::unexpected(branch_not_found(name));
  OG_ASSIGN_OR_RETURN(const std::vector<Stretch> chain, chain_of(head.record));
  std::vector<GraphStore::LoggedCommit> out;
  for (const Stretch& stretch : chain) {
    OG_ASSIGN_OR_RETURN(const std::vector<RecordPtr> records, records_of(stretch));
    for (const RecordPtr& record : records) {
      const std::vector<Commit>& made = record->record.commits;
      for (auto commit = made.rbegin(); commit != made.rend(); ++commit) out.push_back({*commit, stretch.branch});
    }
  }
  return out;
}

Result<FoundCommit> History::find(std::string_view id) const {
  const std::string commit_id(id);
  if (!base::is_ulid(commit_id)) return std::unexpected(commit_not_found(commit_id));
  OG_ASSIGN_OR_RETURN(FoundCommit pointed, find_by_pointer(commit_id));
  if (pointed.record && pointed.record->record.branch == kMainBranch) {  // most are, and main needs no listing
    OG_ASSIGN_OR_RETURN(const Head main, parts_.log->recent_head(kMainBranch));
    const CommitRecord& record = pointed.record->record;
    if (main.live() && record.incarnation == main.record->record.incarnation && record.seq <= main.record->record.seq) {
      return pointed;
    }
  }
  OG_ASSIGN_OR_RETURN(const std::vector<Branches::Live> live, branches_.live());
  bool was_cut = false;
  for (const Branches::Live& branch : live) {
    if (!pointed.record) {  // a pointer follows its commit after a moment
      if (const auto index = index_of(branch.head.record->record, commit_id))
        return FoundCommit{branch.head.record, *index};
    }
    OG_ASSIGN_OR_RETURN(const std::vector<Stretch> chain, chain_of(branch.head.record));
    for (const Stretch& stretch : chain) {
      if (!pointed.record) {
        OG_ASSIGN_OR_RETURN(FoundCommit found, search(stretch, commit_id));
        if (found.record) return found;
        continue;
      }
      const CommitRecord& record = pointed.record->record;
      if (record.branch == stretch.branch && record.incarnation == stretch.incarnation &&
          record.seq <= stretch.last_seq) {
        return pointed;
      }
    }
    if (!pointed.record && !was_cut) {
      OG_ASSIGN_OR_RETURN(was_cut, was_cut_above(chain, commit_id));
    }
  }
  if (was_cut) return std::unexpected(history_expired(commit_id));
  return std::unexpected(commit_not_found(commit_id));
}

Result<FoundCommit> History::find_by_pointer(const std::string& commit_id) const {
  const Result<Buffer> bytes = parts_.store->get(commit_pointer_key(commit_id));
  if (!bytes && bytes.error().code == Code::kNotFound) return FoundCommit{};
  if (!bytes) return std::unexpected(bytes.error());
  std::string branch;
  std::uint64_t seq = 0;
  try {
    const nlohmann::json json = nlohmann::json::parse(bytes->text());
    branch = json.at("branch").get<std::string>();
    seq = json.at("seq").get<std::uint64_t>();
  } catch (const nlohmann::json::exception&) {
    return FoundCommit{};  // derived data, written without sync: a torn one counts as missing
  }
  Result<RecordPtr> record = parts_.log->read(branch, seq);
  if (!record && record.error().code == Code::kNotFound) return std::unexpected(history_expired(commit_id));
  if (!record) return std::unexpected(std::move(record).error());
  const std::optional<std::size_t> index = index_of((*record)->record, commit_id);
  if (!index) return FoundCommit{};
  return FoundCommit{std::move(*record), *index};
}

Result<std::vector<History::Stretch>> History::chain_of(const RecordPtr& head) const {
  std::vector<Stretch> chain;
  RecordPtr at = head;
  while (true) {
    const CommitRecord& record = at->record;
    chain.push_back({record.branch, record.incarnation, record.seq});
    if (!record.forked_from) return chain;
    Result<RecordPtr> source = parts_.log->read(record.forked_from->branch, record.forked_from->seq);
    // Records that live branches were forked from are kept; without one the chain ends here.
    if (!source && source.error().code == Code::kNotFound) return chain;
    if (!source) return std::unexpected(std::move(source).error());
    at = std::move(*source);
  }
}

Result<std::vector<RecordPtr>> History::records_of(const Stretch& stretch) const {
  OG_ASSIGN_OR_RETURN(std::vector<std::uint64_t> seqs, parts_.log->list_seqs(stretch.branch));
  std::erase_if(seqs, [&](std::uint64_t seq) { return seq > stretch.last_seq; });
  std::vector<RecordPtr> records(seqs.size());
  OG_RETURN_IF_ERROR(parallel_io(seqs.size(), [&](std::size_t i) -> Result<void> {
    Result<RecordPtr> record = parts_.log->read(stretch.branch, seqs[i]);
    if (!record && record.error().code == Code::kNotFound) return {};  // cleanup was here since the listing
    if (!record) return std::unexpected(std::move(record).error());
    if ((*record)->record.incarnation == stretch.incarnation) records[i] = std::move(*record);
    return {};
  }));
  std::erase(records, nullptr);
  return records;
}

Result<FoundCommit> History::search(const Stretch& stretch, const std::string& commit_id) const {
  // Slots may be missing, so a probe takes the newest record at or below; ids rise along an incarnation, incarnations
  // along a log. Invariant: the commit, if any, lies in [low, high].
  std::uint64_t low = parts_.log->first_seq();
  std::uint64_t high = stretch.last_seq;
  while (low <= high) {
    const std::uint64_t middle = low + (high - low) / 2;
    OG_ASSIGN_OR_RETURN(const RecordPtr probe, parts_.log->newest_at_or_below(stretch.branch, middle));
    if (probe == nullptr || probe->record.seq < low || probe->record.incarnation < stretch.incarnation) {
      low = middle + 1;
      continue;
    }
    const CommitRecord& record = probe->record;
    if (const auto index = index_of(record, commit_id)) return FoundCommit{probe, *index};
    const bool below =
        record.incarnation == stretch.incarnation && !record.commits.empty() && commit_id < record.commits.front().id;
    if (!below) {
      low = middle + 1;
    } else {
      if (record.seq == 0) break;
      high = record.seq - 1;
    }
  }
  return FoundCommit{};
}

Result<bool> History::was_cut_above(const std::vector<Stretch>& chain, const std::string& commit_id) const {
  // The oldest commit kept of the chain; without cleanup it has no parent, or its parent lies in the next stretch.
  for (auto stretch = chain.rbegin(); stretch != chain.rend(); ++stretch) {
    OG_ASSIGN_OR_RETURN(const std::vector<RecordPtr> records, records_of(*stretch));
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      const std::vector<Commit>& made = (*record)->record.commits;
      if (!made.empty()) return made.front().version > 1 && commit_id < made.front().id;
    }
  }
  return false;
}

}  // namespace omnigraph::graph
