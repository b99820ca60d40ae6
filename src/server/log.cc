#include "server/log.h"

#include <cstdlib>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace omnigraph::server {

namespace {

// `info`, or a comma list of which the entry without a target counts here.
spdlog::level::level_enum level_of(std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    if (entry == "error") return spdlog::level::err;
    if (entry == "warn") return spdlog::level::warn;
    if (entry == "info") return spdlog::level::info;
    if (entry == "debug") return spdlog::level::debug;
    if (entry == "trace") return spdlog::level::trace;
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("omnigraph", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    const char* level = std::getenv("OMNIGRAPH_LOG");  // NOLINT(concurrency-mt-unsafe): nothing sets it
    made->set_level(level_of(level != nullptr ? level : ""));
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *instance;
}

}  // namespace

void log_error(std::string_view text) { logger().error(text); }
void log_warning(std::string_view text) { logger().warn(text); }
void log_info(std::string_view text) { logger().info(text); }
bool logs_info() { return logger().should_log(spdlog::level::info); }

}  // namespace omnigraph::server
