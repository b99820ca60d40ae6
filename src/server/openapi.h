// The OpenAPI 3.1 document, made from the route table (chapter 07 section 9).
#pragma once

#include <cstdint>
#include <string>

#include "server/service.h"

namespace omnigraph::server {

enum class OpenApiPart : std::uint8_t {
  kContract,   // /openapi.json
  kAdditions,  // /console/openapi.json: the routes beside the contract, and what contract routes take besides
};

// In state Open nothing asks for a token, so the security scheme is left out.
[[nodiscard]] std::string openapi_document(AuthState state, OpenApiPart part = OpenApiPart::kContract);

}  // namespace omnigraph::server
