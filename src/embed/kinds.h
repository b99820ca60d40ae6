// The kinds of provider and what each takes where nothing is configured (chapter 04 section 5.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace omnigraph::embed {

enum class Wire : std::uint8_t { kNone, kOpenAi, kGemini };

struct Kind {
  std::string_view name;
  Wire wire;
  std::string_view base_url, model;
  std::string_view keys;  // variables that hold a key: "A" or "A or B", the first that is set wins
};

// Null: no kind of that name (names are case-sensitive).
[[nodiscard]] const Kind* find_kind(std::string_view name);
[[nodiscard]] Error unknown_kind(const std::string& name);

}  // namespace omnigraph::embed
