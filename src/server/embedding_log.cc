#include "server/embedding_log.h"

#include "embed/call_log.h"
#include "server/log.h"

namespace omnigraph::server {

void install_embedding_log() {
  embed::install_log({
      .call =
          [](const embed::CallRecord& call) {
            log_event(LogLevel::kInfo, embed::kLogTarget, "embedded",
                      {{"provider", call.provider},
                       {"model", call.model},
                       {"dim", static_cast<std::int64_t>(call.dimension)},
                       {"texts", static_cast<std::int64_t>(call.text_count)},
                       {"attempts", call.attempts},
                       {"elapsed_ms", call.elapsed_ms},
                       {"outcome", call.outcome}});
          },
      .warning = [](std::string_view text) { log_event(LogLevel::kWarn, embed::kLogTarget, text); },
  });
}

}  // namespace omnigraph::server
