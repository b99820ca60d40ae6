#include "graph/store_parts.h"

#include "base/json_writer.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "objectstore/ready_files.h"

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
      publisher(std::make_shared<Publisher>(store, log, tables, keeper, background_settle)),
      head_chain(store, tables),
      background([this](const Background::Batch& records) { work_off(records); }) {}

void StoreParts::follow_up(const RecordPtr& record) {
  if (!background_settle) return;
  // Failures only leave work to the next writer: the record is durable and complete.
  background.post(record);
}

void StoreParts::prepare_follow_up(const CommitRecord& record) {
  if (background_settle) head_chain.look_ahead(record);
}

void StoreParts::work_off(const Background::Batch& records) {
  const auto place = [&](std::span<const RecordPtr> some) {
    return tables->remote() ? place_far(some) : place_near(some);
  };
  bool placed = place(records);
  if (!placed && records.size() > 1) {  // one may be in trouble: the others need not wait for it
    for (const RecordPtr& record : records) placed = place({&record, 1});
  }
  if (records.empty() || background.is_closing()) return;
  if (placed) settle_when_much(*records.back());
  objectstore::make_ready(*store);
}

bool StoreParts::place_near(std::span<const RecordPtr> records) {
  const bool data = keeper->place_data(records).has_value();
  if (data) note_on_chain(records);
  const bool manifests = data && keeper->place_manifests(records).has_value();
  write_pointers(records);
  (void)head_chain.advance();  // one version for all of them
  return manifests;
}

bool StoreParts::place_far(std::span<const RecordPtr> records) {
  bool data = false;
  (void)parallel_io(2, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      data = keeper->place_data(records).has_value();
    } else {
      write_pointers(records);
    }
    return {};
  });
  if (!data) return false;
  note_on_chain(records);
  bool manifests = false;
  // The chain's versions reference data files only.
  (void)parallel_io(2, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      manifests = keeper->place_manifests(records).has_value();
    } else {
      (void)head_chain.advance();
    }
    return {};
  });
  return manifests;
}

void StoreParts::note_on_chain(std::span<const RecordPtr> records) {
  for (const RecordPtr& record : records) {
    if (record->record.branch == kMainBranch) head_chain.note(record);
  }
}

void StoreParts::settle_when_much(const LoadedRecord& record) {
  // Only what a next record would still have to carry counts; who builds on it decides, so all keys are kept here.
  const AttachedLoad load = load_of(keeper->carried(record.record.attached, [](const std::string&) { return true; }));
  if (load.records >= kAttachedRecordsMax / 2 || load.bytes >= kAttachedBytesMax / 2) (void)keeper->settle(record);
}

void StoreParts::write_pointers(std::span<const RecordPtr> records) {
  struct Pointer {
    const CommitRecord* record;
    const Commit* commit;
  };
  std::vector<Pointer> pointers;
  for (const RecordPtr& record : records) {
    for (const Commit& commit : record->record.commits) pointers.push_back({&record->record, &commit});
  }
  const auto write = [&](std::size_t i) -> Result<void> {
    const std::string json = commit_pointer_json(pointers[i].record->branch, pointers[i].record->seq);
    // What is there already says the same.
    (void)store->put_if_absent(commit_pointer_key(pointers[i].commit->id), std::as_bytes(std::span(json)),
                               objectstore::Durability::kWriteBack);
    return {};
  };
  if (tables->remote()) {
    (void)parallel_io(pointers.size(), write);
  } else {
    for (std::size_t i = 0; i < pointers.size(); ++i) (void)write(i);
  }
}

std::shared_ptr<std::mutex> StoreParts::branch_turn(std::string_view branch) {
  const std::lock_guard lock(turns_mutex_);
  auto found = turns_.find(branch);
  if (found == turns_.end()) found = turns_.emplace(std::string(branch), std::make_shared<std::mutex>()).first;
  return found->second;
}

}  // namespace omnigraph::graph
