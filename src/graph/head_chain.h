// Keeps the ordinary version chain of main's tables near the head of the log, for tools that open a dataset without a
// version (chapter 09 section 5, "Lance HEAD on main"). Behind is normal; older content never follows newer, and
// nothing is put on top of a version that is not ours.
// Thread safety: look_ahead() and note() from any thread, advance() from one at a time.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

class HeadChain {
 public:
  HeadChain(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<TableCache> tables)
      : store_(std::move(store)), tables_(std::move(tables)) {}

  // `record` is about to be published. On a far store this begins to look at the chains of the tables it changes that
  // were not looked at before, beside the publish; returns at once.
  void look_ahead(const CommitRecord& record);
  // A record of main whose data files are all in place: the tables it changed are to be advanced.
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
  using Found = std::vector<std::pair<std::string, Newest>>;  // by table root

  [[nodiscard]] Result<void> advance_table(const RecordPtr& record, const std::string& table_key,
                                           const TableEntry& entry);
  [[nodiscard]] Result<Newest> look(const std::string& table_root, const TableEntry& entry) const;
  [[nodiscard]] Found look_at(const std::vector<TableEntry>& entries) const;
  void collect_ahead();
  [[nodiscard]] std::optional<Newest> known(const std::string& table_root) const;
  void remember(const std::string& table_root, Newest newest);
  void forget(const std::string& table_root);

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<TableCache> tables_;
  mutable std::mutex mutex_;  // guards all below
  RecordPtr latest_;
  std::set<std::string> pending_;
  std::map<std::string, Newest> newest_;  // by table root
  std::set<std::string> looked_ahead_;    // table roots
  std::future<Found> ahead_;
};

}  // namespace omnigraph::graph
