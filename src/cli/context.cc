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
#include "cli/terminal.h"
#include "engine/open_once.h"
#include "engine/vector_search.h"

namespace omnigraph::cli {

namespace {

constexpr std::string_view kUsageDetail = "usage";
bool g_json_errors = false;  // set once, before the command runs

bool environment_is_set(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread at start-up
  return value != nullptr && *value != '\0';
}

}  // namespace

Result<void> Context::load_config() {
  if (config_loaded_) return {};
  std::vector<std::string> warnings;
  OG_ASSIGN_OR_RETURN(config, read_operator_config(operator_home(), warnings));
  for (const std::string& warning : warnings) warn(warning);
  config_loaded_ = true;
  return {};
}

Result<const ProjectFile*> Context::project() {
  if (!project_searched_) {
    OG_ASSIGN_OR_RETURN(const auto place, find_project_file(flags.project.config));
    if (place) {
      OG_ASSIGN_OR_RETURN(project_, read_project_file(*place));
      const char* suppressed = std::getenv("OMNIGRAPH_SUPPRESS_YAML_DEPRECATION");  // NOLINT(concurrency-mt-unsafe)
      if (suppressed == nullptr || std::string_view(suppressed) != "1") {
        warn("'" + place->path.string() +
             "' is a project file, which is deprecated; `omnigraph config migrate` prints what replaces it");
      }
      OG_RETURN_IF_ERROR(load_project_environment(*project_));
    }
    project_searched_ = true;
  }
  return project_ ? &*project_ : nullptr;
}

ProjectAccess Context::project_access() {
  ProjectAccess access{.target = flags.project.target};
  access.outranks_defaults =
      alias_.has_value() || !flags.project.config.empty() || environment_is_set("OMNIGRAPH_CONFIG");
  if (alias_) access.alias_graph = alias_->graph;
  access.file = [this] { return project(); };
  return access;
}

Result<Scope> Context::resolve(const std::string& own_uri, Capability capability, std::string_view label) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(Scope scope, resolve_scope(flags, config, own_uri, capability, label, project_access()));
  if (!flags.project.config.empty()) {
    OG_RETURN_IF_ERROR(project());
  }
  project_in_use_ = scope.from_project || alias_.has_value() || !flags.project.config.empty();
  return scope;
}

std::optional<std::string> Context::actor() const {
  if (!flags.as.empty()) return flags.as;
  if (config.actor) return config.actor;
  return project_in_use_ && project_ ? project_->actor : std::nullopt;
}

std::string Context::output_format() const {
  if (config.output) return *config.output;
  return project_in_use_ && project_ ? project_->output.value_or("table") : "table";
}

TableLayout Context::table_layout() const {
  TableLayout layout;
  if (project_in_use_ && project_) {
    layout.max_column_width = project_->table_max_column_width.value_or(layout.max_column_width);
    layout.wrap = project_->table_wrap.value_or(layout.wrap);
  }
  layout.max_column_width = config.table_max_column_width.value_or(layout.max_column_width);
  layout.wrap = config.table_wrap.value_or(layout.wrap);
  return layout;
}

Result<DataTarget> Context::open_data(const std::string& own_uri, const DataAccess& access) {
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve(own_uri, Capability::kData, access.label));
  if (!access.stored.empty() && scope.kind == ScopeKind::kStore) {
    return std::unexpected(
        bad_request(std::string("stored queries are called by name on a server: '")
                        .append(access.stored)
                        .append("' needs a server; pass --query FILE or -e TEXT to run a query on this store")));
  }
  DataTarget target{.uri = scope.address, .graph = nullptr, .remote = nullptr};
  if (project_in_use_) {
    if (project_ && project_->branch) target.default_branch = *project_->branch;
    if (alias_ && alias_->branch) target.default_branch = *alias_->branch;
  }
  if (scope.kind == ScopeKind::kServer) {
    if (access.writes && !flags.as.empty()) {
      return std::unexpected(
          bad_request("`--as` is not allowed on a served write: the server records the token's actor"));
    }
    OG_ASSIGN_OR_RETURN(client::Endpoint endpoint, served_graph(scope, config));
    target.uri = endpoint.base_url;
    target.remote = std::make_shared<client::RemoteGraph>(std::move(endpoint));
  }
  if (!access.destructive.empty()) OG_RETURN_IF_ERROR(consent(access.destructive, target.uri, access.json));
  if (access.echoes) echo(access.label, target.uri);
  if (target.remote == nullptr) {
    const std::string branch = target.branch_or(std::string(access.branch));
    OG_RETURN_IF_ERROR(engine::configure_vector_search());
    OG_ASSIGN_OR_RETURN(target.graph, engine::open_once(target.uri, branch));  // a command is one operation
  }
  return target;
}

Result<DataTarget> Context::open_alias(const std::string& name, const OperatorAlias& alias) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(Scope scope,
                      server_scope(flags.server.empty() ? alias.server : flags.server, "alias '" + name + "'", config));
  scope.graph = flags.graph.empty() ? alias.graph : std::optional<std::string>(flags.graph);
  OG_ASSIGN_OR_RETURN(client::Endpoint endpoint, named_graph(scope, config));
  DataTarget target{.uri = endpoint.base_url, .graph = nullptr, .remote = nullptr};
  target.remote = std::make_shared<client::RemoteGraph>(std::move(endpoint));
  return target;
}

Result<Scope> Context::cluster_scope(std::string_view label) {
  OG_RETURN_IF_ERROR(load_config());
  return resolve_scope(flags, config, "", Capability::kClusterControl, label);
}

Result<client::Endpoint> Context::open_server(std::string_view label) {
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve("", Capability::kServed, label));
  return served_base(scope, config);
}

Result<std::string> Context::graph_uri(const std::string& own_uri, std::string_view label) {
  OG_ASSIGN_OR_RETURN(const Scope scope, resolve(own_uri, Capability::kDirect, label));
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
    return std::unexpected(bad_request(std::string("refusing destructive `")
                                           .append(label)
                                           .append("` on ")
                                           .append(uri)
                                           .append(" without consent; pass --yes")));
  }
  std::fprintf(stderr, "`%.*s` on %s cannot be undone. Type yes to proceed: ", static_cast<int>(label.size()),
               label.data(), uri.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  const std::string given = base::to_lower_ascii(base::trim_ascii(answer));
  if (given == "yes" || given == "y") return {};
  return std::unexpected(bad_request(std::string("`").append(label).append("` was not confirmed")));
}

void Context::echo(std::string_view label, const std::string& uri) const {
  if (flags.quiet) return;
  const char* access = is_http(uri) ? "served" : is_local(uri) ? "direct, local" : "direct, remote";
  std::fprintf(stderr, "omnigraph %.*s \xe2\x86\x92 %s (%s)\n", static_cast<int>(label.size()), label.data(),
               uri.c_str(), access);
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

void report_as_json() { g_json_errors = true; }

int report(const Error& error) {
  const bool lost = error.code == Code::kPreconditionFailed;
  const bool served = error.detail != nullptr && error.detail->field == client::kServerBody;
  const std::string body = !g_json_errors ? "" : served ? error.detail->json : api::error_body(error);
  if (lost && g_json_errors) {
    print_json(body);
    return kExitPrecondition;
  }
  std::fprintf(stderr, "%s %s\n", colored(stderr, Color::kRed, "Error:").c_str(), error.render().c_str());
  if (g_json_errors) std::fprintf(stderr, "%s\n", body.c_str());
  if (error.detail != nullptr && error.detail->field == kUsageDetail) return kExitUsage;
  return lost ? kExitPrecondition : kExitFailure;
}

Error usage_error(std::string message) {
  return with_detail(bad_request(std::move(message)), std::string(kUsageDetail), "true");
}

void warn(std::string_view text) {
  std::fprintf(stderr, "%s %.*s\n", colored(stderr, Color::kYellow, "warning:").c_str(), static_cast<int>(text.size()),
               text.data());
}

}  // namespace omnigraph::cli
