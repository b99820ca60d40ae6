#include "client/remote_graph.h"

#include "base/json_writer.h"
#include "client/raw_json.h"

namespace omnigraph::client {

namespace {

constexpr std::string_view kIfCommitHeader = "Omnigraph-If-Graph-Commit";

// Parameters go into the body as they were written, so they have to be one JSON object.
Result<void> check_parameters(std::string_view parameters) {
  if (parameters.empty()) return {};
  if (const auto compact = compact_json(parameters); compact && compact->starts_with('{')) return {};
  return std::unexpected(bad_request("params must be a JSON object"));
}

// Body of an ad hoc or of a stored call, and its path.
Result<RemoteCall> query_call(const RemoteQuery& query, bool mutation, const std::optional<std::string>& branch,
                              const std::optional<std::string>& snapshot) {
  OG_RETURN_IF_ERROR(check_parameters(query.parameters));
  RemoteCall call{.method = "POST", .path = {mutation ? "mutate" : "query"}};
  base::JsonWriter json(call.json);
  json.begin_object();
  if (query.source.empty()) {
    call.path = {"queries", std::string(query.name)};
    json.key("expect_mutation").boolean(mutation);
  } else {
    json.key("query").string(query.source);
    if (!query.name.empty()) json.key("name").string(query.name);
  }
  if (!query.parameters.empty()) json.key("params").raw(*compact_json(query.parameters));
  if (branch) json.key("branch").string(*branch);
  if (snapshot) json.key("snapshot").string(*snapshot);
  json.end_object();
  return call;
}

// Bytes of `source` counted for a progress display; records by their line feeds.
ByteSource counted(const ByteSource& source, const engine::LoadRequest& request) {
  if (!request.progress) return source;
  return [&source, &request, bytes = std::uint64_t{0},
          records = std::uint64_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    OG_ASSIGN_OR_RETURN(const std::size_t count, source(out));
    for (const std::byte b : out.first(count)) records += b == std::byte{'\n'} ? 1 : 0;
    request.progress(bytes += count, records);
    return count;
  };
}

}  // namespace

Result<HttpRequest> RemoteGraph::request_of(const RemoteCall& call) const {
  HttpRequest request{.method = call.method, .url = {}, .token = endpoint_.token, .headers = call.headers};
  OG_ASSIGN_OR_RETURN(request.url, url_of(endpoint_.base_url, call.path, call.query));
  if (!call.json.empty()) {
    request.body = call.json;
    request.content_type = "application/json";
  }
  return request;
}

Result<std::string> RemoteGraph::call(const RemoteCall& call) {
  OG_ASSIGN_OR_RETURN(const HttpRequest request, request_of(call));
  OG_ASSIGN_OR_RETURN(const HttpResponse response, session_.send(request));
  if (!response.ok()) return std::unexpected(error_of(response));
  if (auto compact = compact_json(response.body)) return std::move(*compact);
  return std::unexpected(internal_error("the server's answer to " + call.method + " " + request.url +
                                        " is no JSON; is it an omnigraph server?"));
}

Result<void> RemoteGraph::stream(const RemoteCall& call, const TextSink& sink) {
  OG_ASSIGN_OR_RETURN(const HttpRequest request, request_of(call));
  OG_ASSIGN_OR_RETURN(const HttpResponse response, session_.send(request, sink));
  if (!response.ok()) return std::unexpected(error_of(response));
  return {};
}

Result<HttpResponse> RemoteGraph::exchange(const RemoteCall& call, const TextSink& sink, const HeadSink& head) {
  OG_ASSIGN_OR_RETURN(const HttpRequest request, request_of(call));
  return session_.send(request, sink, head);
}

Result<RemoteRead> RemoteGraph::query(const RemoteQuery& query, const engine::ReadTarget& target) {
  OG_ASSIGN_OR_RETURN(const RemoteCall request, query_call(query, false, target.branch, target.snapshot));
  OG_ASSIGN_OR_RETURN(std::string body, call(request));
  return remote_read_of(std::move(body));
}

Result<std::string> RemoteGraph::profile(const RemoteQuery& query, const engine::ReadTarget& target, bool explain) {
  if (query.source.empty()) {
    return std::unexpected(bad_request("the plan of a stored query is not served: pass its text with --query or -e"));
  }
  OG_ASSIGN_OR_RETURN(RemoteCall request, query_call(query, false, target.branch, target.snapshot));
  request.path = {"x", "profile"};
  if (explain) request.query = {{"explain", "true"}};
  return call(request);
}

Result<engine::MutateAnswer> RemoteGraph::mutate(const RemoteQuery& query, const engine::MutateRequest& request) {
  OG_ASSIGN_OR_RETURN(RemoteCall call_, query_call(query, true, request.branch, std::nullopt));
  if (request.if_commit) {
    call_.path.emplace_back("if-graph-commit");
    call_.headers.emplace_back(kIfCommitHeader, *request.if_commit);
  }
  OG_ASSIGN_OR_RETURN(const std::string body, call(call_));
  return decode_mutate_answer(body);
}

Result<engine::LoadAnswer> RemoteGraph::load(const ByteSource& source, const engine::LoadRequest& request) {
  RemoteCall call{.method = "POST", .path = {"load", "ndjson"}};
  call.query = {{"branch", request.branch}, {"mode", std::string(engine::load_mode_name(request.mode))}};
  if (request.from) call.query.emplace_back("from", *request.from);
  if (request.rejects) call.query.emplace_back("max_rejects", std::to_string(request.rejects->max));
  OG_ASSIGN_OR_RETURN(HttpRequest http, request_of(call));
  http.content_type = "application/x-ndjson";
  http.upload = counted(source, request);
  OG_ASSIGN_OR_RETURN(const HttpResponse response, session_.send(http));
  if (!response.ok()) return std::unexpected(error_of(response));
  return decode_load_answer(response.body);
}

Result<engine::LoadAnswer> RemoteGraph::ingest(std::string_view data, const engine::LoadRequest& request) {
  RemoteCall post{.method = "POST", .path = {"ingest"}};
  base::JsonWriter json(post.json);
  json.begin_object().key("branch").string(request.branch);
  if (request.from) json.key("from").string(*request.from);
  json.key("mode").string(engine::load_mode_name(request.mode)).key("data").string(data).end_object();
  OG_ASSIGN_OR_RETURN(const std::string body, call(post));
  return decode_load_answer(body);
}

Result<void> RemoteGraph::export_rows(std::string_view branch, const std::vector<std::string>& types,
                                      const TextSink& sink) {
  RemoteCall post{.method = "POST", .path = {"export"}};
  base::JsonWriter json(post.json);
  json.begin_object().key("branch").string(branch).key("type_names").begin_array();
  for (const std::string& type : types) json.string(type);
  json.end_array().end_object();
  return stream(post, sink);
}

Result<engine::SnapshotInfo> RemoteGraph::snapshot(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.path = {"snapshot"}, .query = {{"branch", std::string(branch)}}}));
  return decode_snapshot(body);
}

Result<std::vector<engine::TableInfo>> RemoteGraph::tables(const engine::ReadTarget& target) {
  RemoteCall get{.path = {"x", "tables"}};
  if (target.branch) get.query.emplace_back("branch", *target.branch);
  if (target.snapshot) get.query.emplace_back("snapshot", *target.snapshot);
  OG_ASSIGN_OR_RETURN(const std::string body, call(get));
  return decode_tables(body);
}

Result<std::string> RemoteGraph::schema_source() {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.path = {"schema"}}));
  return decode_schema_source(body);
}

Result<std::vector<engine::CommitInfo>> RemoteGraph::commits(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.path = {"commits"}, .query = {{"branch", std::string(branch)}}}));
  return decode_commits(body);
}

Result<engine::CommitInfo> RemoteGraph::commit(std::string_view id) {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.path = {"commits", std::string(id)}}));
  return decode_commit(body);
}

Result<std::vector<std::string>> RemoteGraph::branches() {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.path = {"branches"}}));
  return decode_branches(body);
}

Result<BranchChange> RemoteGraph::create_branch(std::string_view name, std::string_view from) {
  RemoteCall post{.method = "POST", .path = {"branches"}};
  base::JsonWriter json(post.json);
  json.begin_object().key("name").string(name).key("from").string(from).end_object();
  OG_ASSIGN_OR_RETURN(const std::string body, call(post));
  return decode_branch_change(body);
}

Result<BranchChange> RemoteGraph::delete_branch(std::string_view name) {
  OG_ASSIGN_OR_RETURN(const std::string body, call({.method = "DELETE", .path = {"branches", std::string(name)}}));
  return decode_branch_change(body);
}

Result<std::vector<GraphEntry>> list_graphs(const Endpoint& server) {
  RemoteGraph remote(server);
  OG_ASSIGN_OR_RETURN(const std::string body, remote.call({.path = {"graphs"}}));
  return decode_graphs(body);
}

}  // namespace omnigraph::client
