// The difference between declaration and ledger, and what apply would do with it (chapter 06 section 6).
// Thread safety: free functions over values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/declaration.h"
#include "cluster/ledger.h"

namespace omnigraph::cluster {

enum class Operation { kCreate, kUpdate, kDelete };
[[nodiscard]] std::string_view operation_name(Operation operation);

enum class Disposition { kApplied, kDerived, kDeferred, kBlocked };
[[nodiscard]] std::string_view disposition_name(Disposition disposition);

struct Change {
  std::string resource;
  Operation operation = Operation::kCreate;
  std::optional<std::string> before_digest, after_digest;
  Disposition disposition = Disposition::kApplied;
  std::string reason;           // empty: none
  bool binding_change = false;
  std::string metadata_change;  // policy_bindings | embedding_profile; empty: none
};

struct BlastRadius { std::string resource; std::vector<std::string> affected; };
struct ApprovalGate { std::string resource, reason; bool satisfied = false; };

struct PlanInputs {
  // Graphs with an unresolved operation record (known only inside apply).
  std::set<std::string> in_recovery;
};

// One change per address, sorted by address, with dispositions.
[[nodiscard]] std::vector<Change> diff(const Declaration& declaration, const Ledger& ledger, const PlanInputs& inputs);
[[nodiscard]] std::vector<BlastRadius> blast_radius(const Declaration& declaration, const std::vector<Change>& changes);
[[nodiscard]] std::vector<ApprovalGate> approval_gates(const std::vector<Change>& changes);

// Parts of an address: graph id of schema.<g>, query.<g>.<n>, graph.<g>; empty for others.
[[nodiscard]] std::string graph_of(const std::string& address);
[[nodiscard]] std::string kind_of(const std::string& address);  // graph schema query policy provider

}  // namespace omnigraph::cluster
