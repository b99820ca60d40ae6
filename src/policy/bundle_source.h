// What a bundle file says, checked for itself but not yet compiled (chapter 08 section 1).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/bundle.h"

namespace omnigraph::policy {

struct BundleSource {
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> actor_groups;  // actor -> its groups
  std::set<std::string, std::less<>> groups;
  std::set<std::string, std::less<>> protected_branches;
  std::vector<Rule> rules;
  std::optional<std::string> cedar;  // policies of its own
};

// YAML or plain Cedar. kBadRequest with line and column.
[[nodiscard]] Result<BundleSource> read_bundle(std::string_view text, std::optional<BundleKind> kind);

}  // namespace omnigraph::policy
