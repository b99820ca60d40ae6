#include "graph/store_parts.h"

#include <utility>

#include "base/json_writer.h"
#include "graph/inner_versions.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "objectstore/put_copies.h"
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
  const InnerVersions inner(*tables, records);
  const auto is_chosen = [&](const LoadedRecord& record, const std::string& key) {
    return !inner.contain(record, key);
  };
  const auto place = [&](std::span<const RecordPtr> some) {
    return tables->remote() ? place_far(some, is_chosen) : place_near(some, is_chosen);
  };
  bool placed = place(records);
  if (!placed && records.size() > 1) {  // one may be in trouble: the others need not wait for it
    for (const RecordPtr& record : records) placed = place({&record, 1});
  }
  if (records.empty() || background.is_closing()) return;
  if (placed) settle_when_much(*records.back(), is_chosen);
  objectstore::make_ready(*store);
}

bool StoreParts::place_near(std::span<const RecordPtr> records, const AttachmentKeeper::Choice& is_chosen) {
  const bool data = keeper->place_data(records, is_chosen).has_value();
  if (data) note_on_chain(records);
  const bool manifests = data && keeper->place_manifests(records, is_chosen).has_value();
  write_pointers(records);
  (void)head_chain.advance();  // one version for all of them
  return manifests;
}

bool StoreParts::place_far(std::span<const RecordPtr> records, const AttachmentKeeper::Choice& is_chosen) {
  bool data = false;
  (void)parallel_io(2, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      data = keeper->place_data(records, is_chosen).has_value();
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
      manifests = keeper->place_manifests(records, is_chosen).has_value();
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

void StoreParts::settle_when_much(const LoadedRecord& record, const AttachmentKeeper::Choice& is_chosen) {
  // Only what a next record would still have to carry counts; who builds on it decides, so nearly all keys are kept.
  const auto is_kept = [&](const std::string& key) { return is_chosen(record, key); };
  const AttachedLoad load = load_of(keeper->carried(record.record.attached, is_kept));
  if (load.records >= kAttachedRecordsMax / 2 || load.bytes >= kAttachedBytesMax / 2) {
    (void)keeper->settle(record, is_chosen);
  }
}

void StoreParts::write_pointers(std::span<const RecordPtr> records) {
  // What is there already says the same.
  std::vector<std::pair<std::string, std::string>> far;  // key, content
  for (const RecordPtr& record : records) {
    const std::string json = commit_pointer_json(record->record.branch, record->record.seq);
    std::vector<std::string> keys;
    for (const Commit& commit : record->record.commits) keys.push_back(commit_pointer_key(commit.id));
    if (tables->remote()) {
      for (std::string& key : keys) far.emplace_back(std::move(key), json);
    } else {
      (void)objectstore::put_copies(*store, keys, std::as_bytes(std::span(json)));
    }
  }
  (void)parallel_io(far.size(), [&](std::size_t i) -> Result<void> {
    (void)store->put_if_absent(far[i].first, std::as_bytes(std::span(far[i].second)),
                               objectstore::Durability::kWriteBack);
    return {};
  });
}

std::shared_ptr<std::mutex> StoreParts::branch_turn(std::string_view branch) {
  const std::lock_guard lock(turns_mutex_);
  constexpr std::size_t kIdleTurnsMax = 256;  // as many branches that nobody writes on stay known
  if (turns_.size() >= kIdleTurnsMax) {
    std::erase_if(turns_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  auto found = turns_.find(branch);
  if (found == turns_.end()) found = turns_.emplace(std::string(branch), std::make_shared<std::mutex>()).first;
  return found->second;
}

}  // namespace omnigraph::graph
