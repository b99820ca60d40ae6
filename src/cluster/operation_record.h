// Records of operations on graphs that may have been interrupted: `__cluster/recoveries/<id>.json` (chapter 06
// section 9). Written before a graph is touched, removed once the ledger has the outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/root.h"

namespace omnigraph::cluster {

struct OperationRecord {
  std::string operation_id, started_at;
  std::optional<std::string> actor;
  std::string kind;  // graph_create schema_apply graph_delete
  std::string graph_id, graph_uri;
  std::optional<std::uint64_t> observed_manifest_version, expected_manifest_version;
  std::optional<std::string> desired_schema_digest, state_cas_base, approval_id;
};

// False with `recovery_sidecar_write_error`: the operation must not start.
[[nodiscard]] bool write_operation_record(const StorageRoot& root, const OperationRecord& record,
                                          Diagnostics& diagnostics);
void remove_operation_record(const StorageRoot& root, const std::string& name);

struct PendingRecord {
  std::string name;      // of the file, without folder and `.json`; our own records are named by their operation id
  std::string location;  // for diagnostics
  std::optional<OperationRecord> record;  // null: unreadable, `code` says why
  std::string code, message;
};
[[nodiscard]] std::vector<PendingRecord> read_operation_records(const StorageRoot& root);

// Settles leftovers of dead processes, forward only (section 9's table): updates the ledger in memory, returns the
// graphs whose records stay, and the records to remove once the ledger is written.
struct Settled {
  std::set<std::string> in_recovery;
  std::vector<std::string> finished;  // names
};
[[nodiscard]] Settled settle_operation_records(const StorageRoot& root, Ledger& ledger,
                                               const std::optional<std::string>& actor, Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
