// A graph whose requests to storage are told to a listener: for hosts that publish metrics. Operations and outcomes are
// closed sets, so that they can be labels. Thread safety: free functions; the listener is called concurrently, also by
// background work of the graph, and must not call the graph.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/graph.h"

namespace omnigraph::engine {

[[nodiscard]] std::span<const std::string_view> storage_backends();    // local s3
[[nodiscard]] std::span<const std::string_view> storage_operations();  // get head put .. (objectstore/observed_store.h)
[[nodiscard]] std::span<const std::string_view> storage_outcomes();    // ok absent exists failed

struct StorageRequest {
  std::size_t backend = 0, operation = 0, outcome = 0;  // places in the lists above
  std::uint64_t bytes_read = 0, bytes_written = 0;
  std::chrono::nanoseconds took{};
  bool lost_race = false;  // a publish whose place in the log another writer had taken: the write is run again
};
using StorageListener = std::function<void(const StorageRequest&)>;

// As Graph::open.
[[nodiscard]] Result<std::shared_ptr<Graph>> open_observed(const std::string& uri, const OpenOptions& options,
                                                           StorageListener listener);

}  // namespace omnigraph::engine
