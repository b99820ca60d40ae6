// Which graph, server or cluster a command addresses: chapter 05 sections 2.2 to 2.4. Resolution reads flags,
// environment and operator config only; the network is asked in served_graph() alone, the ledger in cluster_graph().
// Errors: kBadRequest with the texts of the chapter. Thread safety: free functions.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/capability.h"
#include "cli/operator_config.h"
#include "cli/project_file.h"
#include "client/remote_graph.h"

namespace omnigraph::cli {

enum class ScopeKind { kServer, kStore, kCluster };

struct Scope {
  ScopeKind kind = ScopeKind::kStore;
  std::string address;               // base URL without trailing '/', storage URI, or cluster directory or root
  std::optional<std::string> graph;  // of a server or cluster
  std::string source;                // for messages: `--server`, `profile 'p'`, `operator defaults`, ..
  std::string server_name;           // key of `servers:` the address came from; may be empty
  bool from_project = false;         // an entry of the project file; then:
  bool found_project = false;        //   of one that nobody named: secrets go to this machine only
  std::optional<std::string> token_variable{};
};

// The project file as the resolution sees it; all empty for commands that know none.
struct ProjectAccess {
  std::string target{};                                // --target: an explicit address
  std::optional<std::string> alias_graph{};            // of the project alias that runs
  bool outranks_defaults = false;                      // the file was named, or a project alias runs
  std::function<Result<const ProjectFile*>()> file{};  // reads it; null: there is none
};

// The scope of a command of `capability`. `own_uri`: its positional URI or --uri, else empty. `label`: for messages.
// A scope the capability cannot use is refused here.
[[nodiscard]] Result<Scope> resolve_scope(const ScopeFlags& flags, const OperatorConfig& config,
                                          const std::string& own_uri, Capability capability, std::string_view label,
                                          const ProjectAccess& project = {});

// `--server` and the like: a key of `servers:`, or a URL.
[[nodiscard]] Result<Scope> server_scope(const std::string& address, std::string source, const OperatorConfig& config);

// OMNIGRAPH_PROFILE; empty counts as unset.
[[nodiscard]] std::optional<std::string> environment_profile();

// What a profile or the flat defaults bind, without resolving a graph: for `profile list` and `profile show`.
// kBadRequest: `binds no scope`, `binds N scopes`, unknown names, addresses that cannot be used.
[[nodiscard]] Result<Scope> scope_of_profile(const std::string& name, const OperatorConfig& config);
// nullopt: no defaults.
[[nodiscard]] Result<std::optional<Scope>> scope_of_defaults(const OperatorConfig& config);
[[nodiscard]] Error unknown_profile(const std::string& name, const OperatorConfig& config);

// The token for calls below `url` (chapter 05 section 2.4); nullopt: none, so no header.
[[nodiscard]] Result<std::optional<std::string>> token_for(const std::string& url, const Scope& scope,
                                                           const OperatorConfig& config);

// A server's bare base. REQUIRES: kServer.
[[nodiscard]] Result<client::Endpoint> served_base(const Scope& scope, const OperatorConfig& config);
// The graph of a server scope as it is named, without asking the server anything.
[[nodiscard]] Result<client::Endpoint> named_graph(const Scope& scope, const OperatorConfig& config);
// The same; without a graph id the server is asked which graphs it has.
[[nodiscard]] Result<client::Endpoint> served_graph(const Scope& scope, const OperatorConfig& config);
// Storage URI of a cluster scope's graph, from the applied state. REQUIRES: kCluster.
[[nodiscard]] Result<std::string> cluster_graph(const Scope& scope);

// No `://`, or `file://`.
[[nodiscard]] bool is_local(std::string_view uri);
[[nodiscard]] bool is_http(std::string_view uri);

}  // namespace omnigraph::cli
