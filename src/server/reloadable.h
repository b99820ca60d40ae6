// The service in force. A reload puts another one in its place; requests that began keep theirs.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <memory>
#include <mutex>

#include "server/service.h"

namespace omnigraph::server {

class Reloadable {
 public:
  explicit Reloadable(std::shared_ptr<Service> first) : current_(std::move(first)) {}

  [[nodiscard]] std::shared_ptr<Service> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // Reads tokens and the applied revision again. An error leaves what is served as it is.
  [[nodiscard]] Result<void> reload() {
    const std::lock_guard one(reload_mutex_);
    OG_ASSIGN_OR_RETURN(auto next, Service::boot(current()->options(), current().get()));
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
    return {};
  }

 private:
  std::mutex reload_mutex_;  // one reload at a time
  mutable std::mutex mutex_;
  std::shared_ptr<Service> current_;  // guarded by mutex_
};

}  // namespace omnigraph::server
