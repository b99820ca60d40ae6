#include "graph/cleanup.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "graph/layout.h"
#include "graph/mark.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

using objectstore::ObjectInfo;

// A publish whose look at the clock was longer ago than this can no longer take effect once its file is gone.
constexpr std::int64_t kStalledPublishUs = kConfirmedForUs;
// Removals side by side. An interruption leaves at most this many out of order, which the next run puts right.
constexpr std::size_t kWindow = 16;

Result<std::vector<ObjectInfo>> list_all(objectstore::ObjectStore& store, std::string_view prefix) {
  std::vector<ObjectInfo> objects;
  objectstore::ListOptions options;
  while (true) {
    OG_ASSIGN_OR_RETURN(objectstore::Listing listing, store.list(prefix, options));
    const bool done = !listing.truncated || listing.objects.empty();
    if (!done) options.start_after = listing.objects.back().key;
    std::ranges::move(listing.objects, std::back_inserter(objects));
    if (done) return objects;
  }
}

class Run {
 public:
  Run(StoreParts& parts, const CleanupOptions& options) : parts_(parts), options_(options), reader_(parts) {}

  Result<CleanupReport> run() {
    OG_RETURN_IF_ERROR(start());
    OG_ASSIGN_OR_RETURN(const LogSurvey survey, LogSurvey::take(*parts_.store, *reader_.log));
    const Retention retention = decide_retention(survey, options_.policy, store_now_us_, parts_.clock.now_us());
    OG_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> listed, list_all(*parts_.store, "tables/"));
    OG_ASSIGN_OR_RETURN(const Marks marks, mark(reader_, *parts_.store, survey, retention, listed, store_now_us_));
    OG_RETURN_IF_ERROR(name_tables(survey, marks));
    OG_RETURN_IF_ERROR(settle_carriers(retention));
    OG_RETURN_IF_ERROR(remove_records(retention));
    OG_RETURN_IF_ERROR(sweep_tables(listed, marks));
    for (const std::string_view prefix : {"blobs/", "index/", "commits/"}) {
      OG_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> others, list_all(*parts_.store, prefix));
      OG_RETURN_IF_ERROR(sweep(garbage_in(others, marks)));
    }
    report_.holders = retention.holders;
    return std::move(report_);
  }

 private:
  // The time of the store, and temporary files that may still become records or objects.
  Result<void> start() {
    OG_ASSIGN_OR_RETURN(store_now_us_, store_time());
    OG_RETURN_IF_ERROR(parts_.store->remove_temporaries("log", store_now_us_ - kStalledPublishUs));
    OG_RETURN_IF_ERROR(parts_.store->remove_temporaries("", store_now_us_ - kCleanupGraceUs));
    return {};
  }

  // Objects are dated by the store, so their ages are taken by its clock, not by ours. The pointer is derived data
  // that ought to be there anyway.
  Result<std::int64_t> store_time() {
    if (options_.store_now_us) return *options_.store_now_us;
    CommitLog log(parts_.store, parts_.clock, parts_.file.first_seq());
    OG_ASSIGN_OR_RETURN(const Head main, log.confirmed_head(kMainBranch));
    if (!main.live() || main.record->record.commits.empty()) {
      return std::unexpected(corrupt_object(log_prefix(kMainBranch), "branch 'main' has no commit"));
    }
    const std::string key = commit_pointer_key(main.record->record.head_id);
    const std::string json = commit_pointer_json(kMainBranch, main.record->record.seq);
    OG_RETURN_IF_ERROR(parts_.store->put(key, std::as_bytes(std::span(json)), objectstore::Durability::kWriteBack));
    OG_ASSIGN_OR_RETURN(const ObjectInfo info, parts_.store->head(key));
    return info.modified_us;
  }

  // Type names of table folders: those of live heads, main's word first.
  Result<void> name_tables(const LogSurvey& survey, const Marks& marks) {
    const auto note = [&](const SurveyedLog& log) -> Result<void> {
      if (!log.live()) return {};
      OG_ASSIGN_OR_RETURN(const RecordPtr head, reader_.log->read(log.branch, log.records.front().seq));
      for (const auto& [key, entry] : head->record.tables) {
        const std::string root = table_root_of(entry.manifest);
        if (type_keys_.emplace(root, key).second) report_.tables[key];
      }
      return {};
    };
    if (const SurveyedLog* main = survey.find_log(kMainBranch)) OG_RETURN_IF_ERROR(note(*main));
    for (const SurveyedLog& log : survey.logs()) OG_RETURN_IF_ERROR(note(log));
    for (const auto& [root, reason] : marks.untouchable()) report_.tables[type_key_of(root)].error = reason;
    return {};
  }

  // node:T of tables/node/T-<table id>: the name of a type that is gone.
  std::string type_key_of(const std::string& root) const {
    if (const auto known = type_keys_.find(root); known != type_keys_.end()) return known->second;
    const std::size_t kind_begin = root.find('/') + 1;
    const std::size_t name_begin = root.find('/', kind_begin) + 1;
    const std::size_t name_end = root.rfind('-');
    return root.substr(kind_begin, name_begin - 1 - kind_begin) + ":" + root.substr(name_begin, name_end - name_begin);
  }

  // What a carrier's own state still has only inside records that are about to go is put in place first. (Whatever any
  // other kept record needs stays where it is.)
  Result<void> settle_carriers(const Retention& retention) {
    std::set<RecordAt> going;
    for (const SurveyedRecord* record : retention.removed) going.emplace(record->branch, record->seq);
    for (const auto& [at, kept] : retention.kept) {
      if (!kept.carrier) continue;
      ++report_.carriers;
      const Result<RecordPtr> record = reader_.log->read(at.first, at.second);
      if (!record && record.error().code == Code::kNotFound) continue;
      if (!record) return std::unexpected(record.error());
      LoadedRecord losing = **record;
      std::erase_if(losing.record.attached,
                    [&](const auto& item) { return !going.contains({item.second.branch, item.second.seq}); });
      if (!losing.record.attached.empty()) OG_RETURN_IF_ERROR(parts_.keeper->settle(losing));
    }
    return {};
  }

  Result<void> remove_records(const Retention& retention) {
    const std::vector<const SurveyedRecord*>& going = retention.removed;
    for (std::size_t begin = 0; begin < going.size(); begin += kWindow) {
      const std::size_t count = std::min(kWindow, going.size() - begin);
      const Result<void> removed = parallel_io(count, [&](std::size_t i) -> Result<void> {
        const SurveyedRecord& record = *going[begin + i];
        for (const SurveyedCommit& commit : record.commits) {
          OG_RETURN_IF_ERROR(parts_.store->remove(commit_pointer_key(commit.id)));
        }
        return parts_.store->remove(record_key(record.branch, record.seq));
      });
      if (!removed) return removed;
    }
    std::set<std::string> logs;
    for (const SurveyedRecord* record : going) {
      logs.insert(record->branch);
      report_.commits_removed += record->commits.size();
      report_.bytes_removed += record->size;
    }
    for (const std::string& branch : logs) OG_RETURN_IF_ERROR(sync_log(branch));
    return {};
  }

  // Lest power loss bring records back whose objects are gone by then. Syncing one record syncs the folder.
  Result<void> sync_log(const std::string& branch) {
    while (true) {
      // There is always a newest record, though not for long the same one.
      OG_ASSIGN_OR_RETURN(const RecordPtr newest, reader_.log->newest_at_or_below(branch, ~std::uint64_t{0}));
      if (newest == nullptr) return std::unexpected(corrupt_object(log_prefix(branch), "its newest record is gone"));
      Result<void> synced = parts_.store->sync(record_key(branch, newest->record.seq));
      if (synced || synced.error().code != Code::kNotFound) return synced;
    }
  }

  [[nodiscard]] std::vector<const ObjectInfo*> garbage_in(const std::vector<ObjectInfo>& objects,
                                                          const Marks& marks) const {
    std::vector<const ObjectInfo*> garbage;
    for (const ObjectInfo& object : objects) {
      if (store_now_us_ - object.modified_us >= kCleanupGraceUs && !marks.contains(object)) garbage.push_back(&object);
    }
    return garbage;
  }

  // Manifests first, so that no tool opens a version whose files are going.
  Result<void> sweep_tables(const std::vector<ObjectInfo>& listed, const Marks& marks) {
    std::vector<const ObjectInfo*> manifests = garbage_in(listed, marks);
    const auto files = std::ranges::stable_partition(
        manifests, [](const ObjectInfo* object) { return object->key.find("/_versions/") != std::string::npos; });
    const std::vector<const ObjectInfo*> others(files.begin(), files.end());
    manifests.erase(files.begin(), files.end());
    OG_RETURN_IF_ERROR(sweep(manifests));
    return sweep(others);
  }

  Result<void> sweep(const std::vector<const ObjectInfo*>& garbage) {
    return parallel_io(garbage.size(), [&](std::size_t i) -> Result<void> {
      const ObjectInfo& object = *garbage[i];
      OG_RETURN_IF_ERROR(parts_.store->remove(object.key));
      const std::lock_guard lock(mutex_);
      report_.bytes_removed += object.size;
      if (object.key.starts_with("blobs/")) ++report_.blobs_removed;
      const std::string root = table_root_of_object(object.key);
      if (root.empty()) return {};
      CleanupReport::Table& table = report_.tables[type_key_of(root)];
      table.bytes_removed += object.size;
      // The ordinary versions are copies of these.
      if (object.key.find("/_versions/d") != std::string::npos) ++table.versions_removed;
      return {};
    });
  }

  StoreParts& parts_;
  const CleanupOptions& options_;
  FreshReader reader_;
  std::int64_t store_now_us_ = 0;
  std::map<std::string, std::string> type_keys_;  // table root -> node:T
  std::mutex mutex_;                              // guards report_ while removals run side by side
  CleanupReport report_;
};

}  // namespace

Result<CleanupReport> cleanup(StoreParts& parts, const CleanupOptions& options) { return Run(parts, options).run(); }

}  // namespace omnigraph::graph
