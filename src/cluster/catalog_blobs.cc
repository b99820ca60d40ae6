#include "cluster/catalog_blobs.h"

#include "base/hash.h"
#include "cluster/plan.h"

namespace omnigraph::cluster {

std::optional<std::string> blob_key(const std::string& address, const std::string& digest) {
  const std::string kind = kind_of(address);
  if (kind == "policy") return StorageRoot::policy_key(name_of(address), digest);
  if (kind != "query") return std::nullopt;
  return StorageRoot::query_key(graph_of(address), name_of(address), digest);
}

Result<void> write_blob(const StorageRoot& root, const std::string& key, const std::string& text) {
  const auto present = root.store().get(key);
  if (present && present->text() == text) return root.store().sync(key);
  return root.store().put(key, std::as_bytes(std::span(text)));
}

std::vector<BlobFinding> check_catalog_blobs(const StorageRoot& root, const Ledger& ledger) {
  std::vector<BlobFinding> findings;
  const auto add = [&](const std::string& address, const char* condition, Severity severity, const char* code,
                       std::string message) {
    findings.push_back({address, condition, {code, severity, address, std::move(message)}});
  };
  for (const auto& [address, entry] : ledger.resources) {
    const auto key = blob_key(address, entry.digest);
    if (!key) continue;
    const auto bytes = root.store().get(*key);
    if (!bytes && bytes.error().code == Code::kNotFound) {
      add(address, "payload_missing", Severity::kWarning, "catalog_payload_missing",
          "'" + root.location(*key) + "' is gone; run `omnigraph cluster refresh`, then `apply`");
    } else if (!bytes) {
      add(address, "payload_read_error", Severity::kError, "catalog_payload_read_error", bytes.error().message);
    } else if (base::sha256_hex(bytes->text()) != entry.digest) {
      add(address, "payload_mismatch", Severity::kWarning, "catalog_payload_mismatch",
          "'" + root.location(*key) + "' was changed; run `omnigraph cluster refresh`, then `apply`");
    }
  }
  return findings;
}

}  // namespace omnigraph::cluster
