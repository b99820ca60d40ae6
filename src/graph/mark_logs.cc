#include "graph/mark_logs.h"

#include <algorithm>
#include <mutex>

#include "graph/layout.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

SurveyedRecord surveyed(const CommitRecord& record, const objectstore::ObjectInfo& info) {
  SurveyedRecord out{.branch = record.branch,
                     .seq = record.seq,
                     .modified_us = info.modified_us,
                     .size = info.size,
                     .incarnation = record.incarnation,
                     .deleted = record.deleted,
                     .forked_from = record.forked_from,
                     .head_id = record.head_id,
                     .head_version = record.head_version,
                     .commits = {},
                     .carriers = {},
                     .purges = record.purges};
  for (const Commit& commit : record.commits) {
    out.commits.push_back(
        {.id = commit.id, .version = commit.version, .parents = commit.parents, .at_us = commit.at_us});
  }
  for (const auto& [key, at] : record.attached) {
    if (at.branch != record.branch || at.seq != record.seq) out.carriers.emplace(at.branch, at.seq);
  }
  return out;
}

Result<std::vector<objectstore::ObjectInfo>> list_log(objectstore::ObjectStore& store, const std::string& branch) {
  std::vector<objectstore::ObjectInfo> records;
  objectstore::ListOptions options;
  while (true) {
    OG_ASSIGN_OR_RETURN(objectstore::Listing listing, store.list(log_prefix(branch), options));
    if (!listing.objects.empty()) options.start_after = listing.objects.back().key;
    const bool done = !listing.truncated || listing.objects.empty();
    for (objectstore::ObjectInfo& object : listing.objects) {
      if (seq_of_record_key(object.key)) records.push_back(std::move(object));
    }
    if (done) return records;
  }
}

bool does_not_decode(const Error& error) {
  return error.code == Code::kCorruptObject || error.code == Code::kUnsupportedFormat;
}

}  // namespace

Result<LogSurvey> LogSurvey::take(objectstore::ObjectStore& store, CommitLog& log,
                                  std::vector<Unreadable>* unreadable) {
  LogSurvey survey;
  std::mutex mutex;  // guards *unreadable
  OG_ASSIGN_OR_RETURN(const std::vector<std::string> names, log.names());
  for (const std::string& name : names) {
    OG_ASSIGN_OR_RETURN(const std::vector<objectstore::ObjectInfo> listed, list_log(store, name));
    std::vector<std::optional<SurveyedRecord>> records(listed.size());
    OG_RETURN_IF_ERROR(parallel_io(listed.size(), [&](std::size_t i) -> Result<void> {
      Result<RecordPtr> record = log.read(name, *seq_of_record_key(listed[i].key));
      if (record) {
        records[i] = surveyed((*record)->record, listed[i]);
        return {};
      }
      if (record.error().code == Code::kNotFound) return {};
      if (unreadable == nullptr || !does_not_decode(record.error())) return std::unexpected(std::move(record).error());
      const std::lock_guard lock(mutex);
      unreadable->push_back({listed[i].key, std::move(record).error()});
      return {};
    }));
    SurveyedLog out{.branch = name, .records = {}};
    for (std::optional<SurveyedRecord>& record : records) {
      if (record) out.records.push_back(std::move(*record));
    }
    if (!out.records.empty()) survey.logs_.push_back(std::move(out));
  }
  survey.index();
  return survey;
}

void LogSurvey::index() {
  for (std::size_t l = 0; l < logs_.size(); ++l) {
    for (std::size_t r = 0; r < logs_[l].records.size(); ++r) {
      const std::vector<SurveyedCommit>& commits = logs_[l].records[r].commits;
      for (std::size_t c = 0; c < commits.size(); ++c) {
        commits_.emplace(commits[c].id, At{l, r, c});
      }
    }
  }
  if (const SurveyedLog* main = find_log(kMainBranch)) purges_ = main->records.front().purges;
}

const SurveyedLog* LogSurvey::find_log(std::string_view branch) const {
  const auto found = std::ranges::lower_bound(logs_, branch, {}, &SurveyedLog::branch);
  return found != logs_.end() && found->branch == branch ? &*found : nullptr;
}

const SurveyedRecord* LogSurvey::find(std::string_view branch, std::uint64_t seq) const {
  const SurveyedLog* log = find_log(branch);
  if (log == nullptr) return nullptr;
  const auto found = std::ranges::lower_bound(log->records, seq, std::greater<>(), &SurveyedRecord::seq);
  return found != log->records.end() && found->seq == seq ? &*found : nullptr;
}

LogSurvey::Place LogSurvey::find_commit(std::string_view commit_id) const {
  const auto found = commits_.find(commit_id);
  if (found == commits_.end()) return {};
  return {&logs_[found->second.log].records[found->second.record], found->second.commit};
}

bool LogSurvey::is_purged(const std::string& table_id, const SurveyedRecord& record) const {
  const auto found = purges_.find(table_id);
  return found != purges_.end() && record.branch == kMainBranch && record.seq < found->second;
}

}  // namespace omnigraph::graph
