// What one server process serves: graphs opened from the applied revision, tokens, policies and admission.
// Thread safety: immutable after boot, except for admission, which locks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/boot.h"
#include "engine/graph.h"
#include "policy/bundle.h"
#include "query/bound_query.h"
#include "server/admission.h"
#include "server/event_slots.h"
#include "server/options.h"
#include "server/tokens.h"

namespace omnigraph::server {

struct StoredQuery {
  std::string source;
  query::BoundQueryPtr bound;  // against main's schema at boot, for the catalog
};

struct GraphService {
  std::string id;
  std::string uri;
  std::shared_ptr<engine::Graph> graph;
  std::map<std::string, StoredQuery> queries;
  std::shared_ptr<const policy::Bundle> policy;  // null: none bound
};

enum class AuthState { kOpen, kDefaultDeny, kPolicyEnabled };

class Service {
 public:
  // Reads the applied revision, tokens and graphs. Errors refuse the start; their text is what the operator reads.
  [[nodiscard]] static Result<std::shared_ptr<Service>> boot(const Options& options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] AuthState auth_state() const { return auth_state_; }
  [[nodiscard]] const TokenTable& tokens() const { return tokens_; }
  [[nodiscard]] const std::map<std::string, GraphService>& graphs() const { return graphs_; }
  [[nodiscard]] const std::optional<std::string>& source_version() const { return source_version_; }
  [[nodiscard]] Admission& admission() { return admission_; }
  [[nodiscard]] EventSlots& event_slots() { return event_slots_; }

  // The actor of a request; empty in state Open. kUnauthorized.
  [[nodiscard]] Result<std::string> authenticate(std::string_view authorization_header) const;
  // kForbidden with the decision's message.
  [[nodiscard]] Result<void> authorize(const GraphService& graph, const policy::Request& request) const;
  [[nodiscard]] Result<void> authorize_server(const policy::Request& request) const;

 private:
  explicit Service(const Options& options)
      : options_(options), admission_(options.actor_inflight_max, options.actor_bytes_max) {}
  [[nodiscard]] Result<void> open_graphs(const cluster::ServingPlan& plan);
  [[nodiscard]] Result<void> classify(bool any_policy);

  const Options options_;
  Admission admission_;
  EventSlots event_slots_;
  TokenTable tokens_;
  AuthState auth_state_ = AuthState::kOpen;
  std::shared_ptr<const policy::Bundle> server_policy_;
  std::map<std::string, GraphService> graphs_;
  std::optional<std::string> source_version_;
};

}  // namespace omnigraph::server
