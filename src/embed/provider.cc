#include "embed/provider.h"

#include <cstdlib>

#include "base/warning.h"
#include "embed/kinds.h"
#include "embed/settings.h"

namespace omnigraph::embed {

namespace {

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
      base::warn("embedding_mock", "OMNIGRAPH_EMBEDDINGS_MOCK is set: the provider '" + named +
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

}  // namespace omnigraph::embed
