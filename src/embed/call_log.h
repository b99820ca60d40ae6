// Where calls of providers are told about (chapter 04 section 5.8). A process installs its own log once, before the
// first call; without one they go nowhere. Never texts, never keys.
// Thread safety: log_call() may be called concurrently; install_call_log() before any of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace omnigraph::embed {

inline constexpr std::string_view kLogTarget = "omnigraph::embedding";

struct CallRecord {
  std::string_view provider, model;
  std::uint32_t dimension = 0;
  std::size_t text_count = 0;
  std::int64_t attempts = 0;
  std::int64_t elapsed_ms = 0;
  std::string_view outcome;  // ok, refused, failed, deadline
};

using CallLog = std::function<void(const CallRecord&)>;
void install_call_log(CallLog log);  // empty: none
void log_call(const CallRecord& call);

}  // namespace omnigraph::embed
