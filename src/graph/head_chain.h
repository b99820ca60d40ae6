// Keeps the ordinary version chain of main's tables near the head of the log, for tools that open a dataset without a
// version (chapter 09 section 5, "Lance HEAD on main"). Behind is normal; older content never follows newer, and
// nothing is put on top of a version that is not ours. Thread safety: note() from any thread, advance() from one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

class HeadChain {
 public:
  HeadChain(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<TableCache> tables)
      : store_(std::move(store)), tables_(std::move(tables)) {}

  // A record of main whose objects are all in place: the tables it changed are to be advanced.
  void note(const RecordPtr& record);
  // Every table of it, those that other records changed too.
  void note_all(const RecordPtr& record);
  // Advances what was noted, to the newest noted state. Errors: of the store; the tables concerned stay behind.
  [[nodiscard]] Result<void> advance();

 private:
  struct Newest {
    std::uint64_t version = 0;  // 0: the chain is empty
    ManifestPtr manifest;       // null when empty or drifted
    std::string commit_id{};    // whose content it is; empty for an adopted foreign one
    bool drifted = false;
  };
  [[nodiscard]] Result<void> advance_table(const RecordPtr& record, const std::string& table_key,
                                           const TableEntry& entry);
  [[nodiscard]] Result<Newest> look(const std::string& table_root, const TableEntry& entry);

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<TableCache> tables_;
  std::mutex mutex_;  // guards the next two
  RecordPtr latest_;
  std::set<std::string> pending_;
  std::map<std::string, Newest> newest_;  // by table root; used by advance() alone
};

}  // namespace omnigraph::graph
