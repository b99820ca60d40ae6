// The route table: it serves requests and it is the source of the OpenAPI document (chapter 07 sections 3 and 9).
// Thread safety: immutable; handlers may run concurrently.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "server/service.h"

namespace omnigraph::server {

struct Route;

// What a handler gets besides the request, which outlives it.
struct Call {
  std::shared_ptr<Service> held;  // a reload meanwhile changes nothing for this request
  Service& service;
  const HttpRequest& request;
  const GraphService* graph = nullptr;  // routes under /graphs/{graph_id}
  std::string actor;                    // empty in state Open
  std::vector<std::string> captures;    // further path parameters, in order
  const Route* route = nullptr;

  [[nodiscard]] std::optional<std::string> actor_id() const {
    return actor.empty() ? std::nullopt : std::optional<std::string>(actor);
  }
};

using Handler = Result<HttpResponse> (*)(Call& call);

enum class BodyKind : std::uint8_t { kNone, kJson, kOptionalJson, kNdjson };

struct QueryParameter {
  std::string_view name;
  std::string_view description;
  bool required = false;
  bool repeats = false;       // an array of values
  std::string_view schema{};  // JSON Schema of a value; empty: any string
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/graphs/{graph_id}/commits/{commit_id}"
  std::string_view operation_id;
  std::string_view tag;
  std::string_view summary;
  Handler handler;
  BodyKind body = BodyKind::kNone;
  std::string_view request_schema{};   // component name
  std::string_view response_schema{};  // component name; empty: NDJSON
  std::string_view errors{};           // statuses beyond 401 403 404 500 400, e.g. "409 410"
  std::vector<QueryParameter> parameters{};
  std::vector<QueryParameter> headers{};
  std::vector<QueryParameter> added_parameters{};  // of a contract route, in the document of additions alone
  std::string_view added_response{};               // members of the answer that come with them: JSON Schema, as above
  std::string_view successes = "200";
  std::string_view response_type{};  // media type of a success without a component
  bool open = false;                 // no token needed, and never waits for storage
  bool deprecated = false;
  bool listed = true;     // in the OpenAPI document
  bool addition = false;  // in the document of additions (/console/openapi.json)
  bool waits = true;      // may wait for storage: takes a handler's place
};

inline constexpr std::uint64_t kBodyBytesMax = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kLoadBodyBytesMax = std::uint64_t{32} << 20;

[[nodiscard]] const std::vector<Route>& routes();

// The route of a request, or how to refuse it.
struct Match {
  const Route* route = nullptr;
  std::vector<std::string> captures;  // values of the {..} segments in order
  bool head = false;                  // HEAD on a GET route: no body
  std::string allow;                  // known path, other method: for 405
};
[[nodiscard]] Match match_route(const HttpRequest& request);

// Limit of a buffered body; nullopt for streaming routes.
[[nodiscard]] std::optional<std::uint64_t> body_limit(const Route& route);

// What is decided before the body is read: route, token, graph. Either a call or a refusal.
struct Admitted {
  std::shared_ptr<Service> service;
  std::optional<Call> call;
  std::optional<HttpResponse> refusal;
};
[[nodiscard]] Admitted admit(std::shared_ptr<Service> service, const Match& match, const HttpRequest& request);

// Runs the handler. Never throws.
[[nodiscard]] HttpResponse respond(Call& call);

// Statuses a route may answer with, success included.
[[nodiscard]] std::vector<int> statuses_of(const Route& route, bool secured);

}  // namespace omnigraph::server
