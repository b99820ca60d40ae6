// Which provider turns text into vectors (chapter 04 section 5.1). Thread safety: values and free functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

using Environment = std::function<std::optional<std::string>(std::string_view)>;
[[nodiscard]] Environment process_environment();

// Order of chapter 04 section 5.1. kInternal for an unknown provider name.
[[nodiscard]] Result<ProviderConfig> config_from_environment(const Environment& environment);

}  // namespace omnigraph::embed
