#include "server/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>

#include "base/json_writer.h"
#include "base/text.h"

namespace omnigraph::server {

namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"error", "warn", "info", "debug", "trace"};

std::optional<LogLevel> level_of(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

struct Settings {
  LogLevel level = LogLevel::kInfo;
  std::map<std::string, LogLevel, std::less<>> by_target;
  bool json = false;
};

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value == nullptr ? std::string_view() : base::trim_ascii(value);
}

const Settings& settings() {
  static const Settings instance = [] {
    Settings made;
    for (std::string_view text = variable("OMNIGRAPH_LOG"); !text.empty();) {
      const std::size_t comma = text.find(',');
      const std::string_view entry = base::trim_ascii(text.substr(0, comma));
      text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
      const std::size_t equals = entry.find('=');
      const auto level = level_of(equals == std::string_view::npos ? entry : entry.substr(equals + 1));
      if (!level) continue;
      if (equals == std::string_view::npos) {
        made.level = *level;
      } else {
        made.by_target.insert_or_assign(std::string(entry.substr(0, equals)), *level);
      }
    }
    made.json = variable("OMNIGRAPH_LOG_FORMAT") == "json";
    return made;
  }();
  return instance;
}

// 2026-01-31T23:59:59.123Z
void append_time(std::string& out) {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
  text[size++] = static_cast<char>('0' + ms / 100);
  text[size++] = static_cast<char>('0' + ms / 10 % 10);
  text[size++] = static_cast<char>('0' + ms % 10);
  text[size++] = 'Z';
  out.append(text.data(), size);
}

void append_value(std::string& out, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    const bool plain = !settings().json && !text->empty() && text->find_first_of(" \"=\n\t") == std::string_view::npos;
    if (plain && base::is_valid_utf8(*text)) {
      out.append(*text);
    } else {
      base::append_json_string(out, base::is_valid_utf8(*text) ? *text : std::string_view("(not UTF-8)"));
    }
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out.append(std::to_string(*number));
  } else {
    out.append(std::get<bool>(field.value) ? "true" : "false");
  }
}

void append_json_line(std::string& line, LogLevel level, std::string_view target, std::string_view message,
                      std::initializer_list<LogField> fields) {
  line.append("{\"time\":\"");
  append_time(line);
  line.append("\",\"level\":\"").append(kLevelNames[static_cast<std::size_t>(level)]);
  line.append("\",\"target\":\"").append(target).append("\",\"message\":");
  base::append_json_string(line, message);
  for (const LogField& field : fields) {
    line.append(",\"").append(field.name).append("\":");
    append_value(line, field);
  }
  line.append("}\n");
}

void append_text_line(std::string& line, LogLevel level, std::string_view target, std::string_view message,
                      std::initializer_list<LogField> fields) {
  append_time(line);
  line.append(" ")
      .append(kLevelNames[static_cast<std::size_t>(level)])
      .append(" ")
      .append(target)
      .append(": ")
      .append(message);
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=");
    append_value(line, field);
  }
  line.push_back('\n');
}

}  // namespace

bool logs(LogLevel level, std::string_view target) {
  const Settings& set = settings();
  if (set.by_target.empty()) return level <= set.level;
  const auto own = set.by_target.find(target);
  return level <= (own == set.by_target.end() ? set.level : own->second);
}

void log_event(LogLevel level, std::string_view target, std::string_view message,
               std::initializer_list<LogField> fields) {
  if (!logs(level, target)) return;
  std::string line;
  (settings().json ? append_json_line : append_text_line)(line, level, target, message, fields);
  // One call a line: lines of several threads do not mix. Nobody to tell when stderr is full or closed.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void log_error(std::string_view text) { log_event(LogLevel::kError, "server", text); }
void log_warning(std::string_view text) { log_event(LogLevel::kWarn, "server", text); }
void log_info(std::string_view text) { log_event(LogLevel::kInfo, "server", text); }

}  // namespace omnigraph::server
