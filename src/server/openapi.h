// The OpenAPI 3.1 document, made from the route table (chapter 07 section 9).
#pragma once

#include <string>

#include "server/service.h"

namespace omnigraph::server {

// In state Open nothing asks for a token, so the security scheme is left out.
[[nodiscard]] std::string openapi_document(AuthState state);

}  // namespace omnigraph::server
