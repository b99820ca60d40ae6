// What the environment says about calls and writes (chapter 04 sections 5.1 and 6). Thread safety: free functions.
#pragma once

#include <cstdint>

#include "embed/provider.h"

namespace omnigraph::embed {

// Milliseconds; values that cannot be read, and zeros but for the deadline, mean the default.
struct CallSettings {
  std::int64_t timeout_ms = 30'000;     // one HTTP request
  std::int64_t retry_attempts = 4;      // in all
  std::int64_t retry_backoff_ms = 200;  // after attempt i: backoff * 2^min(i-1, 10)
  std::int64_t deadline_ms = 60'000;    // one call with all its retries; 0: none
};
[[nodiscard]] CallSettings call_settings(const Environment& environment);

// Whether writes fill vectors: `applied_profile` says that the graph has a provider of its own.
[[nodiscard]] bool embeds_on_write(const Environment& environment, bool applied_profile);

// `1 true yes on`, in any case.
[[nodiscard]] bool is_truthy(std::string_view text);
// Trimmed; blank counts as unset.
[[nodiscard]] std::string trimmed_variable(const Environment& environment, std::string_view name);

}  // namespace omnigraph::embed
