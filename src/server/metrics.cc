#include "server/metrics.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/version.h"
#include "server/cache_metrics.h"

namespace omnigraph::server {

namespace {

// Seconds. From a point lookup in memory to a cold read of a bucket.
const prometheus::Histogram::BucketBoundaries kSecondsBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                             0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};

constexpr std::string_view kWriteKinds[] = {"mutate", "load", "merge", "branch"};
constexpr std::string_view kWriteOutcomes[] = {"committed", "unchanged", "conflict", "refused", "failed"};
constexpr std::string_view kRejections[] = {"inflight", "bytes", "streams", "events"};

struct RouteSeries {
  prometheus::Histogram* seconds = nullptr;
  std::map<int, prometheus::Counter*> by_status;
};

using QueryKey = std::pair<std::string, std::string>;
struct QueryKeyLess {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return std::pair<std::string_view, std::string_view>(a) < std::pair<std::string_view, std::string_view>(b);
  }
};

// Requests to storage, found by place: every read makes at least one.
class StorageSeries {
 public:
  explicit StorageSeries(prometheus::Registry& registry) {
    auto& requests = prometheus::BuildCounter()
                         .Name("omnigraph_store_requests_total")
                         .Help("Requests to the storage of graphs; exists: a conditional put that lost")
                         .Register(registry);
    auto& seconds = prometheus::BuildHistogram()
                        .Name("omnigraph_store_request_seconds")
                        .Help("Time of requests to storage; of an upload from its opening to its end")
                        .Register(registry);
    auto& bytes = prometheus::BuildCounter()
                      .Name("omnigraph_store_bytes_total")
                      .Help("Bytes that requests to storage read or wrote")
                      .Register(registry);
    for (const std::string_view operation : engine::storage_operations()) {
      const std::string op(operation);
      seconds_.push_back(&seconds.Add({{"op", op}}, kSecondsBounds));
      bytes_.push_back(&bytes.Add({{"op", op}}));
      for (const std::string_view backend : engine::storage_backends()) {
        for (const std::string_view outcome : engine::storage_outcomes()) {
          requests_.push_back(
              &requests.Add({{"backend", std::string(backend)}, {"op", op}, {"outcome", std::string(outcome)}}));
        }
      }
    }
  }

  void add(const engine::StorageRequest& request) {
    const std::size_t backends = engine::storage_backends().size(), outcomes = engine::storage_outcomes().size();
    requests_[(request.operation * backends + request.backend) * outcomes + request.outcome]->Increment();
    seconds_[request.operation]->Observe(std::chrono::duration<double>(request.took).count());
    const std::uint64_t bytes = request.bytes_read + request.bytes_written;
    if (bytes != 0) bytes_[request.operation]->Increment(static_cast<double>(bytes));
  }

 private:
  std::vector<prometheus::Histogram*> seconds_;
  std::vector<prometheus::Counter*> bytes_;
  std::vector<prometheus::Counter*> requests_;  // by operation, backend, outcome
};

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("omnigraph_http_requests_total").Help("Requests answered").Register(registry);
  prometheus::Family<prometheus::Histogram>& request_seconds = prometheus::BuildHistogram()
                                                                   .Name("omnigraph_http_request_seconds")
                                                                   .Help("Time from the headers to the last byte")
                                                                   .Register(registry);
  prometheus::Family<prometheus::Histogram>& query_seconds =
      prometheus::BuildHistogram().Name("omnigraph_query_seconds").Help("Time of read queries").Register(registry);
  prometheus::Family<prometheus::Counter>& commits =
      prometheus::BuildCounter().Name("omnigraph_commits_total").Help("Writes by kind and outcome").Register(registry);
  prometheus::Family<prometheus::Histogram>& commit_seconds =
      prometheus::BuildHistogram().Name("omnigraph_commit_seconds").Help("Time of writes").Register(registry);
  prometheus::Family<prometheus::Counter>& rejected = prometheus::BuildCounter()
                                                          .Name("omnigraph_admission_rejected_total")
                                                          .Help("Requests turned away because too much was in flight")
                                                          .Register(registry);
  prometheus::Family<prometheus::Gauge>& ready = prometheus::BuildGauge()
                                                     .Name("omnigraph_graph_ready")
                                                     .Help("1: the graph is served and its storage answers")
                                                     .Register(registry);
  prometheus::Family<prometheus::Counter>& retries = prometheus::BuildCounter()
                                                         .Name("omnigraph_commit_retries_total")
                                                         .Help("Publishes that another writer was ahead of")
                                                         .Register(registry);
  prometheus::Family<prometheus::Gauge>& due =
      prometheus::BuildGauge()
          .Name("omnigraph_graph_optimize_due_ratio")
          .Help("Share of the data files on main that optimize would write anew")
          .Register(registry);
  StorageSeries storage{registry};
  mutable std::shared_mutex mutex;
  std::map<std::string, RouteSeries, std::less<>> routes;            // guarded by mutex
  std::map<QueryKey, prometheus::Histogram*, QueryKeyLess> queries;  // guarded by mutex
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  prometheus::BuildGauge()
      .Name("omnigraph_build_info")
      .Help("1, with the version")
      .Register(state_->registry)
      .Add({{"version", std::string(base::version())}})
      .Set(1);
  for (const std::string_view reason : kRejections) state_->rejected.Add({{"reason", std::string(reason)}});
}

Metrics::~Metrics() = default;

void Metrics::declare_route(std::string_view pattern, const std::vector<int>& statuses) {
  const std::unique_lock lock(state_->mutex);
  RouteSeries& series = state_->routes[std::string(pattern)];
  const std::string route(pattern);
  if (series.seconds == nullptr) series.seconds = &state_->request_seconds.Add({{"route", route}}, kSecondsBounds);
  for (const int status : statuses) {
    auto& counter = series.by_status[status];
    if (counter == nullptr) counter = &state_->requests.Add({{"route", route}, {"status", std::to_string(status)}});
  }
}

void Metrics::declare_graph(const std::string& graph, const std::vector<std::string>& queries) {
  const std::unique_lock lock(state_->mutex);
  const auto declare = [&](const std::string& query) {
    auto& series = state_->queries[{graph, query}];
    if (series == nullptr) series = &state_->query_seconds.Add({{"graph", graph}, {"query", query}}, kSecondsBounds);
  };
  declare("adhoc");
  for (const std::string& query : queries) declare(query);
  for (const std::string_view kind : kWriteKinds) {
    for (const std::string_view outcome : kWriteOutcomes) {
      state_->commits.Add({{"graph", graph}, {"kind", std::string(kind)}, {"outcome", std::string(outcome)}});
    }
  }
  state_->commit_seconds.Add({{"graph", graph}}, kSecondsBounds);
  state_->retries.Add({{"graph", graph}});
  state_->due.Add({{"graph", graph}});
}

void Metrics::request_done(std::string_view pattern, int status, double seconds) {
  {
    const std::shared_lock lock(state_->mutex);
    const auto series = state_->routes.find(pattern);
    if (series != state_->routes.end()) {
      series->second.seconds->Observe(seconds);
      if (const auto counter = series->second.by_status.find(status); counter != series->second.by_status.end()) {
        counter->second->Increment();
        return;
      }
    }
  }
  state_->requests.Add({{"route", std::string(pattern)}, {"status", std::to_string(status)}}).Increment();
}

void Metrics::query_done(std::string_view graph, std::string_view query, double seconds) {
  const std::shared_lock lock(state_->mutex);
  if (const auto series = state_->queries.find(std::pair(graph, query)); series != state_->queries.end())
    series->second->Observe(seconds);
}

void Metrics::write_done(const std::string& graph, std::string_view kind, std::string_view outcome, double seconds) {
  state_->commits.Add({{"graph", graph}, {"kind", std::string(kind)}, {"outcome", std::string(outcome)}}).Increment();
  state_->commit_seconds.Add({{"graph", graph}}, kSecondsBounds).Observe(seconds);
}

void Metrics::storage_request_done(const std::string& graph, const engine::StorageRequest& request) {
  state_->storage.add(request);
  if (request.lost_race) state_->retries.Add({{"graph", graph}}).Increment();
}

void Metrics::admission_rejected(std::string_view reason) {
  state_->rejected.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::graph_ready(const std::string& graph, bool ready) {
  state_->ready.Add({{"graph", graph}}).Set(ready ? 1 : 0);
}

void Metrics::optimize_due(const std::string& graph, double ratio) { state_->due.Add({{"graph", graph}}).Set(ratio); }

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
  std::ranges::move(cache_families(), std::back_inserter(families));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace omnigraph::server
