#include "server/openapi.h"

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "base/version.h"
#include "server/openapi_components.h"
#include "server/routes.h"

namespace omnigraph::server {

namespace {

using base::JsonWriter;

void write_ref(JsonWriter& json, std::string_view component) {
  json.begin_object().key("$ref").string("#/components/schemas/" + std::string(component)).end_object();
}

void write_content(JsonWriter& json, std::string_view media_type, std::string_view component) {
  json.key("content").begin_object().key(media_type).begin_object().key("schema");
  if (component.empty()) {
    json.begin_object().key("type").string("string").end_object();
  } else {
    write_ref(json, component);
  }
  json.end_object().end_object();
}

std::string_view status_text(int status) {
  switch (status) {
    case 400: return "The request cannot be understood or does not fit the schema";
    case 401: return "No or unknown bearer token";
    case 403: return "Policy denies the action";
    case 404: return "Graph, branch, commit or stored query not found";
    case 405: return "Wrong method";
    case 409: return "Conflict";
    case 410: return "History removed by cleanup";
    case 412: return "The head is another one";
    case 413: return "Too large";
    case 415: return "Wrong content type";
    case 424: return "An external Blob source cannot be read";
    case 429: return "Too much in flight for this actor";
    case 503: return "Not available now";
    default: return "Internal error";
  }
}

void write_error_response(JsonWriter& json, int status, std::string_view component) {
  json.key(std::to_string(status)).begin_object().key("description").string(status_text(status));
  write_content(json, "application/json", component);
  json.end_object();
}

void write_parameter(JsonWriter& json, std::string_view name, std::string_view in, std::string_view description,
                     bool required, bool repeats = false) {
  json.begin_object().key("name").string(name).key("in").string(in);
  if (!description.empty()) json.key("description").string(description);
  json.key("required").boolean(required).key("schema").begin_object();
  if (repeats) json.key("type").string("array").key("items").begin_object();
  json.key("type").string("string").end_object();
  if (repeats) json.end_object();
  json.end_object();
}

void write_parameters(JsonWriter& json, const Route& route) {
  json.key("parameters").begin_array();
  for (std::size_t at = route.pattern.find('{'); at != std::string_view::npos; at = route.pattern.find('{', at + 1)) {
    const std::size_t end = route.pattern.find('}', at);
    write_parameter(json, route.pattern.substr(at + 1, end - at - 1), "path", "", true);
  }
  for (const QueryParameter& parameter : route.parameters) {
    write_parameter(json, parameter.name, "query", parameter.description, parameter.required, parameter.repeats);
  }
  if (route.pattern.ends_with("/if-graph-commit")) {
    write_parameter(json, "Omnigraph-If-Graph-Commit", "header", "Commit id the branch head must have", true);
  }
  json.end_array();
}

void write_request_body(JsonWriter& json, const Route& route) {
  if (route.body == BodyKind::kNone) return;
  json.key("requestBody").begin_object().key("required").boolean(route.body != BodyKind::kOptionalJson);
  write_content(json, route.body == BodyKind::kNdjson ? "application/x-ndjson" : "application/json", route.request_schema);
  json.end_object();
}

void write_responses(JsonWriter& json, const Route& route, bool secured) {
  json.key("responses").begin_object().key("200").begin_object().key("description").string("Success");
  write_content(json, route.response_schema.empty() ? "application/x-ndjson" : "application/json", route.response_schema);
  json.end_object();
  std::map<int, bool> statuses;
  if (!route.open) statuses = {{400, true}, {403, true}, {404, true}, {500, true}};
  if (secured) statuses[401] = true;
  if (route.body == BodyKind::kJson) statuses[413] = statuses[415] = true;
  if (route.body == BodyKind::kOptionalJson) statuses[413] = true;
  for (std::string_view rest = route.errors; !rest.empty();) {
    const std::size_t space = rest.find(' ');
    statuses[std::stoi(std::string(rest.substr(0, space)))] = true;
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  }
  // Whoever may not read the commit's branch is told that there is no such commit.
  if (route.operation_id == "cluster_getCommitChanges") statuses.erase(403);
  for (const auto& [status, present] : statuses) {
    write_error_response(json, status, route.tag == "changes" ? "ChangeErrorOutput" : "ErrorOutput");
  }
  json.end_object();
}

std::string lower(std::string_view method) {
  std::string text(method);
  for (char& c : text) c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void write_operation(JsonWriter& json, const Route& route, bool secured) {
  json.key(lower(route.method)).begin_object().key("operationId").string(route.operation_id);
  json.key("tags").begin_array().string(route.tag).end_array().key("summary").string(route.summary);
  if (route.deprecated) json.key("deprecated").boolean(true);
  write_parameters(json, route);
  write_request_body(json, route);
  write_responses(json, route, secured);
  if (secured) {
    json.key("security").begin_array().begin_object().key("bearer_token").begin_array().end_array().end_object().end_array();
  }
  json.end_object();
}

}  // namespace

std::string openapi_document(AuthState state) {
  const bool with_security = state != AuthState::kOpen;
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("openapi").string("3.1.0");
  json.key("info").begin_object().key("title").string("Omnigraph API");
  json.key("description").string("HTTP API for the Omnigraph graph database");
  json.key("version").string(base::version()).end_object();
  json.key("paths").begin_object();
  std::vector<std::string_view> written;
  for (const Route& route : routes()) {
    if (!route.listed || std::ranges::find(written, route.pattern) != written.end()) continue;
    written.push_back(route.pattern);
    json.key(route.pattern).begin_object();
    for (const Route& other : routes()) {
      if (other.listed && other.pattern == route.pattern) write_operation(json, other, with_security && !other.open);
    }
    json.end_object();
  }
  json.end_object().key("components").begin_object().key("schemas").raw(openapi_components());
  if (with_security) {
    json.key("securitySchemes").begin_object().key("bearer_token").begin_object();
    json.key("type").string("http").key("scheme").string("bearer").end_object().end_object();
  }
  json.end_object().end_object();
  return out;
}

}  // namespace omnigraph::server
