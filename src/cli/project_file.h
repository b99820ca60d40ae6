// The project file `omnigraph.yaml` of older set-ups (chapter 05 section 8): graphs by name, defaults, aliases. It is
// read only when something needs it, so that a broken one stands in nobody's way. Relative paths are resolved against
// its folder, unknown keys are ignored. Thread safety: values.
// Errors: kBadRequest, `could not parse project file ..`.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace omnigraph::cli {

struct ProjectGraph {
  std::string uri;  // a path or storage URI, or an http(s) URL
  std::optional<std::string> bearer_token_env;
  std::optional<std::string> policy_file;
};

// A query or mutation of a file under a name of one's own.
struct ProjectAlias {
  std::string name;        // the alias
  bool mutation = false;   // `command: change` or `mutate`
  std::string query_file;  // as written: looked up in the roots first
  std::string query_name;
  std::vector<std::string> args{};
  std::string params{};  // a JSON object; empty: none
  std::optional<std::string> graph{}, branch{}, format{};
};

struct ProjectFile {
  std::filesystem::path path;
  bool named = false;  // by --config or OMNIGRAPH_CONFIG, not just found in the working directory
  std::map<std::string, ProjectGraph> graphs;
  std::optional<std::string> graph, branch, output, actor;  // `cli.*`
  std::optional<std::size_t> table_max_column_width;
  std::optional<bool> table_wrap;
  std::vector<std::filesystem::path> query_roots;
  std::optional<std::filesystem::path> env_file;
  std::map<std::string, ProjectAlias> aliases;
  std::optional<std::string> policy_file;
  std::optional<std::string> queries;  // `queries` where it is one path
};

// Where the project file is: `--config`, else OMNIGRAPH_CONFIG, else ./omnigraph.yaml where that exists.
struct ProjectPlace {
  std::filesystem::path path;
  bool named = false;
};
// nullopt: none. OMNIGRAPH_NO_LEGACY_CONFIG=1 hides the one found and refuses the named one: kBadRequest.
[[nodiscard]] Result<std::optional<ProjectPlace>> find_project_file(const std::string& config_flag);

[[nodiscard]] Result<ProjectFile> read_project_file(const ProjectPlace& place);

// Sets variables of the file's `auth.env_file` that are not set yet: those of the services the product talks to and
// the tokens its graphs name. Errors: of reading the file. REQUIRES: one thread.
[[nodiscard]] Result<void> load_project_environment(const ProjectFile& project);

// A path of a query in the first root that has it; nullopt: none has.
[[nodiscard]] std::optional<std::filesystem::path> find_in_query_roots(const ProjectFile& project,
                                                                       const std::string& file);

}  // namespace omnigraph::cli
