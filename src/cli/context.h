// What every command gets: global flags, operator settings, the graph it addresses, and where output goes.
//
// A new data command serves both lanes like this:
//   1. a row in capability.cc, if its group has none yet;
//   2. OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(own_uri, {.label = "branch merge", .writes =
//   true}));
//   3. `target.remote ? target.remote->merge(..) : target.graph->merge(..)`: a method of client::RemoteGraph that
//      decodes the server's answer into the engine's own result type (client/decode.h), or RemoteGraph::call() for the
//      answer as JSON text;
//   4. one rendering for both, with target.uri where the answer has a `uri`; `report(error, json)` on failure.
// Direct commands (optimize, cleanup, lint ..) use open_graph() or graph_uri(), which also know --cluster.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/result.h"
#include "cli/capability.h"
#include "cli/operator_config.h"
#include "cli/project_file.h"
#include "cli/read_format.h"
#include "cli/scope.h"
#include "client/remote_graph.h"
#include "engine/graph.h"

namespace omnigraph::cli {

// Exit codes (chapter 05 section 1).
enum ExitCode : int { kExitOk = 0, kExitFailure = 1, kExitUsage = 2, kExitPrecondition = 4 };

struct GlobalFlags : ScopeFlags {
  ProjectFlags project;
  bool yes = false;
  bool quiet = false;
};

// What a data command works on: exactly one of `graph` and `remote` is set.
struct DataTarget {
  std::string uri;                              // storage URI as addressed, or the graph's base URL
  std::shared_ptr<engine::Graph> graph;         // embedded: storage in this process, no policy
  std::shared_ptr<client::RemoteGraph> remote;  // served: over HTTP
  std::string default_branch = "main";          // else what the project file says
  // The branch a command works on: the one its flag names, else the default.
  [[nodiscard]] std::string branch_or(const std::string& flag) const { return flag.empty() ? default_branch : flag; }
};

struct DataAccess {
  std::string_view label;          // the command, e.g. `branch create`
  bool writes = false;             // refuses --as on a server
  bool echoes = false;             // says on stderr what it addresses
  std::string_view destructive{};  // non-empty: asks for consent under this name on a target that is not local
  bool json = false;               // no prompts
  std::string_view branch{};       // where the command will look first; empty: the default branch
  std::string_view stored{};       // non-empty: the stored query called, which needs a server
};

class Context {
 public:
  GlobalFlags flags;
  OperatorConfig config;  // read on first use by load_config()

  // Reads the operator files once; warnings go to stderr. Errors: kBadRequest.
  [[nodiscard]] Result<void> load_config();
  // The project file, read on the first call; nullptr: there is none. Errors: kBadRequest.
  [[nodiscard]] Result<const ProjectFile*> project();
  // The project alias that runs: its graph and branch count as the project file's do.
  void run_project_alias(const ProjectAlias& alias) { alias_ = alias; }
  // Settings of output: the operator config's, else the project file's where that is in use.
  [[nodiscard]] std::string output_format() const;
  [[nodiscard]] TableLayout table_layout() const;
  // --as, else operator.actor, else `cli.actor`, else none. Not for served writes, whose actor is the token's.
  [[nodiscard]] std::optional<std::string> actor() const;

  // The data lane: resolves the scope, asks for consent, echoes, then opens the graph or prepares the connection.
  [[nodiscard]] Result<DataTarget> open_data(const std::string& own_uri, const DataAccess& access);
  // The bare base of the server a served command addresses.
  [[nodiscard]] Result<client::Endpoint> open_server(std::string_view label);

  // The graph an operator's alias calls a query on, `flags.server` and `flags.graph` before its own. Nothing is asked.
  [[nodiscard]] Result<DataTarget> open_alias(const std::string& name, const OperatorAlias& alias);
  // The cluster whose applied state a `queries` or `policy` command reads: its root, and --graph.
  [[nodiscard]] Result<Scope> cluster_scope(std::string_view label);

  // Direct commands: the storage URI of the graph addressed by its own URI, --store, --cluster, profile or defaults.
  [[nodiscard]] Result<std::string> graph_uri(const std::string& own_uri, std::string_view label = "lint");
  [[nodiscard]] Result<std::shared_ptr<engine::Graph>> open_graph(const std::string& own_uri,
                                                                  const char* echo_label = nullptr);
  // `--yes`, a local target or a typed `yes`; else `refusing destructive ..`. Prompts on a terminal without `json`.
  [[nodiscard]] Result<void> consent(std::string_view label, const std::string& uri, bool json) const;
  // `omnigraph LABEL → URI (ACCESS)` on stderr unless --quiet.
  void echo(std::string_view label, const std::string& uri) const;

 private:
  [[nodiscard]] ProjectAccess project_access();
  [[nodiscard]] Result<Scope> resolve(const std::string& own_uri, Capability capability, std::string_view label);

  bool config_loaded_ = false;
  bool project_searched_ = false, project_in_use_ = false;
  std::optional<ProjectFile> project_;
  std::optional<ProjectAlias> alias_;
};

// stdout. A closed pipe ends the process quietly, any other failure with an error.
void print(std::string_view text);
// Flushes stdout: kExitOk, or kExitFailure after saying why.
[[nodiscard]] int finish_output();
// One pretty document (2-space indent, final newline) from a compact JSON text.
void print_json(const std::string& compact);
// From here on errors are also told as JSON: the command was given --json.
void report_as_json();
// `Error: <message>` on stderr; returns the exit code: 4 for a lost precondition, 2 for a usage error, else 1.
// With --json the last line on stderr is the error body of the HTTP API, compact; a lost precondition is instead
// {error, precondition_failure} on stdout. A server's whole body is kept where there is one.
int report(const Error& error);
// A mistake in the command line that only the command itself can see: exit 2.
[[nodiscard]] Error usage_error(std::string message);
void warn(std::string_view text);  // `warning: ..` on stderr

}  // namespace omnigraph::cli
