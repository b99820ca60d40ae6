// Handlers of the route table, grouped as the files are.
#pragma once

#include "server/routes.h"

namespace omnigraph::server {

// handlers_meta.cc
Result<HttpResponse> handle_health(Call& call);
Result<HttpResponse> handle_openapi(Call& call);
Result<HttpResponse> handle_list_graphs(Call& call);
Result<HttpResponse> handle_snapshot(Call& call);
Result<HttpResponse> handle_schema(Call& call);
Result<HttpResponse> handle_schema_apply(Call& call);
Result<HttpResponse> handle_list_commits(Call& call);
Result<HttpResponse> handle_get_commit(Call& call);
Result<HttpResponse> handle_list_branches(Call& call);
Result<HttpResponse> handle_create_branch(Call& call);
Result<HttpResponse> handle_delete_branch(Call& call);
// handlers_query.cc
Result<HttpResponse> handle_query(Call& call);
Result<HttpResponse> handle_read(Call& call);
Result<HttpResponse> handle_profile(Call& call);
Result<HttpResponse> handle_mutate(Call& call);
Result<HttpResponse> handle_mutate_if(Call& call);
Result<HttpResponse> handle_change(Call& call);
Result<HttpResponse> handle_list_queries(Call& call);
Result<HttpResponse> handle_invoke(Call& call);
Result<HttpResponse> handle_invoke_if(Call& call);
// handlers_data.cc
Result<HttpResponse> handle_load(Call& call);
Result<HttpResponse> handle_ingest(Call& call);
Result<HttpResponse> handle_load_ndjson(Call& call);
Result<HttpResponse> handle_export(Call& call);
// handlers_blob.cc
Result<HttpResponse> handle_blob(Call& call);
// handlers_ops.cc
Result<HttpResponse> handle_live(Call& call);
Result<HttpResponse> handle_ready(Call& call);
Result<HttpResponse> handle_metrics(Call& call);
Result<HttpResponse> handle_additions(Call& call);
Result<HttpResponse> handle_tables(Call& call);
// handlers_console.cc
Result<HttpResponse> handle_console(Call& call);
Result<HttpResponse> handle_console_file(Call& call);
Result<HttpResponse> handle_console_folder(Call& call);
// handlers_merge.cc
Result<HttpResponse> handle_merge_branches(Call& call);
Result<HttpResponse> handle_diff(Call& call);
// handlers_changes.cc
Result<HttpResponse> handle_commit_changes(Call& call);
Result<HttpResponse> handle_poll_changes(Call& call);
Result<HttpResponse> handle_change_baseline(Call& call);

// Shared by the handlers.
// The single value of a query parameter; kBadRequest when it is repeated.
[[nodiscard]] Result<std::optional<std::string>> query_value(const HttpRequest& request, std::string_view name);
// Trimmed; `main` when absent; kBadRequest `branch name cannot be empty` when blank.
[[nodiscard]] Result<std::string> branch_name(const std::optional<std::string>& given);
// Where a read goes, and the branch as which it is authorized: for a snapshot, the one its commit landed on.
struct AuthorizedTarget {
  engine::ReadTarget read;
  std::string branch;
};
[[nodiscard]] Result<AuthorizedTarget> read_target(const Call& call, const std::optional<std::string>& branch,
                                                   const std::optional<std::string>& snapshot);
[[nodiscard]] Result<void> authorize(const Call& call, policy::Action action, std::optional<std::string> branch,
                                     std::optional<std::string> target_branch = std::nullopt);
// A place among the requests of the actor. kTooManyRequests.
[[nodiscard]] Result<Admission::Ticket> admitted(const Call& call, std::uint64_t bytes);
// Some routes judge the content type themselves; this is the check of JSON bodies. kUnsupportedMediaType.
[[nodiscard]] Result<void> check_json_content_type(const HttpRequest& request);

}  // namespace omnigraph::server
