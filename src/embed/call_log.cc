#include "embed/call_log.h"

#include <cstdio>

namespace omnigraph::embed {

namespace {

Log& installed_log() {
  static Log& log = *new Log();  // calls may outlive main
  return log;
}

}  // namespace

void install_log(Log log) { installed_log() = std::move(log); }

void told_of(const CallRecord& call) {
  if (installed_log().call) installed_log().call(call);
}

void warned_of(std::string_view warning) {
  if (installed_log().warning) return installed_log().warning(warning);
  std::fprintf(stderr, "warning: %.*s\n", static_cast<int>(warning.size()), warning.data());
}

}  // namespace omnigraph::embed
