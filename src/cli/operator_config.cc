#include "cli/operator_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "base/file.h"
#include "cli/yaml_json.h"

namespace omnigraph::cli {

namespace fs = std::filesystem;

namespace {

void note_unknown(const YAML::Node& map, const std::string& where, std::initializer_list<std::string_view> known,
                  std::vector<std::string>& warnings) {
  if (!map.IsDefined() || map.IsNull()) return;
  if (!map.IsMap()) throw YAML::Exception(map.Mark(), "`" + where + "` must be a mapping");
  for (const auto& entry : map) {
    const std::string key = entry.first.Scalar();
    if (std::ranges::find(known, key) != known.end()) continue;
    warnings.push_back("unknown key `" + (where.empty() ? key : where + "." + key) +
                       "` in the operator config; it is ignored");
  }
}

std::string expand_home(const std::string& path) {
  const char* user = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  return path.starts_with("~/") && user != nullptr ? user + path.substr(1) : path;
}

std::optional<std::string> place(const YAML::Node& node) {
  auto value = yaml_text(node);
  if (value) value = expand_home(*value);
  return value;
}

std::string without_trailing_slash(std::string url) {
  while (url.ends_with('/') && !url.ends_with("://")) url.pop_back();
  return url;
}

// Calls `take(name, entry)` for each entry of the mapping `root[section]`.
template <class Take>
void each_entry(const YAML::Node& root, const std::string& section, std::initializer_list<std::string_view> known,
                std::vector<std::string>& warnings, const Take& take) {
  const YAML::Node map = root[section];
  if (!yaml_present(map)) return;
  if (!map.IsMap()) throw YAML::Exception(map.Mark(), "`" + section + "` must be a mapping");
  for (const auto& entry : map) {
    const std::string name = entry.first.Scalar();
    note_unknown(entry.second, section + "." + name, known, warnings);
    take(name, entry.second);
  }
}

// The member of an entry that has to be there.
std::string required(const YAML::Node& entry, const std::string& where, const char* key) {
  if (yaml_present(entry)) {
    if (auto value = yaml_text(entry[key])) return *value;
  }
  throw YAML::Exception(entry.Mark(), "`" + where + "` needs `" + key + "`");
}

OperatorAlias parse_alias(const std::string& where, const YAML::Node& entry) {
  OperatorAlias alias{.server = required(entry, where, "server"),
                      .graph = yaml_text(entry["graph"]),
                      .query = required(entry, where, "query")};
  if (const YAML::Node args = entry["args"]; yaml_present(args)) {
    if (!args.IsSequence())
      throw YAML::Exception(args.Mark(), "`" + where + ".args` must be a list of parameter names");
    for (const YAML::Node& name : args) alias.args.push_back(yaml_text(name).value_or(""));
  }
  alias.params = json_object_of(entry["params"], where + ".params");
  alias.format = yaml_text(entry["format"]);
  return alias;
}

void parse_defaults(const YAML::Node& defaults, OperatorConfig& config, std::vector<std::string>& warnings) {
  note_unknown(defaults, "defaults",
               {"output", "table_max_column_width", "table_cell_layout", "server", "store", "default_graph"}, warnings);
  if (!yaml_present(defaults)) return;
  config.default_server = yaml_text(defaults["server"]);
  config.default_store = place(defaults["store"]);
  config.default_graph = yaml_text(defaults["default_graph"]);
  config.output = yaml_text(defaults["output"]);
  if (const YAML::Node width = defaults["table_max_column_width"]; yaml_present(width)) {
    config.table_max_column_width = width.as<std::size_t>();
  }
  if (const auto layout = yaml_text(defaults["table_cell_layout"])) {
    if (*layout != "truncate" && *layout != "wrap") {
      throw YAML::Exception(defaults["table_cell_layout"].Mark(), "table_cell_layout must be truncate or wrap");
    }
    config.table_wrap = *layout == "wrap";
  }
}

OperatorConfig parse(const YAML::Node& root, std::vector<std::string>& warnings) {
  OperatorConfig config;
  if (!yaml_present(root)) return config;
  note_unknown(root, "", {"operator", "servers", "clusters", "defaults", "profiles", "aliases"}, warnings);
  note_unknown(root["operator"], "operator", {"actor"}, warnings);
  if (yaml_present(root["operator"])) config.actor = yaml_text(root["operator"]["actor"]);
  each_entry(root, "servers", {"url"}, warnings, [&](const std::string& name, const YAML::Node& entry) {
    config.servers[name] = without_trailing_slash(required(entry, "servers." + name, "url"));
  });
  each_entry(root, "clusters", {"root"}, warnings, [&](const std::string& name, const YAML::Node& entry) {
    config.clusters[name] = expand_home(required(entry, "clusters." + name, "root"));
  });
  each_entry(root, "profiles", {"server", "cluster", "store", "default_graph"}, warnings,
             [&](const std::string& name, const YAML::Node& entry) {
               ProfileConfig& profile = config.profiles[name];
               if (!yaml_present(entry)) return;
               profile.server = yaml_text(entry["server"]);
               profile.cluster = place(entry["cluster"]);
               profile.store = place(entry["store"]);
               profile.default_graph = yaml_text(entry["default_graph"]);
             });
  each_entry(root, "aliases", {"server", "graph", "query", "args", "params", "format"}, warnings,
             [&](const std::string& name, const YAML::Node& entry) {
               config.aliases[name] = parse_alias("aliases." + name, entry);
             });
  parse_defaults(root["defaults"], config, warnings);
  return config;
}

}  // namespace

fs::path operator_home() {
  // Single-threaded start-up; nothing sets the environment.
  if (const char* home = std::getenv("OMNIGRAPH_HOME");
      home != nullptr && *home != '\0') {  // NOLINT(concurrency-mt-unsafe)
    return expand_home(home);
  }
  const char* user = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  return fs::path(user != nullptr ? user : ".") / ".omnigraph";
}

Result<OperatorConfig> read_operator_config(const fs::path& home, std::vector<std::string>& warnings) {
  const fs::path path = home / "config.yaml";
  const auto source = base::read_file(path);
  if (!source) {
    if (source.error().code == Code::kNotFound) return OperatorConfig{};
    return std::unexpected(
        bad_request("could not parse operator config '" + path.string() + "': " + source.error().message));
  }
  try {
    return parse(YAML::Load(*source), warnings);
  } catch (const YAML::Exception& error) {
    return std::unexpected(bad_request("could not parse operator config '" + path.string() + "': " + error.what()));
  }
}

}  // namespace omnigraph::cli
