// Where calls of providers are told about (chapter 04 section 5.8). A process installs its own log once, before the
// first call; without one, warnings go to stderr and calls nowhere. Never texts, never keys.
// Thread safety: told_of() and warned_of() may be called concurrently; install_log() before any of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
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

struct Log {
  std::function<void(const CallRecord&)> call{};
  std::function<void(std::string_view)> warning{};
};

void install_log(Log log);
void told_of(const CallRecord& call);
void warned_of(std::string_view warning);

}  // namespace omnigraph::embed
