#pragma once

#include <string_view>

namespace omnigraph::base {

[[nodiscard]] std::string_view version();  // semver, from the file VERSION
inline constexpr int kStorageFormat = 1;   // `internal_schema_version` on the wire

}  // namespace omnigraph::base
