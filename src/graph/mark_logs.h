// What all logs of a graph hold, as far as retention and checks need it: the commits of every record, without tables
// and bytes. Cleanup decides on it what stays, verify walks it.
//
// The survey is no snapshot: logs are listed one after another while others write. That is enough, because a record
// that a writer may build on stays for 24 h after its successor (chapter 09 section 3, rule a).
// Thread safety: immutable once taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/commit_log.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct SurveyedCommit {
  std::string id;
  std::uint64_t version = 0;
  std::vector<std::string> parents;
  std::int64_t at_us = 0;
};

struct SurveyedRecord {
  std::string branch;
  std::uint64_t seq = 0;
  std::int64_t modified_us = 0;  // by the store's clock
  std::uint64_t size = 0;
  std::string incarnation;
  bool deleted = false;
  std::optional<RecordPosition> forked_from;
  std::string head_id;
  std::uint64_t head_version = 0;
  std::vector<SurveyedCommit> commits;
  std::set<std::pair<std::string, std::uint64_t>> carriers;  // other records that `attached` names
  std::map<std::string, std::uint64_t> purges;               // CommitRecord::purges
};

struct SurveyedLog {
  std::string branch;
  std::vector<SurveyedRecord> records;  // newest first; never empty
  [[nodiscard]] bool live() const { return !records.front().deleted; }
};

class LogSurvey {
 public:
  struct Unreadable {
    std::string key;
    Error error;
  };
  // Reads every record of every log. A record that vanishes meanwhile is passed over. One that does not decode is put
  // into `unreadable`, or is the error if that is null. Other errors: of the store.
  [[nodiscard]] static Result<LogSurvey> take(objectstore::ObjectStore& store, CommitLog& log,
                                              std::vector<Unreadable>* unreadable = nullptr);

  [[nodiscard]] const std::vector<SurveyedLog>& logs() const { return logs_; }  // by branch name
  [[nodiscard]] const SurveyedLog* find_log(std::string_view branch) const;
  [[nodiscard]] const SurveyedRecord* find(std::string_view branch, std::uint64_t seq) const;
  struct Place {
    const SurveyedRecord* record = nullptr;  // null: no record has the commit
    std::size_t index = 0;
    [[nodiscard]] const SurveyedCommit& commit() const { return record->commits[index]; }
  };
  [[nodiscard]] Place find_commit(std::string_view commit_id) const;
  // Whether a later hard drop deleted the versions of a table that the record knows.
  [[nodiscard]] bool is_purged(const std::string& table_id, const SurveyedRecord& record) const;

 private:
  void index();

  std::vector<SurveyedLog> logs_;
  struct At {
    std::size_t log = 0, record = 0, commit = 0;
  };
  std::map<std::string, At, std::less<>> commits_;
  std::map<std::string, std::uint64_t> purges_;  // of main's head: CommitRecord::purges
};

}  // namespace omnigraph::graph
