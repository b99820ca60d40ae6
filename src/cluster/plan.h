// The difference between declaration and ledger, and what apply would do with it (chapter 06 section 6).
// Thread safety: free functions over values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/approvals.h"
#include "cluster/declaration.h"
#include "cluster/ledger.h"
#include "schema/migration_step.h"

namespace omnigraph::cluster {

enum class Operation { kCreate, kUpdate, kDelete };
[[nodiscard]] std::string_view operation_name(Operation operation);

enum class Disposition { kApplied, kDerived, kDeferred, kBlocked };
[[nodiscard]] std::string_view disposition_name(Disposition disposition);

inline constexpr std::string_view kApprovalRequired = "approval_required";
inline constexpr std::string_view kDriftGated = "drift_correction_gated";
inline constexpr std::string_view kRecoveryPending = "cluster_recovery_pending";
inline constexpr std::string_view kDependencyNotApplied = "dependency_not_applied";
inline constexpr std::string_view kUnsupportedKind = "apply_unsupported_kind";

struct Migration {
  bool supported = true;
  std::vector<schema::MigrationStep> steps;
};

struct Change {
  std::string resource;
  Operation operation = Operation::kCreate;
  std::optional<std::string> before_digest, after_digest;
  Disposition disposition = Disposition::kApplied;
  std::string reason;  // empty: none
  bool binding_change = false;
  std::string metadata_change;             // policy_bindings | embedding_profile; empty: none
  std::optional<Migration> migration;      // schema updates
  std::string gate;                        // why an approval is asked for; empty: none is
  std::optional<std::string> approval_id;  // the approval that opens the gate
  bool corrects_drift = false;             // brings back what somebody else changed or removed

  [[nodiscard]] bool waits() const {
    return disposition == Disposition::kDeferred || disposition == Disposition::kBlocked;
  }
};

struct BlastRadius {
  std::string resource;
  std::vector<std::string> affected;
};
struct ApprovalGate {
  std::string resource, reason;
  bool satisfied = false;
};

struct PlanInputs {
  std::set<std::string> in_recovery;         // graphs with an unresolved operation record; known only inside apply
  std::set<std::string> previously_applied;  // declared graphs that are missing and were there once
  const ApprovalBook* approvals = nullptr;   // null: none are given
};

// One change per address, sorted by address, without dispositions.
[[nodiscard]] std::vector<Change> differences(const Declaration& declaration, const Ledger& ledger);
// The same with dispositions.
[[nodiscard]] std::vector<Change> classify(const Declaration& declaration, const Ledger& ledger,
                                           const PlanInputs& inputs);
[[nodiscard]] std::vector<BlastRadius> blast_radius(const Declaration& declaration, const std::vector<Change>& changes);
[[nodiscard]] std::vector<ApprovalGate> approval_gates(const std::vector<Change>& changes);

// Reads what the plan depends on beside declaration and ledger (approvals, what the catalog remembers), classifies,
// and warns: `drift_correction`, `drift_correction_gated`, `approval_stale`, unreadable approvals.
struct Planned {
  std::vector<Change> changes;
  ApprovalBook approvals;
};
[[nodiscard]] Planned make_plan(const StorageRoot& root, const Declaration& declaration, const Ledger& ledger,
                                std::set<std::string> in_recovery, Diagnostics& diagnostics);

// Whether a missing graph was there once: the ledger held its schema digest, or (a lost ledger) the catalog holds
// queries of it. A graph that an approved delete removed counts as new.
[[nodiscard]] bool previously_applied(const StorageRoot& root, const Ledger& ledger, const std::string& graph_id);

// Parts of an address: graph id of schema.<g>, query.<g>.<n>, graph.<g>; empty for others.
[[nodiscard]] std::string graph_of(const std::string& address);
[[nodiscard]] std::string kind_of(const std::string& address);  // graph schema query policy provider
// The last part: policy name, query name, provider name, graph id.
[[nodiscard]] std::string name_of(const std::string& address);

}  // namespace omnigraph::cluster
