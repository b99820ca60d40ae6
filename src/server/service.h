// What one server process serves: graphs opened from the applied revision, tokens and policies.
// Thread safety: immutable after boot, except for what lives as long as the process (admission, metrics), which locks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/boot.h"
#include "engine/checked_graph.h"
#include "engine/graph.h"
#include "policy/bundle.h"
#include "query/bound_query.h"
#include "server/admission.h"
#include "server/event_slots.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/readiness.h"
#include "server/tokens.h"

namespace omnigraph::server {

struct StoredQuery {
  std::string source;
  query::BoundQueryPtr bound;  // against main's schema at boot, for the catalog
};

struct GraphService {
  std::string id;
  std::string uri;
  std::shared_ptr<engine::Graph> graph;  // for reads
  // For writes: the engine judges them once more, by the same bundle (chapter 08 section 6).
  std::shared_ptr<engine::CheckedGraph> writes;
  std::map<std::string, StoredQuery> queries;
  std::shared_ptr<const policy::Bundle> policy;  // null: none bound
  std::vector<std::string> external_blob_bases;
  std::optional<embed::ProviderConfig> embedding;
};

// Part of the applied revision, and not served.
struct Quarantined {
  std::string id, code, reason;
};

// What a reload does not touch.
struct ProcessState {
  explicit ProcessState(const Options& options) : admission(options.actor_inflight_max, options.actor_bytes_max) {}
  Admission admission;
  EventSlots event_slots;
  Metrics metrics;
  Readiness readiness;
};

enum class AuthState { kOpen, kDefaultDeny, kPolicyEnabled };

class Service {
 public:
  // Reads the applied revision, tokens and graphs. Errors refuse the start; their text is what the operator reads.
  // `previous`: what is served now; its graphs stay open where they are the same.
  [[nodiscard]] static Result<std::shared_ptr<Service>> boot(const Options& options, const Service* previous = nullptr);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] AuthState auth_state() const { return auth_state_; }
  [[nodiscard]] const TokenTable& tokens() const { return tokens_; }
  [[nodiscard]] const std::map<std::string, GraphService>& graphs() const { return graphs_; }
  [[nodiscard]] const std::optional<std::string>& source_version() const { return source_version_; }
  [[nodiscard]] const std::vector<Quarantined>& quarantined() const { return quarantined_; }
  [[nodiscard]] Admission& admission() { return process_->admission; }
  [[nodiscard]] EventSlots& event_slots() { return process_->event_slots; }
  [[nodiscard]] Readiness& readiness() { return process_->readiness; }
  [[nodiscard]] Metrics& metrics() { return process_->metrics; }

  // The actor of a request; empty in state Open. kUnauthorized.
  [[nodiscard]] Result<std::string> authenticate(std::string_view authorization_header) const;
  // Who may read /metrics. kUnauthorized.
  [[nodiscard]] Result<void> authenticate_metrics(std::string_view authorization_header) const;
  // kForbidden with the decision's message.
  [[nodiscard]] Result<void> authorize(const GraphService& graph, const policy::Request& request) const;
  [[nodiscard]] Result<void> authorize_server(const policy::Request& request) const;

 private:
  Service(const Options& options, std::shared_ptr<ProcessState> process)
      : options_(options), process_(std::move(process)) {}
  [[nodiscard]] Result<void> open_graphs(const cluster::ServingPlan& plan, const Service* previous);
  [[nodiscard]] Result<void> classify(bool any_policy);

  const Options options_;
  const std::shared_ptr<ProcessState> process_;
  TokenTable tokens_;
  AuthState auth_state_ = AuthState::kOpen;
  std::shared_ptr<const policy::Bundle> server_policy_;
  std::map<std::string, GraphService> graphs_;
  std::vector<Quarantined> quarantined_;
  std::optional<std::string> source_version_;
};

}  // namespace omnigraph::server
