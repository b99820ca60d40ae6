// The three things apply does to graphs: create, migrate, delete (chapter 06 section 7, steps 2, 3 and 5). Each writes
// its operation record first and has one moment that counts: the graph's own first commit, its schema commit, the
// removal of its root. Not thread safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/declaration.h"
#include "cluster/operation_record.h"
#include "cluster/plan.h"

namespace omnigraph::cluster {

// A finished piece of graph work: what the ledger write has to hold, and the record to remove after it.
struct FinishedWork {
  std::string operation_id;
  std::string graph_id;
  Operation operation = Operation::kCreate;
  std::optional<std::string> approval_id;
};

struct GraphWorkOptions {
  std::optional<std::string> actor;
  std::optional<std::string> state_cas;  // of the ledger that the work starts from
  bool allow_validated = false;          // chapter 01 section 9.1
};

class GraphWork {
 public:
  GraphWork(const StorageRoot& root, const Declaration& declaration, GraphWorkOptions options, Diagnostics& diagnostics)
      : root_(root), declaration_(declaration), options_(std::move(options)), diagnostics_(diagnostics) {}

  // Errors are reasons for `graph_create_failed`, `schema_apply_failed`, `graph_delete_failed`. After an error the
  // operation record stays only where it is open whether the graph was changed.
  [[nodiscard]] Result<void> create(const Change& change);
  // Fills in the migration that was done.
  [[nodiscard]] Result<void> update_schema(Change& change);
  [[nodiscard]] Result<void> remove(const Change& change);

  [[nodiscard]] const std::vector<FinishedWork>& finished() const { return finished_; }

 private:
  [[nodiscard]] Result<OperationRecord> begin(const Change& change, const char* kind,
                                              std::optional<std::uint64_t> observed,
                                              std::optional<std::uint64_t> expected);
  void finish(const OperationRecord& record, const Change& change);
  [[nodiscard]] Result<void> check_schema_unmoved(const std::string& graph_id);

  const StorageRoot& root_;
  const Declaration& declaration_;
  const GraphWorkOptions options_;
  Diagnostics& diagnostics_;
  std::vector<FinishedWork> finished_;
};

}  // namespace omnigraph::cluster
