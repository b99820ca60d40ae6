#include "base/json_writer.h"
#include "base/text.h"
#include "embed/wire.h"

namespace omnigraph::embed {

namespace {

std::string openai_body(const Endpoint& endpoint, std::span<const std::string_view> texts, std::uint32_t dimension) {
  std::string body;
  base::JsonWriter json(body);
  json.begin_object().key("model").string(endpoint.model).key("input").begin_array();
  for (const std::string_view text : texts) json.string(text);
  json.end_array().key("dimensions").unsigned_integer(dimension).end_object();
  return body;
}

void gemini_item(base::JsonWriter& json, const Endpoint& endpoint, std::string_view text, std::uint32_t dimension,
                 Role role) {
  json.begin_object().key("model").string("models/" + endpoint.model);
  json.key("content").begin_object().key("parts").begin_array();
  json.begin_object().key("text").string(text).end_object().end_array().end_object();
  json.key("taskType").string(role == Role::kQuery ? "RETRIEVAL_QUERY" : "RETRIEVAL_DOCUMENT");
  json.key("outputDimensionality").unsigned_integer(dimension).end_object();
}

std::string gemini_body(const Endpoint& endpoint, std::span<const std::string_view> texts, std::uint32_t dimension,
                        Role role) {
  std::string body;
  base::JsonWriter json(body);
  if (texts.size() == 1) {
    gemini_item(json, endpoint, texts.front(), dimension, role);
    return body;
  }
  json.begin_object().key("requests").begin_array();
  for (const std::string_view text : texts) gemini_item(json, endpoint, text, dimension, role);
  json.end_array().end_object();
  return body;
}

}  // namespace

base::HttpRequest wire_request(const Endpoint& endpoint, std::span<const std::string_view> texts,
                               std::uint32_t dimension, Role role, std::string& body) {
  base::HttpRequest request{.method = "POST", .url = endpoint.base_url};
  request.headers.emplace_back("Content-Type", "application/json");
  if (endpoint.wire == Wire::kGemini) {
    body = gemini_body(endpoint, texts, dimension, role);
    request.url.append("/models/").append(base::percent_encode(endpoint.model, "-_.~/"));
    request.url.append(texts.size() == 1 ? ":embedContent" : ":batchEmbedContents");
    if (!endpoint.api_key.empty()) request.headers.emplace_back("x-goog-api-key", endpoint.api_key);
  } else {
    body = openai_body(endpoint, texts, dimension);
    request.url.append("/embeddings");
    if (!endpoint.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + endpoint.api_key);
  }
  request.body = std::as_bytes(std::span(body));
  return request;
}

}  // namespace omnigraph::embed
