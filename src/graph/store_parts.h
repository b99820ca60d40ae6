// What the operations on one open graph work with. Everything here is shared and safe for concurrent use.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "graph/attachments.h"
#include "graph/background.h"
#include "graph/commit_log.h"
#include "graph/graph_file.h"
#include "graph/head_chain.h"
#include "graph/publisher.h"
#include "graph/snapshot_factory.h"
#include "graph/store.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

struct StoreParts {
  StoreParts(std::shared_ptr<objectstore::ObjectStore> object_store, const GraphFile& file,
             const StoreOptions& options);

  // Before a record is sent: what its follow-up will have to know can be asked for meanwhile.
  void prepare_follow_up(const CommitRecord& record);
  // To be called once for each record this process published: puts its attachments in place, writes the commit
  // pointers, advances the regular versions on main, settles when much is attached; records that follow each other
  // soon are worked off together (graph/background.h). Returns at once.
  void follow_up(const RecordPtr& record);

  // Writers of this process on one branch take turns here to publish; others meet at the log.
  [[nodiscard]] std::shared_ptr<std::mutex> branch_turn(std::string_view branch);

  const std::shared_ptr<objectstore::ObjectStore> store;
  const Clock& clock;
  const GraphFile file;
  const bool background_settle;
  const std::shared_ptr<CommitLog> log;
  const std::shared_ptr<const ObjectReader> objects;
  const std::shared_ptr<TableCache> tables;
  const std::shared_ptr<SnapshotFactory> snapshots;
  const std::shared_ptr<AttachmentKeeper> keeper;
  const std::shared_ptr<Publisher> publisher;
  HeadChain head_chain;

 private:
  void work_off(const Background::Batch& records);
  // True: what they carry and `is_chosen` is in place.
  bool place_near(std::span<const RecordPtr> records, const AttachmentKeeper::Choice& is_chosen);
  // The same in two round trips, for a far store.
  bool place_far(std::span<const RecordPtr> records, const AttachmentKeeper::Choice& is_chosen);
  void note_on_chain(std::span<const RecordPtr> records);
  void write_pointers(std::span<const RecordPtr> records);
  void settle_when_much(const LoadedRecord& record, const AttachmentKeeper::Choice& is_chosen);

  std::mutex turns_mutex_;
  std::map<std::string, std::shared_ptr<std::mutex>, std::less<>> turns_;  // guarded by turns_mutex_

 public:
  Background background;  // last: its thread uses all of the above and ends first
};

[[nodiscard]] Error branch_not_found(std::string_view branch);
// Content of commits/<commit id>.
[[nodiscard]] std::string commit_pointer_json(std::string_view branch, std::uint64_t seq);

}  // namespace omnigraph::graph
