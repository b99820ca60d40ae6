#include "base/warning.h"

#include <cstdio>
#include <mutex>
#include <utility>

namespace omnigraph::base {
namespace {

struct Sink {
  std::mutex mutex;
  WarningSink write;  // guarded by mutex
};

Sink& current_sink() {
  static Sink sink;
  return sink;
}

}  // namespace

void set_warning_sink(WarningSink sink) {
  const std::lock_guard lock(current_sink().mutex);
  current_sink().write = std::move(sink);
}

void warn(std::string_view code, std::string_view text) {
  Sink& sink = current_sink();
  const std::lock_guard lock(sink.mutex);
  if (sink.write) return sink.write(code, text);
  std::fprintf(stderr, "warning: %.*s: %.*s\n", static_cast<int>(code.size()), code.data(),
               static_cast<int>(text.size()), text.data());
}

}  // namespace omnigraph::base
