// The append-only logs of commit records, one per branch: finding heads, reading records (chapter 09 sections 3, 4).
// Records are immutable, and cached; heads are cached with the time their confirming request was *sent* and only
// move up. Of both the least recently used are forgotten within a budget of memory: a head that is asked for again is
// looked for again. A local record that another process published counts only after its folder was synced.
// Thread safety: all methods may be called concurrently; requests are made without holding a lock.
// Errors: kIoError, kCorruptObject, kUnsupportedFormat; kNotFound where a method says so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "graph/lru_cache.h"
#include "graph/moment.h"
#include "graph/record.h"
#include "graph/record_copies.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

// A record with its own bytes, of which its attachments are slices. One that is still being put together has no bytes
// yet, and its new objects beside it; whatever else it needs is found as in the record `beneath` it.
struct LoadedRecord {
  CommitRecord record;
  Buffer bytes;
  std::shared_ptr<const std::map<std::string, Buffer>> unpublished{};
  std::shared_ptr<const LoadedRecord> beneath{};
  std::shared_ptr<const RecordCopies> copies{};  // null: the record has none
};
using RecordPtr = std::shared_ptr<const LoadedRecord>;

struct Head {
  RecordPtr record;  // null: no branch ever had this name
  Moment confirmed;  // when the request that proved it newest was sent
  [[nodiscard]] bool live() const { return record != nullptr && !record->record.deleted; }
};

// A branch's log continues across deletions; slots below `first_seq` were never used in this graph.
class CommitLog {
 public:
  // Bytes. Records hold the attachments of recent commits; a few hundred of the usual size.
  struct Budgets {
    std::uint64_t heads = std::uint64_t{32} << 20;
    std::uint64_t records = std::uint64_t{64} << 20;
  };
  CommitLog(std::shared_ptr<objectstore::ObjectStore> store, const Clock& clock, std::uint64_t first_seq)
      : CommitLog(std::move(store), clock, first_seq, Budgets()) {}
  CommitLog(std::shared_ptr<objectstore::ObjectStore> store, const Clock& clock, std::uint64_t first_seq,
            const Budgets& budgets)
      : store_(std::move(store)),
        clock_(clock),
        first_seq_(first_seq),
        heads_("heads", budgets.heads),
        records_("records", budgets.records) {}

  // Newest record, proven newest by a request sent during this call. Warm: one get of the next slot; else one list
  // and one get.
  [[nodiscard]] Result<Head> confirmed_head(std::string_view branch);
  // What is cached of the head if it was confirmed within the hour, also that no branch ever had the name; else as
  // confirmed_head.
  [[nodiscard]] Result<Head> recent_head(std::string_view branch);
  // After a put that lost the slot above `before`: the record that has it, as good as a head that was confirmed when
  // `before` was, because what came after a confirmed head stays for longer than it counts. One get, or none if the
  // slot was read already. kNotFound: the slot is free.
  [[nodiscard]] Result<Head> head_above(const Head& before);

  // kNotFound: no such record (removed by cleanup, or never there).
  [[nodiscard]] Result<RecordPtr> read(std::string_view branch, std::uint64_t seq);
  // Whether read() needs no request.
  [[nodiscard]] bool has_record(std::string_view branch, std::uint64_t seq) {
    return records_.contains(position_key(branch, seq));
  }
  // The newest record with a sequence number <= seq; null if there is none. One list and one get.
  [[nodiscard]] Result<RecordPtr> newest_at_or_below(std::string_view branch, std::uint64_t seq);
  // All sequence numbers of a log, newest first.
  [[nodiscard]] Result<std::vector<std::uint64_t>> list_seqs(std::string_view branch);
  [[nodiscard]] Result<bool> exists(std::string_view branch, std::uint64_t seq);
  // Names that have a log, dead ones included, ascending.
  [[nodiscard]] Result<std::vector<std::string>> names();

  // A list sent at `sent` showed this record as the branch's newest: the first look at the branch needs no list of its
  // own. For graphs opened for one operation, which that list belongs to.
  void note_listed(std::string_view branch, std::uint64_t seq, const Moment& sent);
  // That number, until the branch is looked at.
  [[nodiscard]] std::optional<std::uint64_t> listed_seq(std::string_view branch) const;
  // This process published `record`; `sent` is when that request went out.
  void note_published(RecordPtr record, const Moment& sent);

  [[nodiscard]] std::uint64_t first_seq() const { return first_seq_; }
  [[nodiscard]] Moment now() const { return moment_of(clock_); }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  struct Listed {
    std::uint64_t seq = 0;
    Moment sent;
  };

  [[nodiscard]] static std::string position_key(std::string_view branch, std::uint64_t seq);
  [[nodiscard]] std::optional<Head> cached_head(std::string_view branch);
  void remember_unused(std::string_view branch, const Moment& sent);
  [[nodiscard]] Result<Head> find_newest(std::string_view branch);
  // The record of a noted list; null if there is none, or it is gone. A note serves once.
  [[nodiscard]] Result<Head> take_listed(std::string_view branch);
  [[nodiscard]] Result<Head> walk_up(std::string_view branch, Head known);
  [[nodiscard]] Head remember_head(std::string_view branch, Head head);
  void remember_record(const RecordPtr& record);

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const Clock& clock_;
  const std::uint64_t first_seq_;

  mutable std::mutex mutex_;                           // guards the next three, the heads in heads_ too
  LruCache<Head> heads_;                               // by branch; records are never null
  std::map<std::string, Moment, std::less<>> unused_;  // names without a log: when the list that showed it was sent
  std::map<std::string, Listed, std::less<>> listed_;
  LruCache<const LoadedRecord> records_;
};

}  // namespace omnigraph::graph
