// Places for streams that stay open, bounded for the whole process. Thread safety: all methods, concurrently.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace omnigraph::server {

// An idle event stream holds a socket and a probe a second for each branch that is watched, no thread.
inline constexpr std::uint32_t kEventStreamsMax = 64;

class EventSlots {
 public:
  // A place, given back with the last copy of what is returned. kTooManyRequests.
  [[nodiscard]] Result<std::shared_ptr<const void>> take() {
    if (open_->fetch_add(1) >= kEventStreamsMax) {
      open_->fetch_sub(1);
      return std::unexpected(Error{Code::kTooManyRequests, "event stream cap " + std::to_string(kEventStreamsMax) +
                                                               " exceeded; close one, or poll the changes instead"});
    }
    return std::shared_ptr<const void>(open_.get(), [open = open_](const void*) { open->fetch_sub(1); });
  }

 private:
  const std::shared_ptr<std::atomic<std::uint32_t>> open_ = std::make_shared<std::atomic<std::uint32_t>>(0);
};

}  // namespace omnigraph::server
