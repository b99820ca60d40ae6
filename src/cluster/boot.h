// What a server serves: the applied revision, read once, without lock and without writing (chapter 06 section 11).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/diagnostic.h"
#include "cluster/root.h"
#include "embed/provider.h"
#include "policy/bundle.h"

namespace omnigraph::cluster {

struct ServedGraph {
  std::string id;
  std::string uri;
  std::map<std::string, std::string> queries;  // name -> `.gq` text of the recorded digest
  std::optional<std::string> policy_source;
  std::string policy_name;
  std::optional<embed::ProviderConfig> embedding;
  std::vector<std::string>
      external_blob_bases;  // normalized URIs, `server_safe` ones only; empty: new references are refused
};

struct QuarantinedGraph {
  std::string id;
  std::string code, reason;
  bool has_policy = false;  // still counts as "policy configured"
};

struct ServingPlan {
  std::vector<ServedGraph> graphs;                      // by id
  std::vector<QuarantinedGraph> quarantined;            // found before opening anything
  std::shared_ptr<const policy::Bundle> server_policy;  // null: none bound to the cluster
  std::optional<std::string> applied_config_digest;
};

// nullopt: boot is refused; every finding is in `diagnostics`. May be called again in a running process: the answer is
// the revision that is applied then.
[[nodiscard]] std::optional<ServingPlan> read_serving_plan(const std::string& source, Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
