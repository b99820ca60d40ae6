// The operator's settings: `config.yaml` in $OMNIGRAPH_HOME, else ~/.omnigraph (chapter 05 section 3). Names and
// addresses are kept as written (a leading `~/` is expanded); what they mean is decided where they are used (scope.h).
// Thread safety: values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace omnigraph::cli {

// A scope bundle. Exactly one of server, cluster and store is meant to be set; scope.h checks it on use.
struct ProfileConfig {
  std::optional<std::string> server, cluster, store;
  std::optional<std::string> default_graph;
};

// A stored query of a server under a name of one's own.
struct OperatorAlias {
  std::string server;  // a name of `servers:` or a URL
  std::optional<std::string> graph;
  std::string query;
  std::vector<std::string> args{};  // parameters that ARGS are bound to, in order
  std::string params{};             // a JSON object; empty: none
  std::optional<std::string> format{};
};

struct OperatorConfig {
  std::optional<std::string> actor;
  std::map<std::string, std::string> servers;   // name -> base URL without trailing '/'
  std::map<std::string, std::string> clusters;  // name -> directory or storage root
  std::optional<std::string> default_server, default_store, default_graph;
  std::map<std::string, ProfileConfig> profiles;
  std::optional<std::string> output;  // table kv csv jsonl json
  std::optional<std::size_t> table_max_column_width;
  std::optional<bool> table_wrap;
  std::map<std::string, OperatorAlias> aliases;
};

[[nodiscard]] std::filesystem::path operator_home();
// A missing file is an empty config. Unknown keys go to `warnings`. Errors: `could not parse operator config ..`.
[[nodiscard]] Result<OperatorConfig> read_operator_config(const std::filesystem::path& home,
                                                          std::vector<std::string>& warnings);

}  // namespace omnigraph::cli
