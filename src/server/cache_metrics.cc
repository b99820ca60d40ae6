#include "server/cache_metrics.h"

#include <string>
#include <utility>

#include "base/cache_use.h"

namespace omnigraph::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily cache_family(std::string_view name, std::string_view help, MetricType type) {
  MetricFamily family;
  family.name = std::string("omnigraph_cache_").append(name);
  family.help = help;
  family.type = type;
  return family;
}

void add_value(MetricFamily& family, Labels labels, double value) {
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

}  // namespace

std::vector<MetricFamily> cache_families() {
  MetricFamily bytes = cache_family("bytes", "Memory that the values of a cache take", MetricType::Gauge);
  MetricFamily bytes_max = cache_family("bytes_max", "Budget of a cache, of all graphs together", MetricType::Gauge);
  MetricFamily entries = cache_family("entries", "Values in a cache", MetricType::Gauge);
  MetricFamily requests = cache_family("requests_total", "Questions to a cache", MetricType::Counter);
  MetricFamily evictions =
      cache_family("evictions_total", "Values that a cache forgot for want of room", MetricType::Counter);
  base::CacheUse::for_each([&](std::string_view name, const base::CacheUse& use) {
    const ClientMetric::Label cache{"cache", std::string(name)};
    add_value(bytes, {cache}, static_cast<double>(use.bytes.load()));
    add_value(bytes_max, {cache}, static_cast<double>(use.bytes_max.load()));
    add_value(entries, {cache}, static_cast<double>(use.entries.load()));
    add_value(requests, {cache, {"result", "hit"}}, static_cast<double>(use.hits.load()));
    add_value(requests, {cache, {"result", "miss"}}, static_cast<double>(use.misses.load()));
    add_value(evictions, {cache}, static_cast<double>(use.evictions.load()));
  });
  return {std::move(bytes), std::move(bytes_max), std::move(entries), std::move(requests), std::move(evictions)};
}

}  // namespace omnigraph::server
