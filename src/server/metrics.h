// Counters and histograms of one process in the Prometheus text format (chapter 13 section 3.4). Labels come from
// closed sets: routes, statuses, graphs and stored queries; never actors, branches, ids or paths. Thread safety: all
// methods may be called concurrently.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/open_observed.h"

namespace omnigraph::server {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Series exist from here on, at 0. Declaring again is no error.
  void declare_route(std::string_view pattern, const std::vector<int>& statuses);
  void declare_graph(const std::string& graph, const std::vector<std::string>& queries);

  void request_done(std::string_view pattern, int status, double seconds);
  void query_done(std::string_view graph, std::string_view query, double seconds);  // stored name or `adhoc`
  // kind: mutate, load, merge, branch. outcome: committed, unchanged, conflict, refused, failed.
  void write_done(const std::string& graph, std::string_view kind, std::string_view outcome, double seconds);
  void storage_request_done(const std::string& graph, const engine::StorageRequest& request);
  void admission_rejected(std::string_view reason);  // inflight, bytes, streams, events
  void graph_ready(const std::string& graph, bool ready);
  void optimize_due(const std::string& graph, double ratio);  // of its data files, on main

  [[nodiscard]] std::string text() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace omnigraph::server
