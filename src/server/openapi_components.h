// Component schemas of the OpenAPI document as one compact JSON object (chapter 07 section 9).
#pragma once

#include <string_view>

namespace omnigraph::server {

[[nodiscard]] std::string_view openapi_components();

}  // namespace omnigraph::server
