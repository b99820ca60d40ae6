// Ancestors by their definition, for models that know each commit's parents.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace omnigraph::graph::testing {

// `id` and all that it descends from; `parents_of(id)` returns a range of commit ids.
template <class ParentsOf>
std::set<std::string> ancestors_of(const std::string& id, const ParentsOf& parents_of) {
  std::set<std::string> found;
  std::vector<std::string> open{id};
  while (!open.empty()) {
    const std::string at = open.back();
    open.pop_back();
    if (!found.insert(at).second) continue;
    for (const std::string& parent : parents_of(at)) open.push_back(parent);
  }
  return found;
}

}  // namespace omnigraph::graph::testing
