// Members of JSON objects that may be absent or null. They throw nlohmann's exceptions when a member has another type;
// only for files that catch these.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace omnigraph::cluster {

[[nodiscard]] inline std::optional<std::string> text_or_null(const nlohmann::ordered_json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return std::nullopt;
  return at->get<std::string>();
}
[[nodiscard]] inline std::optional<std::uint64_t> number_or_null(const nlohmann::ordered_json& object,
                                                                 const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return std::nullopt;
  return at->get<std::uint64_t>();
}

}  // namespace omnigraph::cluster
