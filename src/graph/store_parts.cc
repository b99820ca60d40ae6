#include "graph/store_parts.h"

#include "base/json_writer.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {

Error branch_not_found(std::string_view branch) { return not_found("branch '" + std::string(branch) + "' not found"); }

std::string commit_pointer_json(std::string_view branch, std::uint64_t seq) {
  std::string json;
  base::JsonWriter(json).begin_object().key("branch").string(branch).key("seq").unsigned_integer(seq).end_object();
  return json;
}

StoreParts::StoreParts(std::shared_ptr<objectstore::ObjectStore> object_store, const GraphFile& graph_file,
                       const StoreOptions& options)
    : store(std::move(object_store)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      file(graph_file),
      background_settle(options.background_settle),
      log(std::make_shared<CommitLog>(store, clock, file.first_seq())),
      objects(std::make_shared<const ObjectReader>(store, log)),
      tables(std::make_shared<TableCache>(objects, !store->local_root().has_value())),
      snapshots(std::make_shared<SnapshotFactory>(tables)),
      keeper(std::make_shared<AttachmentKeeper>(store, objects)),
      publisher(std::make_shared<Publisher>(store, log, tables, keeper)),
      head_chain(store, tables),
      background([this] { (void)head_chain.advance(); }) {}

void StoreParts::follow_up(const RecordPtr& record) {
  if (!background_settle) return;
  // Failures only leave work to the next writer: the record is durable and complete.
  background.post([this, record] { place(record); });
}

void StoreParts::prepare_follow_up(const CommitRecord& record) {
  if (background_settle) head_chain.look_ahead(record);
}

void StoreParts::place(const RecordPtr& record) {
  if (tables->remote()) {
    if (!place_far(record)) return;
  } else {
    const bool placed = keeper->place(*record).has_value();
    write_pointers(record->record);
    if (!placed) return;
    if (record->record.branch == kMainBranch) head_chain.note(record);
  }
  // Only what a next record would still have to carry counts; who builds on it decides, so all keys are kept here.
  const AttachedMap left = keeper->carried(record->record.attached, [](const std::string&) { return true; });
  const AttachedLoad load = load_of(left);
  if (load.records >= kAttachedRecordsMax / 2 || load.bytes >= kAttachedBytesMax / 2) (void)keeper->settle(*record);
}

bool StoreParts::place_far(const RecordPtr& record) {
  bool data = false;
  (void)parallel_io(2, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      data = keeper->place_data(*record).has_value();
    } else {
      write_pointers(record->record);
    }
    return {};
  });
  if (!data) return false;
  const bool on_main = record->record.branch == kMainBranch;
  if (on_main) head_chain.note(record);
  bool manifests = false;
  // The chain's versions reference data files only. While more commits wait, one version for all of them will do.
  (void)parallel_io(on_main && !background.has_more() ? 2 : 1, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      manifests = keeper->place_manifests(*record).has_value();
    } else {
      (void)head_chain.advance();
    }
    return {};
  });
  return manifests;
}

void StoreParts::write_pointers(const CommitRecord& record) {
  const auto write = [&](std::size_t i) -> Result<void> {
    const Commit& commit = record.commits[i];
    const std::string json = commit_pointer_json(record.branch, record.seq);
    (void)store->put(commit_pointer_key(commit.id), std::as_bytes(std::span(json)),
                     objectstore::Durability::kWriteBack);
    return {};
  };
  if (tables->remote()) {
    (void)parallel_io(record.commits.size(), write);
  } else {
    for (std::size_t i = 0; i < record.commits.size(); ++i) (void)write(i);
  }
}

std::shared_ptr<std::mutex> StoreParts::branch_turn(std::string_view branch) {
  const std::lock_guard lock(turns_mutex_);
  auto found = turns_.find(branch);
  if (found == turns_.end()) found = turns_.emplace(std::string(branch), std::make_shared<std::mutex>()).first;
  return found->second;
}

}  // namespace omnigraph::graph
