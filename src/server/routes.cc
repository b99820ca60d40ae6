#include "server/routes.h"

#include <algorithm>
#include <set>

#include "api/answers.h"
#include "base/phase_clock.h"
#include "base/text.h"
#include "cluster/declaration.h"
#include "engine/read_bounds.h"
#include "server/handlers.h"
#include "server/log.h"
#include "server/trace_context.h"

namespace omnigraph::server {

namespace {

// The patterns of the table, split once.
const std::vector<std::vector<std::string_view>>& split_patterns() {
  static const auto kSplit = [] {
    std::vector<std::vector<std::string_view>> all;
    for (const Route& route : routes()) {
      auto& parts = all.emplace_back();
      for (std::string_view rest = route.pattern.substr(1);;) {
        const std::size_t slash = rest.find('/');
        parts.push_back(rest.substr(0, slash));
        if (slash == std::string_view::npos) break;
        rest = rest.substr(slash + 1);
      }
    }
    return all;
  }();
  return kSplit;
}

bool is_capture(std::string_view part) { return part.starts_with('{'); }

bool matches(const std::vector<std::string_view>& parts, const std::vector<std::string>& segments) {
  if (parts.size() != segments.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_capture(parts[i]) ? segments[i].empty() : parts[i] != segments[i]) return false;
  }
  return true;
}

// Token, then graph: nobody without a token learns which graphs there are.
Result<Call> call_of(std::shared_ptr<Service> service, const Match& match, const HttpRequest& request) {
  const Route& route = *match.route;
  Service& serving = *service;
  Call call{std::move(service), serving, request, nullptr, {}, match.captures, &route};
  if (!route.open) {
    const auto headers = request.header_values("authorization");
    OG_ASSIGN_OR_RETURN(call.actor, serving.authenticate(headers.size() == 1 ? headers.front() : std::string_view()));
  }
  if (request.bad_escape)
    return std::unexpected(bad_request("the request target has a bad percent escape or is not UTF-8"));
  if (route.pattern.starts_with("/graphs/{graph_id}")) {
    const std::string id = call.captures.front();
    call.captures.erase(call.captures.begin());
    if (!cluster::is_graph_id(id)) return std::unexpected(bad_request("invalid graph id '" + id + "'"));
    const auto graph = serving.graphs().find(id);
    if (graph == serving.graphs().end()) return std::unexpected(not_found("graph '" + id + "' not found"));
    call.graph = &graph->second;
  }
  return call;
}

}  // namespace

Match match_route(const HttpRequest& request) {
  Match match;
  const auto& patterns = split_patterns();
  for (std::size_t r = 0; r < patterns.size(); ++r) {
    if (!matches(patterns[r], request.segments)) continue;
    const Route& route = routes()[r];
    if (route.method == request.method || (route.method == "GET" && request.method == "HEAD")) {
      match.route = &route;
      match.head = request.method == "HEAD";
      for (std::size_t i = 0; i < patterns[r].size(); ++i) {
        if (is_capture(patterns[r][i])) match.captures.push_back(request.segments[i]);
      }
      return match;
    }
    if (route.method == "HEAD") continue;  // told with GET
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method;
    if (route.method == "GET") match.allow += ", HEAD";
  }
  return match;
}

std::vector<int> statuses_of(const Route& route, bool secured) {
  std::set<int> statuses;
  for (std::string_view list : {route.successes, route.errors}) {
    while (!list.empty()) {
      statuses.insert(std::stoi(std::string(list.substr(0, list.find(' ')))));
      list = list.find(' ') == std::string_view::npos ? std::string_view() : list.substr(list.find(' ') + 1);
    }
  }
  if (!route.open) statuses.insert({400, 403, 404, 500});
  if (!route.open && secured) statuses.insert(401);
  if (route.body == BodyKind::kJson || route.body == BodyKind::kOptionalJson) statuses.insert({413, 415});
  // Whoever may not read the commit's branch is told that there is no such commit.
  if (route.operation_id == "cluster_getCommitChanges") statuses.erase(403);
  return {statuses.begin(), statuses.end()};
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

namespace {

// U+FFFD in place of each byte that belongs to no character.
std::string only_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = std::min<std::size_t>(4, text.size() - at);
    while (size != 0 &&
           (!base::is_valid_utf8(text.substr(at, size)) || base::code_point_count(text.substr(at, size)) != 1))
      --size;
    if (size == 0) {
      out.append("\xef\xbf\xbd");
      ++at;
    } else {
      out.append(text.substr(at, size));
      at += size;
    }
  }
  return out;
}

}  // namespace

HttpResponse error_response(const Error& error) {
  HttpResponse response = json_response(api::error_body(error));
  response.compressible = false;
  // Texts quote what was sent, headers too, which need not be UTF-8; the answer has to be.
  if (!base::is_valid_utf8(response.body)) response.body = only_utf8(response.body);
  response.status = http_status(error.code);
  if (error.code == Code::kUnauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.code == Code::kTooManyRequests) response.headers.emplace_back("Retry-After", "60");
  if (response.status >= 500) log_error(error.render());
  return response;
}

Admitted admit(std::shared_ptr<Service> service, const Match& match, const HttpRequest& request) {
  Admitted admitted{service, std::nullopt, std::nullopt};
  if (match.route == nullptr && !match.allow.empty()) {
    admitted.refusal = error_response(
        Error{Code::kMethodNotAllowed, "method " + request.method + " is not allowed on " + request.path});
    admitted.refusal->headers.emplace_back("Allow", match.allow);
  } else if (match.route == nullptr) {
    admitted.refusal =
        error_response(request.bad_escape ? bad_request("the request target has a bad percent escape or is not UTF-8")
                                          : not_found("no route " + request.method + " " + request.path));
  } else if (auto call = call_of(std::move(service), match, request)) {
    admitted.call.emplace(std::move(*call));
  } else {
    admitted.refusal = error_response(call.error());
  }
  return admitted;
}

namespace {

HttpResponse handled(Call& call) {
  const std::uint64_t result_bytes_max = call.service.options().query_result_bytes_max;
  const engine::ReadBounds scope(call.request.gone, result_bytes_max);
  try {
    auto response = call.route->handler(call);
    return response ? std::move(*response) : error_response(response.error());
  } catch (const std::exception& error) {
    return error_response(internal_error(std::string("unexpected failure: ") + error.what()));
  }
}

}  // namespace

HttpResponse respond(Call& call) {
  const auto started = std::chrono::steady_clock::now();
  base::PhaseClock clock;
  HttpResponse response = handled(call);
  // Whoever traces wants to know. What a client paces would tell of the client.
  if (!response.deferred && parse_traceparent(call.request.header("traceparent"))) {
    response.headers.emplace_back("Server-Timing", server_timing(clock, std::chrono::steady_clock::now() - started));
  }
  return response;
}

}  // namespace omnigraph::server
