#include "server/routes.h"

#include "api/answers.h"
#include "base/text.h"
#include "cluster/declaration.h"
#include "server/handlers.h"
#include "server/log.h"

namespace omnigraph::server {

const std::vector<Route>& routes() {
  static const QueryParameter kBranch{"branch", "Branch; default main"};
  static const std::vector<QueryParameter> kLoad{
      {"branch", "Branch; default main"}, {"from", "Create a missing branch from this one"}, {"mode", "overwrite, append or merge (default)"}};
  static const std::vector<QueryParameter> kPage{
      {"page_token", "Where a page goes on"}, {"limit", "Changes in a page; default 1000, at most 8192"},
      {"kind", "node or edge", false, true}, {"type", "Type name", false, true}, {"op", "insert, update or delete", false, true}};
  static const std::vector<QueryParameter> kFeed = [] {
    std::vector<QueryParameter> parameters{kBranch, {"cursor", "Where the last poll ended"},
                                           {"start", "now (default), beginning or after:<commit id>"}};
    parameters.insert(parameters.end(), kPage.begin(), kPage.end());
    return parameters;
  }();
  static const std::vector<Route> kRoutes{
      {"GET", "/healthz", "health", "health", "Is the process alive", handle_health, BodyKind::kNone, {}, "HealthOutput", {}, {}, true},
      {"GET", "/openapi.json", "openapi", "health", "This document", handle_openapi, BodyKind::kNone, {}, {}, {}, {}, true, false, false},
      {"GET", "/graphs", "listGraphs", "management", "List the graphs that are served", handle_list_graphs, BodyKind::kNone, {}, "GraphListResponse"},
      {"GET", "/graphs/{graph_id}/healthz", "graphHealth", "health", "Is the process alive", handle_health, BodyKind::kNone, {}, "HealthOutput", {}, {}, true, false, false},
      {"GET", "/graphs/{graph_id}/snapshot", "cluster_getSnapshot", "snapshots", "Types, versions and counts of a branch", handle_snapshot, BodyKind::kNone, {}, "SnapshotOutput", {}, {kBranch}},
      {"POST", "/graphs/{graph_id}/query", "cluster_query", "queries", "Run a read query", handle_query, BodyKind::kJson, "QueryRequest", "ReadOutput", "409 410"},
      {"POST", "/graphs/{graph_id}/read", "cluster_read", "queries", "Run a read query (older form)", handle_read, BodyKind::kJson, "ReadRequest", "LegacyReadOutput", "409 410", {}, false, true},
      {"POST", "/graphs/{graph_id}/mutate", "cluster_mutate", "mutations", "Run a mutation as one commit", handle_mutate, BodyKind::kJson, "ChangeRequest", "ChangeOutput", "409 413 424 429 503"},
      {"POST", "/graphs/{graph_id}/mutate/if-graph-commit", "cluster_mutate_if_graph_commit", "mutations", "Run a mutation only on this head", handle_mutate_if, BodyKind::kJson, "ChangeRequest", "ChangeOutput", "409 412 413 424 429 503"},
      {"POST", "/graphs/{graph_id}/change", "cluster_change", "mutations", "Run a mutation (older form)", handle_change, BodyKind::kJson, "ChangeRequest", "ChangeOutput", "409 413 424 429 503", {}, false, true},
      {"GET", "/graphs/{graph_id}/queries", "cluster_list_queries", "queries", "List the stored queries", handle_list_queries, BodyKind::kNone, {}, "QueriesCatalogOutput"},
      {"POST", "/graphs/{graph_id}/queries/{name}", "cluster_invoke_query", "queries", "Call a stored query", handle_invoke, BodyKind::kOptionalJson, "InvokeStoredQueryRequest", "InvokeStoredQueryResponse", "409 410 413 424 429 503"},
      {"POST", "/graphs/{graph_id}/queries/{name}/if-graph-commit", "cluster_invoke_query_if_graph_commit", "queries", "Call a stored mutation only on this head", handle_invoke_if, BodyKind::kOptionalJson, "InvokeStoredQueryRequest", "ChangeOutput", "409 412 413 424 429 503"},
      {"GET", "/graphs/{graph_id}/schema", "cluster_getSchema", "schema", "The accepted schema", handle_schema, BodyKind::kNone, {}, "SchemaOutput"},
      {"POST", "/graphs/{graph_id}/schema/apply", "cluster_applySchema", "mutations", "Refused: schemas change by cluster apply", handle_schema_apply, BodyKind::kJson, "SchemaApplyRequest", "SchemaApplyOutput", "409 429"},
      {"POST", "/graphs/{graph_id}/load", "cluster_load", "mutations", "Load records as one commit", handle_load, BodyKind::kJson, "IngestRequest", "IngestOutput", "409 413 424 429 503"},
      {"POST", "/graphs/{graph_id}/load/ndjson", "cluster_loadNdjson", "mutations", "Load an NDJSON stream as one commit", handle_load_ndjson, BodyKind::kNdjson, {}, "GraphBatchLoadOutput", "409 413 415 424 429 503", kLoad},
      {"POST", "/graphs/{graph_id}/ingest", "cluster_ingest", "mutations", "Load records (older form)", handle_ingest, BodyKind::kJson, "IngestRequest", "IngestOutput", "409 413 424 429 503", {}, false, true},
      {"POST", "/graphs/{graph_id}/export", "cluster_export", "queries", "Stream a branch as NDJSON", handle_export, BodyKind::kJson, "ExportRequest", {}, "409 413 415 503"},
      {"GET", "/graphs/{graph_id}/branches", "cluster_listBranches", "branches", "List the branches", handle_list_branches, BodyKind::kNone, {}, "BranchListOutput"},
      {"POST", "/graphs/{graph_id}/branches", "cluster_createBranch", "branches", "Create a branch", handle_create_branch, BodyKind::kJson, "BranchCreateRequest", "BranchCreateOutput", "409 429 503"},
      {"POST", "/graphs/{graph_id}/branches/merge", "cluster_mergeBranches", "branches", "Merge one branch into another", handle_merge_branches, BodyKind::kJson, "BranchMergeRequest", "BranchMergeOutput", "409 413 424 429 503"},
      {"GET", "/graphs/{graph_id}/x/diff", "cluster_diff", "branches", "What merging one branch into another would do", handle_diff, BodyKind::kNone, {}, {}, "409 410 413", {}, false, false, false},
      {"DELETE", "/graphs/{graph_id}/branches/{branch}", "cluster_deleteBranch", "branches", "Delete a branch", handle_delete_branch, BodyKind::kNone, {}, "BranchDeleteOutput", "409 429 503"},
      {"GET", "/graphs/{graph_id}/commits", "cluster_listCommits", "commits", "Commits of a branch, newest first", handle_list_commits, BodyKind::kNone, {}, "CommitListOutput", {}, {kBranch}},
      {"GET", "/graphs/{graph_id}/commits/{commit_id}", "cluster_getCommit", "commits", "One commit", handle_get_commit, BodyKind::kNone, {}, "CommitOutput", "410"},
      {"GET", "/graphs/{graph_id}/commits/{commit_id}/changes", "cluster_getCommitChanges", "changes", "What a commit changed", handle_commit_changes, BodyKind::kNone, {}, "CommitChangesOutput", "409 410 413 503", kPage},
      {"GET", "/graphs/{graph_id}/changes", "cluster_pollChanges", "changes", "Changes of a branch, oldest first", handle_poll_changes, BodyKind::kNone, {}, "ChangeFeedOutput", "409 410 413 503", kFeed},
      {"POST", "/graphs/{graph_id}/changes/baseline", "cluster_captureChangeBaseline", "changes", "Stream a branch with the cursor that goes on from it", handle_change_baseline, BodyKind::kJson, "ChangeBaselineRequest", {}, "413 503"},
  };
  return kRoutes;
}

namespace {

// True if the segments fit; values of {..} segments are appended to `captures`.
bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::vector<std::string>& captures) {
  std::size_t at = 0;
  captures.clear();
  for (std::string_view rest = pattern.substr(1);;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (at >= segments.size()) return false;
    if (part.starts_with('{')) {
      if (segments[at].empty()) return false;
      captures.push_back(segments[at]);
    } else if (part != segments[at]) {
      return false;
    }
    ++at;
    if (slash == std::string_view::npos) return at == segments.size();
    rest = rest.substr(slash + 1);
  }
}

Result<HttpResponse> run(Service& service, const Match& match, const HttpRequest& request) {
  const Route& route = *match.route;
  Call call{service, request, nullptr, {}, match.captures};
  const bool graph_route = route.pattern.starts_with("/graphs/{graph_id}");
  if (!route.open) {
    const auto headers = request.header_values("authorization");
    OG_ASSIGN_OR_RETURN(call.actor, service.authenticate(headers.size() == 1 ? headers.front() : std::string_view()));
  }
  if (graph_route) {
    const std::string id = call.captures.front();
    call.captures.erase(call.captures.begin());
    if (!cluster::is_graph_id(id)) return std::unexpected(bad_request("invalid graph id '" + id + "'"));
    const auto graph = service.graphs().find(id);
    if (graph == service.graphs().end()) return std::unexpected(not_found("graph '" + id + "' not found"));
    call.graph = &graph->second;
  }
  if (request.bad_escape) return std::unexpected(bad_request("the request target has a bad percent escape or is not UTF-8"));
  // GET /graphs in state Open has nobody to authorize.
  return route.handler(call);
}

}  // namespace

Match match_route(const HttpRequest& request) {
  Match match;
  for (const Route& route : routes()) {
    std::vector<std::string> captures;
    if (!matches(route.pattern, request.segments, captures)) continue;
    if (route.method == request.method || (route.method == "GET" && request.method == "HEAD")) {
      match.route = &route;
      match.captures = std::move(captures);
      match.head = request.method == "HEAD";
      return match;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
    if (route.method == "GET") match.allow += ", HEAD";
  }
  return match;
}

std::optional<std::uint64_t> body_limit(const Route& route) {
  if (route.body == BodyKind::kNdjson) return std::nullopt;
  const bool load = route.pattern.ends_with("/load") || route.pattern.ends_with("/ingest");
  return load ? kLoadBodyBytesMax : kBodyBytesMax;
}

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

HttpResponse error_response(const Error& error) {
  HttpResponse response = json_response(api::error_body(error));
  response.status = http_status(error.code);
  if (error.code == Code::kUnauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.code == Code::kTooManyRequests) response.headers.emplace_back("Retry-After", "60");
  if (response.status >= 500) log_error(error.render());
  return response;
}

HttpResponse respond(Service& service, const Match& match, const HttpRequest& request) {
  if (match.route == nullptr) {
    if (match.allow.empty()) return error_response(not_found("no route " + request.method + " " + request.path));
    HttpResponse response = error_response(
        Error{Code::kMethodNotAllowed, "method " + request.method + " is not allowed on " + request.path});
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }
  auto response = run(service, match, request);
  return response ? std::move(*response) : error_response(response.error());
}

}  // namespace omnigraph::server
