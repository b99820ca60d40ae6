#include "cli/operator_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "base/file.h"

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
    warnings.push_back("unknown key `" + (where.empty() ? key : where + "." + key) + "` in the operator config is ignored");
  }
}

std::optional<std::string> text(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return std::nullopt;
  if (!node.IsScalar()) throw YAML::Exception(node.Mark(), "expected a string");
  return node.Scalar();
}

OperatorConfig parse(const YAML::Node& root, std::vector<std::string>& warnings) {
  OperatorConfig config;
  if (!root.IsDefined() || root.IsNull()) return config;
  note_unknown(root, "", {"operator", "servers", "clusters", "defaults", "profiles", "aliases"}, warnings);
  note_unknown(root["operator"], "operator", {"actor"}, warnings);
  if (root["operator"].IsDefined() && !root["operator"].IsNull()) config.actor = text(root["operator"]["actor"]);
  const YAML::Node defaults = root["defaults"];
  note_unknown(defaults, "defaults",
               {"output", "table_max_column_width", "table_cell_layout", "server", "store", "default_graph"}, warnings);
  if (!defaults.IsDefined() || defaults.IsNull()) return config;
  config.default_store = text(defaults["store"]);
  config.output = text(defaults["output"]);
  if (const YAML::Node width = defaults["table_max_column_width"]; width.IsDefined()) {
    config.table_max_column_width = width.as<std::size_t>();
  }
  if (const auto layout = text(defaults["table_cell_layout"])) {
    if (*layout != "truncate" && *layout != "wrap") {
      throw YAML::Exception(defaults["table_cell_layout"].Mark(), "table_cell_layout must be truncate or wrap");
    }
    config.table_wrap = *layout == "wrap";
  }
  return config;
}

}  // namespace

fs::path operator_home() {
  // Single-threaded start-up; nothing sets the environment.
  if (const char* home = std::getenv("OMNIGRAPH_HOME"); home != nullptr && *home != '\0') {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view given(home);
    const char* user = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
    if (given.starts_with("~/") && user != nullptr) return fs::path(user) / given.substr(2);
    return given;
  }
  const char* user = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  return fs::path(user != nullptr ? user : ".") / ".omnigraph";
}

Result<OperatorConfig> read_operator_config(const fs::path& home, std::vector<std::string>& warnings) {
  const fs::path path = home / "config.yaml";
  const auto source = base::read_file(path);
  if (!source) {
    if (source.error().code == Code::kNotFound) return OperatorConfig{};
    return std::unexpected(bad_request("could not parse operator config '" + path.string() + "': " + source.error().message));
  }
  try {
    return parse(YAML::Load(*source), warnings);
  } catch (const YAML::Exception& error) {
    return std::unexpected(bad_request("could not parse operator config '" + path.string() + "': " + error.what()));
  }
}

}  // namespace omnigraph::cli
