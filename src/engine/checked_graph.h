// A graph handle whose writes are checked against a policy bundle: for hosts that embed the engine and speak for
// several actors (chapter 08 section 6). The host hands out this handle instead of the graph's own; reads it does
// itself.
//
// Every write names its actor; without one it is refused, never let through. Nothing about a branch is looked up before
// the check that names it.
// Errors besides those of the operation: kForbidden `no actor ..` and `policy denied: <message>`; kInternal
// `policy evaluation failed: <detail>`. Thread safety: as Graph.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/graph.h"
#include "engine/merge.h"
#include "engine/schema_change.h"
#include "policy/bundle.h"

namespace omnigraph::engine {

class CheckedGraph {
 public:
  // `checker` null: no check.
  CheckedGraph(std::shared_ptr<Graph> graph, std::shared_ptr<const policy::Bundle> checker)
      : graph_(std::move(graph)), checker_(std::move(checker)) {}

  using Actor = std::optional<std::string>;

  [[nodiscard]] Result<MutateAnswer> mutate(std::string_view source, std::string_view name, std::string_view parameters,
                                            const MutateRequest& request);
  // `change` on the branch; if it is missing and `from` given, also `branch_create`.
  [[nodiscard]] Result<LoadAnswer> load(const ByteSource& source, const LoadRequest& request);
  [[nodiscard]] Result<SchemaApplyAnswer> apply_schema(std::string_view source, const SchemaOptions& options);
  [[nodiscard]] Result<void> create_branch(std::string_view name, std::string_view from, const Actor& actor);
  [[nodiscard]] Result<void> delete_branch(std::string_view name, const Actor& actor);
  [[nodiscard]] Result<MergeAnswer> merge(const MergeBranchesRequest& request);
  // Deletes the source of a durable merge. Whatever stands against it is told in `answer`; `refusal`: decided before.
  void delete_merged_branch(MergeAnswer& answer, const Actor& actor, std::optional<Error> refusal);

 private:
  [[nodiscard]] Result<void> check(policy::Action action, const Actor& actor, std::optional<std::string_view> branch,
                                   std::optional<std::string_view> target) const;

  std::shared_ptr<Graph> graph_;
  std::shared_ptr<const policy::Bundle> checker_;
};

}  // namespace omnigraph::engine
