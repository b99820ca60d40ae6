// Makes a commit record visible: the only commit point of the system (chapter 09 sections 3 and 5).
//
// New objects that total at most kAttachBytesMax travel inside the record, larger ones are uploaded first. The record
// is put if absent under its slot; whatever the store answers but a clear yes is settled by reading the slot back.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/attachments.h"
#include "graph/commit_log.h"
#include "graph/prepare.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

enum class PublishOutcome {
  kWon,
  kLost,   // another record has the slot: take the new head
  kStale,  // nothing was sent, a head it rests on was not confirmed within the hour: take it again
};

struct Published {
  PublishOutcome outcome = PublishOutcome::kLost;
  RecordPtr record;  // kWon
};

// What one write, over all its attempts, has uploaded.
struct Uploads {
  std::set<std::string> keys;
  std::optional<Moment> started;  // the first one
};

// What a publish rests on.
struct PublishBasis {
  RecordPtr source;               // whose `attached` the new record continues; null for none
  std::vector<Moment> confirmed;  // when each head it builds on was confirmed
  Uploads* uploads = nullptr;     // of the write; added to. Null: the record brings no objects
};

class Publisher {
 public:
  // `settles_early`: a publish settles a little as soon as much is attached, so that no later one must settle it all.
  Publisher(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<CommitLog> log,
            std::shared_ptr<TableCache> tables, std::shared_ptr<AttachmentKeeper> keeper, bool settles_early)
      : store_(std::move(store)),
        log_(std::move(log)),
        tables_(std::move(tables)),
        keeper_(std::move(keeper)),
        settles_early_(settles_early) {}

  // `record` is complete but for `token` and `attached`. Manifests among `objects` are known to the table cache.
  // Errors: kResourceLimit; kIoError of the uploads (nothing visible); kInternal naming the commit id when the publish
  // was sent and the store never told what came of it.
  [[nodiscard]] Result<Published> publish(CommitRecord record, const std::vector<NewObject>& objects,
                                          const PublishBasis& basis);

 private:
  [[nodiscard]] Result<void> upload(const std::vector<NewObject>& objects, Uploads& uploads);
  [[nodiscard]] Result<AttachedMap> inherit(const CommitRecord& record, const RecordPtr& source,
                                            std::size_t own_records, std::uint64_t own_bytes);
  [[nodiscard]] Result<Published> send(std::shared_ptr<const LoadedRecord> record, const PublishBasis& basis);

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<CommitLog> log_;
  const std::shared_ptr<TableCache> tables_;
  const std::shared_ptr<AttachmentKeeper> keeper_;
  const bool settles_early_;
};

}  // namespace omnigraph::graph
