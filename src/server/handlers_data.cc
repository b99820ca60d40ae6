// Loads and export (chapter 07 sections 4.4 and 4.7).

#include <algorithm>
#include <charconv>
#include <cstring>

#include "api/answers.h"
#include "base/text.h"
#include "server/gzip.h"
#include "server/handlers.h"
#include "server/json_body.h"
#include "server/write_timer.h"

namespace omnigraph::server {

using policy::Action;

namespace {

HttpResponse load_response(const Call& call, const engine::LoadAnswer& answer, api::LoadShape shape) {
  std::string body;
  base::JsonWriter json(body);
  api::write_load_answer(json, answer, call.graph->uri, shape);
  return json_response(std::move(body));
}

Result<engine::LoadMode> mode_of(const std::optional<std::string>& name) {
  if (!name) return engine::LoadMode::kMerge;
  if (const auto mode = engine::load_mode_of(*name)) return *mode;
  return std::unexpected(bad_request("unknown load mode '" + *name + "' (expected overwrite, append or merge)"));
}

// `change` first, whether or not the branch exists; then the missing branch, and the right to create it.
Result<void> authorize_load(Call& call, const engine::LoadRequest& request) {
  OG_RETURN_IF_ERROR(authorize(call, Action::kChange, request.branch));
  OG_ASSIGN_OR_RETURN(const auto branches, call.graph->graph->branches());
  if (std::ranges::binary_search(branches, request.branch)) return {};
  if (!request.from) {
    return std::unexpected(not_found("branch '" + request.branch + "' not found; pass `from` to create it"));
  }
  return authorize(call, Action::kBranchCreate, *request.from, request.branch);
}

Result<engine::LoadRequest> request_of(const Call& call, const std::optional<std::string>& branch,
                                       const std::optional<std::string>& from, const std::optional<std::string>& mode) {
  engine::LoadRequest request;
  OG_ASSIGN_OR_RETURN(request.branch, branch_name(branch));
  if (from) {
    OG_ASSIGN_OR_RETURN(request.from, branch_name(from));
  }
  OG_ASSIGN_OR_RETURN(request.mode, mode_of(mode));
  request.actor = call.actor_id();
  return request;
}

engine::ByteSource source_of(const std::string& text) {
  return [&text, at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(out.size(), text.size() - at);
    std::memcpy(out.data(), text.data() + at, count);
    at += count;
    return count;
  };
}

Result<engine::LoadAnswer> buffered_load(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body));
  OG_ASSIGN_OR_RETURN(const std::string data, body.required_string("data"));
  OG_ASSIGN_OR_RETURN(const auto branch, body.string("branch"));
  OG_ASSIGN_OR_RETURN(const auto from, body.string("from"));
  OG_ASSIGN_OR_RETURN(const auto mode, body.string("mode"));
  OG_ASSIGN_OR_RETURN(auto request, request_of(call, branch, from, mode));
  request.parser = engine::LoadParser::kPermissive;
  OG_RETURN_IF_ERROR(authorize_load(call, request));
  OG_ASSIGN_OR_RETURN(const auto ticket, admitted(call, data.size()));
  const WriteTimer timer(call, "load");
  return timer.done(call.graph->writes->load(source_of(data), request));
}

Error load_too_large(std::uint64_t limit, std::uint64_t actual) {
  constexpr const char* kResource = "graph_batch_request_bytes";
  Error error{Code::kResourceLimit, std::string("resource limit exceeded for ") + kResource + ": actual " +
                                        std::to_string(actual) + ", limit " + std::to_string(limit)};
  return with_detail(std::move(error), "resource_limit",
                     std::string(R"({"resource":")") + kResource + R"(","limit":)" + std::to_string(limit) +
                         ",\"actual\":" + std::to_string(actual) + "}");
}

Result<engine::LoadAnswer> load_stream(Call& call, const engine::LoadRequest& request, std::uint64_t limit, bool gzip) {
  BodySource body = call.request.read_body;
  if (gzip) body = gzip_source(std::move(body));
  std::uint64_t total = 0;
  const auto source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    OG_ASSIGN_OR_RETURN(const std::size_t count, body(out));
    total += count;
    if (limit != 0 && total > limit) return std::unexpected(load_too_large(limit, total));
    return count;
  };
  try {
    return call.graph->writes->load(source, request);
  } catch (const std::exception& error) {
    return std::unexpected(internal_error(std::string("unexpected failure: ") + error.what()));
  }
}

// Beyond it a client should rather mend its data; their texts are part of the answer.
constexpr std::uint64_t kMaxRejectsMax = 100'000;

// `max_rejects=N`: bad records are left out and told in the answer, more than N refuse the load.
Result<std::optional<engine::LoadRejects>> rejects_of(const HttpRequest& request) {
  OG_ASSIGN_OR_RETURN(const auto given, query_value(request, "max_rejects"));
  if (!given) return std::nullopt;
  std::uint64_t max = 0;
  const auto [end, failed] = std::from_chars(given->data(), given->data() + given->size(), max);
  if (failed == std::errc() && end == given->data() + given->size() && max <= kMaxRejectsMax) {
    return engine::LoadRejects{max, {}};
  }
  return std::unexpected(bad_request("max_rejects must be a number from 0 to " + std::to_string(kMaxRejectsMax) +
                                     ", not '" + *given + "'"));
}

}  // namespace

Result<HttpResponse> handle_load(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto answer, buffered_load(call));
  return load_response(call, answer, api::LoadShape::kBufferedRoute);
}

Result<HttpResponse> handle_ingest(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto answer, buffered_load(call));
  HttpResponse response = load_response(call, answer, api::LoadShape::kBufferedRoute);
  response.headers.emplace_back("Deprecation", "true");
  response.headers.emplace_back("Link", "<load>; rel=\"successor-version\"");
  return response;
}

Result<HttpResponse> handle_load_ndjson(Call& call) {
  OG_ASSIGN_OR_RETURN(const auto branch, query_value(call.request, "branch"));
  OG_ASSIGN_OR_RETURN(const auto from, query_value(call.request, "from"));
  OG_ASSIGN_OR_RETURN(const auto mode, query_value(call.request, "mode"));
  OG_ASSIGN_OR_RETURN(auto request, request_of(call, branch, from, mode));
  OG_ASSIGN_OR_RETURN(request.rejects, rejects_of(call.request));
  OG_RETURN_IF_ERROR(authorize_load(call, request));
  std::string type = base::to_lower_ascii(call.request.header("content-type"));
  type = base::trim_ascii(type.substr(0, type.find(';')));
  if (type != "application/x-ndjson") {
    return std::unexpected(
        Error{Code::kUnsupportedMediaType, "graph-batch load requires Content-Type: application/x-ndjson"});
  }
  const std::uint64_t limit = call.service.options().load_bytes_max;
  const auto declared = call.request.content_length;
  if (limit != 0 && declared && *declared > limit) return std::unexpected(load_too_large(limit, *declared));
  const std::string coding = base::to_lower_ascii(call.request.header("content-encoding"));
  if (!coding.empty() && coding != "identity" && coding != "gzip") {
    return std::unexpected(
        Error{Code::kUnsupportedMediaType, "Content-Encoding '" + coding + "' is not understood; send gzip or none"});
  }
  const std::uint64_t estimate = std::min(declared.value_or(kLoadBodyBytesMax), kLoadBodyBytesMax);
  OG_ASSIGN_OR_RETURN(auto ticket, admitted(call, estimate));
  // From here on the client sets the pace: it costs a thread of its own, of which admission bounds the number.
  HttpResponse response;
  response.deferred = [call, request, limit, gzip = coding == "gzip",
                       held = std::make_shared<Admission::Ticket>(std::move(ticket))]() mutable -> HttpResponse {
    const WriteTimer timer(call, "load");
    const auto answer = timer.done(load_stream(call, request, limit, gzip));
    return answer ? load_response(call, *answer, api::LoadShape::kNdjsonRoute) : error_response(answer.error());
  };
  return response;
}

Result<HttpResponse> handle_export(Call& call) {
  OG_RETURN_IF_ERROR(check_json_content_type(call.request));
  OG_ASSIGN_OR_RETURN(const JsonBody body, JsonBody::parse(call.request.body, "invalid export request: "));
  OG_RETURN_IF_ERROR(body.only({"branch", "type_names"}));
  OG_ASSIGN_OR_RETURN(const auto given, body.string("branch"));
  OG_ASSIGN_OR_RETURN(const std::string branch, branch_name(given));
  OG_ASSIGN_OR_RETURN(const auto types, body.strings("type_names"));
  OG_RETURN_IF_ERROR(authorize(call, Action::kExport, branch));
  // Branch and types are checked before the 200: a first pass over nothing but the checks.
  OG_RETURN_IF_ERROR(call.graph->graph->check_export(branch, types));
  HttpResponse response;
  response.content_type = "application/x-ndjson; charset=utf-8";
  response.stream_slot = true;
  response.stream = [graph = call.graph->graph, branch, types](const TextSink& sink) {
    return graph->export_rows(branch, types, sink);
  };
  return response;
}

}  // namespace omnigraph::server
