// A member that is null when there is no value. Thread safety: free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json_writer.h"

namespace omnigraph::cluster {

inline void write_optional(base::JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
  json.key(key).string_or_null(value ? std::string_view(*value) : std::string_view(), value.has_value());
}

}  // namespace omnigraph::cluster
