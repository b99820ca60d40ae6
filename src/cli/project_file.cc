#include "cli/project_file.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "cli/yaml_json.h"

namespace omnigraph::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFileName = "omnigraph.yaml";

bool switched_on(const char* variable) {
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
}

// A member of a mapping; absent where `map` is absent itself.
YAML::Node member(const YAML::Node& map, const std::string& where, const char* key) {
  if (!yaml_present(map)) return YAML::Node(YAML::NodeType::Null);
  if (!map.IsMap()) throw YAML::Exception(map.Mark(), "`" + where + "` must be a mapping");
  return map[key];
}

std::vector<std::string> texts(const YAML::Node& node, const std::string& where) {
  std::vector<std::string> list;
  if (!yaml_present(node)) return list;
  if (!node.IsSequence()) throw YAML::Exception(node.Mark(), "`" + where + "` must be a list");
  for (const YAML::Node& item : node) list.push_back(yaml_text(item).value_or(""));
  return list;
}

class Reader {
 public:
  explicit Reader(const ProjectPlace& place) : folder_(place.path.parent_path()) {
    project_.path = place.path;
    project_.named = place.named;
  }

  ProjectFile read(const YAML::Node& root) {
    if (!yaml_present(root)) return std::move(project_);
    if (!root.IsMap()) throw YAML::Exception(root.Mark(), "the file must be a mapping");
    read_graphs(root["graphs"]);
    read_cli(root["cli"]);
    for (const std::string& path : texts(member(root["query"], "query", "roots"), "query.roots")) {
      project_.query_roots.emplace_back(place(path));
    }
    if (const auto file = yaml_text(member(root["auth"], "auth", "env_file"))) project_.env_file = place(*file);
    project_.policy_file = place(yaml_text(member(root["policy"], "policy", "file")));
    if (const YAML::Node queries = root["queries"]; yaml_present(queries) && queries.IsScalar())
      project_.queries = place(queries.Scalar());
    read_aliases(root["aliases"]);
    return std::move(project_);
  }

 private:
  // Relative to the file's folder; URIs and absolute paths stay.
  [[nodiscard]] std::string place(const std::string& path) const {
    if (path.find("://") != std::string::npos || fs::path(path).is_absolute() || folder_.empty()) return path;
    return (folder_ / path).lexically_normal().string();
  }
  [[nodiscard]] std::optional<std::string> place(std::optional<std::string> path) const {
    if (path) path = place(*path);
    return path;
  }

  void read_graphs(const YAML::Node& map) {
    if (!yaml_present(map)) return;
    if (!map.IsMap()) throw YAML::Exception(map.Mark(), "`graphs` must be a mapping");
    for (const auto& entry : map) {
      const std::string name = entry.first.Scalar();
      const std::string where = "graphs." + name;
      const auto uri = yaml_text(member(entry.second, where, "uri"));
      if (!uri) throw YAML::Exception(entry.first.Mark(), "`" + where + "` needs `uri`");
      project_.graphs[name] = {
          .uri = place(*uri),
          .bearer_token_env = yaml_text(member(entry.second, where, "bearer_token_env")),
          .policy_file = place(yaml_text(member(member(entry.second, where, "policy"), where + ".policy", "file")))};
    }
  }

  void read_cli(const YAML::Node& cli) {
    project_.graph = yaml_text(member(cli, "cli", "graph"));
    project_.branch = yaml_text(member(cli, "cli", "branch"));
    project_.output = yaml_text(member(cli, "cli", "output_format"));
    project_.actor = yaml_text(member(cli, "cli", "actor"));
    if (const YAML::Node width = member(cli, "cli", "table_max_column_width"); yaml_present(width)) {
      project_.table_max_column_width = width.as<std::size_t>();
    }
    if (const auto layout = yaml_text(member(cli, "cli", "table_cell_layout"))) {
      if (*layout != "truncate" && *layout != "wrap") {
        throw YAML::Exception(cli.Mark(), "`cli.table_cell_layout` must be truncate or wrap");
      }
      project_.table_wrap = *layout == "wrap";
    }
  }

  void read_aliases(const YAML::Node& map) {
    if (!yaml_present(map)) return;
    if (!map.IsMap()) throw YAML::Exception(map.Mark(), "`aliases` must be a mapping");
    for (const auto& entry : map) {
      const std::string name = entry.first.Scalar();
      project_.aliases[name] = alias_of(name, "aliases." + name, entry.second);
    }
  }

  static ProjectAlias alias_of(const std::string& name, const std::string& where, const YAML::Node& entry) {
    const auto required = [&](const char* key) {
      if (auto value = yaml_text(member(entry, where, key))) return *value;
      throw YAML::Exception(entry.Mark(), "`" + where + "` needs `" + key + "`");
    };
    const std::string command = required("command");
    const bool mutation = command == "change" || command == "mutate";
    if (!mutation && command != "read" && command != "query") {
      throw YAML::Exception(entry.Mark(), "`" + where + ".command` must be query or mutate, not '" + command + "'");
    }
    return {.name = name,
            .mutation = mutation,
            .query_file = required("query"),
            .query_name = required("name"),
            .args = texts(entry["args"], where + ".args"),
            .params = json_object_of(entry["params"], where + ".params"),
            .graph = yaml_text(entry["graph"]),
            .branch = yaml_text(entry["branch"]),
            .format = yaml_text(entry["format"])};
  }

  const fs::path folder_;
  ProjectFile project_;
};

bool may_be_set(const std::string& name, const ProjectFile& project) {
  constexpr std::array<std::string_view, 5> kPrefixes{"AWS_", "OPENAI_", "OPENROUTER_", "GEMINI_", "OMNIGRAPH_EMBED"};
  if (std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); })) return true;
  if (name == "OMNIGRAPH_BEARER_TOKEN") return true;
  return std::ranges::any_of(project.graphs, [&](const auto& graph) { return graph.second.bearer_token_env == name; });
}

// `[export ]NAME=VALUE`, the value optionally in matching quotes; nullopt: a comment, a blank or another line.
std::optional<std::pair<std::string, std::string>> variable_of(std::string_view line) {
  std::string_view rest = base::trim_ascii(line);
  if (rest.starts_with("export ")) rest = base::trim_ascii(rest.substr(7));
  const std::size_t equals = rest.find('=');
  if (rest.starts_with('#') || equals == std::string_view::npos || equals == 0) return std::nullopt;
  std::string_view value = base::trim_ascii(rest.substr(equals + 1));
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  } else if (const std::size_t comment = value.find(" #"); comment != std::string_view::npos) {
    value = base::trim_ascii(value.substr(0, comment));
  }
  return std::pair(std::string(base::trim_ascii(rest.substr(0, equals))), std::string(value));
}

}  // namespace

Result<std::optional<ProjectPlace>> find_project_file(const std::string& config_flag) {
  const char* variable = std::getenv("OMNIGRAPH_CONFIG");  // NOLINT(concurrency-mt-unsafe)
  const bool hidden = switched_on("OMNIGRAPH_NO_LEGACY_CONFIG");
  const std::string named = !config_flag.empty() ? config_flag : variable != nullptr ? variable : "";
  if (!named.empty()) {
    if (hidden) {
      return std::unexpected(bad_request("'" + named +
                                         "' is a project file, and OMNIGRAPH_NO_LEGACY_CONFIG=1 switches those off; "
                                         "use the operator config (`omnigraph config migrate` shows how)"));
    }
    return ProjectPlace{named, true};
  }
  std::error_code failed;
  if (hidden || !fs::exists(kFileName, failed)) return std::nullopt;
  return ProjectPlace{kFileName, false};
}

Result<ProjectFile> read_project_file(const ProjectPlace& place) {
  const auto failed = [&](const std::string& why) {
    return std::unexpected(bad_request("could not parse project file '" + place.path.string() + "': " + why));
  };
  const auto source = base::read_file(place.path);
  if (!source) return failed(source.error().message);
  try {
    return Reader(place).read(YAML::Load(*source));
  } catch (const YAML::Exception& error) {
    return failed(error.what());
  }
}

Result<void> load_project_environment(const ProjectFile& project) {
  if (!project.env_file) return {};
  OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(*project.env_file));
  for (std::size_t at = 0; at < source.size();) {
    const std::size_t end = std::min(source.find('\n', at), source.size());
    const auto variable = variable_of(std::string_view(source).substr(at, end - at));
    at = end + 1;
    if (!variable || !may_be_set(variable->first, project)) continue;
    ::setenv(variable->first.c_str(), variable->second.c_str(), /*overwrite=*/0);  // NOLINT(concurrency-mt-unsafe)
  }
  return {};
}

std::optional<fs::path> find_in_query_roots(const ProjectFile& project, const std::string& file) {
  std::error_code failed;
  for (const fs::path& root : project.query_roots) {
    if (fs::is_regular_file(root / file, failed)) return root / file;
  }
  return std::nullopt;
}

}  // namespace omnigraph::cli
