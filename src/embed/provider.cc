#include "embed/provider.h"

#include <cstdlib>

#include "base/text.h"

namespace omnigraph::embed {

namespace {

class MockProvider final : public Provider {
 public:
  explicit MockProvider(std::string model) : model_(std::move(model)) {}
  const std::string& model() const override { return model_; }
  Result<std::vector<std::vector<float>>> embed(const std::vector<std::string>& texts, std::uint32_t dimension,
                                                Role) override {
    std::vector<std::vector<float>> vectors;
    vectors.reserve(texts.size());
    for (const std::string& text : texts) vectors.push_back(mock_vector(text, dimension));
    return vectors;
  }

 private:
  const std::string model_;
};

struct Kind {
  std::string_view name, base_url, model, keys;  // keys: "A" or "A or B"
};
constexpr Kind kKinds[] = {
    {"openai-compatible", "https://openrouter.ai/api/v1", "openai/text-embedding-3-large",
     "OPENROUTER_API_KEY or OPENAI_API_KEY"},
    {"openai", "https://api.openai.com/v1", "text-embedding-3-large", "OPENAI_API_KEY"},
    {"gemini", "https://generativelanguage.googleapis.com/v1beta", "gemini-embedding-2", "GEMINI_API_KEY"},
    {"mock", "", "", ""},
};

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool is_truthy(std::string_view text) {
  const std::string lower = base::to_lower_ascii(text);
  return lower == "1" || lower == "true" || lower == "yes" || lower == "on";
}

// Trimmed; blank counts as unset.
std::string variable(const Environment& environment, std::string_view name) {
  const auto value = environment(name);
  return value ? std::string(base::trim_ascii(*value)) : std::string();
}

std::string first_key(const Environment& environment, std::string_view names) {
  std::string key;
  for (std::string_view rest = names; key.empty() && !rest.empty();) {
    const std::size_t at = rest.find(" or ");
    key = variable(environment, rest.substr(0, at));
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
  const std::string named = variable(environment, "OMNIGRAPH_EMBED_PROVIDER");
  if (is_truthy(variable(environment, "OMNIGRAPH_EMBEDDINGS_MOCK"))) {
    config.kind = "mock";
  } else if (!named.empty()) {
    config.kind = named;
  }
  const Kind* kind = find_kind(config.kind);
  if (kind == nullptr) {
    return std::unexpected(internal_error("unknown embedding provider '" + config.kind +
                                          "' (expected openai-compatible|openai|gemini|mock)"));
  }
  config.base_url = variable(environment, "OMNIGRAPH_EMBED_BASE_URL");
  while (config.base_url.ends_with('/')) config.base_url.pop_back();
  if (config.base_url.empty()) config.base_url = kind->base_url;
  config.model = variable(environment, "OMNIGRAPH_EMBED_MODEL");
  if (config.model.empty()) config.model = kind->model;
  config.api_key = first_key(environment, kind->keys);
  return config;
}

Result<std::shared_ptr<Provider>> make_provider(const ProviderConfig& config) {
  const Kind* kind = find_kind(config.kind);
  if (kind == nullptr) {
    return std::unexpected(internal_error("unknown embedding provider '" + config.kind +
                                          "' (expected openai-compatible|openai|gemini|mock)"));
  }
  if (config.kind == "mock") return std::make_shared<MockProvider>(config.model);
  if (config.api_key.empty()) {
    return std::unexpected(
        internal_error(std::string(kind->keys) + " is required for the " + config.kind + " embedding provider"));
  }
  return std::unexpected(internal_error("the " + config.kind +
                                        " embedding provider has no client in this build; pass a vector, or use mock"));
}

}  // namespace omnigraph::embed
