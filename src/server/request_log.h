// Log lines about one request: its ids, and what it took where that was long. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "server/log.h"
#include "server/routes.h"

namespace omnigraph::server {

// The request's id and, where its client traces, the ids of its trace. The fields refer to `request`.
void append_request_ids(std::vector<LogField>& fields, const HttpRequest& request);

// One line (target `query`, level warn) for a query or mutation whose request has by now taken at least the configured
// time, reading its body and finding its target included: which one, what it read, where the time went. `source` goes
// in as a digest: like parameters its literals may be confidential. REQUIRES: the thread of respond(), whose phase
// clock runs.
struct QueryRun {
  std::string_view name;  // of the stored query, or `adhoc`
  std::string_view source;
  std::string_view kind;              // read, mutation
  std::optional<std::uint64_t> rows;  // returned, or entities changed; nullopt: it failed
};
void log_if_slow(const Call& call, const QueryRun& run);

}  // namespace omnigraph::server
