// For those who run the server (chapter 13): liveness, readiness, metrics; and the additions beside the contract.

#include "api/answers.h"
#include "engine/maintenance.h"
#include "server/handlers.h"
#include "server/openapi.h"
#include "server/written_response.h"

namespace omnigraph::server {

using base::JsonWriter;
using policy::Action;

namespace {

std::string_view authorization_of(const HttpRequest& request) {
  const auto headers = request.header_values("authorization");
  return headers.size() == 1 ? headers.front() : std::string_view();
}

// The names of graphs are for those who may list them.
bool may_list(const Call& call) {
  const auto actor = call.service.authenticate(authorization_of(call.request));
  if (!actor) return false;
  return call.service.authorize_server({*actor, Action::kGraphList, {}, {}}).has_value();
}

}  // namespace

Result<HttpResponse> handle_live(Call&) {
  return written_response([](JsonWriter& json) { json.begin_object().key("status").string("live").end_object(); });
}

Result<HttpResponse> handle_ready(Call& call) {
  std::map<std::string, std::shared_ptr<engine::Graph>> graphs;
  for (const auto& [id, graph] : call.service.graphs()) graphs.emplace(id, graph.graph);
  const auto failures = call.service.readiness().failures(graphs);
  for (const auto& [id, graph] : graphs) call.service.metrics().graph_ready(id, !failures.contains(id));
  const bool names = may_list(call);
  if (!failures.empty()) {
    std::string text = "not ready: " + std::to_string(failures.size()) + " of " + std::to_string(graphs.size()) +
                       " graphs cannot be reached";
    if (names) {
      for (const auto& [id, reason] : failures) text += "; '" + id + "': " + reason;
    }
    return std::unexpected(Error{Code::kUnavailable, text});
  }
  return written_response([&](JsonWriter& json) {
    json.begin_object().key("status").string("ready");
    if (names) {
      json.key("graphs").begin_array();
      for (const auto& [id, graph] : graphs)
        json.begin_object().key("graph_id").string(id).key("state").string("ready").end_object();
      for (const Quarantined& graph : call.service.quarantined()) {
        json.begin_object().key("graph_id").string(graph.id).key("state").string("quarantined");
        json.key("reason").string(graph.reason).end_object();
      }
      json.end_array();
    }
    json.end_object();
  });
}

Result<HttpResponse> handle_metrics(Call& call) {
  OG_RETURN_IF_ERROR(call.service.authenticate_metrics(authorization_of(call.request)));
  for (const auto& [id, graph] : call.service.graphs()) {
    const auto due = engine::optimize_due(*graph.graph, "main");
    if (due) call.service.metrics().optimize_due(id, due->ratio());  // a store in trouble shows elsewhere
  }
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.service.metrics().text();
  return response;
}

Result<HttpResponse> handle_additions(Call& call) {
  return json_response(openapi_document(call.service.auth_state(), OpenApiPart::kAdditions));
}

Result<HttpResponse> handle_tables(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto branch, query_value(call.request, "branch"));
  OG_ASSIGN_OR_RETURN(const auto snapshot, query_value(call.request, "snapshot"));
  OG_ASSIGN_OR_RETURN(const AuthorizedTarget target, read_target(call, branch, snapshot));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, target.branch));
  OG_ASSIGN_OR_RETURN(const auto tables, engine::tables_of(*call.graph->graph, target.read));
  return written_response([&](JsonWriter& json) { api::write_tables(json, tables); });
}

}  // namespace omnigraph::server
