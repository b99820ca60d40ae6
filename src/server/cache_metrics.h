// The caches of the process (base/cache_use.h) as Prometheus families. Thread safety: free function.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace omnigraph::server {

// omnigraph_cache_bytes, _entries, _bytes_max {cache}; _requests_total {cache, result}; _evictions_total {cache}.
[[nodiscard]] std::vector<prometheus::MetricFamily> cache_families();

}  // namespace omnigraph::server
