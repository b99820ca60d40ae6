// Reads the immutable objects that a record's snapshot references: from the record that still carries the bytes, else
// from their own place (chapter 09 section 5).
// Thread safety: all methods may be called concurrently.
// Errors: kGone (`history_expired`, with the commit id) when the record itself was removed by cleanup; kCorruptObject
// when the record is there and the object is not; kIoError.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "graph/commit_log.h"

namespace omnigraph::graph {

[[nodiscard]] Error history_expired(std::string_view commit_id);

class ObjectReader {
 public:
  ObjectReader(std::shared_ptr<objectstore::ObjectStore> store, std::shared_ptr<CommitLog> log)
      : store_(std::move(store)), log_(std::move(log)) {}

  [[nodiscard]] Result<Buffer> get(const LoadedRecord& record, std::string_view key) const;
  // The bytes of an attachment; kNotFound if the record that carries them is gone.
  [[nodiscard]] Result<Buffer> attachment(const LoadedRecord& record, std::string_view key, const AttachedAt& at) const;

 private:
  // Whether the key is of a table that a hard drop has purged since the record.
  [[nodiscard]] bool is_purged(const CommitRecord& record, std::string_view key) const;
  [[nodiscard]] Result<bool> is_gone(const LoadedRecord& record, const AttachedAt* at) const;

  const std::shared_ptr<objectstore::ObjectStore> store_;
  const std::shared_ptr<CommitLog> log_;
};

}  // namespace omnigraph::graph
