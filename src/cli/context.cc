#include "cli/context.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <system_error>

#include "api/answers.h"
#include "base/text.h"
#include "cli/scope.h"
#include "engine/open_once.h"

namespace omnigraph::cli {

Result<void> Context::load_config() {
  if (config_loaded_) return {};
  std::vector<std::string> warnings;
  OG_ASSIGN_OR_RETURN(config, read_operator_config(operator_home(), warnings));
  for (const std::string& warning : warnings) warn(warning);
  config_loaded_ = true;
  return {};
}

std::optional<std::string> Context::actor() const {
  if (!flags.as.empty()) return flags.as;
  return config.actor;
}

Result<DataTarget> Context::open_data(const std::string& own_uri, const DataAccess& access) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve_scope(flags, config, own_uri, Capability::kData, access.label));
  if (!access.stored.empty() && scope.kind == ScopeKind::kStore) {
    return std::unexpected(bad_request(std::string("stored queries are called by name on a server: '").append(access.stored).append(
        "' needs a server; pass --query FILE or -e TEXT to run a query on this store")));
  }
  DataTarget target{.uri = scope.address, .graph = nullptr, .remote = nullptr};
  if (scope.kind == ScopeKind::kServer) {
    if (access.writes && !flags.as.empty()) {
      return std::unexpected(bad_request("`--as` is not allowed on a served write: the server records the token's actor"));
    }
    OG_ASSIGN_OR_RETURN(client::Endpoint endpoint, served_graph(scope, config));
    target.uri = endpoint.base_url;
    target.remote = std::make_shared<client::RemoteGraph>(std::move(endpoint));
  }
  if (!access.destructive.empty()) OG_RETURN_IF_ERROR(consent(access.destructive, target.uri, access.json));
  if (access.echoes) echo(access.label, target.uri);
  if (target.remote == nullptr) {
    OG_ASSIGN_OR_RETURN(target.graph, engine::open_once(target.uri, access.branch));  // a command is one operation
  }
  return target;
}

Result<client::Endpoint> Context::open_server(std::string_view label) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve_scope(flags, config, "", Capability::kServed, label));
  return served_base(scope, config);
}

Result<std::string> Context::graph_uri(const std::string& own_uri, std::string_view label) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve_scope(flags, config, own_uri, Capability::kDirect, label));
  if (scope.kind == ScopeKind::kCluster) return cluster_graph(scope);
  return scope.address;
}

Result<std::shared_ptr<engine::Graph>> Context::open_graph(const std::string& own_uri, const char* echo_label) {
  OG_ASSIGN_OR_RETURN(const std::string uri, graph_uri(own_uri, echo_label == nullptr ? "lint" : echo_label));
  if (echo_label != nullptr) echo(echo_label, uri);
  return engine::Graph::open(uri);
}

Result<void> Context::consent(std::string_view label, const std::string& uri, bool json) const {
  if (flags.yes || is_local(uri)) return {};
  if (json || isatty(STDIN_FILENO) == 0) {
    return std::unexpected(bad_request(std::string("refusing destructive `").append(label).append("` on ").append(uri).append(
        " without consent; pass --yes")));
  }
  std::fprintf(stderr, "`%.*s` on %s cannot be undone. Type yes to proceed: ", static_cast<int>(label.size()), label.data(), uri.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  const std::string given = base::to_lower_ascii(base::trim_ascii(answer));
  if (given == "yes" || given == "y") return {};
  return std::unexpected(bad_request(std::string("`").append(label).append("` was not confirmed")));
}

void Context::echo(std::string_view label, const std::string& uri) const {
  if (flags.quiet) return;
  const char* access = is_http(uri) ? "served" : is_local(uri) ? "direct, local" : "direct, remote";
  std::fprintf(stderr, "omnigraph %.*s \xe2\x86\x92 %s (%s)\n", static_cast<int>(label.size()), label.data(), uri.c_str(), access);
}

int finish_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return kExitOk;
  // A reader that went away (`| head`) is no failure; a full disk is.
  if (errno == EPIPE) return kExitOk;
  std::fprintf(stderr, "Error: cannot write to standard output: %s\n", std::generic_category().message(errno).c_str());
  return kExitFailure;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) std::_Exit(finish_output());
}

void print_json(const std::string& compact) {
  print(base::pretty_json(compact));
  print("\n");
}

int report(const Error& error, bool json) {
  const bool lost = error.code == Code::kPreconditionFailed;
  if (lost && json) {
    const bool served = error.detail != nullptr && error.detail->field == client::kServerBody;
    print_json(served ? error.detail->json : api::error_body(error));
  } else {
    std::fprintf(stderr, "Error: %s\n", error.render().c_str());
  }
  return lost ? kExitPrecondition : kExitFailure;
}

void warn(std::string_view text) {
  std::fprintf(stderr, "warning: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace omnigraph::cli
