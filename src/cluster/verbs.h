// The verbs of `omnigraph cluster` as functions from a config directory to a report (chapter 06). Front ends render
// the reports; nothing here prints. Thread safety: verbs of several processes meet at the lock and the ledger's CAS.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/declaration.h"
#include "cluster/plan.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

struct PlanReport {
  Declaration declaration;
  StateObservations state;
  std::vector<Change> changes;
  std::vector<BlastRadius> blast_radius;
  std::vector<ApprovalGate> approvals_required;
  // What a change means for data, for readers. Graph deletes: one line. Schema updates: one (maybe empty) a step.
  std::map<std::string, std::vector<std::string>> effects;
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

struct ApplyReport {
  std::optional<std::string> actor;
  std::optional<std::string> config_digest;
  StateObservations state;
  std::vector<Change> changes;
  std::size_t applied_count = 0;
  std::size_t deferred_count = 0;  // deferred and blocked
  bool converged = false;
  bool state_written = false;
  std::map<std::string, ResourceStatus> resource_statuses;
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

// status, import, refresh.
struct StateReport {
  StateObservations state;
  std::map<std::string, std::string> resource_digests;
  std::map<std::string, ResourceStatus> resource_statuses;
  std::map<std::string, std::string> observations;  // compact JSON
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

struct ApproveReport {
  std::optional<std::string> approval_id, resource, operation, approved_by;
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

struct PlanOptions {
  bool allow_validated = false;  // chapter 01 section 9.1
  bool effects = false;          // also look at the data that deletes and drops concern
};

struct ApplyOptions {
  std::optional<std::string> actor;
  bool allow_validated = false;
  std::optional<std::filesystem::path> plan_file;  // only what this plan shows (saved_plan.h)
};

struct UnlockReport {
  StateObservations state;
  bool lock_removed = false;
  Diagnostics diagnostics;
};

[[nodiscard]] Declaration validate(const std::filesystem::path& directory);
[[nodiscard]] PlanReport plan(const std::filesystem::path& directory, const PlanOptions& options);
[[nodiscard]] ApplyReport apply(const std::filesystem::path& directory, const ApplyOptions& options);
// Opens the gate of the pending change of `resource` (chapter 06 section 8).
[[nodiscard]] ApproveReport approve(const std::filesystem::path& directory, const std::string& resource,
                                    const std::string& actor);
[[nodiscard]] StateReport import_state(const std::filesystem::path& directory);
[[nodiscard]] StateReport refresh(const std::filesystem::path& directory);
[[nodiscard]] StateReport status(const std::filesystem::path& directory);
[[nodiscard]] UnlockReport force_unlock(const std::filesystem::path& directory, const std::string& lock_id);

}  // namespace omnigraph::cluster
