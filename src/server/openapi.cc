#include "server/openapi.h"

#include <algorithm>

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

// `added`: a further schema that the content fulfils, or empty.
void write_content(JsonWriter& json, std::string_view media_type, std::string_view component,
                   std::string_view added = {}) {
  json.key("content").begin_object().key(media_type).begin_object().key("schema");
  if (component.empty()) {
    json.begin_object().key("type").string("string").end_object();
  } else if (!added.empty()) {
    json.begin_object().key("allOf").begin_array();
    write_ref(json, component);
    json.raw(added).end_array().end_object();
  } else {
    write_ref(json, component);
  }
  json.end_object().end_object();
}

std::string_view status_text(int status) {
  switch (status) {
    case 200: return "Success";
    case 206: return "The bytes that Range asked for";
    case 302: return "The value lies elsewhere, at Location";
    case 304: return "The value is the one the client has";
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
    case 416: return "Range lies outside the value";
    case 424: return "An external Blob source cannot be read";
    case 429: return "Too much in flight for this actor";
    case 503: return "Not available now";
    default: return "Internal error";
  }
}

void write_error_response(JsonWriter& json, int status, std::string_view component, bool has_body) {
  json.key(std::to_string(status)).begin_object().key("description").string(status_text(status));
  if (has_body) write_content(json, "application/json", component);
  json.end_object();
}

void write_parameter(JsonWriter& json, std::string_view in, const QueryParameter& parameter) {
  json.begin_object().key("name").string(parameter.name).key("in").string(in);
  if (!parameter.description.empty()) json.key("description").string(parameter.description);
  const std::string_view schema = parameter.schema.empty() ? R"({"type":"string"})" : parameter.schema;
  json.key("required").boolean(parameter.required).key("schema");
  if (parameter.repeats) {
    json.begin_object().key("type").string("array").key("items").raw(schema).end_object();
  } else {
    json.raw(schema);
  }
  json.end_object();
}

void write_parameters(JsonWriter& json, const Route& route, OpenApiPart part) {
  json.key("parameters").begin_array();
  for (std::size_t at = route.pattern.find('{'); at != std::string_view::npos; at = route.pattern.find('{', at + 1)) {
    const std::size_t end = route.pattern.find('}', at);
    write_parameter(json, "path", {route.pattern.substr(at + 1, end - at - 1), "", true});
  }
  for (const QueryParameter& parameter : route.parameters) write_parameter(json, "query", parameter);
  if (part == OpenApiPart::kAdditions) {
    for (const QueryParameter& parameter : route.added_parameters) write_parameter(json, "query", parameter);
  }
  for (const QueryParameter& header : route.headers) write_parameter(json, "header", header);
  json.end_array();
}

void write_request_body(JsonWriter& json, const Route& route) {
  if (route.body == BodyKind::kNone) return;
  json.key("requestBody").begin_object().key("required").boolean(route.body != BodyKind::kOptionalJson);
  write_content(json, route.body == BodyKind::kNdjson ? "application/x-ndjson" : "application/json",
                route.request_schema);
  json.end_object();
}

void write_success(JsonWriter& json, const Route& route, int status, OpenApiPart part) {
  json.key(std::to_string(status)).begin_object().key("description").string(status_text(status));
  const bool has_body = route.method != "HEAD" && (status == 200 || status == 206);
  if (has_body && !route.response_schema.empty()) {
    write_content(json, "application/json", route.response_schema,
                  part == OpenApiPart::kAdditions ? route.added_response : std::string_view());
  } else if (has_body && !route.response_type.empty()) {
    write_content(json, route.response_type, "");
  } else if (has_body) {
    json.key("content").begin_object().key("application/json").begin_object().key("schema").begin_object();
    json.key("type").string("object").end_object().end_object().end_object();
  }
  json.end_object();
}

void write_responses(JsonWriter& json, const Route& route, bool secured, OpenApiPart part) {
  json.key("responses").begin_object();
  for (const int status : statuses_of(route, secured)) {
    if (status < 400) {
      write_success(json, route, status, part);
    } else {
      const std::string_view component = route.tag == "changes" ? "ChangeErrorOutput" : "ErrorOutput";
      write_error_response(json, status, component, route.method != "HEAD");
    }
  }
  json.end_object();
}

std::string lower(std::string_view method) {
  std::string text(method);
  for (char& c : text) c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void write_operation(JsonWriter& json, const Route& route, bool secured, OpenApiPart part) {
  json.key(lower(route.method)).begin_object().key("operationId").string(route.operation_id);
  json.key("tags").begin_array().string(route.tag).end_array().key("summary").string(route.summary);
  if (route.deprecated) json.key("deprecated").boolean(true);
  write_parameters(json, route, part);
  write_request_body(json, route);
  write_responses(json, route, secured, part);
  if (secured) {
    json.key("security")
        .begin_array()
        .begin_object()
        .key("bearer_token")
        .begin_array()
        .end_array()
        .end_object()
        .end_array();
  }
  json.end_object();
}

}  // namespace

std::string openapi_document(AuthState state, OpenApiPart part) {
  const bool with_security = state != AuthState::kOpen;
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("openapi").string("3.1.0");
  json.key("info").begin_object().key("title").string("Omnigraph API");
  json.key("description").string("HTTP API for the Omnigraph graph database");
  json.key("version").string(base::version()).end_object();
  json.key("paths").begin_object();
  const auto wanted = [&](const Route& route) {
    return part == OpenApiPart::kContract ? route.listed : route.addition || !route.added_parameters.empty();
  };
  std::vector<std::string_view> written;
  for (const Route& route : routes()) {
    if (!wanted(route) || std::ranges::find(written, route.pattern) != written.end()) continue;
    written.push_back(route.pattern);
    json.key(route.pattern).begin_object();
    for (const Route& other : routes()) {
      if (!wanted(other) || other.pattern != route.pattern) continue;
      write_operation(json, other, with_security && !other.open, part);
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
