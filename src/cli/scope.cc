#include "cli/scope.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "base/text.h"
#include "cli/applied_graph.h"
#include "cli/credentials.h"
#include "cli/names.h"
#include "cluster/declaration.h"

namespace omnigraph::cli {

namespace {

template <class Value>
std::vector<std::string> names_of(const std::map<std::string, Value>& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

// `unknown server 'X'; known: a, b. did you mean 'a'?`
template <class Value>
Error unknown_name(const char* what, const std::string& name, const std::map<std::string, Value>& known) {
  const auto names = names_of(known);
  std::string text = std::string("unknown ").append(what).append(" '").append(name).append("'; ");
  text +=
      names.empty() ? std::string("the operator config defines none") : std::string("known: ").append(joined(names));
  if (const std::string hint = base::did_you_mean(name, names); !hint.empty()) text.append("; ").append(hint);
  return bad_request(std::move(text));
}

Result<std::string> base_url(std::string url, const std::string& named) {
  while (url.ends_with('/') && !url.ends_with("://")) url.pop_back();
  const std::string where = named.empty() ? std::string() : std::string(" (of server '").append(named).append("')");
  if (!is_http(url) || url.ends_with("://")) {
    return std::unexpected(
        bad_request("the server address '" + url + "'" + where + " must be an http:// or https:// URL"));
  }
  const std::size_t authority = url.find("://") + 3;
  if (url.substr(authority, url.find('/', authority) - authority).find('@') != std::string::npos) {
    return std::unexpected(
        bad_request("a server address" + where + " must not hold credentials; store the token with `omnigraph login`"));
  }
  const bool blank = std::ranges::any_of(url, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  if (blank || url.find_first_of("?#") != std::string::npos) {
    return std::unexpected(bad_request("the server address '" + url + "'" + where +
                                       " must be a base URL, without query, fragment or white space"));
  }
  return url;
}

}  // namespace

Result<Scope> server_scope(const std::string& address, std::string source, const OperatorConfig& config) {
  Scope scope{.kind = ScopeKind::kServer, .address = {}, .graph = {}, .source = std::move(source), .server_name = {}};
  if (const auto known = config.servers.find(address); known != config.servers.end()) {
    scope.server_name = address;
    OG_ASSIGN_OR_RETURN(scope.address, base_url(known->second, address));
    return scope;
  }
  if (address.find("://") == std::string::npos) return std::unexpected(unknown_name("server", address, config.servers));
  OG_ASSIGN_OR_RETURN(scope.address, base_url(address, ""));
  return scope;
}

namespace {

Scope cluster_scope(const std::string& address, std::string source, const OperatorConfig& config) {
  const auto known = config.clusters.find(address);
  return {.kind = ScopeKind::kCluster,
          .address = known == config.clusters.end() ? address : known->second,
          .graph = {},
          .source = std::move(source),
          .server_name = {}};
}

Scope store_scope(const std::string& uri, std::string source) {
  return {.kind = ScopeKind::kStore, .address = uri, .graph = {}, .source = std::move(source), .server_name = {}};
}

std::optional<std::string> given(const std::string& flag) {
  return flag.empty() ? std::nullopt : std::optional<std::string>(flag);
}

// An entry of the project file.
Result<Scope> project_scope(const std::string& name, const std::string& source, const ProjectFile& project) {
  const auto entry = project.graphs.find(name);
  if (entry == project.graphs.end()) {
    const auto names = names_of(project.graphs);
    std::string text =
        source + " names graph '" + name + "', which '" + project.path.string() + "' does not define; it defines ";
    text.append(names.empty() ? "none" : joined(names));
    if (const std::string hint = base::did_you_mean(name, names); !hint.empty()) text.append("; ").append(hint);
    return std::unexpected(bad_request(std::move(text)));
  }
  Scope scope = store_scope(entry->second.uri, source);
  if (is_http(scope.address)) {
    scope.kind = ScopeKind::kServer;
    OG_ASSIGN_OR_RETURN(scope.address, base_url(scope.address, ""));
  }
  scope.from_project = true;
  scope.found_project = !project.named;
  scope.token_variable = entry->second.bearer_token_env;
  return scope;
}

Result<std::optional<Scope>> target_scope(const ScopeFlags& flags, const ProjectAccess& project) {
  const ProjectFile* file = nullptr;
  if (project.file) {
    OG_ASSIGN_OR_RETURN(file, project.file());
  }
  if (file == nullptr) {
    return std::unexpected(bad_request("--target '" + project.target +
                                       "' names a graph of a project file, and there is none; pass --config "
                                       "FILE, or address the graph with --store or --server"));
  }
  OG_ASSIGN_OR_RETURN(Scope scope, project_scope(project.target, "--target", *file));
  if (scope.kind == ScopeKind::kServer) {
    scope.graph = given(flags.graph);
  } else if (!flags.graph.empty()) {
    return std::unexpected(bad_request("--target '" + project.target + "' is already a single graph; leave --graph '" +
                                       flags.graph + "' out"));
  }
  return scope;
}

// The graph that the running alias or `cli.graph` names.
Result<std::optional<Scope>> default_project_scope(const ProjectAccess& project) {
  if (!project.file) return std::nullopt;
  OG_ASSIGN_OR_RETURN(const ProjectFile* file, project.file());
  if (file == nullptr) return std::nullopt;
  if (!project.alias_graph && !file->graph) return std::nullopt;
  OG_ASSIGN_OR_RETURN(Scope scope, project.alias_graph
                                       ? project_scope(*project.alias_graph, "the alias's `graph`", *file)
                                       : project_scope(*file->graph, "`cli.graph` of the project file", *file));
  return scope;
}

// Step 1: what the command line itself addresses.
Result<std::optional<Scope>> explicit_scope(const ScopeFlags& flags, const OperatorConfig& config,
                                            const std::string& own_uri, const ProjectAccess& project) {
  const std::pair<const char*, const std::string&> addresses[] = {{"the graph URI", own_uri},
                                                                  {"--store", flags.store},
                                                                  {"--server", flags.server},
                                                                  {"--cluster", flags.cluster},
                                                                  {"--target", project.target}};
  std::vector<std::string> used;
  for (const auto& [name, value] : addresses) {
    if (!value.empty()) used.emplace_back(name);
  }
  if (used.size() > 1) {
    return std::unexpected(bad_request(joined(used) + " are mutually exclusive; pass one of them"));
  }
  if (!own_uri.empty() || !flags.store.empty()) {
    const std::string& uri = own_uri.empty() ? flags.store : own_uri;
    if (!flags.graph.empty()) {
      return std::unexpected(
          bad_request("'" + uri + "' is already a single graph; leave --graph '" + flags.graph + "' out"));
    }
    return store_scope(uri, own_uri.empty() ? "--store" : "the graph URI");
  }
  if (!project.target.empty()) return target_scope(flags, project);
  if (!flags.server.empty()) {
    OG_ASSIGN_OR_RETURN(Scope scope, server_scope(flags.server, "--server", config));
    scope.graph = given(flags.graph);
    return scope;
  }
  if (flags.cluster.empty()) return std::nullopt;
  Scope scope = cluster_scope(flags.cluster, "--cluster", config);
  scope.graph = given(flags.graph);
  return scope;
}

// Steps 2 to 5. `profile`: the flag or the environment; nullopt where the command takes none.
Result<std::optional<Scope>> configured_scope(const ScopeFlags& flags, const std::optional<std::string>& profile,
                                              const OperatorConfig& config, const ProjectAccess& project) {
  std::optional<Scope> scope;
  if (profile) {
    OG_ASSIGN_OR_RETURN(scope, scope_of_profile(*profile, config));
  }
  if (!scope && (project.alias_graph || project.outranks_defaults)) {
    OG_ASSIGN_OR_RETURN(scope, default_project_scope(project));
  }
  if (!scope) {
    OG_ASSIGN_OR_RETURN(scope, scope_of_defaults(config));
  }
  if (!scope) {
    OG_ASSIGN_OR_RETURN(scope, default_project_scope(project));
  }
  if (!scope || flags.graph.empty()) return scope;
  if (scope->kind == ScopeKind::kStore) {
    return std::unexpected(
        bad_request("--graph '" + flags.graph + "' does not apply to a store scope (" + scope->source + ")"));
  }
  scope->graph = flags.graph;
  return scope;
}

Error no_scope(Capability capability, std::string_view label) {
  std::string text;
  switch (capability) {
    case Capability::kServed:
      text =
          std::string("`").append(label).append("` needs a server scope; pass --server <name|url> or --profile <name>");
      break;
    case Capability::kClusterControl:
      text = std::string("`").append(label).append(
          "` needs a cluster; pass --cluster <dir|uri>, or select a cluster profile");
      break;
    case Capability::kDirect:
      text =
          "no graph addressed; pass the graph's storage URI as an argument, with --store or with --cluster <dir> "
          "--graph <id>";
      break;
    default:
      text =
          "no graph addressed; pass --server <name|url> --graph <id>, --store <uri> or --profile <name>, or set "
          "`defaults` in the operator config";
  }
  return bad_request(std::move(text));
}

// The table of chapter 05 section 2.3: which kind of command works on which kind of scope.
Result<void> check_usable(const Scope& scope, Capability capability, std::string_view label) {
  const std::string resolved = scope.source + " resolves a ";
  switch (capability) {
    case Capability::kData:
      if (scope.kind == ScopeKind::kCluster) {
        return std::unexpected(bad_request("a cluster scope (" + scope.source +
                                           ") is not valid for graph data commands; pass "
                                           "--server <name|url> --graph <id> or --store <uri>"));
      }
      if (scope.kind == ScopeKind::kStore && is_http(scope.address)) {
        return std::unexpected(
            bad_request("'" + scope.address + "' is served and must be addressed with `--server <url>`"));
      }
      return {};
    case Capability::kServed:
      if (scope.kind == ScopeKind::kServer) return {};
      return std::unexpected(bad_request(
          std::string("`").append(label).append("` requires a server; ").append(resolved) +
          (scope.kind == ScopeKind::kStore ? "store scope"
                                           : "cluster scope; `omnigraph cluster status` shows what a cluster holds")));
    case Capability::kDirect:
      if (scope.kind == ScopeKind::kServer || is_http(scope.address)) {
        return std::unexpected(bad_request(std::string("`").append(label).append("` needs direct storage access; '") +
                                           scope.address + "' (" + scope.source +
                                           ") is a remote server. Pass the graph's storage URI"));
      }
      return {};
    default: return {};
  }
}

// `url` equals `prefix` or lies below it at a '/'.
bool lies_below(std::string_view url, std::string_view prefix) {
  return url.starts_with(prefix) && (url.size() == prefix.size() || url[prefix.size()] == '/');
}

// The key of `servers:` that a URL belongs to: the longest that fits, `preferred` among equals.
std::optional<std::string> server_of(const std::string& url, const std::string& preferred,
                                     const OperatorConfig& config) {
  std::optional<std::string> best;
  std::size_t length = 0;
  for (const auto& [name, prefix] : config.servers) {
    if (!lies_below(url, prefix)) continue;
    if (best && (prefix.size() < length || (prefix.size() == length && name != preferred))) continue;
    best = name;
    length = prefix.size();
  }
  return best;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets the environment
  if (value == nullptr || base::trim_ascii(value).empty()) return std::nullopt;
  return std::string(base::trim_ascii(value));
}

std::string token_variable(const std::string& server) {
  std::string name = "OMNIGRAPH_TOKEN_";
  for (const char c : server)
    name.push_back(c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return name;
}

// The machine itself: 127.0.0.0/8, ::1 and localhost.
bool is_loopback(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  std::string host = url.substr(begin, url.find('/', begin) - begin);
  if (host.starts_with("[::1]")) return true;
  host = base::to_lower_ascii(host.substr(0, host.find(':')));
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24U) == 127;
  return host == "localhost";
}

// Whoever can put a file into a folder must not learn the operator's token from it.
void note_withheld_token(const std::string& url) {
  static bool said = false;
  if (std::exchange(said, true)) return;
  std::fprintf(
      stderr,
      "note: no token is sent to %s, because only ./omnigraph.yaml names it; name it under `servers:` of the operator "
      "config and store its token with `omnigraph login`\n",
      url.c_str());
}

}  // namespace

bool is_http(std::string_view uri) { return uri.starts_with("http://") || uri.starts_with("https://"); }

bool is_local(std::string_view uri) { return uri.find("://") == std::string_view::npos || uri.starts_with("file://"); }

std::optional<std::string> environment_profile() {
  const char* value = std::getenv("OMNIGRAPH_PROFILE");  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Error unknown_profile(const std::string& name, const OperatorConfig& config) {
  return unknown_name("profile", name, config.profiles);
}

Result<Scope> scope_of_profile(const std::string& name, const OperatorConfig& config) {
  const auto found = config.profiles.find(name);
  if (found == config.profiles.end()) return std::unexpected(unknown_profile(name, config));
  const ProfileConfig& profile = found->second;
  const std::string source = "profile '" + name + "'";
  const int bound = (profile.server ? 1 : 0) + (profile.cluster ? 1 : 0) + (profile.store ? 1 : 0);
  if (bound != 1) {
    return std::unexpected(bad_request(
        source + (bound == 0 ? std::string(" binds no scope") : " binds " + std::to_string(bound) + " scopes") +
        "; set exactly one of server, cluster and store in the operator config"));
  }
  Scope scope =
      profile.store ? store_scope(*profile.store, source) : cluster_scope(profile.cluster.value_or(""), source, config);
  if (profile.server) {
    OG_ASSIGN_OR_RETURN(scope, server_scope(*profile.server, source, config));
  }
  if (!profile.store) scope.graph = profile.default_graph;
  return scope;
}

Result<std::optional<Scope>> scope_of_defaults(const OperatorConfig& config) {
  const std::string source = "operator defaults";
  if (config.default_server && config.default_store) {
    return std::unexpected(bad_request(
        "`defaults` in the operator config binds one entity; remove `defaults.server` or `defaults.store`"));
  }
  if (config.default_store) {
    if (config.default_graph) {
      return std::unexpected(bad_request(
          "`defaults.store` is already a single graph; remove `defaults.default_graph` from the operator config"));
    }
    return store_scope(*config.default_store, source);
  }
  if (!config.default_server) return std::nullopt;
  OG_ASSIGN_OR_RETURN(Scope scope, server_scope(*config.default_server, source, config));
  scope.graph = config.default_graph;
  return scope;
}

Result<Scope> resolve_scope(const ScopeFlags& flags, const OperatorConfig& config, const std::string& own_uri,
                            Capability capability, std::string_view label, const ProjectAccess& project) {
  const CommandKind* kind = command_kind(label);
  const bool takes_profile = kind == nullptr || accepts_flag(*kind, "profile");
  std::optional<std::string> profile;
  if (takes_profile)
    profile = flags.profile.empty() ? environment_profile() : std::optional<std::string>(flags.profile);
  OG_ASSIGN_OR_RETURN(std::optional<Scope> scope, explicit_scope(flags, config, own_uri, project));
  const bool defaults_count = capability != Capability::kClusterControl || profile;
  if (!scope && defaults_count) {
    OG_ASSIGN_OR_RETURN(scope, configured_scope(flags, profile, config, project));
  }
  // Only a cluster counts for commands that read its applied state.
  if (scope && capability == Capability::kClusterControl && scope->kind != ScopeKind::kCluster) scope.reset();
  std::error_code failed;
  if (!scope && capability == Capability::kClusterControl && std::filesystem::exists("cluster.yaml", failed)) {
    scope = cluster_scope(".", "./cluster.yaml", config);
    scope->graph = given(flags.graph);
  }
  if (!scope) return std::unexpected(no_scope(capability, label));
  OG_RETURN_IF_ERROR(check_usable(*scope, capability, label));
  if (scope->graph && !cluster::is_graph_id(*scope->graph)) {
    return std::unexpected(bad_request("'" + *scope->graph + "' is no graph id (" + scope->source +
                                       "): a letter or _, then up to 63 "
                                       "letters, digits, _ and -"));
  }
  return std::move(*scope);
}

Result<std::optional<std::string>> token_for(const std::string& url, const Scope& scope, const OperatorConfig& config) {
  if (const auto server = server_of(url, scope.server_name, config)) {
    if (auto token = environment(token_variable(*server))) return token;
    OG_ASSIGN_OR_RETURN(auto token, read_token(operator_home(), *server));
    if (token) return token;
  }
  std::optional<std::string> token;
  if (scope.token_variable) token = environment(*scope.token_variable);
  if (!token) token = environment("OMNIGRAPH_BEARER_TOKEN");
  if (!token || !scope.found_project || is_loopback(url)) return token;
  note_withheld_token(url);
  return std::nullopt;
}

Result<client::Endpoint> served_base(const Scope& scope, const OperatorConfig& config) {
  OG_ASSIGN_OR_RETURN(auto token, token_for(scope.address, scope, config));
  return client::Endpoint{scope.address, std::move(token)};
}

Result<client::Endpoint> named_graph(const Scope& scope, const OperatorConfig& config) {
  if (!scope.graph) return served_base(scope, config);
  const std::string segments[] = {"graphs", *scope.graph};
  OG_ASSIGN_OR_RETURN(const std::string url, client::url_of(scope.address, segments));
  OG_ASSIGN_OR_RETURN(auto token, token_for(url, scope, config));
  return client::Endpoint{url, std::move(token)};
}

Result<client::Endpoint> served_graph(const Scope& scope, const OperatorConfig& config) {
  if (scope.graph) return named_graph(scope, config);
  OG_ASSIGN_OR_RETURN(client::Endpoint server, served_base(scope, config));
  const auto graphs = client::list_graphs(server);
  if (!graphs || graphs->empty()) return server;  // a graph-scoped address, or nobody may list
  if (scope.from_project && graphs->size() == 1) {
    Scope sole = scope;
    sole.graph = graphs->front().graph_id;
    return named_graph(sole, config);
  }
  std::vector<std::string> ids;
  for (const auto& graph : *graphs) ids.push_back(graph.graph_id);
  return std::unexpected(bad_request("the server at " + scope.address + " (" + scope.source + ") serves [" +
                                     joined(ids) + "]; choose one with --graph <id>"));
}

Result<std::string> cluster_graph(const Scope& scope) {
  OG_ASSIGN_OR_RETURN(const AppliedGraph graph, applied_graph(scope));
  return graph.root.graph_uri(graph.id);
}

}  // namespace omnigraph::cli
