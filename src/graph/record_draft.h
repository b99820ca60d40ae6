// A commit record in the making: starts from the head it will follow and takes one prepared write after another, each
// on top of the ones before. Not thread safe.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/prepare.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

// The branch's head as a write takes it, and where the new record goes.
struct WriteBase {
  Head head;                   // of the branch; its record may be missing or a tombstone when `source` is set
  std::optional<Head> source;  // the write creates the branch from this head
  bool confirmed_now = false;  // by requests sent for this very attempt

  // The record the new one continues: the branch's head, or that of the branch it is made from.
  [[nodiscard]] const RecordPtr& record() const { return source ? source->record : head.record; }
  [[nodiscard]] std::vector<Moment> confirmed() const;
};

// First record of a branch (or of its next life), with the content of `source`: no commits yet.
[[nodiscard]] CommitRecord forked_record(const std::string& branch, const Head& head, const LoadedRecord& source,
                                         const CommitLog& log);

struct CommitFacts {
  CommitKind kind = CommitKind::kMutate;
  std::optional<std::string> actor{};
  bool content_preserving = false;
  std::optional<RecordPosition> merged{};  // head of the branch that was merged in: the second parent
};

// Another schema with its tables, for the commit that is being made (graph/schema_change.h builds it).
struct SchemaReplacement {
  RecordSchema schema;
  TableMap tables;  // complete
  std::vector<NewObject> objects;
  std::vector<std::string> purged;  // table ids
  bool brings_uploads = false;
};

class RecordDraft {
 public:
  // Errors: those of reading the head commit's time, as far as it is read here.
  [[nodiscard]] static Result<RecordDraft> start(StoreParts& parts, const std::string& branch, const WriteBase& base);

  // State after what was appended so far.
  [[nodiscard]] Result<SnapshotPtr> snapshot() const;
  [[nodiscard]] const CommitRecord& record() const { return record_; }
  [[nodiscard]] const std::vector<NewObject>& objects() const { return objects_; }

  // The commit that append() will add: its id and time are fixed from here on.
  const Commit& open_commit(const CommitFacts& facts);
  // Into the open commit; snapshot() shows it at once.
  void replace_schema(SchemaReplacement change);
  // One more commit, the open one if there is: `prepared` was made on snapshot(). Returns the index of the commit.
  // After an error the draft is as it was.
  [[nodiscard]] Result<std::size_t> append(const CommitFacts& facts, const PreparedWrite& prepared);
  // One more commit that takes over the content and the schema of `source`, a descendant of the head: no data. The
  // publish must rest on `source` (PublishBasis::source), whose attachments the record goes on naming.
  std::size_t fast_forward(const CommitFacts& facts, RecordPtr source);
  // Whether what was appended has data files in the store already.
  [[nodiscard]] bool brings_uploads() const { return brings_uploads_; }
  // Of objects().
  [[nodiscard]] std::uint64_t new_bytes() const;
  // The record, each commit listing every entry the record changes as of that commit. Errors: those of reading the
  // head commit's time.
  [[nodiscard]] Result<CommitRecord> finish() const;

 private:
  RecordDraft(StoreParts& parts, RecordPtr base, CommitRecord record, std::int64_t parent_at_us)
      : parts_(&parts),
        base_(base),
        carrier_(std::move(base)),
        record_(std::move(record)),
        parent_at_us_(parent_at_us) {}
  // A table version of the commit that is being appended.
  struct NewVersion {
    std::string table_key;
    TableEntry entry;
    ChangeCounts counts;
    ManifestPtr manifest;
    std::vector<NewObject> objects;
    std::string replaced;  // manifest of a version that this very commit made before; empty: none
  };
  [[nodiscard]] Commit next_commit(const CommitFacts& facts) const;
  std::size_t add(Commit commit);
  [[nodiscard]] Result<NewVersion> next_version(const PreparedTable& table, const Commit& commit);
  // Of the newest version of a table.
  [[nodiscard]] Result<ManifestPtr> newest_manifest(schema::TypeRef type, const std::string& table_key);
  void take(NewVersion version, Commit& commit);
  void changed();
  void schema_changed();

  StoreParts* parts_;
  RecordPtr base_;
  RecordPtr carrier_;  // the published record that has what is not new: the base, or what was fast-forwarded to
  CommitRecord record_;
  std::int64_t parent_at_us_ = 0;
  // Of a fresh branch on a far store: the time of its head commit, which another record knows, asked for beside what
  // the write reads.
  std::shared_future<Result<std::int64_t>> head_time_;
  std::vector<NewObject> objects_;
  // Newest version of each table that was appended to, by table key: another commit on it needs no view.
  std::map<std::string, ManifestPtr> appended_;
  std::shared_ptr<const schema::Catalog> catalog_;  // null: not asked for since the schema changed
  // What snapshot() gave last: states of the draft lie on each other, each with the objects that it added.
  mutable RecordPtr newest_state_;
  mutable std::size_t objects_in_states_ = 0;
  mutable SnapshotPtr snapshot_;  // null: something was appended since
  std::optional<Commit> open_;
  bool replaced_ = false;  // the open commit has another schema
  bool brings_uploads_ = false;
};

// When the head commit of a record was made; 0 when the records that know are gone.
[[nodiscard]] Result<std::int64_t> head_commit_time(CommitLog& log, const LoadedRecord& record);

}  // namespace omnigraph::graph
