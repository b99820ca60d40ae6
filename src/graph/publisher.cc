#include "graph/publisher.h"

#include <chrono>
#include <map>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/ulid.h"
#include "graph/copied_objects.h"
#include "graph/layout.h"
#include "graph/parallel_io.h"
#include "graph/references.h"
#include "objectstore/ready_files.h"

namespace omnigraph::graph {
namespace {

using objectstore::PutOutcome;

// Resends of one record whose fate is unknown. A store that retries inside (S3) has spent its 10 s on each.
constexpr int kSendsMax = 5;
constexpr std::chrono::milliseconds kFirstPause{5};
// One more than a write adds, so that the number falls; with room above for what queues up behind a busy writer.
constexpr std::size_t kSettleEarlyRecords = 2;
constexpr std::size_t kSettleFromRecords = kAttachedRecordsMax * 3 / 4;
// Every record stays this long after its successor came (chapter 09 section 3, rule a), with some reserve.
constexpr std::int64_t kRecordKeptUs = 22 * kMicrosPerHour;

// Manifests of a record's table versions, those between its commits included, by folder. Views into the record.
using Versions = std::map<std::string_view, std::set<std::string_view>>;

Versions versions_of(const CommitRecord& record) {
  Versions out;
  const auto add = [&](const TableMap& tables) {
    for (const auto& [key, entry] : tables) out[dataset_folder_of(entry.manifest)].insert(entry.manifest);
  };
  add(record.tables);
  for (const Commit& commit : record.commits) add(commit.tables);
  return out;
}

Error unanswered(const CommitRecord& record, const Error& cause) {
  const std::string what = record.commits.empty()
                               ? "the change of branch '" + record.branch + "'"
                               : "commit '" + record.commits.back().id + "' on branch '" + record.branch + "'";
  return internal_error(what + " was sent but the store did not say whether it took effect (" + cause.message +
                        "); look whether it exists before repeating it");
}

}  // namespace

Result<Published> Publisher::publish(CommitRecord record, const std::vector<NewObject>& objects,
                                     const PublishBasis& basis) {
  std::uint64_t total = 0;
  for (const NewObject& object : objects) total += object.bytes.size();
  std::vector<Attachment> attachments;
  if (total <= kAttachBytesMax) {
    for (const NewObject& object : objects) attachments.push_back({object.key, std::string(object.bytes.text())});
  } else {
    OG_CHECK(basis.uploads != nullptr);
    OG_RETURN_IF_ERROR(upload(objects, *basis.uploads));
    total = 0;
  }
  record.token = base::to_hex(base::random_bytes(16));
  OG_ASSIGN_OR_RETURN(record.attached, inherit(record, basis.source, attachments.empty() ? 0 : 1, total));
  const ObjectCopies copied = objects_to_copy(*tables_, record, objects, !attachments.empty(), basis.source);
  const Buffer packed = copied.empty() ? Buffer() : pack_copies(copied);
  // A tombstone is kept for ever: it stays small.
  const bool sized = store_->local_root().has_value() && !record.deleted;
  OG_ASSIGN_OR_RETURN(std::string bytes,
                      encode_record(record, attachments, packed.text(), sized ? &objectstore::ready_size : nullptr));
  auto copies = packed.empty() ? nullptr : std::make_shared<const RecordCopies>(packed);
  return send(std::make_shared<const LoadedRecord>(
                  LoadedRecord{std::move(record), Buffer::from(std::move(bytes)), nullptr, nullptr, std::move(copies)}),
              basis);
}

Result<void> Publisher::upload(const std::vector<NewObject>& objects, Uploads& uploads) {
  std::vector<const NewObject*> missing;
  for (const NewObject& object : objects) {
    if (!uploads.keys.contains(object.key)) missing.push_back(&object);
  }
  if (!uploads.started) uploads.started = log_->now();
  // Names are random, so a plain put cannot meet another's object, and a resend does no harm.
  OG_RETURN_IF_ERROR(parallel_io(
      missing.size(), [&](std::size_t i) { return store_->put(missing[i]->key, missing[i]->bytes.bytes()); }));
  for (const NewObject* object : missing) uploads.keys.insert(object->key);
  return {};
}

Result<AttachedMap> Publisher::inherit(const CommitRecord& record, const RecordPtr& source, std::size_t own_records,
                                       std::uint64_t own_bytes) {
  if (source == nullptr || record.deleted) return AttachedMap();
  const Versions before = versions_of(source->record);
  const Versions after = versions_of(record);
  std::set<std::string_view> asked;  // folders that something attached lies in
  std::string_view last;
  for (const auto& [key, at] : source->record.attached) {
    const std::string_view folder = dataset_folder_of(key);
    if (folder != last) asked.insert(folder);  // keys ascend
    last = folder;
  }
  std::map<std::string_view, ManifestReferences> changed;  // by folder
  for (const auto& [folder, manifests] : after) {
    const auto old = before.find(folder);
    if (!asked.contains(folder) || (old != before.end() && old->second == manifests)) continue;
    for (const std::string_view key : manifests) {
      OG_ASSIGN_OR_RETURN(ManifestPtr manifest, tables_->manifest(*source, std::string(key)));
      changed[folder].add(key, std::move(manifest));
    }
  }
  const auto is_referenced = [&](const std::string& key) {
    const std::string_view folder = dataset_folder_of(key);
    if (folder.empty()) return true;  // schema sources and blobs
    if (const auto found = changed.find(folder); found != changed.end()) return found->second.contain(folder, key);
    return after.contains(folder);
  };
  AttachedMap carried = keeper_->carried(source->record.attached, is_referenced);
  AttachedLoad load = load_of(carried);
  // Processes that end after one write never come to settle anything behind their writes: each does a part of it here.
  if (settles_early_ && load.records + own_records > kSettleFromRecords) {
    OG_RETURN_IF_ERROR(keeper_->settle_oldest(*source, kSettleEarlyRecords));
    carried = keeper_->carried(source->record.attached, is_referenced);
    load = load_of(carried);
  }
  if (load.records + own_records > kAttachedRecordsMax || load.bytes + own_bytes > kAttachedBytesMax) {
    const auto is_carried = [&](const LoadedRecord&, const std::string& key) { return is_referenced(key); };
    OG_RETURN_IF_ERROR(keeper_->settle(*source, is_carried));
    carried = keeper_->carried(source->record.attached, is_referenced);
  }
  return carried;
}

Result<Published> Publisher::send(RecordPtr record, const PublishBasis& basis) {
  const std::string key = record_key(record->record.branch, record->record.seq);
  bool looked = false;     // at the clock: from then on the store may have been reached
  bool stale = false;      // a head was not confirmed within the hour
  bool expired = false;    // the write took too long
  bool undecided = false;  // some send was not answered
  Moment sent;
  const auto look_at_clock = [&]() -> Result<void> {
    looked = true;
    sent = log_->now();
    for (const Moment& confirmed : basis.confirmed) stale = stale || elapsed_us(confirmed, sent) > kConfirmedForUs;
    if (stale) return std::unexpected(Error{Code::kCancelled, "the head was not confirmed within the hour"});
    expired =
        basis.uploads != nullptr && basis.uploads->started && elapsed_us(*basis.uploads->started, sent) > kUploadForUs;
    if (expired) {
      return std::unexpected(
          Error{Code::kUnavailable, "the write took more than 12 hours and was not published; repeat it"});
    }
    return {};
  };
  Error cause;
  Moment undecided_since;  // when the last unanswered send looked at the clock
  for (int attempt = 0; attempt < kSendsMax; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kFirstPause * (1 << (attempt - 1)));
    looked = false;
    const Result<PutOutcome> outcome = store_->publish(key, record->bytes.bytes(), look_at_clock);
    if (outcome && *outcome == PutOutcome::kCreated) {
      log_->note_published(record, sent);
      return Published{PublishOutcome::kWon, std::move(record)};
    }
    // The store's word that nothing happened: a signature that got too old, or a request it does not grant.
    const bool too_old = !outcome && outcome.error().code == Code::kInvalidArgument;
    const bool refused = !outcome && outcome.error().code == Code::kUnavailable;
    const bool nothing_sent = stale || expired || too_old || refused;
    if (!outcome) cause = outcome.error();
    if (nothing_sent && !undecided) {
      // What got too old after the look at the clock wants a fresh start, like a stale head.
      if (stale || (looked && too_old)) return Published{PublishOutcome::kStale, nullptr};
      return std::unexpected(cause);
    }
    if (!outcome && looked && !nothing_sent) {
      undecided = true;
      undecided_since = sent;
    }
    // A taken slot may hold the echo of this very record, resent by some layer below.
    Result<RecordPtr> found = log_->read(record->record.branch, record->record.seq);
    if (!found && found.error().code != Code::kNotFound) {
      cause = std::move(found).error();
      continue;
    }
    if (!found) {
      if (outcome) return Published{PublishOutcome::kLost, nullptr};
      // No request outlives the hour after its look, and a record that had landed would still be there.
      const std::int64_t age_us = elapsed_us(undecided_since, sent);
      if (stale && age_us > kConfirmedForUs && age_us < kRecordKeptUs)
        return Published{PublishOutcome::kStale, nullptr};
      if (nothing_sent) break;
      continue;
    }
    if ((*found)->record.token != record->record.token) return Published{PublishOutcome::kLost, nullptr};
    if (Result<void> synced = store_->sync(key); !synced) {
      cause = std::move(synced).error();
      undecided = true;
      continue;
    }
    log_->note_published(record, sent);
    return Published{PublishOutcome::kWon, std::move(record)};
  }
  return std::unexpected(undecided ? unanswered(record->record, cause) : cause);
}

}  // namespace omnigraph::graph
