#include "server/service.h"

#include "query/compile.h"
#include "server/log.h"

namespace omnigraph::server {

namespace {

// One graph, ready to serve; the error is the reason for its quarantine.
Result<GraphService> open_graph(const cluster::ServedGraph& served) {
  GraphService service;
  service.id = served.id;
  service.uri = served.uri;
  engine::OpenOptions options;
  options.embedding = served.embedding;
  OG_ASSIGN_OR_RETURN(service.graph, engine::Graph::open(served.uri, options));
  for (const auto& [name, source] : served.queries) {
    auto bound = service.graph->compile(source, name, "main");
    if (!bound) {
      Error error = std::move(bound).error();
      error.message = "stored query '" + name + "': " + error.message;
      return std::unexpected(std::move(error));
    }
    service.queries.emplace(name, StoredQuery{source, *bound});
  }
  if (served.policy_source) {
    OG_ASSIGN_OR_RETURN(service.policy, policy::Bundle::parse(*served.policy_source, policy::BundleKind::kGraph));
  }
  return service;
}

Error not_ready(const std::string& cluster, const cluster::Diagnostics& diagnostics) {
  std::string text = "the cluster at '" + cluster + "' is not ready to serve:";
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.severity != cluster::Severity::kError) continue;
    text += "\n  [" + diagnostic.code + "] " + diagnostic.path + ": " + diagnostic.message;
  }
  return bad_request(std::move(text));
}

}  // namespace

Result<std::shared_ptr<Service>> Service::boot(const Options& options) {
  cluster::Diagnostics diagnostics;
  const auto plan = cluster::read_serving_plan(options.cluster, diagnostics);
  if (!plan) return std::unexpected(not_ready(options.cluster, diagnostics));
  std::shared_ptr<Service> service(new Service(options));
  service->server_policy_ = plan->server_policy;
  service->source_version_ = plan->applied_config_digest;
  OG_ASSIGN_OR_RETURN(service->tokens_, TokenTable::read(embed::process_environment()));
  bool any_policy = plan->server_policy != nullptr;
  for (const auto& graph : plan->graphs) any_policy = any_policy || graph.policy_source.has_value();
  for (const auto& graph : plan->quarantined) any_policy = any_policy || graph.has_policy;
  OG_RETURN_IF_ERROR(service->classify(any_policy));
  OG_RETURN_IF_ERROR(service->open_graphs(*plan));
  return service;
}

Result<void> Service::classify(bool any_policy) {
  if (tokens_.empty() && any_policy) {
    return std::unexpected(bad_request("a policy file is configured but no bearer tokens are; set "
                                       "OMNIGRAPH_SERVER_BEARER_TOKENS_FILE (policy file is configured but no bearer tokens)"));
  }
  if (tokens_.empty() && !options_.unauthenticated) {
    return std::unexpected(bad_request("the server has no bearer tokens and no policy file configured; configure them, or "
                                       "pass --unauthenticated to serve everybody"));
  }
  auth_state_ = tokens_.empty() ? AuthState::kOpen : any_policy ? AuthState::kPolicyEnabled : AuthState::kDefaultDeny;
  if (!tokens_.empty()) log_info("bearer tokens from env-or-file");
  return {};
}

Result<void> Service::open_graphs(const cluster::ServingPlan& plan) {
  cluster::Diagnostics faults;
  for (const auto& graph : plan.quarantined) {
    cluster::add_error(faults, graph.code, "graph." + graph.id, graph.reason);
  }
  for (const cluster::ServedGraph& served : plan.graphs) {
    auto graph = open_graph(served);
    if (graph) {
      log_info("graph routed: " + served.id);
      graphs_.emplace(served.id, std::move(*graph));
    } else {
      cluster::add_error(faults, "graph_quarantined", "graph." + served.id, graph.error().render());
    }
  }
  for (const auto& fault : faults) log_warning("quarantined " + fault.path + " [" + fault.code + "]: " + fault.message);
  if (options_.require_all_graphs && !faults.empty()) return std::unexpected(not_ready(options_.cluster, faults));
  if (!graphs_.empty()) return {};
  cluster::add_error(faults, "cluster_no_healthy_graphs", options_.cluster, "every graph is quarantined");
  return std::unexpected(not_ready(options_.cluster, faults));
}

Result<std::string> Service::authenticate(std::string_view authorization_header) const {
  if (auth_state_ == AuthState::kOpen) return std::string();
  return tokens_.authenticate(authorization_header);
}

Result<void> Service::authorize(const GraphService& graph, const policy::Request& request) const {
  if (auth_state_ == AuthState::kOpen) return {};
  if (graph.policy) {
    const policy::Decision decision = graph.policy->authorize(request);
    if (logs_info()) log_info(decision.message + (decision.matched_rule_id.empty() ? "" : " by rule " + decision.matched_rule_id));
    if (decision.allowed) return {};
    return std::unexpected(Error{Code::kForbidden, decision.message});
  }
  if (request.action == policy::Action::kRead) return {};
  return std::unexpected(Error{Code::kForbidden, "policy denied action '" + std::string(policy::action_name(request.action)) +
                                                     "' for actor '" + request.actor +
                                                     "': no policy is bound to this graph (default-deny)"});
}

Result<void> Service::authorize_server(const policy::Request& request) const {
  if (server_policy_ && auth_state_ == AuthState::kPolicyEnabled) {
    const policy::Decision decision = server_policy_->authorize(request);
    if (decision.allowed) return {};
    return std::unexpected(Error{Code::kForbidden, decision.message});
  }
  return std::unexpected(Error{Code::kForbidden, "listing graphs needs a policy bound to the cluster that allows 'graph_list'"});
}

}  // namespace omnigraph::server
