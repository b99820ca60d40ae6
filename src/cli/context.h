// What every command gets: global flags, operator settings, the graph it addresses, and where output goes.
//
// A new data command serves both lanes like this:
//   1. a row in capability.cc, if its group has none yet;
//   2. OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(own_uri, {.label = "branch merge", .writes = true}));
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
#include "client/remote_graph.h"
#include "engine/graph.h"

namespace omnigraph::cli {

// Exit codes (chapter 05 section 1).
enum ExitCode : int { kExitOk = 0, kExitFailure = 1, kExitUsage = 2, kExitPrecondition = 4 };

struct GlobalFlags : ScopeFlags {
  bool yes = false;
  bool quiet = false;
};

// What a data command works on: exactly one of `graph` and `remote` is set.
struct DataTarget {
  std::string uri;  // storage URI as addressed, or the graph's base URL
  std::shared_ptr<engine::Graph> graph;         // embedded: storage in this process, no policy
  std::shared_ptr<client::RemoteGraph> remote;  // served: over HTTP
};

struct DataAccess {
  std::string_view label;               // the command, e.g. `branch create`
  bool writes = false;                  // refuses --as on a server
  bool echoes = false;                  // says on stderr what it addresses
  std::string_view destructive{};       // non-empty: asks for consent under this name on a target that is not local
  bool json = false;                    // no prompts
  std::string_view branch = "main";     // where the command will look first
  std::string_view stored{};            // non-empty: the stored query called, which needs a server
};

class Context {
 public:
  GlobalFlags flags;
  OperatorConfig config;  // read on first use by load_config()

  // Reads the operator files once; warnings go to stderr. Errors: kBadRequest.
  [[nodiscard]] Result<void> load_config();
  // --as, else operator.actor, else none. Not for served writes, whose actor is the token's.
  [[nodiscard]] std::optional<std::string> actor() const;

  // The data lane: resolves the scope, asks for consent, echoes, then opens the graph or prepares the connection.
  [[nodiscard]] Result<DataTarget> open_data(const std::string& own_uri, const DataAccess& access);
  // The bare base of the server a served command addresses.
  [[nodiscard]] Result<client::Endpoint> open_server(std::string_view label);

  // Direct commands: the storage URI of the graph addressed by its own URI, --store, --cluster, profile or defaults.
  [[nodiscard]] Result<std::string> graph_uri(const std::string& own_uri, std::string_view label = "lint");
  [[nodiscard]] Result<std::shared_ptr<engine::Graph>> open_graph(const std::string& own_uri, const char* echo_label = nullptr);
  // `--yes`, a local target or a typed `yes`; else `refusing destructive ..`. Prompts on a terminal without `json`.
  [[nodiscard]] Result<void> consent(std::string_view label, const std::string& uri, bool json) const;
  // `omnigraph LABEL → URI (ACCESS)` on stderr unless --quiet.
  void echo(std::string_view label, const std::string& uri) const;

 private:
  bool config_loaded_ = false;
};

// stdout. A closed pipe ends the process quietly, any other failure with an error.
void print(std::string_view text);
// Flushes stdout: kExitOk, or kExitFailure after saying why.
[[nodiscard]] int finish_output();
// One pretty document (2-space indent, final newline) from a compact JSON text.
void print_json(const std::string& compact);
// `Error: <message>` on stderr; returns the exit code: 4 for a lost precondition, else 1. With `json`, a lost
// precondition also prints {error, precondition_failure} on stdout, a server's whole body where there is one.
int report(const Error& error, bool json = false);
void warn(std::string_view text);  // `warning: ..` on stderr

}  // namespace omnigraph::cli
