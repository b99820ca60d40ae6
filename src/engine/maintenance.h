// Upkeep of a stored graph, for the front ends: what graph/optimize.h and graph/repair.h do, as answers (chapter 05
// section 6). Thread safety: as Graph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

// An index that is declared and has nothing to be built from.
struct PendingIndex {
  std::string property;
  std::string reason;
};

// How far a declared index reaches: rows of data files that have it, or are too small to need it.
struct DatasetIndex {
  std::string property;
  std::string kind;  // fulltext ordered vector
  std::uint64_t rows_covered = 0, rows_total = 0;
};

struct OptimizedDataset {
  std::string type_key;  // node:T, edge:E
  std::uint64_t fragments_removed = 0, fragments_added = 0;
  bool committed = false;
  std::optional<std::string> skipped;  // drift_needs_repair
  std::uint64_t published_dataset_version = 0;
  std::uint64_t lance_head_version = 0;
  std::vector<PendingIndex> pending_indexes;
  std::vector<DatasetIndex> indexes;
};

struct OptimizeAnswer {
  std::vector<OptimizedDataset> datasets;  // edges first, then by name
  std::optional<CommitInfo> commit;        // unset: there was nothing to do
};

// Errors: kNotFound (no such branch); those of the store.
[[nodiscard]] Result<OptimizeAnswer> optimize(Graph& graph, std::string_view branch);

// How much of the branch optimize would write anew: data files that are small or have many deleted rows, of all data
// files. By the manifests of the head alone, which this process mostly has. Errors: as optimize.
struct OptimizeDue {
  std::uint64_t fragments = 0, fragments_due = 0;
  [[nodiscard]] double ratio() const {
    return fragments == 0 ? 0 : static_cast<double>(fragments_due) / static_cast<double>(fragments);
  }
};
[[nodiscard]] Result<OptimizeDue> optimize_due(Graph& graph, std::string_view branch);

// Puts all that is still inside commit records at its own place, so that other tools can read the branch's tables.
[[nodiscard]] Result<void> materialize(Graph& graph, std::string_view branch);

// Tables of main that another tool changed (graph/repair.h).
struct RepairRequest {
  bool confirm = false;
  bool force = false;    // with confirm
  bool restore = false;  // with confirm
  std::optional<std::string> actor{};
};

struct RepairedDataset {
  std::string type_key;
  std::uint64_t published_dataset_version = 0;
  std::uint64_t lance_head_version = 0;
  std::string classification;  // no_drift verified_maintenance suspicious unverifiable
  std::string action;          // no_op preview healed forced refused restored
  std::vector<std::string> operations;
  std::optional<std::string> error;  // of a refused one
};

struct RepairAnswer {
  std::vector<RepairedDataset> datasets;  // edges first, then by name
  std::optional<CommitInfo> commit;       // unset: nothing was published
  bool refused = false;                   // some table was
};

// Errors: of the store.
[[nodiscard]] Result<RepairAnswer> repair(Graph& graph, const RepairRequest& request);

}  // namespace omnigraph::engine
