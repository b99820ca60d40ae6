// Events of the server on stderr, one line each. OMNIGRAPH_LOG sets the level, alone or by target
// (`warn,http=error,policy=info`); OMNIGRAPH_LOG_FORMAT=json makes each line one JSON object.
// Never tokens, bodies, parameters or URI credentials.
//
// Lines below warn are gathered for kLogGatherMs, so that a busy server makes one system call for many of them; a
// warning or an error goes out at once, behind what was gathered. Whoever ends the process past its static objects
// (_Exit) calls flush_log() first. Thread safety: all functions may be called concurrently.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace omnigraph::server {

enum class LogLevel : std::uint8_t { kError, kWarn, kInfo, kDebug, kTrace };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;

  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const std::string& text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, std::int64_t number) : name(field), value(number) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag) {}
};

// Targets: server, http, policy, query, omnigraph::embedding.
[[nodiscard]] bool logs(LogLevel level, std::string_view target);
void log_event(LogLevel level, std::string_view target, std::string_view message, std::span<const LogField> fields);
inline void log_event(LogLevel level, std::string_view target, std::string_view message,
                      std::initializer_list<LogField> fields = {}) {
  log_event(level, target, message, std::span(fields.begin(), fields.size()));
}

inline constexpr int kLogGatherMs = 2;
void flush_log();

void log_error(std::string_view text);  // target server
void log_warning(std::string_view text);
void log_info(std::string_view text);

}  // namespace omnigraph::server
