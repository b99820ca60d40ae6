// Approvals of gated changes: `__cluster/approvals/<id>.json` (chapter 06 section 8). An approval is bound to the
// digests of one planned change: whatever moves one of them makes it worthless, and the ledger write that records the
// change consumes it. Files are never deleted. Thread safety: values; free functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/ledger.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

struct Change;

struct Approval {
  std::string approval_id, resource, operation, reason;
  std::optional<std::string> config_digest, before_digest, after_digest;
  std::string approved_by, created_at;
  std::optional<std::string> consumed_at, consumed_by_operation;
};

// What an approval has to name to open the gate of `change`.
[[nodiscard]] bool authorizes(const Approval& approval, const Change& change,
                              const std::optional<std::string>& config_digest);

class ApprovalBook {
 public:
  // Every approval under `root`, by id. Files that cannot be read or understood are warnings and authorize nothing.
  [[nodiscard]] static ApprovalBook read(const StorageRoot& root, Diagnostics& diagnostics);

  // The unconsumed approval with the smallest id that authorizes `change`. Consumed: in its file or in the ledger.
  [[nodiscard]] std::optional<std::string> authorizing(const Change& change, const Ledger& ledger,
                                                       const std::optional<std::string>& config_digest) const;
  // `approval_stale` for each unconsumed approval of the resource of `change` that does not authorize it.
  void warn_of_stale(const Change& change, const Ledger& ledger, const std::optional<std::string>& config_digest,
                     Diagnostics& diagnostics) const;
  // Entries of `approval_records` for what the files say was consumed.
  [[nodiscard]] std::map<std::string, std::string> consumed_records() const;
  // Writes into the files what the ledger says was consumed; a file that stays as it is harms nothing.
  void mark_consumed(const StorageRoot& root, const Ledger& ledger) const;

 private:
  std::vector<Approval> approvals_;  // by id
};

// False with `approval_write_error`.
[[nodiscard]] bool write_approval(const StorageRoot& root, const Approval& approval, Diagnostics& diagnostics);

// An entry of `approval_records`.
[[nodiscard]] std::string consumption_json(const std::string& consumed_at, const std::string& operation);

}  // namespace omnigraph::cluster
