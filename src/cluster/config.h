// `cluster.yaml` as written, with defaults (chapter 06 section 3). Reading checks YAML and the header (codes marked H);
// declaration.h checks the rest. Thread safety: values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/diagnostic.h"

namespace omnigraph::cluster {

struct EmbeddingProfile {
  std::string kind = "openai-compatible";
  std::optional<std::string> base_url, model, api_key;  // api_key: "${NAME}", never a value
  friend bool operator==(const EmbeddingProfile&, const EmbeddingProfile&) = default;
};

struct BlobBase {
  std::string base;   // as written
  std::string scope;  // server_safe | embedded_only
};

// A file, a folder or a list of such; or a map of query name to file.
using QuerySources = std::variant<std::string, std::vector<std::string>, std::map<std::string, std::string>>;

struct GraphConfig {
  std::string schema;
  QuerySources queries = std::map<std::string, std::string>{};
  std::optional<std::string> embedding_provider;
  std::vector<BlobBase> external_blobs;
};

struct PolicyConfig {
  std::string file;
  std::vector<std::string> applies_to;  // as written
};

enum class DriftMode { kGate, kStrict, kConverge };

struct ClusterConfig {
  std::filesystem::path directory;  // as given on the command line
  std::optional<std::string> metadata_name, storage, state_backend, state_drift;
  std::optional<bool> state_lock;
  std::map<std::string, EmbeddingProfile> providers;
  std::map<std::string, GraphConfig> graphs;
  std::map<std::string, PolicyConfig> policies;

  [[nodiscard]] bool locking() const { return state_lock.value_or(true); }
  [[nodiscard]] DriftMode drift() const;
};

inline constexpr const char* kConfigFile = "cluster.yaml";

// Appends diagnostics; a config with errors among them may be incomplete.
[[nodiscard]] ClusterConfig read_config(const std::filesystem::path& directory, Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
