// Blobs that rows name by URI (chapter 03 section 4.1): which ones a graph admits, and their bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "objectstore/blob_uri.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {

// Of one load or mutation.
inline constexpr std::uint64_t kExternalBlobCellsMax = 8192;
inline constexpr std::uint64_t kExternalBlobPayloadMax = std::uint64_t{32} << 20;

// What a graph admits; without bases nothing. Thread safety: immutable.
class ExternalBlobs {
 public:
  ExternalBlobs() = default;
  // As the ledger keeps them (chapter 06 section 6). One that cannot be understood admits nothing.
  explicit ExternalBlobs(const std::vector<std::string>& bases);

  // Sends nothing. Errors: kBadRequest `external blob URI '..' is not allowed: ..`; kResourceLimit
  // `external Blob URI bytes`.
  [[nodiscard]] Result<objectstore::BlobUri> admit(std::string_view uri) const;

 private:
  std::vector<objectstore::BlobUri> bases_;
};

// Reads admitted ones for one operation, each once, with the credentials of the process. Not thread safe.
class ExternalBlobReader {
 public:
  // The caller counts one more cell. Errors: kFailedDependency with the detail `external_blob_source {uri, reason}`;
  // kResourceLimit `external Blob reference cells`, `materialized external blob payload bytes`.
  [[nodiscard]] Result<Buffer> read(const objectstore::BlobUri& uri);

 private:
  std::map<std::string, std::shared_ptr<objectstore::ObjectStore>> buckets_;
  std::map<std::string, Buffer> payloads_;  // by URI
  std::uint64_t cells_ = 0, bytes_ = 0;
};

}  // namespace omnigraph::engine
