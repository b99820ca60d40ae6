// Small new objects travel inside the commit record that makes them visible (chapter 09 section 5). This keeper puts
// them at their own keys afterwards and knows which of them this process has *settled*, so that later records may
// leave them out of `attached`.
//
// Placed: the key exists; a reader of another tool finds it. Locally written without fsync, so after a power loss the
// file may be torn. Settled: read back whole (or written by this process since it started) and synced by this process;
// on an object store placed is settled. Existence alone proves nothing.
// Thread safety: all methods may be called concurrently. Errors: those of the store; nothing breaks on an error, the
// record stays the durable copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "graph/commit_log.h"
#include "graph/object_reader.h"
#include "graph/record.h"

namespace omnigraph::graph {

using AttachedMap = std::map<std::string, AttachedAt>;

struct AttachedLoad {
  std::size_t records = 0;  // distinct records that carry them
  std::uint64_t bytes = 0;
};
[[nodiscard]] AttachedLoad load_of(const AttachedMap& attached);

class AttachmentKeeper {
 public:
  AttachmentKeeper(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<const ObjectReader> objects);

  // What a record built on one with `attached` must still name: all but what `is_referenced` denies and what this
  // process has settled.
  [[nodiscard]] AttachedMap carried(const AttachedMap& attached,
                                    const std::function<bool(const std::string&)>& is_referenced) const;

  using Records = std::span<const RecordPtr>;
  // Some of what is attached to a record.
  using Choice = std::function<bool(const LoadedRecord& record, const std::string& key)>;
  [[nodiscard]] static bool everything(const LoadedRecord&, const std::string&) { return true; }
  // Makes sure that what is attached to the records is at its own key; data of all before manifests of any.
  [[nodiscard]] Result<void> place(Records records);
  // The two halves of it. A far store gets the requests of each half side by side.
  [[nodiscard]] Result<void> place_data(Records records, const Choice& is_chosen = everything);
  [[nodiscard]] Result<void> place_manifests(Records records, const Choice& is_chosen = everything);
  // Places and settles what is attached to `record`.
  [[nodiscard]] Result<void> settle(const LoadedRecord& record, const Choice& is_chosen = everything);
  // Only what the oldest `carriers` of the records that carry it still carry: a bounded step of the same.
  [[nodiscard]] Result<void> settle_oldest(const LoadedRecord& record, std::size_t carriers);

 private:
  enum class State : std::uint8_t {
    kPresent,  // seen at its key, written by another process
    kWritten,  // by this process, not synced
    kSettled,
  };
  using Wanted = std::function<bool(const std::string& key, const AttachedAt& at)>;
  [[nodiscard]] Result<void> place_some(Records records, bool manifests, const Choice& is_chosen);
  [[nodiscard]] Result<void> settle_some(const LoadedRecord& record, const Wanted& is_wanted);
  [[nodiscard]] Result<void> place_one(const LoadedRecord& record, const std::string& key, const AttachedAt& at);
  [[nodiscard]] Result<void> settle_one(const LoadedRecord& record, const std::string& key, const AttachedAt& at);
  [[nodiscard]] State state_after_put(objectstore::PutOutcome outcome) const;
  [[nodiscard]] bool is_known(const std::string& key) const;
  [[nodiscard]] bool is_settled(const std::string& key) const;
  void remember(const std::string& key, State state);

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<const ObjectReader> objects_;
  const bool local_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, State> states_;  // guarded by mutex_
};

}  // namespace omnigraph::graph
