// Bounds that a front end puts around the reads of one thread: when to stop, and how much one result may hold. A scope
// counts for what is called on its thread while it lives; the innermost one counts. Thread safety: per thread.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/result.h"

namespace omnigraph::exec {

class ReadScope {
 public:
  // `cancelled` is polled between batches, from any thread. `result_bytes_max` 0: no bound; beyond it a read fails with
  // kResourceLimit (detail resource_limit, resource `query_result_bytes`).
  ReadScope(std::function<bool()> cancelled, std::uint64_t result_bytes_max)
      : cancelled_(std::move(cancelled)), result_bytes_max_(result_bytes_max), outer_(std::exchange(current_, this)) {}
  ~ReadScope() { current_ = outer_; }
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;

  [[nodiscard]] static std::function<bool()> cancelled() {
    return current_ == nullptr ? std::function<bool()>() : current_->cancelled_;
  }
  [[nodiscard]] static std::uint64_t result_bytes_max() {
    return current_ == nullptr ? 0 : current_->result_bytes_max_;
  }
  // What a result beyond the bound fails with. REQUIRES: there is one.
  [[nodiscard]] static Error too_large(std::uint64_t bytes_max);

 private:
  const std::function<bool()> cancelled_;
  const std::uint64_t result_bytes_max_;
  const ReadScope* const outer_;
  static inline thread_local const ReadScope* current_ = nullptr;
};

}  // namespace omnigraph::exec
