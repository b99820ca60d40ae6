#include "embed/call_log.h"

#include <utility>

namespace omnigraph::embed {

namespace {

CallLog& installed_log() {
  static CallLog& log = *new CallLog();  // calls may outlive main
  return log;
}

}  // namespace

void install_call_log(CallLog log) { installed_log() = std::move(log); }

void log_call(const CallRecord& call) {
  if (installed_log()) installed_log()(call);
}

}  // namespace omnigraph::embed
