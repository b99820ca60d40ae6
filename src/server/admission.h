// How much one actor may have in flight (chapter 07 section 8). Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"

namespace omnigraph::server {

class Admission {
 public:
  Admission(std::uint32_t inflight_max, std::uint64_t bytes_max) : inflight_max_(inflight_max), bytes_max_(bytes_max) {}

  // A place that is given back when it goes out of scope.
  class Ticket {
   public:
    Ticket(Admission* owner, std::string actor, std::uint64_t bytes)
        : owner_(owner), actor_(std::move(actor)), bytes_(bytes) {}
    Ticket(Ticket&& other) noexcept : owner_(other.owner_), actor_(std::move(other.actor_)), bytes_(other.bytes_) {
      other.owner_ = nullptr;
    }
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (owner_ != nullptr) owner_->release(actor_, bytes_);
    }

   private:
    Admission* owner_;
    std::string actor_;
    std::uint64_t bytes_;
  };

  // kTooManyRequests: `actor in-flight count cap <cap> exceeded` or `actor byte budget exceeded: ..`.
  [[nodiscard]] Result<Ticket> admit(const std::string& actor, std::uint64_t bytes);

 private:
  void release(const std::string& actor, std::uint64_t bytes);
  struct Use {
    std::uint32_t requests = 0;
    std::uint64_t bytes = 0;
  };
  const std::uint32_t inflight_max_;
  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  std::map<std::string, Use> uses_;  // guarded by mutex_
};

}  // namespace omnigraph::server
