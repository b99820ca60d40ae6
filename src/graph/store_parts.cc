#include "graph/store_parts.h"

#include "base/json_writer.h"
#include "graph/layout.h"

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

void StoreParts::place(const RecordPtr& record) {
  const bool placed = keeper->place(*record).has_value();
  write_pointers(record->record);
  if (!placed) return;
  if (record->record.branch == kMainBranch) head_chain.note(record);
  // Only what a next record would still have to carry counts; who builds on it decides, so all keys are kept here.
  const AttachedMap left = keeper->carried(record->record.attached, [](const std::string&) { return true; });
  const AttachedLoad load = load_of(left);
  if (load.records >= kAttachedRecordsMax / 2 || load.bytes >= kAttachedBytesMax / 2) (void)keeper->settle(*record);
}

void StoreParts::write_pointers(const CommitRecord& record) {
  for (const Commit& commit : record.commits) {
    const std::string json = commit_pointer_json(record.branch, record.seq);
    (void)store->put(commit_pointer_key(commit.id), std::as_bytes(std::span(json)),
                     objectstore::Durability::kWriteBack);
  }
}

std::shared_ptr<std::mutex> StoreParts::branch_turn(std::string_view branch) {
  const std::lock_guard lock(turns_mutex_);
  auto found = turns_.find(branch);
  if (found == turns_.end()) found = turns_.emplace(std::string(branch), std::make_shared<std::mutex>()).first;
  return found->second;
}

}  // namespace omnigraph::graph
