#include "server/log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

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

// 2026-01-31T23:59:59.123Z; what lies before the milliseconds is made once a second for each thread.
void append_time(std::string& out) {
  thread_local std::time_t made = 0;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  if (seconds != made) {
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
    made = seconds;
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  out.append(text.data(), size);
  for (const auto digit : {ms / 100, ms / 10 % 10, ms % 10}) out.push_back(static_cast<char>('0' + digit));
  out.push_back('Z');
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
                      std::span<const LogField> fields) {
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
                      std::span<const LogField> fields) {
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

// Whole lines on their way to stderr. Thread safe.
class Gatherer {
 public:
  // Where no thread is to be had, each line goes out by itself.
  static Gatherer& instance() {
    static Gatherer* const made = [] {
      auto* gatherer = new Gatherer;  // never destroyed: static objects that end later may still log
      try {
        std::thread([gatherer] { gatherer->run(); }).detach();
        gatherer->has_thread_ = true;
      } catch (const std::system_error&) {
      }
      std::atexit(flush_log);
      return gatherer;
    }();
    return *made;
  }

  void add(std::string_view line, bool at_once) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = gathered_.empty();
      gathered_.append(line);
      at_once = at_once || !has_thread_ || gathered_.size() > kGatheredBytesMax;
    }
    if (at_once) {
      flush();
    } else if (first) {
      some_.notify_one();
    }
  }

  void flush() {
    const std::lock_guard in_order(write_mutex_);
    std::string lines;
    {
      const std::lock_guard lock(mutex_);
      lines.swap(gathered_);
    }
    if (std::exchange(in_line_, false)) lines.insert(0, "\n");  // what was broken off stays a line of its own
    std::string_view rest = lines;
    while (!rest.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;  // nobody to tell when stderr is full or closed
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    const std::size_t sent = lines.size() - rest.size();
    in_line_ = sent > 0 && lines[sent - 1] != '\n';
  }

 private:
  // Behind a reader that does not read, the one who logs waits.
  static constexpr std::size_t kGatheredBytesMax = std::size_t{256} << 10;

  void run() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        some_.wait(lock, [this] { return !gathered_.empty(); });
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(kLogGatherMs));
      flush();
    }
  }

  std::mutex write_mutex_;  // held while writing; taken before mutex_
  bool in_line_ = false;    // stderr ends within a line; guarded by write_mutex_
  std::mutex mutex_;
  std::condition_variable some_;
  std::string gathered_;     // guarded by mutex_
  bool has_thread_ = false;  // set before the instance is known
};

}  // namespace

void flush_log() { Gatherer::instance().flush(); }

bool logs(LogLevel level, std::string_view target) {
  const Settings& set = settings();
  if (set.by_target.empty()) return level <= set.level;
  const auto own = set.by_target.find(target);
  return level <= (own == set.by_target.end() ? set.level : own->second);
}

void log_event(LogLevel level, std::string_view target, std::string_view message, std::span<const LogField> fields) {
  if (!logs(level, target)) return;
  thread_local std::string line;
  line.clear();
  (settings().json ? append_json_line : append_text_line)(line, level, target, message, fields);
  Gatherer::instance().add(line, level <= LogLevel::kWarn);
}

void log_error(std::string_view text) { log_event(LogLevel::kError, "server", text); }
void log_warning(std::string_view text) { log_event(LogLevel::kWarn, "server", text); }
void log_info(std::string_view text) { log_event(LogLevel::kInfo, "server", text); }

}  // namespace omnigraph::server
