#include "embed/provider.h"

#include <cstdlib>

#include "embed/call_log.h"
#include "embed/kinds.h"
#include "embed/settings.h"
#include "embed/text_embedder.h"

namespace omnigraph::embed {

namespace {

constexpr Kind kKinds[] = {
    {"openai-compatible", Wire::kOpenAi, "https://openrouter.ai/api/v1", "openai/text-embedding-3-large",
     "OPENROUTER_API_KEY or OPENAI_API_KEY"},
    {"openai", Wire::kOpenAi, "https://api.openai.com/v1", "text-embedding-3-large", "OPENAI_API_KEY"},
    {"gemini", Wire::kGemini, "https://generativelanguage.googleapis.com/v1beta", "gemini-embedding-2",
     "GEMINI_API_KEY"},
    {"mock", Wire::kNone, "", "", ""},
};

std::string first_key(const Environment& environment, std::string_view names) {
  std::string key;
  for (std::string_view rest = names; key.empty() && !rest.empty();) {
    const std::size_t at = rest.find(" or ");
    key = trimmed_variable(environment, rest.substr(0, at));
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 4);
  }
  return key;
}

}  // namespace

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

Error unknown_kind(const std::string& name) {
  return internal_error("unknown embedding provider '" + name + "' (expected openai-compatible|openai|gemini|mock)");
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets it
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Result<ProviderConfig> config_from_environment(const Environment& environment) {
  ProviderConfig config;
  const std::string named = trimmed_variable(environment, "OMNIGRAPH_EMBED_PROVIDER");
  if (is_truthy(trimmed_variable(environment, "OMNIGRAPH_EMBEDDINGS_MOCK"))) {
    config.kind = "mock";
    if (!named.empty() && named != "mock") {
      warned_of("OMNIGRAPH_EMBEDDINGS_MOCK is set: the provider '" + named +
                "' of OMNIGRAPH_EMBED_PROVIDER is not asked, vectors are made offline");
    }
  } else if (!named.empty()) {
    config.kind = named;
  }
  const Kind* kind = find_kind(config.kind);
  if (kind == nullptr) return std::unexpected(unknown_kind(config.kind));
  config.base_url = trimmed_variable(environment, "OMNIGRAPH_EMBED_BASE_URL");
  while (config.base_url.ends_with('/')) config.base_url.pop_back();
  if (config.base_url.empty()) config.base_url = kind->base_url;
  config.model = trimmed_variable(environment, "OMNIGRAPH_EMBED_MODEL");
  if (config.model.empty()) config.model = kind->model;
  config.api_key = first_key(environment, kind->keys);
  return config;
}

Result<std::shared_ptr<Provider>> make_provider(const ProviderConfig& config) {
  return make_text_embedder(config, call_settings(process_environment()));
}

}  // namespace omnigraph::embed
