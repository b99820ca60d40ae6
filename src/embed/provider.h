// Text to vectors (chapter 04 section 5). Thread safety: providers may be called concurrently.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::embed {

enum class Role : std::uint8_t { kQuery, kDocument };

// A resolved configuration: what an applied profile or the environment asks for.
struct ProviderConfig {
  std::string kind = "openai-compatible";  // openai-compatible openai gemini mock
  std::string base_url;
  std::string model;
  std::string api_key;  // the value, never shown
};

class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual const std::string& model() const = 0;
  // One vector of `dimension` elements a text, unit length.
  [[nodiscard]] virtual Result<std::vector<std::vector<float>>> embed(const std::vector<std::string>& texts,
                                                                      std::uint32_t dimension, Role role) = 0;
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;
[[nodiscard]] Environment process_environment();

// Order of chapter 04 section 5.1. kInternal for an unknown provider name.
[[nodiscard]] Result<ProviderConfig> config_from_environment(const Environment& environment);
// kInternal for an unknown kind and for a missing key (naming its variables). Times and tries: the environment's.
[[nodiscard]] Result<std::shared_ptr<Provider>> make_provider(const ProviderConfig& config);

// Deterministic vectors from the text alone (section 5.6); for tests and offline use.
[[nodiscard]] std::vector<float> mock_vector(std::string_view text, std::uint32_t dimension);

}  // namespace omnigraph::embed
