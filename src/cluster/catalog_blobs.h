// The content-addressed catalog of applied query and policy texts under `__cluster/resources/` (chapter 06 sections 2,
// 7, 10). Blobs are never deleted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/ledger.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

// Key of the blob that holds `address` at `digest`; nullopt for resources without one.
[[nodiscard]] std::optional<std::string> blob_key(const std::string& address, const std::string& digest);

// Writes the text unless a blob with this content is there; a mismatching one is rewritten.
[[nodiscard]] Result<void> write_blob(const StorageRoot& root, const std::string& key, const std::string& text);

struct BlobFinding {
  std::string address;
  std::string condition;  // payload_missing payload_mismatch payload_read_error
  Diagnostic diagnostic;
};
// Recorded blobs that are missing (warning), do not hash to their digest (warning) or cannot be read (error).
[[nodiscard]] std::vector<BlobFinding> check_catalog_blobs(const StorageRoot& root, const Ledger& ledger);

}  // namespace omnigraph::cluster
