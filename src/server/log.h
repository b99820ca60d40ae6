// Events of the server on stderr, level from OMNIGRAPH_LOG. Never tokens, bodies, parameters or URI credentials.
// Thread safety: all functions may be called concurrently.
#pragma once

#include <string>
#include <string_view>

namespace omnigraph::server {

void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_info(std::string_view text);
[[nodiscard]] bool logs_info();

}  // namespace omnigraph::server
