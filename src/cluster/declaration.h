// The declared state: cluster.yaml plus the files it names, checked and digested (chapter 06 sections 3 and 4).
// Thread safety: values.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/config.h"
#include "cluster/diagnostic.h"
#include "cluster/digest.h"
#include "schema/catalog.h"

namespace omnigraph::cluster {

struct Resource {
  std::string address;
  std::string kind;    // graph schema query policy embedding_provider
  std::string digest;  // empty where it could not be computed
  std::optional<std::string> path;
};

struct DeclaredQuery {
  std::string file;  // as resolved for display
  std::string source;
  std::string digest;
};

struct DeclaredGraph {
  std::filesystem::path schema_file;
  std::string schema_source;
  std::string schema_digest;
  std::shared_ptr<const schema::Catalog> catalog;  // null: the schema has errors
  std::map<std::string, DeclaredQuery> queries;
  std::optional<std::string> provider_address;
  BlobPolicy blobs;
};

struct DeclaredPolicy {
  std::string source;
  std::string digest;
  std::vector<std::string> applies_to;  // normalized: cluster or graph.<id>, sorted, no duplicates
};

struct Declaration {
  ClusterConfig config;
  Diagnostics diagnostics;
  std::map<std::string, DeclaredGraph> graphs;
  std::map<std::string, DeclaredPolicy> policies;
  std::map<std::string, Resource> resources;                   // by address
  std::set<std::pair<std::string, std::string>> dependencies;  // from, to
  std::optional<std::string> config_digest;                    // only without errors

  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
  [[nodiscard]] std::map<std::string, std::string> digests() const;
};

// Reads and checks everything; all findings are reported.
[[nodiscard]] Declaration read_declaration(const std::filesystem::path& directory);

// `[A-Za-z_][A-Za-z0-9_-]*`; graph ids besides: at most 64 characters and not a reserved word.
[[nodiscard]] bool is_resource_id(std::string_view id);
[[nodiscard]] bool is_graph_id(std::string_view id);

}  // namespace omnigraph::cluster
