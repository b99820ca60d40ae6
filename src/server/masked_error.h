// Failures of the server itself: logged whole, told to the client without their insides.
#pragma once

#include <string>

#include "base/error.h"
#include "server/log.h"

namespace omnigraph::server {

// `told` instead of an error that would be a 5xx; other errors as they are.
[[nodiscard]] inline Error masked_error(const Error& error, const std::string& told) {
  if (http_status(error.code) < 500) return error;
  log_error(error.render());
  return internal_error(told);
}

}  // namespace omnigraph::server
