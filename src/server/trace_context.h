// The trace a request belongs to: W3C Trace Context, header `traceparent`
// (https://www.w3.org/TR/trace-context/#traceparent-header). Thread safety: free functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/phase_clock.h"

namespace omnigraph::server {

// Views into the header.
struct TraceContext {
  std::string_view trace_id;   // 32 lowercase hex digits, not all 0
  std::string_view parent_id;  // 16 lowercase hex digits, not all 0
};

// nullopt: there is none, or it is not valid and has to be ignored.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view header);

// The value of `Server-Timing` (https://www.w3.org/TR/server-timing/): ms of each phase, then of the whole, which is at
// least their sum.
[[nodiscard]] std::string server_timing(base::PhaseClock& clock, std::chrono::nanoseconds total);

}  // namespace omnigraph::server
