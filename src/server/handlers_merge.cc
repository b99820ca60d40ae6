// POST /branches/merge and GET /x/diff.

#include <algorithm>

#include "api/merge_answers.h"
#include "engine/merge.h"
#include "server/handlers.h"
#include "server/json_body.h"
#include "server/write_timer.h"
#include "server/written_response.h"

namespace omnigraph::server {

using base::JsonWriter;
using policy::Action;

namespace {

constexpr std::uint64_t kMergeEstimateBytes = 256;

Result<std::optional<engine::ExpectedHeads>> expected_heads(const JsonBody& body) {
  if (!body.has("expect")) return std::optional<engine::ExpectedHeads>{};
  OG_ASSIGN_OR_RETURN(const JsonBody expect, JsonBody::parse(body.json("expect"), "invalid request body: expect: "));
  engine::ExpectedHeads heads;
  OG_ASSIGN_OR_RETURN(heads.source, expect.required_string("source"));
  OG_ASSIGN_OR_RETURN(heads.target, expect.required_string("target"));
  return std::optional(std::move(heads));
}

std::vector<std::string> repeated(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Result<void> only_known(const HttpRequest& request) {
  constexpr std::string_view kKnown[] = {"source", "target",           "limit",  "page_token", "kind", "type",
                                         "op",     "merge_properties", "changes"};
  for (const auto& [key, value] : request.query) {
    if (std::ranges::find(kKnown, key) == std::end(kKnown)) {
      return std::unexpected(bad_request("unknown query parameter '" + key + "'"));
    }
  }
  return {};
}

// true, false; absent: `otherwise`.
Result<bool> flag(const HttpRequest& request, std::string_view name, bool otherwise) {
  OG_ASSIGN_OR_RETURN(const auto value, query_value(request, name));
  if (!value) return otherwise;
  if (*value != "true" && *value != "false") {
    return std::unexpected(bad_request("query parameter '" + std::string(name) + "' must be true or false"));
  }
  return *value == "true";
}

}  // namespace

Result<HttpResponse> handle_merge_branches(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  engine::MergeBranchesRequest request;
  OG_ASSIGN_OR_RETURN(const std::string source, body.required_string("source"));
  OG_ASSIGN_OR_RETURN(request.source, branch_name(source));
  OG_ASSIGN_OR_RETURN(const auto target, body.string("target"));
  OG_ASSIGN_OR_RETURN(request.target, branch_name(target));
  OG_ASSIGN_OR_RETURN(const auto delete_branch, body.boolean("delete_branch"));
  OG_ASSIGN_OR_RETURN(const auto images, body.boolean("images"));
  OG_ASSIGN_OR_RETURN(const auto merge_properties, body.boolean("merge_properties"));
  OG_ASSIGN_OR_RETURN(request.expect, expected_heads(body));
  request.images = images.value_or(false);
  request.merge_properties = merge_properties.value_or(false);
  request.actor = call.actor_id();
  OG_RETURN_IF_ERROR(authorize(call, Action::kBranchMerge, request.source, request.target));
  OG_ASSIGN_OR_RETURN(const auto ticket, admitted(call, kMergeEstimateBytes));
  engine::CheckedGraph& writes = *call.graph->writes;
  const WriteTimer timer(call, "merge");
  OG_ASSIGN_OR_RETURN(engine::MergeAnswer answer, timer.done(writes.merge(request)));
  if (delete_branch.value_or(false)) {
    // The merge is durable: whatever stands against the deletion is told in the answer.
    const Result<void> allowed = authorize(call, Action::kBranchDelete, std::nullopt, request.source);
    writes.delete_merged_branch(answer, request.actor, allowed ? std::nullopt : std::optional(allowed.error()));
  }
  return written_response([&](JsonWriter& json) { api::write_merge_answer(json, answer); });
}

Result<HttpResponse> handle_diff(Call& call) {
  OG_RETURN_IF_ERROR(only_known(call.request));
  engine::DiffRequest request;
  OG_ASSIGN_OR_RETURN(const auto source, query_value(call.request, "source"));
  if (!source) return std::unexpected(bad_request("query parameter 'source' is required: the branch to compare"));
  OG_ASSIGN_OR_RETURN(request.source, branch_name(source));
  OG_ASSIGN_OR_RETURN(const auto target, query_value(call.request, "target"));
  OG_ASSIGN_OR_RETURN(request.target, branch_name(target));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, request.source));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, request.target));
  OG_ASSIGN_OR_RETURN(const auto limit, query_value(call.request, "limit"));
  if (limit) {
    OG_ASSIGN_OR_RETURN(request.limit, engine::diff_limit_of(*limit));
  }
  OG_ASSIGN_OR_RETURN(request.page_token, query_value(call.request, "page_token"));
  OG_ASSIGN_OR_RETURN(request.merge_properties, flag(call.request, "merge_properties", false));
  OG_ASSIGN_OR_RETURN(request.with_changes, flag(call.request, "changes", true));
  request.kinds = repeated(call.request, "kind");
  request.types = repeated(call.request, "type");
  request.ops = repeated(call.request, "op");
  OG_ASSIGN_OR_RETURN(const engine::DiffAnswer diff, engine::diff_branches(*call.graph->graph, request));
  return written_response([&](JsonWriter& json) { api::write_diff(json, diff, request.with_changes); });
}

}  // namespace omnigraph::server
