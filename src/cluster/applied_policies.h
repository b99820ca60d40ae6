// The policy bundles of the applied revision, as their blobs hold them, and the choice among them (chapter 08
// section 8). Reads only; takes no lock.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/bundle.h"

namespace omnigraph::cluster {

struct AppliedPolicy {
  std::string name;
  std::vector<std::string> applies_to;  // `cluster`, or `graph.<id>` each
  std::string digest;
};

struct AppliedPolicies {
  std::string cluster;             // as addressed
  std::set<std::string> graphs;    // applied
  std::vector<AppliedPolicy> all;  // by name

  // The one called `name`, else the one bound to `graph` or, without such, to the cluster; else the only one.
  // kBadRequest naming the cluster, and what could be chosen.
  [[nodiscard]] Result<AppliedPolicy> choose(const std::optional<std::string>& name,
                                             const std::optional<std::string>& graph) const;
};

// `source`: a cluster directory or storage root. kBadRequest with the first finding.
[[nodiscard]] Result<AppliedPolicies> read_applied_policies(const std::string& source);
// The bundle compiled as it is bound, to judge `graph`, else the first graph it is bound to.
[[nodiscard]] Result<std::shared_ptr<const policy::Bundle>> open_applied_policy(
    const std::string& source, const AppliedPolicy& applied, const std::optional<std::string>& graph);

}  // namespace omnigraph::cluster
