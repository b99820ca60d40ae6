// The state ledger `__cluster/state.json`: what was applied (chapter 06 section 5). Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/diagnostic.h"
#include "cluster/digest.h"

namespace omnigraph::base {
class JsonWriter;
}

namespace omnigraph::cluster {

struct LedgerEntry {
  std::string digest;
  std::optional<std::vector<std::string>> applies_to;  // policies
  std::optional<std::string> embedding_provider;       // graphs
  std::optional<EmbeddingProfile> embedding_profile;   // providers
  BlobPolicy external_blob_policy;                     // graphs; empty = deny
};

struct ResourceStatus {
  std::string status;
  std::vector<std::string> conditions;
  std::string message;
  friend bool operator==(const ResourceStatus&, const ResourceStatus&) = default;
};

struct Ledger {
  std::uint64_t state_revision = 0;
  std::optional<std::string> config_digest;
  std::map<std::string, LedgerEntry> resources;
  std::map<std::string, ResourceStatus> statuses;
  // Values are free-form objects, kept as compact JSON.
  std::map<std::string, std::string> approval_records, recovery_records, observations;

  // Composite digests of every recorded graph, from the ledger's own parts.
  [[nodiscard]] std::string composite_of(const std::string& graph_id) const;
  void recompute_composites();
  [[nodiscard]] std::map<std::string, std::string> digests() const;
};

// The object of one status, as in the ledger and in the answers of commands.
void write_status(base::JsonWriter& json, const ResourceStatus& status);
[[nodiscard]] std::string serialize_ledger(const Ledger& ledger);
// Findings: `invalid_state_json`, `unsupported_state_version`, `conflicting_graph_manifest_observation`.
[[nodiscard]] std::optional<Ledger> parse_ledger(std::string_view json, Diagnostics& diagnostics);
// `external_blob_policy_digest_mismatch` for each graph whose digest is not the composite of its parts.
void check_composites(const Ledger& ledger, Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
