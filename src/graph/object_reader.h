// Reads the immutable objects that a record's snapshot references: from the record that carries the bytes or a copy of
// them, else from their own place (chapter 09 section 5).
// Thread safety: all methods may be called concurrently.
// Errors: kGone (`history_expired`, with the commit id) when the record itself was removed by cleanup; kCorruptObject
// when the record is there and the object is not; kIoError.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/commit_log.h"
#include "graph/lru_cache.h"

namespace omnigraph::graph {

[[nodiscard]] Error history_expired(std::string_view commit_id);

class ObjectReader {
 public:
  // kIgnored: what is looked at is the objects themselves, as checking and marking want it.
  enum class Copies : std::uint8_t { kUsed, kIgnored };
  ObjectReader(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<CommitLog> log,
               Copies copies = Copies::kUsed)
      : store_(std::move(store)),
        log_(std::move(log)),
        far_(!store_->local_root().has_value()),
        uses_copies_(copies == Copies::kUsed),
        remembered_("small_objects", kRememberedCost) {}

  [[nodiscard]] Result<Buffer> get(const LoadedRecord& record, std::string_view key) const;
  // A range of an object that is in its own place. REQUIRES: where(record, key).place == Place::kStore.
  [[nodiscard]] Result<Buffer> get_range(const LoadedRecord& record, std::string_view key,
                                         const objectstore::ByteRange& range) const;
  // Of an object that no record references; kNotFound is an answer.
  [[nodiscard]] Result<Buffer> get_derived(std::string_view key) const { return store_->get(key); }

  enum class Place : std::uint8_t {
    kHere,    // in memory with the record
    kRecord,  // in another record, `at`
    kStore,
  };
  struct Where {
    Place place = Place::kStore;
    const AttachedAt* at = nullptr;
  };
  // Where get() will look first.
  [[nodiscard]] Where where(const LoadedRecord& record, std::string_view key) const;

  // Whether a record that carries attachments was read lately; reads it.
  [[nodiscard]] bool has_record(const AttachedAt& at) const { return log_->has_record(at.branch, at.seq); }
  void bring_record(const AttachedAt& at) const { (void)log_->read(at.branch, at.seq); }

  // The bytes of a schema, manifest or small file that was read lately from a far store, for copies in the next record.
  [[nodiscard]] std::optional<Buffer> remembered(const std::string& key) const;
  // The bytes of an attachment; kNotFound if the record that carries them is gone.
  [[nodiscard]] Result<Buffer> attachment(const LoadedRecord& record, std::string_view key, const AttachedAt& at) const;

 private:
  [[nodiscard]] std::optional<Buffer> copy_of(const LoadedRecord& record, std::string_view key) const;
  static constexpr std::uint64_t kRememberedCost = std::uint64_t{8} << 20;

  [[nodiscard]] Error missing(const LoadedRecord& record, std::string_view key, const AttachedAt* at) const;
  // The error for an object of a table that a hard drop has purged since the record; nothing for any other.
  [[nodiscard]] std::optional<Error> purged(const CommitRecord& record, std::string_view key) const;
  [[nodiscard]] Result<bool> is_gone(const LoadedRecord& record, const AttachedAt* at) const;

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<CommitLog> log_;
  const bool far_;
  const bool uses_copies_;
  mutable LruCache<const Buffer> remembered_;
};

}  // namespace omnigraph::graph
