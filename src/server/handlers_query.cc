// Ad hoc and stored queries, reads and mutations (chapter 07 sections 4.1 to 4.3).

#include "api/answers.h"
#include "api/profile_answers.h"
#include "base/text.h"
#include "engine/read_bounds.h"
#include "server/handlers.h"
#include "server/json_body.h"
#include "server/log.h"
#include "server/request_log.h"
#include "server/write_timer.h"

namespace omnigraph::server {

using policy::Action;

namespace {

constexpr std::string_view kConditionalHeader = "omnigraph-if-graph-commit";

// The header of a conditional route: one raw commit id.
Result<std::string> condition_of(const HttpRequest& request) {
  const auto values = request.header_values(kConditionalHeader);
  if (values.empty()) {
    return std::unexpected(bad_request("Omnigraph-If-Graph-Commit is required on this conditional mutation route"));
  }
  const std::string value(base::trim_ascii(values.front()));
  if (values.size() > 1 || value.empty() || value == "*" || value.find(',') != std::string::npos ||
      value.starts_with("W/") || value.find('"') != std::string::npos) {
    return std::unexpected(bad_request("Omnigraph-If-Graph-Commit must be exactly one commit id, unquoted"));
  }
  return value;
}

Result<void> refuse_condition(const HttpRequest& request, std::string_view conditional_path) {
  if (request.header_values(kConditionalHeader).empty()) return {};
  return std::unexpected(bad_request("Omnigraph-If-Graph-Commit is only honoured on " + std::string(conditional_path)));
}

Result<HttpResponse> read_response(const Call& call, const engine::ReadAnswer& answer, bool with_commit_id) {
  const std::uint64_t bytes_max = call.service.options().query_result_bytes_max;
  std::string body;
  if (!api::append_read_answer(body, answer, {.with_commit_id = with_commit_id, .text_bytes_max = bytes_max})) {
    return std::unexpected(engine::ReadBounds::too_large(bytes_max));
  }
  return json_response(std::move(body));
}

HttpResponse mutate_response(const engine::MutateAnswer& answer) {
  std::string body;
  base::JsonWriter json(body);
  api::write_mutate_answer(json, answer);
  return json_response(std::move(body));
}

HttpResponse deprecated(HttpResponse response, const char* successor) {
  response.headers.emplace_back("Deprecation", "true");
  response.headers.emplace_back("Link", std::string("<") + successor + ">; rel=\"successor-version\"");
  return response;
}

struct QueryText {
  std::string source;
  std::string name;
  std::string params;
  std::optional<std::string> branch, snapshot;
};

// `query`/`name`, or where `aliases` the older `query_source`/`query_name`; both spellings at once are refused.
Result<QueryText> query_text(const JsonBody& body, bool canonical, bool aliases) {
  QueryText text;
  for (const auto& [field, alias, target] :
       {std::tuple{"query", "query_source", &text.source}, std::tuple{"name", "query_name", &text.name}}) {
    if (canonical && aliases && body.has(field) && body.has(alias)) {
      return std::unexpected(
          bad_request(std::string("invalid request body: duplicate field `") + field + "` (also as `" + alias + "`)"));
    }
    const char* present = canonical && (body.has(field) || !aliases)   ? field
                          : aliases && (body.has(alias) || !canonical) ? alias
                                                                       : field;
    if (target == &text.source) {
      OG_ASSIGN_OR_RETURN(*target, body.required_string(present));
    } else {
      OG_ASSIGN_OR_RETURN(const auto value, body.string(present));
      *target = value.value_or("");
    }
  }
  text.params = body.json("params");
  OG_ASSIGN_OR_RETURN(text.branch, body.string("branch"));
  OG_ASSIGN_OR_RETURN(text.snapshot, body.string("snapshot"));
  return text;
}

// What a query is called in metrics and logs when it is not a stored one.
constexpr std::string_view kAdHoc = "adhoc";

std::uint64_t row_count(const engine::ReadAnswer& answer) {
  return static_cast<std::uint64_t>(answer.result.rows.length);
}
std::uint64_t row_count(const engine::ProfiledRead& read) { return row_count(read.answer); }

// `name`: of the stored query, or kAdHoc. Passes on what `read` returns.
template <class Read>
auto timed_read(const Call& call, std::string_view name, const std::string& source, const Read& read) {
  const auto started = std::chrono::steady_clock::now();
  auto answer = read();
  const auto took = std::chrono::steady_clock::now() - started;
  call.service.metrics().query_done(call.graph->id, name, std::chrono::duration<double>(took).count());
  const auto rows = answer ? std::optional(row_count(*answer)) : std::nullopt;
  log_if_slow(call, {.name = name, .source = source, .kind = "read", .rows = rows});
  return answer;
}

struct AdHocRead {
  QueryText text;
  engine::ReadTarget target;
};

// What the body asks for, once it may be read.
Result<AdHocRead> ad_hoc_read(Call& call, bool legacy) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  AdHocRead read;
  OG_ASSIGN_OR_RETURN(read.text, query_text(body, !legacy, legacy));
  OG_ASSIGN_OR_RETURN(AuthorizedTarget target, read_target(call, read.text.branch, read.text.snapshot));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, target.branch));
  read.target = std::move(target.read);
  return read;
}

Result<engine::ReadAnswer> run_read(Call& call, bool legacy) {
  OG_ASSIGN_OR_RETURN(const AdHocRead read, ad_hoc_read(call, legacy));
  return timed_read(call, kAdHoc, read.text.source, [&] {
    return call.graph->graph->query(read.text.source, read.text.name, read.text.params, read.target);
  });
}

Result<engine::MutateAnswer> run_mutation(Call& call, std::string_view name, const std::string& source,
                                          const std::string& pick, const std::string& params, const std::string& branch,
                                          const std::optional<std::string>& if_commit) {
  OG_ASSIGN_OR_RETURN(const auto ticket, admitted(call, source.size() + params.size()));
  engine::MutateRequest request;
  request.branch = branch;
  request.actor = call.actor_id();
  request.if_commit = if_commit;
  const WriteTimer timer(call, "mutate");
  auto answer = timer.done(call.graph->writes->mutate(source, pick, params, request));
  const auto changed =
      answer ? std::optional<std::uint64_t>(answer->affected_nodes + answer->affected_edges) : std::nullopt;
  log_if_slow(call, {.name = name, .source = source, .kind = "mutation", .rows = changed});
  return answer;
}

Result<engine::MutateAnswer> run_change(Call& call, const std::optional<std::string>& if_commit) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  OG_ASSIGN_OR_RETURN(const QueryText text, query_text(body, true, true));
  OG_ASSIGN_OR_RETURN(const std::string branch, branch_name(text.branch));
  OG_RETURN_IF_ERROR(authorize(call, Action::kChange, branch));
  return run_mutation(call, kAdHoc, text.source, text.name, text.params, branch, if_commit);
}

struct Invocation {
  std::string params;
  std::optional<std::string> branch, snapshot;
  std::optional<bool> expect_mutation;
};

Result<Invocation> invocation_of(const HttpRequest& request) {
  const std::string_view text = base::trim_ascii(request.body);
  if (text.empty() || text == "null") return Invocation{};
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(text, "invalid stored-query invocation body: "));
  Invocation invocation;
  invocation.params = body.json("params");
  OG_ASSIGN_OR_RETURN(invocation.branch, body.string("branch"));
  OG_ASSIGN_OR_RETURN(invocation.snapshot, body.string("snapshot"));
  OG_ASSIGN_OR_RETURN(invocation.expect_mutation, body.boolean("expect_mutation"));
  return invocation;
}

Result<HttpResponse> invoke(Call& call, const std::optional<std::string>& if_commit) {
  OG_ASSIGN_OR_RETURN(const Invocation invocation, invocation_of(call.request));
  const std::string& name = call.captures.at(0);
  const auto stored = call.graph->queries.find(name);
  // Denied and unknown look the same, so that a refusal tells nothing about existence.
  const Result<void> allowed = authorize(call, Action::kInvokeQuery, std::nullopt);
  if (!allowed && allowed.error().code != Code::kForbidden) return std::unexpected(allowed.error());
  if (!allowed || stored == call.graph->queries.end()) return std::unexpected(not_found("stored query not found"));
  const bool mutation = stored->second.bound->is_mutation();
  if (invocation.expect_mutation && *invocation.expect_mutation != mutation) {
    return std::unexpected(bad_request(mutation ? "'" + name + "' is a mutation — use omnigraph mutate " + name
                                                : "'" + name + "' is a read — use omnigraph query " + name));
  }
  if (mutation && invocation.snapshot) return std::unexpected(bad_request("stored mutation cannot target a snapshot"));
  if (!mutation && if_commit) {
    return std::unexpected(bad_request("stored query '" + name + "' is a read; the conditional route takes mutations"));
  }
  log_event(
      LogLevel::kInfo, "query", "stored query invoked",
      {{"graph", call.graph->id}, {"actor", call.actor}, {"query", name}, {"kind", mutation ? "mutation" : "read"}});
  if (mutation) {
    OG_ASSIGN_OR_RETURN(const std::string branch, branch_name(invocation.branch));
    OG_RETURN_IF_ERROR(authorize(call, Action::kChange, branch));
    OG_ASSIGN_OR_RETURN(const auto answer,
                        run_mutation(call, name, stored->second.source, name, invocation.params, branch, if_commit));
    return mutate_response(answer);
  }
  OG_ASSIGN_OR_RETURN(const AuthorizedTarget target, read_target(call, invocation.branch, invocation.snapshot));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, target.branch));
  const std::string& source = stored->second.source;
  OG_ASSIGN_OR_RETURN(const auto answer, timed_read(call, name, source, [&] {
                        return call.graph->graph->query(source, name, invocation.params, target.read);
                      }));
  return read_response(call, answer, true);
}

}  // namespace

Result<void> check_json_content_type(const HttpRequest& request) {
  std::string type = base::to_lower_ascii(request.header("content-type"));
  type = base::trim_ascii(type.substr(0, type.find(';')));
  if (type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"))) return {};
  return std::unexpected(
      Error{Code::kUnsupportedMediaType,
            "expected Content-Type: application/json" + (type.empty() ? std::string() : ", got '" + type + "'")});
}

Result<HttpResponse> handle_query(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto answer, run_read(call, false));
  return read_response(call, answer, true);
}

Result<HttpResponse> handle_read(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto answer, run_read(call, true));
  OG_ASSIGN_OR_RETURN(auto response, read_response(call, answer, false));
  return deprecated(std::move(response), "query");
}

Result<HttpResponse> handle_profile(Call& call) {
  using Mode = exec::ProfileScope::Mode;
  OG_ASSIGN_OR_RETURN(const auto explain, query_value(call.request, "explain"));
  if (explain && *explain != "true" && *explain != "false") {
    return std::unexpected(bad_request("query parameter 'explain' must be true or false"));
  }
  OG_ASSIGN_OR_RETURN(const AdHocRead read, ad_hoc_read(call, false));
  const Mode mode = explain == "true" ? Mode::kExplain : Mode::kAnalyze;
  OG_ASSIGN_OR_RETURN(const auto profiled, timed_read(call, kAdHoc, read.text.source, [&] {
                        return engine::profile_query(*call.graph->graph, read.text.source, read.text.name,
                                                     read.text.params, read.target, mode);
                      }));
  const std::uint64_t bytes_max = call.service.options().query_result_bytes_max;
  std::string body;
  if (!api::append_profiled_read(body, profiled, {.text_bytes_max = bytes_max})) {
    return std::unexpected(engine::ReadBounds::too_large(bytes_max));
  }
  return json_response(std::move(body));
}

Result<HttpResponse> handle_mutate(Call& call) {
  OG_RETURN_IF_ERROR(refuse_condition(call.request, "/mutate/if-graph-commit"));
  OG_ASSIGN_OR_RETURN(const auto answer, run_change(call, std::nullopt));
  return mutate_response(answer);
}

Result<HttpResponse> handle_mutate_if(Call& call) {
  OG_ASSIGN_OR_RETURN(const std::string head, condition_of(call.request));
  OG_ASSIGN_OR_RETURN(const auto answer, run_change(call, head));
  return mutate_response(answer);
}

Result<HttpResponse> handle_change(Call& call) {
  OG_RETURN_IF_ERROR(refuse_condition(call.request, "/mutate/if-graph-commit"));
  OG_ASSIGN_OR_RETURN(const auto answer, run_change(call, std::nullopt));
  return deprecated(mutate_response(answer), "mutate");
}

Result<HttpResponse> handle_list_queries(Call& call) {
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, "main"));
  std::string body;
  base::JsonWriter json(body);
  json.begin_object().key("queries").begin_array();
  for (const auto& [name, stored] : call.graph->queries) api::write_catalog_entry(json, *stored.bound, name);
  json.end_array().end_object();
  return json_response(std::move(body));
}

Result<HttpResponse> handle_invoke(Call& call) {
  OG_RETURN_IF_ERROR(refuse_condition(call.request, "/queries/{name}/if-graph-commit"));
  return invoke(call, std::nullopt);
}

Result<HttpResponse> handle_invoke_if(Call& call) {
  OG_ASSIGN_OR_RETURN(const std::string head, condition_of(call.request));
  return invoke(call, head);
}

}  // namespace omnigraph::server
