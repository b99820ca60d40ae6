// Requests that this process has sent to object stores since it started: S3 requests, each try counted, and on a local
// folder the objects read, looked at or listed. A difference of two readings tells what went out between them, from all
// threads. Thread safety: all functions may be called concurrently.
#pragma once

#include <atomic>
#include <cstdint>

namespace omnigraph::objectstore {

inline std::atomic<std::uint64_t>& request_counter() {
  static std::atomic<std::uint64_t> counter = 0;
  return counter;
}
inline void count_request() { request_counter().fetch_add(1, std::memory_order_relaxed); }
[[nodiscard]] inline std::uint64_t requests_sent() { return request_counter().load(std::memory_order_relaxed); }

}  // namespace omnigraph::objectstore
