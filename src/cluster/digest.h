// Digests of declared resources (chapter 06 section 4): lower-case hex SHA-256.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/config.h"

namespace omnigraph::cluster {

struct NormalizedBlobBase {
  std::string uri;
  std::string scope;
  friend bool operator==(const NormalizedBlobBase&, const NormalizedBlobBase&) = default;
};
using BlobPolicy = std::vector<NormalizedBlobBase>;  // sorted by URI, then scope (server_safe first); empty = deny

[[nodiscard]] std::string file_digest(std::string_view bytes);
[[nodiscard]] std::string profile_json(const EmbeddingProfile& profile);
[[nodiscard]] std::string profile_digest(const EmbeddingProfile& profile);
[[nodiscard]] std::string blob_policy_json(const BlobPolicy& policy);

struct GraphParts {
  std::string id;
  std::string schema_digest;                    // empty where unknown
  std::map<std::string, std::string> queries;   // name -> digest
  std::optional<std::string> provider_address;  // provider.embedding.<n>
  std::string provider_digest;
  BlobPolicy blobs;
};
[[nodiscard]] std::string graph_digest(const GraphParts& parts);

// `digests`: address -> digest of every declared resource.
[[nodiscard]] std::string config_digest(const ClusterConfig& config, const std::map<std::string, std::string>& digests);

// `base` in the form bases are compared and stored in. nullopt with `problem` set: refused.
[[nodiscard]] std::optional<std::string> normalize_blob_base(const std::string& base, const std::string& scope,
                                                             std::string& problem);
// Where a normalized base leads, for comparing bases: `file` bases with their links resolved.
[[nodiscard]] std::string blob_base_place(const std::string& uri);

}  // namespace omnigraph::cluster
