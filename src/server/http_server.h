// The network side: accepts connections, reads requests, writes responses (chapter 07 section 2). The only file that
// knows sockets is http_server.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "server/service.h"

namespace omnigraph::server {

// Binds, calls `listening` with the address (`127.0.0.1:8080`, IPv6 bracketed), serves until SIGINT or SIGTERM, lets
// running requests finish within the grace period, returns the exit code. A second signal ends the process at once.
[[nodiscard]] Result<int> serve(const std::shared_ptr<Service>& service,
                                const std::function<void(const std::string&)>& listening);

}  // namespace omnigraph::server
