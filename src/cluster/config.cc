#include "cluster/config.h"

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

namespace {

// Thrown and caught in this file only, like yaml-cpp's own exceptions.
struct InvalidYaml {
  std::string message;
};

[[noreturn]] void invalid(const YAML::Node& node, const std::string& message) {
  const YAML::Mark mark = node.Mark();
  std::string place;
  if (!mark.is_null())
    place = " (line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ")";
  throw InvalidYaml{message + place};
}

// Anchors can make a small file endless (an alias inside its own anchor) or huge (aliases of aliases).
constexpr int kDepthMax = 32;
constexpr int kNodesMax = 200'000;

void find_duplicate_keys(const YAML::Node& node, const std::string& path, int depth, int& nodes,
                         Diagnostics& diagnostics) {
  if (depth > kDepthMax) invalid(node, "nested deeper than 32 levels, or an alias inside its own anchor");
  if (++nodes > kNodesMax) invalid(node, "more than 200000 values, aliases counted out");
  if (node.IsSequence()) {
    for (const auto& item : node) find_duplicate_keys(item, path + "[]", depth + 1, nodes, diagnostics);
    return;
  }
  if (!node.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
    const std::string at = path.empty() ? key : path + "." + key;
    if (!seen.insert(key).second) {
      add_error(diagnostics, "duplicate_yaml_key", at,
                "key `" + key + "` appears twice in one mapping (line " + std::to_string(entry.first.Mark().line + 1) +
                    "); keep one");
    }
    find_duplicate_keys(entry.second, at, depth + 1, nodes, diagnostics);
  }
}

void check_fields(const YAML::Node& map, const std::string& where, std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) invalid(map, "`" + where + "` must be a mapping");
  for (const auto& entry : map) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
    if (std::ranges::find(known, key) != known.end()) continue;
    std::vector<std::string> names(known.begin(), known.end());
    const std::string hint = base::did_you_mean(key, names);
    invalid(entry.first, "unknown field `" + key + "`" + (where.empty() ? "" : " in `" + where + "`") +
                             (hint.empty() ? "" : "; " + hint));
  }
}

bool present(const YAML::Node& node) { return node.IsDefined() && !node.IsNull(); }

std::string text_at(const YAML::Node& node, const std::string& where) {
  if (!node.IsDefined() || !node.IsScalar()) invalid(node, "`" + where + "` must be a string");
  return node.Scalar();
}

std::optional<std::string> optional_text(const YAML::Node& node, const std::string& where) {
  if (!present(node)) return std::nullopt;
  return text_at(node, where);
}

void read_header(const YAML::Node& root, ClusterConfig& config, Diagnostics& diagnostics) {
  for (const char* key : {"apply", "env_file", "pipelines", "embeddings", "ui", "aliases", "bindings"}) {
    if (root[key].IsDefined()) {
      add_error(diagnostics, "future_phase_field", key, std::string("`") + key + "` is reserved; remove it");
    }
  }
  check_fields(root, "",
               {"version", "metadata", "storage", "state", "providers", "graphs", "policies", "apply", "env_file",
                "pipelines", "embeddings", "ui", "aliases", "bindings"});
  if (!root["version"].IsDefined()) invalid(root, "missing field `version`");
  const std::string version = text_at(root["version"], "version");
  if (version.empty() || version.find_first_not_of("0123456789") != std::string::npos) {
    invalid(root["version"], "`version` must be an integer");
  }
  if (version != "1") {
    add_error(diagnostics, "unsupported_cluster_config_version", "version",
              "version " + version + " is not supported; write `version: 1`");
  }
  if (present(root["metadata"])) {
    check_fields(root["metadata"], "metadata", {"name"});
    config.metadata_name = optional_text(root["metadata"]["name"], "metadata.name");
    if (config.metadata_name && base::trim_unicode(*config.metadata_name).empty()) {
      add_error(diagnostics, "empty_metadata_name", "metadata.name", "the name is blank; give one or leave it out");
    }
  }
  config.storage = optional_text(root["storage"], "storage");
  if (const auto problem = config.storage ? storage_problem(*config.storage) : std::nullopt) {
    add_error(diagnostics, "invalid_storage_root", "storage", "storage root '" + *config.storage + "' " + *problem);
  }
  if (!present(root["state"])) return;
  check_fields(root["state"], "state", {"backend", "lock", "drift"});
  config.state_backend = optional_text(root["state"]["backend"], "state.backend");
  if (config.state_backend && *config.state_backend != "cluster") {
    add_error(diagnostics, "unsupported_state_backend", "state.backend",
              "backend '" + *config.state_backend + "' is not supported; write `backend: cluster`");
  }
  if (const auto lock = optional_text(root["state"]["lock"], "state.lock")) {
    if (*lock != "true" && *lock != "false") invalid(root["state"]["lock"], "`state.lock` must be true or false");
    config.state_lock = *lock == "true";
  }
  config.state_drift = optional_text(root["state"]["drift"], "state.drift");
  if (config.state_drift && *config.state_drift != "gate" && *config.state_drift != "strict" &&
      *config.state_drift != "converge") {
    invalid(root["state"]["drift"], "`state.drift` must be gate, strict or converge");
  }
}

EmbeddingProfile read_profile(const YAML::Node& node, const std::string& where) {
  check_fields(node, where, {"kind", "provider", "base_url", "model", "api_key"});
  if (present(node["kind"]) && present(node["provider"])) invalid(node, "`" + where + "` sets both kind and provider");
  EmbeddingProfile profile;
  if (const auto kind = optional_text(node["kind"], where + ".kind")) profile.kind = *kind;
  if (const auto kind = optional_text(node["provider"], where + ".provider")) profile.kind = *kind;
  profile.base_url = optional_text(node["base_url"], where + ".base_url");
  profile.model = optional_text(node["model"], where + ".model");
  profile.api_key = optional_text(node["api_key"], where + ".api_key");
  return profile;
}

QuerySources read_queries(const YAML::Node& node, const std::string& where) {
  if (node.IsScalar()) return node.Scalar();
  if (node.IsSequence()) {
    std::vector<std::string> paths;
    for (const auto& item : node) paths.push_back(text_at(item, where + "[]"));
    return paths;
  }
  if (!node.IsMap()) invalid(node, "`" + where + "` must be a path, a list of paths or a mapping");
  std::map<std::string, std::string> files;
  for (const auto& entry : node) {
    const std::string name = text_at(entry.first, where);
    check_fields(entry.second, where + "." + name, {"file"});
    files[name] = text_at(entry.second["file"], where + "." + name + ".file");
  }
  return files;
}

GraphConfig read_graph(const YAML::Node& node, const std::string& where) {
  check_fields(node, where, {"schema", "queries", "embedding_provider", "external_blobs"});
  GraphConfig graph;
  if (!node["schema"].IsDefined()) invalid(node, "missing field `schema` in `" + where + "`");
  graph.schema = text_at(node["schema"], where + ".schema");
  if (present(node["queries"])) graph.queries = read_queries(node["queries"], where + ".queries");
  graph.embedding_provider = optional_text(node["embedding_provider"], where + ".embedding_provider");
  if (!present(node["external_blobs"])) return graph;
  check_fields(node["external_blobs"], where + ".external_blobs", {"allow"});
  const YAML::Node allow = node["external_blobs"]["allow"];
  if (!present(allow)) return graph;
  if (!allow.IsSequence()) invalid(allow, "`" + where + ".external_blobs.allow` must be a list");
  for (const auto& item : allow) {
    check_fields(item, where + ".external_blobs.allow[]", {"base", "scope"});
    BlobBase base{text_at(item["base"], where + ".external_blobs.allow[].base"),
                  text_at(item["scope"], where + ".external_blobs.allow[].scope")};
    if (base.scope != "server_safe" && base.scope != "embedded_only") {
      invalid(item["scope"], "`scope` must be server_safe or embedded_only, not '" + base.scope + "'");
    }
    graph.external_blobs.push_back(std::move(base));
  }
  return graph;
}

PolicyConfig read_policy(const YAML::Node& node, const std::string& where) {
  check_fields(node, where, {"file", "applies_to"});
  PolicyConfig policy;
  if (!node["file"].IsDefined()) invalid(node, "missing field `file` in `" + where + "`");
  policy.file = text_at(node["file"], where + ".file");
  const YAML::Node applies = node["applies_to"];
  if (!present(applies)) return policy;  // policy_missing_applies_to, with the other findings
  if (!applies.IsSequence()) invalid(applies, "`" + where + ".applies_to` must be a list");
  for (const auto& item : applies) policy.applies_to.push_back(text_at(item, where + ".applies_to[]"));
  return policy;
}

template <class Read>
void read_section(const YAML::Node& section, const std::string& where, const Read& read) {
  if (!present(section)) return;
  if (!section.IsMap()) invalid(section, "`" + where + "` must be a mapping");
  for (const auto& entry : section) read(text_at(entry.first, where), entry.second);
}

void read_body(const YAML::Node& root, ClusterConfig& config) {
  if (present(root["providers"])) {
    check_fields(root["providers"], "providers", {"embedding"});
    read_section(root["providers"]["embedding"], "providers.embedding",
                 [&](const std::string& name, const YAML::Node& node) {
                   config.providers[name] = read_profile(node, "providers.embedding." + name);
                 });
  }
  read_section(root["graphs"], "graphs", [&](const std::string& id, const YAML::Node& node) {
    config.graphs[id] = read_graph(node, "graphs." + id);
  });
  read_section(root["policies"], "policies", [&](const std::string& name, const YAML::Node& node) {
    config.policies[name] = read_policy(node, "policies." + name);
  });
}

}  // namespace

DriftMode ClusterConfig::drift() const {
  if (state_drift == "strict") return DriftMode::kStrict;
  return state_drift == "converge" ? DriftMode::kConverge : DriftMode::kGate;
}

ClusterConfig read_config(const std::filesystem::path& directory, Diagnostics& diagnostics) {
  ClusterConfig config;
  config.directory = directory;
  std::error_code failed;
  if (!std::filesystem::is_directory(directory, failed)) {
    add_error(diagnostics, "config_dir_not_found", directory.string(),
              "'" + directory.string() + "' is not a directory; pass --config <dir>");
    return config;
  }
  const auto text = base::read_file(directory / kConfigFile);
  if (!text) {
    add_error(diagnostics, "cluster_config_read_error", kConfigFile, text.error().message);
    return config;
  }
  try {
    const YAML::Node root = YAML::Load(*text);
    if (!root.IsMap()) invalid(root, "the file must be a mapping that starts with `version: 1`");
    int nodes = 0;
    find_duplicate_keys(root, "", 0, nodes, diagnostics);
    if (has_errors(diagnostics)) return config;
    read_header(root, config, diagnostics);
    read_body(root, config);
  } catch (const InvalidYaml& error) {
    add_error(diagnostics, "invalid_cluster_yaml", kConfigFile, error.message);
  } catch (const YAML::Exception& error) {
    add_error(diagnostics, "invalid_cluster_yaml", kConfigFile, error.what());
  }
  return config;
}

}  // namespace omnigraph::cluster
