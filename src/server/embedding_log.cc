#include "server/embedding_log.h"

#include "embed/call_log.h"
#include "server/log.h"

namespace omnigraph::server {

void install_embedding_log() {
  embed::install_call_log([](const embed::CallRecord& call) {
    log_event(LogLevel::kInfo, embed::kLogTarget, "embedded",
              {{"provider", call.provider},
               {"model", call.model},
               {"dim", static_cast<std::int64_t>(call.dimension)},
               {"texts", static_cast<std::int64_t>(call.text_count)},
               {"attempts", call.attempts},
               {"elapsed_ms", call.elapsed_ms},
               {"outcome", call.outcome}});
  });
}

}  // namespace omnigraph::server
