#include "engine/checked_graph.h"

#include <algorithm>

#include "base/text.h"

namespace omnigraph::engine {

using policy::Action;

Result<void> CheckedGraph::check(Action action, const Actor& actor, std::optional<std::string_view> branch,
                                 std::optional<std::string_view> target) const {
  if (!checker_) return {};
  if (!actor || base::trim_unicode(*actor).empty()) {
    return std::unexpected(Error{Code::kForbidden, std::string("no actor for action '")
                                                       .append(policy::action_name(action))
                                                       .append("': the graph has a policy, so every write names one")});
  }
  const auto text = [](std::optional<std::string_view> name) {
    return name ? std::optional<std::string>(*name) : std::nullopt;
  };
  const policy::Decision decision = checker_->authorize({*actor, action, text(branch), text(target)});
  if (decision.allowed) return {};
  if (!decision.failure.empty()) return std::unexpected(internal_error(decision.message));
  return std::unexpected(Error{Code::kForbidden, std::string("policy denied: ").append(decision.message)});
}

Result<MutateAnswer> CheckedGraph::mutate(std::string_view source, std::string_view name, std::string_view parameters,
                                          const MutateRequest& request) {
  OG_RETURN_IF_ERROR(check(Action::kChange, request.actor, request.branch, std::nullopt));
  return graph_->mutate(source, name, parameters, request);
}

Result<LoadAnswer> CheckedGraph::load(const ByteSource& source, const LoadRequest& request) {
  OG_RETURN_IF_ERROR(check(Action::kChange, request.actor, request.branch, std::nullopt));
  if (checker_ && request.from) {
    OG_ASSIGN_OR_RETURN(const auto branches, graph_->branches());
    if (std::ranges::find(branches, request.branch) == branches.end()) {
      OG_RETURN_IF_ERROR(check(Action::kBranchCreate, request.actor, *request.from, request.branch));
    }
  }
  return graph_->load(source, request);
}

Result<SchemaApplyAnswer> CheckedGraph::apply_schema(std::string_view source, const SchemaOptions& options) {
  OG_RETURN_IF_ERROR(check(Action::kSchemaApply, options.actor, std::nullopt, "main"));
  return graph_->apply_schema(source, options);
}

Result<void> CheckedGraph::create_branch(std::string_view name, std::string_view from, const Actor& actor) {
  OG_RETURN_IF_ERROR(check(Action::kBranchCreate, actor, from, name));
  return graph_->create_branch(name, from);
}

Result<void> CheckedGraph::delete_branch(std::string_view name, const Actor& actor) {
  OG_RETURN_IF_ERROR(check(Action::kBranchDelete, actor, std::nullopt, name));
  return graph_->delete_branch(name);
}

Result<MergeAnswer> CheckedGraph::merge(const MergeBranchesRequest& request) {
  OG_RETURN_IF_ERROR(check(Action::kBranchMerge, request.actor, request.source, request.target));
  return merge_branches(*graph_, request);
}

void CheckedGraph::delete_merged_branch(MergeAnswer& answer, const Actor& actor, std::optional<Error> refusal) {
  if (!refusal) {
    if (auto allowed = check(Action::kBranchDelete, actor, std::nullopt, answer.source); !allowed) {
      refusal = std::move(allowed).error();
    }
  }
  engine::delete_merged_branch(*graph_, answer, refusal);
}

}  // namespace omnigraph::engine
