// One graph in one object store: heads, snapshots, writes. The only commit point is the publish of a record.
// Thread safety: all methods may be called concurrently, also from other processes on the same root.
// Source: chapter 09 sections 3 to 5.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "graph/snapshot.h"
#include "graph/staged_rows.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct StoreParts;

// How rows meet entities that are already there.
enum class PutMode : std::uint8_t {
  kAppend,  // an id that exists is a key_conflict (409)
  kMerge,   // upsert by id
};

// What a write does, collected against one base snapshot. Nothing is visible before the publish.
class WriteTransaction {
 public:
  virtual ~WriteTransaction() = default;
  [[nodiscard]] virtual const SnapshotPtr& base() const = 0;

  // Rows that exist after the write. `generated_ids`: ids were drawn for this write and need no look-up.
  virtual void put(std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids) = 0;
  // The type's content becomes exactly what put() gives.
  virtual void replace_all(schema::TypeRef type) = 0;
  // Rows of the base view that go; listing one twice counts once. Deleting a node does not cascade here: the caller
  // lists the edges too.
  virtual void remove(schema::TypeRef type, std::span<const Ordinal> ordinals) = 0;
  // Footprint: what the write's outcome depends on beyond the rows it touches.
  virtual void note_read(schema::TypeRef type) = 0;
};

struct WriteOptions {
  std::string branch = "main";
  std::optional<std::string> actor{};
  CommitKind kind = CommitKind::kMutate;
  std::optional<std::string> if_head{};    // precondition: commit id of the branch head
  std::optional<std::string> fork_from{};  // create the branch from this one's head if it is missing
  bool commit_when_empty = false;          // loads: an empty write still commits
};

struct WriteOutcome {
  std::optional<Commit> commit;  // nullopt: nothing changed, nothing published
  std::string branch;
  bool branch_created = false;
  std::uint32_t attempts = 1;
};

// Called once per attempt with a fresh transaction on the newest head, possibly from another writer's thread (waiting
// writers are published together). It must not write to the same store itself.
using WriteBody = std::function<Result<void>(WriteTransaction&)>;

struct StoreOptions {
  const Clock* clock = nullptr;   // null: the system clock
  bool background_settle = true;  // put attachments in place off the latency path
  bool exclusive_writer = false;  // init only
};

class GraphStore {
 public:
  virtual ~GraphStore() = default;

  // Creates the graph. Errors: kConflict if it exists, kBadRequest for a bad schema.
  [[nodiscard]] static Result<std::shared_ptr<GraphStore>> init(std::shared_ptr<objectstore::ObjectStore> store,
                                                                std::string_view schema_source,
                                                                std::optional<std::string> actor,
                                                                const StoreOptions& options = {});
  // Errors: kNotFound if there is no graph.
  [[nodiscard]] static Result<std::shared_ptr<GraphStore>> open(std::shared_ptr<objectstore::ObjectStore> store,
                                                                const StoreOptions& options = {});

  // Newest state of the branch, confirmed now. kNotFound: `branch 'x' not found`.
  [[nodiscard]] virtual Result<SnapshotPtr> head(std::string_view branch) = 0;
  // State of any commit on a live branch. kNotFound: `commit 'x' not found`; kGone.
  [[nodiscard]] virtual Result<SnapshotPtr> at_commit(std::string_view commit_id) = 0;

  // Runs the body on the newest head, validates (chapter 01 section 5), publishes; runs it again when another writer
  // was first and touched what this one depends on. Errors: those of the body and of the validation, kConflict
  // read_set_conflict, kPreconditionFailed.
  [[nodiscard]] virtual Result<WriteOutcome> write(const WriteOptions& options, const WriteBody& body) = 0;

  [[nodiscard]] virtual Result<std::vector<std::string>> branches() = 0;  // sorted, main included
  [[nodiscard]] virtual Result<void> create_branch(std::string_view name, std::string_view from) = 0;
  [[nodiscard]] virtual Result<void> delete_branch(std::string_view name) = 0;

  struct LoggedCommit {
    Commit commit;
    std::string branch;
  };                                                                                             // branch it landed on
  [[nodiscard]] virtual Result<std::vector<LoggedCommit>> commits(std::string_view branch) = 0;  // newest first
  [[nodiscard]] virtual Result<LoggedCommit> commit(std::string_view commit_id) = 0;

  [[nodiscard]] virtual const std::string& graph_id() const = 0;
  [[nodiscard]] virtual objectstore::ObjectStore& store() = 0;
  // What merges, schema changes, change feeds and maintenance work with (graph/store_parts.h).
  [[nodiscard]] virtual StoreParts& parts() = 0;
  // Waits until background work (settling, HEAD chain, pointers) is done.
  virtual void drain() = 0;
};

}  // namespace omnigraph::graph
