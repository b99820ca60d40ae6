// The routes themselves, in the order of the contract's table; additions beside it are marked.

#include <algorithm>
#include <iterator>

#include "server/handlers.h"
#include "server/routes.h"

namespace omnigraph::server {

namespace {

constexpr std::string_view kWriteErrors = "409 413 424 429 503";
constexpr std::string_view kConditionalErrors = "409 412 413 424 429 503";
constexpr std::string_view kReadErrors = "409 410";
constexpr std::string_view kNdjsonType = "application/x-ndjson";
constexpr std::string_view kKindSchema = R"({"type":"string","enum":["node","edge"]})";
constexpr std::string_view kOpSchema = R"({"type":"string","enum":["insert","update","delete"]})";
constexpr std::string_view kModeSchema = R"({"$ref":"#/components/schemas/LoadMode"})";
constexpr std::string_view kLimitSchema = R"({"type":"integer","minimum":1,"maximum":8192})";
constexpr std::string_view kMaxRejectsSchema = R"({"type":"integer","minimum":0,"maximum":100000})";
constexpr std::string_view kRejectsSchema =
    R"({"type":"object","properties":{"rejected":{"type":"integer","format":"int64"},"rejects":{"type":"array","items":)"
    R"({"type":"object","properties":{"line":{"type":"integer","format":"int64"},"message":{"type":"string"},)"
    R"("text":{"type":"string"}},"required":["line","message","text"]}}}})";
constexpr std::string_view kFlagSchema = R"({"type":"boolean"})";

const QueryParameter kBranch{"branch", "Branch; default main"};
const QueryParameter kCondition{"Omnigraph-If-Graph-Commit", "Commit id that the head of the branch must have", true};

using Parameters = std::vector<QueryParameter>;

Parameters load_parameters() {
  return {
      kBranch, {"from", "Create a missing branch from this one"}, {"mode", "Default merge", false, false, kModeSchema}};
}

Parameters page_parameters() {
  return {{"page_token", "Where a page goes on"},
          {"limit", "Changes in a page; default 1000", false, false, kLimitSchema},
          {"kind", "node or edge", false, true, kKindSchema},
          {"type", "Type name", false, true},
          {"op", "insert, update or delete", false, true, kOpSchema}};
}

Parameters feed_parameters() {
  Parameters parameters{
      kBranch, {"cursor", "Where the last poll ended"}, {"start", "now (default), beginning or after:<commit id>"}};
  std::ranges::copy(page_parameters(), std::back_inserter(parameters));
  return parameters;
}

Parameters diff_parameters() {
  Parameters parameters{{"source", "Branch with the changes", true},
                        {"target", "Branch to merge into; default main"},
                        {"merge_properties", "Merge entities field by field", false, false, kFlagSchema},
                        {"changes", "false: outcome, counts and conflicts only", false, false, kFlagSchema}};
  std::ranges::copy(page_parameters(), std::back_inserter(parameters));
  return parameters;
}

Parameters blob_parameters() {
  return {{"entity", "node or edge", true, false, R"({"$ref":"#/components/schemas/BlobEntityKind"})"},
          {"type", "Type name", true},
          {"id", "Id of the entity", true},
          {"property", "Name of the Blob property", true},
          kBranch,
          {"snapshot", "Commit id, instead of a branch"}};
}

Parameters blob_headers() {
  return {{"If-Match", "ETags, or *"},
          {"If-None-Match", "ETags, or *"},
          {"If-Range", "The ETag for which Range counts"},
          {"Range", "bytes=a-b, a- or -n"}};
}

using enum BodyKind;

void add_server_routes(std::vector<Route>& all) {
  all.push_back({.method = "GET",
                 .pattern = "/healthz",
                 .operation_id = "health",
                 .tag = "health",
                 .summary = "Is the process alive",
                 .handler = handle_health,
                 .response_schema = "HealthOutput",
                 .open = true,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/openapi.json",
                 .operation_id = "openapi",
                 .tag = "health",
                 .summary = "This document",
                 .handler = handle_openapi,
                 .open = true,
                 .listed = false,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/livez",
                 .operation_id = "live",
                 .tag = "health",
                 .summary = "Is the process alive",
                 .handler = handle_live,
                 .open = true,
                 .listed = false,
                 .addition = true,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/readyz",
                 .operation_id = "ready",
                 .tag = "health",
                 .summary = "Does the storage of every graph answer",
                 .handler = handle_ready,
                 .errors = "503",
                 .open = true,
                 .listed = false,
                 .addition = true});
  all.push_back({.method = "GET",
                 .pattern = "/metrics",
                 .operation_id = "metrics",
                 .tag = "health",
                 .summary = "Metrics in the Prometheus text format",
                 .handler = handle_metrics,
                 .errors = "401",
                 .response_type = "text/plain",
                 .open = true,
                 .listed = false,
                 .addition = true,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/console/openapi.json",
                 .operation_id = "additions",
                 .tag = "health",
                 .summary = "The routes beside the contract",
                 .handler = handle_additions,
                 .open = true,
                 .listed = false,
                 .addition = true,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/console",
                 .operation_id = "consoleFolder",
                 .tag = "health",
                 .summary = "Leads to the console",
                 .handler = handle_console_folder,
                 .successes = "302",
                 .open = true,
                 .listed = false,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/console/",
                 .operation_id = "console",
                 .tag = "health",
                 .summary = "The console: pages in the browser over these routes",
                 .handler = handle_console,
                 .response_type = "text/html",
                 .open = true,
                 .listed = false,
                 .addition = true,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/console/{file}",
                 .operation_id = "consoleFile",
                 .tag = "health",
                 .summary = "A file of the console",
                 .handler = handle_console_file,
                 .errors = "404",
                 .open = true,
                 .listed = false,
                 .waits = false});
  all.push_back({.method = "GET",
                 .pattern = "/graphs",
                 .operation_id = "listGraphs",
                 .tag = "management",
                 .summary = "List the graphs that are served",
                 .handler = handle_list_graphs,
                 .response_schema = "GraphListResponse",
                 .errors = "405"});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/healthz",
                 .operation_id = "graphHealth",
                 .tag = "health",
                 .summary = "Is the process alive",
                 .handler = handle_health,
                 .response_schema = "HealthOutput",
                 .open = true,
                 .listed = false,
                 .waits = false});
}

void add_query_routes(std::vector<Route>& all) {
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/snapshot",
                 .operation_id = "cluster_getSnapshot",
                 .tag = "snapshots",
                 .summary = "Types, versions and counts of a branch",
                 .handler = handle_snapshot,
                 .response_schema = "SnapshotOutput",
                 .parameters = {kBranch}});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/query",
                 .operation_id = "cluster_query",
                 .tag = "queries",
                 .summary = "Run a read query",
                 .handler = handle_query,
                 .body = kJson,
                 .request_schema = "QueryRequest",
                 .response_schema = "ReadOutput",
                 .errors = kReadErrors});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/x/profile",
                 .operation_id = "cluster_profile",
                 .tag = "queries",
                 .summary = "Run a read query and measure its operators, or only plan it",
                 .handler = handle_profile,
                 .body = kJson,
                 .request_schema = "QueryRequest",
                 .errors = kReadErrors,
                 .parameters = {{"explain", "true: plan only", false, false, kFlagSchema}},
                 .listed = false,
                 .addition = true});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/read",
                 .operation_id = "cluster_read",
                 .tag = "queries",
                 .summary = "Run a read query (older form)",
                 .handler = handle_read,
                 .body = kJson,
                 .request_schema = "ReadRequest",
                 .response_schema = "LegacyReadOutput",
                 .errors = kReadErrors,
                 .deprecated = true});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/queries",
                 .operation_id = "cluster_list_queries",
                 .tag = "queries",
                 .summary = "List the stored queries",
                 .handler = handle_list_queries,
                 .response_schema = "QueriesCatalogOutput"});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/queries/{name}",
                 .operation_id = "cluster_invoke_query",
                 .tag = "queries",
                 .summary = "Call a stored query",
                 .handler = handle_invoke,
                 .body = kOptionalJson,
                 .request_schema = "InvokeStoredQueryRequest",
                 .response_schema = "InvokeStoredQueryResponse",
                 .errors = "409 410 413 424 429 503"});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/queries/{name}/if-graph-commit",
                 .operation_id = "cluster_invoke_query_if_graph_commit",
                 .tag = "queries",
                 .summary = "Call a stored mutation only on this head",
                 .handler = handle_invoke_if,
                 .body = kOptionalJson,
                 .request_schema = "InvokeStoredQueryRequest",
                 .response_schema = "ChangeOutput",
                 .errors = kConditionalErrors,
                 .headers = {kCondition}});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/export",
                 .operation_id = "cluster_export",
                 .tag = "queries",
                 .summary = "Stream a branch as NDJSON",
                 .handler = handle_export,
                 .body = kJson,
                 .request_schema = "ExportRequest",
                 .errors = "409 413 415 503",
                 .response_type = kNdjsonType});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/blob",
                 .operation_id = "cluster_getBlob",
                 .tag = "blobs",
                 .summary = "The bytes of a Blob",
                 .handler = handle_blob,
                 .errors = "410 412 416",
                 .parameters = blob_parameters(),
                 .headers = blob_headers(),
                 .successes = "200 206 302 304",
                 .response_type = "application/octet-stream"});
  // Served by the route above.
  all.push_back({.method = "HEAD",
                 .pattern = "/graphs/{graph_id}/blob",
                 .operation_id = "cluster_headBlob",
                 .tag = "blobs",
                 .summary = "Size and ETag of a Blob",
                 .handler = handle_blob,
                 .errors = "410 412",
                 .parameters = blob_parameters(),
                 .headers = {blob_headers()[0], blob_headers()[1]},
                 .successes = "200 302 304",
                 .response_type = "application/octet-stream"});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/schema",
                 .operation_id = "cluster_getSchema",
                 .tag = "schema",
                 .summary = "The accepted schema",
                 .handler = handle_schema,
                 .response_schema = "SchemaOutput"});
}

void add_write_routes(std::vector<Route>& all) {
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/mutate",
                 .operation_id = "cluster_mutate",
                 .tag = "mutations",
                 .summary = "Run a mutation as one commit",
                 .handler = handle_mutate,
                 .body = kJson,
                 .request_schema = "ChangeRequest",
                 .response_schema = "ChangeOutput",
                 .errors = kWriteErrors});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/mutate/if-graph-commit",
                 .operation_id = "cluster_mutate_if_graph_commit",
                 .tag = "mutations",
                 .summary = "Run a mutation only on this head",
                 .handler = handle_mutate_if,
                 .body = kJson,
                 .request_schema = "ChangeRequest",
                 .response_schema = "ChangeOutput",
                 .errors = kConditionalErrors,
                 .headers = {kCondition}});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/change",
                 .operation_id = "cluster_change",
                 .tag = "mutations",
                 .summary = "Run a mutation (older form)",
                 .handler = handle_change,
                 .body = kJson,
                 .request_schema = "ChangeRequest",
                 .response_schema = "ChangeOutput",
                 .errors = kWriteErrors,
                 .deprecated = true});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/schema/apply",
                 .operation_id = "cluster_applySchema",
                 .tag = "mutations",
                 .summary = "Refused: schemas change by cluster apply",
                 .handler = handle_schema_apply,
                 .body = kJson,
                 .request_schema = "SchemaApplyRequest",
                 .response_schema = "SchemaApplyOutput",
                 .errors = "409 429"});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/load",
                 .operation_id = "cluster_load",
                 .tag = "mutations",
                 .summary = "Load records as one commit",
                 .handler = handle_load,
                 .body = kJson,
                 .request_schema = "IngestRequest",
                 .response_schema = "IngestOutput",
                 .errors = kWriteErrors});
  all.push_back(
      {.method = "POST",
       .pattern = "/graphs/{graph_id}/load/ndjson",
       .operation_id = "cluster_loadNdjson",
       .tag = "mutations",
       .summary = "Load an NDJSON stream as one commit",
       .handler = handle_load_ndjson,
       .body = kNdjson,
       .response_schema = "GraphBatchLoadOutput",
       .errors = "409 413 415 424 429 503",
       .parameters = load_parameters(),
       .added_parameters = {{"max_rejects", "Leave bad records out, but refuse the load if more than these are", false,
                             false, kMaxRejectsSchema}},
       .added_response = kRejectsSchema});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/ingest",
                 .operation_id = "cluster_ingest",
                 .tag = "mutations",
                 .summary = "Load records (older form)",
                 .handler = handle_ingest,
                 .body = kJson,
                 .request_schema = "IngestRequest",
                 .response_schema = "IngestOutput",
                 .errors = kWriteErrors,
                 .deprecated = true});
}

void add_branch_routes(std::vector<Route>& all) {
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/branches",
                 .operation_id = "cluster_listBranches",
                 .tag = "branches",
                 .summary = "List the branches",
                 .handler = handle_list_branches,
                 .response_schema = "BranchListOutput"});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/branches",
                 .operation_id = "cluster_createBranch",
                 .tag = "branches",
                 .summary = "Create a branch",
                 .handler = handle_create_branch,
                 .body = kJson,
                 .request_schema = "BranchCreateRequest",
                 .response_schema = "BranchCreateOutput",
                 .errors = "409 429 503"});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/branches/merge",
                 .operation_id = "cluster_mergeBranches",
                 .tag = "branches",
                 .summary = "Merge one branch into another",
                 .handler = handle_merge_branches,
                 .body = kJson,
                 .request_schema = "BranchMergeRequest",
                 .response_schema = "BranchMergeOutput",
                 .errors = "409 410 412 413 424 429 503"});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/x/diff",
                 .operation_id = "cluster_diff",
                 .tag = "branches",
                 .summary = "What merging one branch into another would do",
                 .handler = handle_diff,
                 .errors = "409 410 413",
                 .parameters = diff_parameters(),
                 .listed = false,
                 .addition = true});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/x/tables",
                 .operation_id = "cluster_tables",
                 .tag = "snapshots",
                 .summary = "What a Lance reader needs to open a branch or an earlier commit",
                 .handler = handle_tables,
                 .errors = "410",
                 .parameters = {kBranch, {"snapshot", "Commit id, instead of a branch"}},
                 .listed = false,
                 .addition = true});
  all.push_back({.method = "DELETE",
                 .pattern = "/graphs/{graph_id}/branches/{branch}",
                 .operation_id = "cluster_deleteBranch",
                 .tag = "branches",
                 .summary = "Delete a branch",
                 .handler = handle_delete_branch,
                 .response_schema = "BranchDeleteOutput",
                 .errors = "409 429 503"});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/commits",
                 .operation_id = "cluster_listCommits",
                 .tag = "commits",
                 .summary = "Commits of a branch, newest first",
                 .handler = handle_list_commits,
                 .response_schema = "CommitListOutput",
                 .parameters = {kBranch}});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/commits/{commit_id}",
                 .operation_id = "cluster_getCommit",
                 .tag = "commits",
                 .summary = "One commit",
                 .handler = handle_get_commit,
                 .response_schema = "CommitOutput",
                 .errors = "410"});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/commits/{commit_id}/changes",
                 .operation_id = "cluster_getCommitChanges",
                 .tag = "changes",
                 .summary = "What a commit changed",
                 .handler = handle_commit_changes,
                 .response_schema = "CommitChangesOutput",
                 .errors = "409 410 413 503",
                 .parameters = page_parameters()});
  all.push_back({.method = "GET",
                 .pattern = "/graphs/{graph_id}/changes",
                 .operation_id = "cluster_pollChanges",
                 .tag = "changes",
                 .summary = "Changes of a branch, oldest first",
                 .handler = handle_poll_changes,
                 .response_schema = "ChangeFeedOutput",
                 .errors = "409 410 413 429 503",
                 .parameters = feed_parameters()});
  all.push_back({.method = "POST",
                 .pattern = "/graphs/{graph_id}/changes/baseline",
                 .operation_id = "cluster_captureChangeBaseline",
                 .tag = "changes",
                 .summary = "Stream a branch with the cursor that goes on from it",
                 .handler = handle_change_baseline,
                 .body = kJson,
                 .request_schema = "ChangeBaselineRequest",
                 .errors = "409 410 413 503",
                 .response_type = kNdjsonType});
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> kRoutes = [] {
    std::vector<Route> all;
    add_server_routes(all);
    add_query_routes(all);
    add_write_routes(all);
    add_branch_routes(all);
    return all;
  }();
  return kRoutes;
}

}  // namespace omnigraph::server
