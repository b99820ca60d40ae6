// Looking into JSON text without changing it: numbers and strings keep the spelling the server chose.
// All functions REQUIRE valid JSON, except compact_json, which checks it. Thread safety: free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omnigraph::client {

// The text without white space between tokens; nullopt: no JSON.
[[nodiscard]] std::optional<std::string> compact_json(std::string_view text);
// Values of an object in order, keys unescaped. Anything else: empty.
[[nodiscard]] std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view compact);
// The member's value; empty: not there, or no object.
[[nodiscard]] std::string_view json_member(std::string_view compact, std::string_view key);
[[nodiscard]] std::vector<std::string_view> json_items(std::string_view compact);
// The characters of a JSON string; nullopt: another kind of value.
[[nodiscard]] std::optional<std::string> json_string(std::string_view compact);

}  // namespace omnigraph::client
