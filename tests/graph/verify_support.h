// Verify as tests call it: on a store, as a new process would.
#pragma once

#include <string>

#include "graph/verify.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {

// What verify finds, one `code key: message` a line; empty = clean. Notes on harmless things are left out.
inline std::string damage_in(const StorePtr& store, bool deep = true) {
  const auto graph = GraphStore::open(store, {.background_settle = false});
  if (!graph) return graph.error().render();
  const auto report = verify((*graph)->parts(), {.deep = deep});
  if (!report) return report.error().render();
  std::string out;
  for (const VerifyFinding& finding : report->findings) {
    if (finding.unsound)
      out.append(finding.code).append(" ").append(finding.key).append(": ").append(finding.message).append("\n");
  }
  return out;
}

}  // namespace omnigraph::graph::testing
