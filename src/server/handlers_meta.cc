// Health, graphs, snapshot, schema, commits, branches.

#include "api/answers.h"
#include "base/text.h"
#include "base/version.h"
#include "server/handlers.h"
#include "server/json_body.h"
#include "server/openapi.h"
#include "server/write_timer.h"
#include "server/written_response.h"

namespace omnigraph::server {

using base::JsonWriter;
using policy::Action;

namespace {

void write_actor(JsonWriter& json, const Call& call) {
  json.key("actor_id").string_or_null(call.actor, !call.actor.empty());
}

}  // namespace

Result<std::optional<std::string>> query_value(const HttpRequest& request, std::string_view name) {
  std::optional<std::string> value;
  for (const auto& [key, text] : request.query) {
    if (key != name) continue;
    if (value) return std::unexpected(bad_request("query parameter '" + key + "' may appear at most once"));
    value = text;
  }
  return value;
}

Result<std::string> branch_name(const std::optional<std::string>& given) {
  if (!given) return std::string("main");
  std::string name(base::trim_unicode(*given));
  if (name.empty()) return std::unexpected(bad_request("branch name cannot be empty"));
  return name;
}

Result<AuthorizedTarget> read_target(const Call& call, const std::optional<std::string>& branch,
                                     const std::optional<std::string>& snapshot) {
  if (branch && snapshot) return std::unexpected(bad_request("request may specify branch or snapshot, not both"));
  AuthorizedTarget target;
  if (!snapshot) {
    OG_ASSIGN_OR_RETURN(target.branch, branch_name(branch));
    target.read.branch = target.branch;
    return target;
  }
  target.read.snapshot = snapshot;
  const auto commit = call.graph->graph->commit(*snapshot);
  target.branch = commit ? commit->graph_branch.value_or("main") : "main";
  return target;
}

Result<void> authorize(const Call& call, Action action, std::optional<std::string> branch,
                       std::optional<std::string> target_branch) {
  return call.service.authorize(*call.graph, {call.actor, action, std::move(branch), std::move(target_branch)});
}

Result<Admission::Ticket> admitted(const Call& call, std::uint64_t bytes) {
  auto ticket = call.service.admission().admit(call.actor, bytes);
  if (!ticket) {
    const bool count = ticket.error().message.find("in-flight") != std::string::npos;
    call.service.metrics().admission_rejected(count ? "inflight" : "bytes");
  }
  return ticket;
}

Result<HttpResponse> handle_health(Call& call) {
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("status").string("ok").key("version").string(base::version());
    json.key("internal_schema_version").integer(base::kStorageFormat);
    if (call.service.source_version()) json.key("source_version").string(*call.service.source_version());
    json.end_object();
  });
}

Result<HttpResponse> handle_openapi(Call& call) { return json_response(openapi_document(call.service.auth_state())); }

Result<HttpResponse> handle_list_graphs(Call& call) {
  OG_RETURN_IF_ERROR(call.service.authorize_server({call.actor, Action::kGraphList, {}, {}}));
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("graphs").begin_array();
    for (const auto& [id, graph] : call.service.graphs()) {
      json.begin_object().key("graph_id").string(id).key("uri").string(graph.uri).end_object();
    }
    json.end_array().end_object();
  });
}

Result<HttpResponse> handle_snapshot(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto given, query_value(call.request, "branch"));
  OG_ASSIGN_OR_RETURN(const std::string branch, branch_name(given));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, branch));
  OG_ASSIGN_OR_RETURN(const auto snapshot, call.graph->graph->snapshot(branch));
  return written_response([&](JsonWriter& json) { api::write_snapshot(json, snapshot); });
}

Result<HttpResponse> handle_schema(Call& call) {
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, std::nullopt));
  OG_ASSIGN_OR_RETURN(const std::string source, call.graph->graph->schema_source("main"));
  return written_response(
      [&](JsonWriter& json) { json.begin_object().key("schema_source").string(source).end_object(); });
}

Result<HttpResponse> handle_schema_apply(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  OG_RETURN_IF_ERROR(body.required_string("schema_source"));
  OG_RETURN_IF_ERROR(authorize(call, Action::kSchemaApply, std::nullopt, "main"));
  return std::unexpected(
      conflict("server-side schema apply is disabled for cluster-backed serving; change the schema file "
               "and run `omnigraph cluster apply`"));
}

Result<HttpResponse> handle_list_commits(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto given, query_value(call.request, "branch"));
  OG_ASSIGN_OR_RETURN(const std::string branch, branch_name(given));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, branch));
  OG_ASSIGN_OR_RETURN(const auto commits, call.graph->graph->commits(branch));
  return written_response([&](JsonWriter& json) { api::write_commits(json, commits); });
}

Result<HttpResponse> handle_get_commit(Call& call) {
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, std::nullopt));
  OG_ASSIGN_OR_RETURN(const auto commit, call.graph->graph->commit(call.captures.at(0)));
  return written_response([&](JsonWriter& json) { api::write_commit(json, commit); });
}

Result<HttpResponse> handle_list_branches(Call& call) {
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, std::nullopt));
  OG_ASSIGN_OR_RETURN(const auto branches, call.graph->graph->branches());
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("branches").begin_array();
    for (const std::string& branch : branches) json.string(branch);
    json.end_array().end_object();
  });
}

Result<HttpResponse> handle_create_branch(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  OG_ASSIGN_OR_RETURN(const std::string given, body.required_string("name"));
  OG_ASSIGN_OR_RETURN(const std::string name, branch_name(given));
  OG_ASSIGN_OR_RETURN(const auto given_from, body.string("from"));
  OG_ASSIGN_OR_RETURN(const std::string from, branch_name(given_from));
  OG_RETURN_IF_ERROR(authorize(call, Action::kBranchCreate, from, name));
  constexpr std::uint64_t kEstimateBytes = 256;
  OG_ASSIGN_OR_RETURN(const auto ticket, admitted(call, kEstimateBytes));
  const WriteTimer timer(call, "branch");
  OG_RETURN_IF_ERROR(timer.done(call.graph->writes->create_branch(name, from, call.actor_id())));
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("uri").string(call.graph->uri).key("from").string(from).key("name").string(name);
    write_actor(json, call);
    json.end_object();
  });
}

Result<HttpResponse> handle_delete_branch(Call& call) {
  OG_ASSIGN_OR_RETURN(const std::string name, branch_name(call.captures.at(0)));
  OG_RETURN_IF_ERROR(authorize(call, Action::kBranchDelete, std::nullopt, name));
  constexpr std::uint64_t kEstimateBytes = 256;
  OG_ASSIGN_OR_RETURN(const auto ticket, admitted(call, kEstimateBytes));
  const WriteTimer timer(call, "branch");
  OG_RETURN_IF_ERROR(timer.done(call.graph->writes->delete_branch(name, call.actor_id())));
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("uri").string(call.graph->uri).key("name").string(name);
    write_actor(json, call);
    json.end_object();
  });
}

}  // namespace omnigraph::server
