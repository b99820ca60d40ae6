#include "graph/object_reader.h"

#include "graph/history_cut.h"
#include "graph/layout.h"
#include "graph/mark_objects.h"

namespace omnigraph::graph {
namespace {

// Whether the next record may want a copy of it.
bool is_copied(std::string_view key, std::uint64_t size) {
  if (key.starts_with("schema/") || key.ends_with(".manifest")) return true;
  return key.starts_with("tables/") && size <= kCopiedFileBytesMax;
}

}  // namespace

Error history_expired(std::string_view commit_id) { return history_expired_before(commit_id, {}); }

std::optional<Buffer> ObjectReader::copy_of(const LoadedRecord& record, std::string_view key) const {
  return uses_copies_ && record.copies != nullptr ? record.copies->find(key) : std::nullopt;
}

ObjectReader::Where ObjectReader::where(const LoadedRecord& record, std::string_view key) const {
  if (record.unpublished != nullptr && record.unpublished->contains(std::string(key))) return {Place::kHere, nullptr};
  if (record.beneath != nullptr) return where(*record.beneath, key);
  if (copy_of(record, key)) return {Place::kHere, nullptr};
  const auto attached = record.record.attached.find(std::string(key));
  if (attached == record.record.attached.end()) return {Place::kStore, nullptr};
  const AttachedAt& at = attached->second;
  const bool own = at.branch == record.record.branch && at.seq == record.record.seq;
  return {own ? Place::kHere : Place::kRecord, &at};
}

Result<Buffer> ObjectReader::get(const LoadedRecord& record, std::string_view key) const {
  if (record.unpublished != nullptr) {
    const auto found = record.unpublished->find(std::string(key));
    if (found != record.unpublished->end()) return found->second;
  }
  if (record.beneath != nullptr) return get(*record.beneath, key);
  if (std::optional<Buffer> copy = copy_of(record, key)) return *std::move(copy);
  const auto attached = record.record.attached.find(std::string(key));
  const AttachedAt* at = attached == record.record.attached.end() ? nullptr : &attached->second;
  if (at != nullptr) {
    // Before its own place: after a power loss a file there may be torn until someone settled it.
    Result<Buffer> bytes = attachment(record, key, *at);
    if (bytes || bytes.error().code != Code::kNotFound) return bytes;
  }
  Result<Buffer> bytes = store_->get(key);
  if (bytes && far_ && is_copied(key, bytes->size())) {
    remembered_.insert(std::string(key), std::make_shared<const Buffer>(*bytes), key.size() + bytes->size());
  }
  if (bytes || bytes.error().code != Code::kNotFound) return bytes;
  return std::unexpected(missing(record, key, at));
}

Result<Buffer> ObjectReader::get_range(const LoadedRecord& record, std::string_view key,
                                       const objectstore::ByteRange& range) const {
  Result<Buffer> bytes = store_->get(key, range);
  if (bytes || bytes.error().code != Code::kNotFound) return bytes;
  return std::unexpected(missing(record, key, nullptr));
}

std::optional<Buffer> ObjectReader::remembered(const std::string& key) const {
  const std::shared_ptr<const Buffer> found = remembered_.find(key);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Error ObjectReader::missing(const LoadedRecord& record, std::string_view key, const AttachedAt* at) const {
  const Result<bool> gone = is_gone(record, at);
  if (!gone) return gone.error();
  if (*gone) return history_expired_on(*log_, record.record.branch, record.record.head_id);
  if (std::optional<Error> error = purged(record.record, key)) return *std::move(error);
  return corrupt_object(key, "the object is missing, yet commit '" + record.record.head_id + "' needs it");
}

Result<Buffer> ObjectReader::attachment(const LoadedRecord& record, std::string_view key, const AttachedAt& at) const {
  const LoadedRecord* holder = &record;
  RecordPtr other;
  if (at.branch != record.record.branch || at.seq != record.record.seq) {
    OG_ASSIGN_OR_RETURN(other, log_->read(at.branch, at.seq));
    holder = other.get();
  }
  if (at.offset > holder->bytes.size() || at.size > holder->bytes.size() - at.offset) {
    return std::unexpected(corrupt_object(key, "its place lies outside the record that carries it"));
  }
  return holder->bytes.slice(at.offset, at.size);
}

Result<bool> ObjectReader::is_gone(const LoadedRecord& record, const AttachedAt* at) const {
  OG_ASSIGN_OR_RETURN(const bool own, log_->exists(record.record.branch, record.record.seq));
  if (!own || at == nullptr) return !own;
  OG_ASSIGN_OR_RETURN(const bool carrier, log_->exists(at->branch, at->seq));
  return !carrier;
}

std::optional<Error> ObjectReader::purged(const CommitRecord& record, std::string_view key) const {
  const std::string root = table_root_of_object(key);  // tables/<kind>/<Type>-<table id>
  if (root.empty()) return std::nullopt;
  const Result<Head> main = log_->recent_head(kMainBranch);  // hard drops happen there
  if (!main || !main->live()) return std::nullopt;
  const auto found = main->record->record.purges.find(root.substr(root.rfind('-') + 1));
  if (found == main->record->record.purges.end()) return std::nullopt;
  // From the purging record on the table is whole again, and a missing object is damage.
  if (record.branch == main->record->record.branch && record.seq >= found->second) return std::nullopt;
  return history_purged(*log_, kMainBranch, found->second, found->first, record.head_id);
}

}  // namespace omnigraph::graph
