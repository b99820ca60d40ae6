// The limits of one line of a load (chapter 03 section 2.1) and the numbers that simdjson cannot hold.
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace omnigraph::engine {

// 413 with detail resource_limit {resource, limit, actual}.
[[nodiscard]] Error resource_limit(std::string_view resource, std::uint64_t actual, std::uint64_t limit);
[[nodiscard]] Error line_too_long(std::uint64_t size_bytes);
// Errors: kResourceLimit. A line below the limit is not even looked at.
[[nodiscard]] Result<void> check_line_limits(std::string_view line);

// simdjson refuses integers beyond 64 bits and floats beyond F64, which are JSON and which messages must name. Returns
// the text with each of these numbers replaced by the string kWideNumberMark + number; nullopt: there is none.
inline constexpr std::string_view kWideNumberMark = "\x01number:";
[[nodiscard]] std::optional<std::string> mark_wide_numbers(std::string_view json);

}  // namespace omnigraph::engine
