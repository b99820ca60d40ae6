#include "server/service.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <openssl/crypto.h>

#include "base/hash.h"
#include "engine/cloud_secret.h"
#include "engine/open_observed.h"
#include "query/compile.h"
#include "server/log.h"

namespace omnigraph::server {

namespace {

constexpr std::size_t kOpenersMax = 4;

// The handle that serves the same graph already: its caches are warm.
std::shared_ptr<engine::Graph> same_graph(const GraphService& opened, const Service* previous) {
  if (previous == nullptr) return nullptr;
  const auto before = previous->graphs().find(opened.id);
  if (before == previous->graphs().end() || before->second.uri != opened.uri) return nullptr;
  const auto provider = [](const std::optional<embed::ProviderConfig>& config) {
    return config ? std::vector<std::string>{config->kind, config->base_url, config->model, config->api_key}
                  : std::vector<std::string>{};
  };
  if (provider(before->second.embedding) != provider(opened.embedding)) return nullptr;
  if (before->second.external_blob_bases != opened.external_blob_bases) return nullptr;
  // A graph that was deleted and made again at the same place is another one.
  if (before->second.graph->storage().graph_id() != opened.graph->storage().graph_id()) return nullptr;
  return before->second.graph;
}

// What a graph tells of its requests to storage goes where its id says.
using ListenerOf = std::function<engine::StorageListener(const std::string& graph)>;

// One graph, ready to serve; the error is the reason for its quarantine.
Result<GraphService> open_graph(const cluster::ServedGraph& served, const Service* previous,
                                const ListenerOf& listener_of) {
  GraphService service;
  service.id = served.id;
  service.uri = served.uri;
  service.embedding = served.embedding;
  service.external_blob_bases = served.external_blob_bases;
  engine::OpenOptions options;
  options.embedding = served.embedding;
  options.external_blob_bases = served.external_blob_bases;
  OG_ASSIGN_OR_RETURN(service.graph, engine::open_observed(served.uri, options, listener_of(served.id)));
  if (auto warm = same_graph(service, previous)) service.graph = std::move(warm);
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
    OG_ASSIGN_OR_RETURN(service.policy,
                        policy::Bundle::parse(*served.policy_source, policy::BundleKind::kGraph, served.id));
  }
  service.writes = std::make_shared<engine::CheckedGraph>(service.graph, service.policy);
  return service;
}

// All of them, a few at a time; results in the order of the plan.
std::vector<Result<GraphService>> open_all(const std::vector<cluster::ServedGraph>& served, const Service* previous,
                                           const ListenerOf& listener_of) {
  std::vector<Result<GraphService>> opened(served.size(), std::unexpected(internal_error("not opened")));
  std::atomic<std::size_t> next{0};
  const auto open_some = [&] {
    for (std::size_t i = next++; i < served.size(); i = next++)
      opened[i] = open_graph(served[i], previous, listener_of);
  };
  std::vector<std::jthread> openers;
  for (std::size_t i = 1; i < std::min(kOpenersMax, served.size()); ++i) openers.emplace_back(open_some);
  open_some();
  return openers.clear(), std::move(opened);
}

// 403 with the message, 500 when the check itself failed.
Result<void> verdict(const policy::Decision& decision) {
  if (decision.allowed) return {};
  if (!decision.failure.empty()) return std::unexpected(internal_error("policy: " + decision.message));
  return std::unexpected(Error{Code::kForbidden, decision.message});
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

Result<std::shared_ptr<Service>> Service::boot(const Options& options, const Service* previous) {
  cluster::Diagnostics diagnostics;
  const auto plan = cluster::read_serving_plan(options.cluster, diagnostics);
  if (!plan) return std::unexpected(not_ready(options.cluster, diagnostics));
  auto process = previous != nullptr ? previous->process_ : std::make_shared<ProcessState>(options);
  std::shared_ptr<Service> service(new Service(options, std::move(process)));
  service->server_policy_ = plan->server_policy;
  service->source_version_ = plan->applied_config_digest;
  OG_ASSIGN_OR_RETURN(service->tokens_, TokenTable::read(embed::process_environment(), engine::read_cloud_secret));
  bool any_policy = plan->server_policy != nullptr;
  for (const auto& graph : plan->graphs) any_policy = any_policy || graph.policy_source.has_value();
  for (const auto& graph : plan->quarantined) any_policy = any_policy || graph.has_policy;
  OG_RETURN_IF_ERROR(service->classify(any_policy));
  OG_RETURN_IF_ERROR(service->open_graphs(*plan, previous));
  return service;
}

Result<void> Service::classify(bool any_policy) {
  if (tokens_.empty() && any_policy) {
    return std::unexpected(
        bad_request("a policy file is configured but no bearer tokens are; set "
                    "OMNIGRAPH_SERVER_BEARER_TOKENS_FILE (policy file is configured but no bearer tokens)"));
  }
  if (tokens_.empty() && !options_.unauthenticated) {
    return std::unexpected(
        bad_request("the server has no bearer tokens and no policy file configured; configure them, or "
                    "pass --unauthenticated to serve everybody"));
  }
  auth_state_ = tokens_.empty() ? AuthState::kOpen : any_policy ? AuthState::kPolicyEnabled : AuthState::kDefaultDeny;
  if (!tokens_.empty()) log_event(LogLevel::kInfo, "server", "bearer tokens", {{"source", tokens_.source()}});
  return {};
}

Result<void> Service::open_graphs(const cluster::ServingPlan& plan, const Service* previous) {
  cluster::Diagnostics faults;
  for (const auto& graph : plan.quarantined) {
    cluster::add_error(faults, graph.code, "graph." + graph.id, graph.reason);
    quarantined_.push_back({graph.id, graph.code, graph.reason});
  }
  // Graphs may outlive this service, not the process's state.
  const auto listener_of = [this](const std::string& graph) {
    return [process = process_, graph](const engine::StorageRequest& request) {
      process->metrics.storage_request_done(graph, request);
    };
  };
  auto opened = open_all(plan.graphs, previous, listener_of);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const std::string& id = plan.graphs[i].id;
    if (opened[i]) {
      log_event(LogLevel::kInfo, "server", "graph routed", {{"graph", id}});
      graphs_.emplace(id, std::move(*opened[i]));
    } else {
      cluster::add_error(faults, "graph_quarantined", "graph." + id, opened[i].error().render());
      quarantined_.push_back({id, "graph_quarantined", opened[i].error().message});
    }
  }
  for (const auto& fault : faults) {
    log_event(LogLevel::kWarn, "server", "quarantined",
              {{"resource", fault.path}, {"code", fault.code}, {"reason", fault.message}});
  }
  if (options_.require_all_graphs && !faults.empty()) return std::unexpected(not_ready(options_.cluster, faults));
  if (graphs_.empty()) {
    cluster::add_error(faults, "cluster_no_healthy_graphs", options_.cluster, "every graph is quarantined");
    return std::unexpected(not_ready(options_.cluster, faults));
  }
  for (const auto& [id, graph] : graphs_) {
    std::vector<std::string> names;
    for (const auto& [name, stored] : graph.queries) names.push_back(name);
    metrics().declare_graph(id, names);
    metrics().graph_ready(id, true);
  }
  for (const Quarantined& graph : quarantined_) metrics().graph_ready(graph.id, false);
  return {};
}

Result<std::string> Service::authenticate(std::string_view authorization_header) const {
  if (auth_state_ == AuthState::kOpen) return std::string();
  return tokens_.authenticate(authorization_header);
}

Result<void> Service::authenticate_metrics(std::string_view authorization_header) const {
  if (options_.metrics_token_digest.empty()) {
    OG_RETURN_IF_ERROR(authenticate(authorization_header));
    return {};
  }
  const auto token = TokenTable::bearer_of(authorization_header);
  if (!token) return std::unexpected(Error{Code::kUnauthorized, "missing bearer token"});
  const std::string digest = base::sha256_raw(*token);
  if (CRYPTO_memcmp(digest.data(), options_.metrics_token_digest.data(), digest.size()) == 0) return {};
  return std::unexpected(Error{Code::kUnauthorized, "invalid bearer token"});
}

namespace {

void log_decision(std::string_view graph, const policy::Request& request, bool allowed, std::string_view rule) {
  if (!logs(LogLevel::kInfo, "policy")) return;
  log_event(LogLevel::kInfo, "policy", "policy decision",
            {{"graph", graph},
             {"actor", request.actor},
             {"action", policy::action_name(request.action)},
             {"branch", request.branch.value_or("")},
             {"target_branch", request.target_branch.value_or("")},
             {"allowed", allowed},
             {"matched_rule", rule}});
}

}  // namespace

Result<void> Service::authorize(const GraphService& graph, const policy::Request& request) const {
  if (auth_state_ == AuthState::kOpen) return {};
  if (graph.policy) {
    const policy::Decision decision = graph.policy->authorize(request);
    log_decision(graph.id, request, decision.allowed, decision.matched_rule_id);
    return verdict(decision);
  }
  const bool allowed = request.action == policy::Action::kRead;
  log_decision(graph.id, request, allowed, "default-deny");
  if (allowed) return {};
  return std::unexpected(Error{
      Code::kForbidden, "policy denied action '" + std::string(policy::action_name(request.action)) + "' for actor '" +
                            request.actor + "': no policy is bound to this graph (default-deny)"});
}

Result<void> Service::authorize_server(const policy::Request& request) const {
  if (server_policy_ && auth_state_ == AuthState::kPolicyEnabled) {
    const policy::Decision decision = server_policy_->authorize(request);
    log_decision("", request, decision.allowed, decision.matched_rule_id);
    return verdict(decision);
  }
  return std::unexpected(
      Error{Code::kForbidden, "listing graphs needs a policy bound to the cluster that allows 'graph_list'"});
}

}  // namespace omnigraph::server
