// What every command gets: global flags, operator settings, and where output goes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/result.h"
#include "cli/operator_config.h"
#include "engine/graph.h"

namespace omnigraph::cli {

// Exit codes (chapter 05 section 1).
enum ExitCode : int { kExitOk = 0, kExitFailure = 1, kExitUsage = 2, kExitPrecondition = 4 };

struct GlobalFlags {
  std::string store;
  std::string as;
  bool yes = false;
  bool quiet = false;
};

class Context {
 public:
  GlobalFlags flags;
  OperatorConfig config;  // read on first use by load_config()

  // Reads the operator files once; warnings go to stderr. Errors: kBadRequest.
  [[nodiscard]] Result<void> load_config();
  // --as, else operator.actor, else none.
  [[nodiscard]] std::optional<std::string> actor() const;
  // The graph a command addresses: its own URI, --store, or `defaults.store`. Two at once are an error.
  [[nodiscard]] Result<std::string> graph_uri(const std::string& own_uri) const;
  [[nodiscard]] Result<std::shared_ptr<engine::Graph>> open_graph(const std::string& own_uri, const char* echo_label = nullptr);
  // `omnigraph LABEL → URI (direct, local)` on stderr unless --quiet.
  void echo(std::string_view label, std::string_view uri) const;

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
// precondition also prints {error, precondition_failure} on stdout.
int report(const Error& error, bool json = false);
void warn(std::string_view text);  // `warning: ..` on stderr

}  // namespace omnigraph::cli
