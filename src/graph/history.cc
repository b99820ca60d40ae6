#include "graph/history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ulid.h"
#include "graph/history_cut.h"
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
  Result<FoundCommit> pointed = find_by_pointer(commit_id);
  const bool removed = !pointed && pointed.error().code == Code::kGone;
  if (removed) pointed = FoundCommit{};
  if (!pointed) return pointed;
  const RecordPtr& record = pointed->record;
  if (record && record->record.branch == kMainBranch) {  // most are, and main needs no listing
    OG_ASSIGN_OR_RETURN(const Head main, parts_.log->recent_head(kMainBranch));
    if (main.live() && record->record.incarnation == main.record->record.incarnation &&
        record->record.seq <= main.record->record.seq) {
      return pointed;
    }
  }
  OG_ASSIGN_OR_RETURN(const std::vector<Branches::Live> live, branches_.live());
  std::string follows;
  for (const Branches::Live& branch : live) {
    if (!record) {  // a pointer follows its commit after a moment
      if (const auto index = index_of(branch.head.record->record, commit_id)) {
        return FoundCommit{branch.head.record, *index};
      }
    }
    OG_ASSIGN_OR_RETURN(const std::vector<Stretch> chain, chain_of(branch.head.record));
    if (record) {
      const bool on_chain = std::ranges::any_of(chain, [&](const Stretch& stretch) {
        return record->record.branch == stretch.branch && record->record.incarnation == stretch.incarnation &&
               record->record.seq <= stretch.last_seq;
      });
      if (on_chain) return pointed;
      continue;
    }
    OG_ASSIGN_OR_RETURN(Searched searched, search_chain(chain, commit_id));
    if (searched.commit.record) return searched.commit;
    if (!searched.follows.empty() && (follows.empty() || branch.name == kMainBranch)) follows = searched.follows;
  }
  if (!follows.empty()) return std::unexpected(history_expired_before(commit_id, follows));
  if (removed) return std::unexpected(history_expired_on(*parts_.log, kMainBranch, commit_id));
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

Result<History::Neighbours> History::neighbours(const Stretch& stretch, const std::string& commit_id) const {
  // Slots may be missing, so a probe takes the newest record at or below; ids rise along an incarnation, incarnations
  // along a log. Invariant: records up to `low` are below, those from `high` on above.
  Neighbours out;
  std::uint64_t low = parts_.log->first_seq();
  std::uint64_t high = stretch.last_seq;
  while (low <= high) {
    const std::uint64_t middle = low + (high - low) / 2;
    OG_ASSIGN_OR_RETURN(RecordPtr probe, parts_.log->newest_at_or_below(stretch.branch, middle));
    if (probe == nullptr || probe->record.seq < low || probe->record.incarnation < stretch.incarnation) {
      low = middle + 1;
      continue;
    }
    const CommitRecord& record = probe->record;
    if (record.incarnation == stretch.incarnation && !record.commits.empty() && commit_id < record.commits.front().id) {
      high = record.seq - 1;
      out.above = std::move(probe);
      if (high < low) break;
    } else {
      low = middle + 1;
      out.below = std::move(probe);
    }
  }
  return out;
}

Result<FoundCommit> History::search(const Stretch& stretch, const std::string& commit_id) const {
  OG_ASSIGN_OR_RETURN(Neighbours near, neighbours(stretch, commit_id));
  if (near.below == nullptr) return FoundCommit{};
  const auto index = index_of(near.below->record, commit_id);
  return index ? FoundCommit{std::move(near.below), *index} : FoundCommit{};
}

Result<History::Searched> History::search_chain(const std::vector<Stretch>& chain, const std::string& commit_id) const {
  const Commit* above = nullptr;
  const Commit* below = nullptr;
  std::vector<Neighbours> kept;  // keeps the two alive
  for (const Stretch& stretch : chain) {
    OG_ASSIGN_OR_RETURN(Neighbours near, neighbours(stretch, commit_id));
    const Neighbours& held = kept.emplace_back(std::move(near));
    if (held.above) above = &held.above->record.commits.front();
    if (!held.below) continue;
    if (const auto index = index_of(held.below->record, commit_id)) return Searched{{held.below, *index}, {}};
    for (const Commit& commit : held.below->record.commits) {
      if (commit.id < commit_id) below = &commit;
      if (commit.id > commit_id) {
        above = &commit;
        break;
      }
    }
    if (below != nullptr) break;
  }
  // Versions count commits along the chain, so neighbours in it differ by one.
  if (above == nullptr || above->version == (below == nullptr ? 0 : below->version) + 1) return Searched{};
  return Searched{{}, above->id};
}

}  // namespace omnigraph::graph
