// Checks a stored graph: every object that a record of any log references exists and decodes, and every state satisfies
// its schema: ids, keys, endpoints, unique constraints, values, cardinality (chapter 09 section 9). Reads the store
// itself, past the caches of this process; writes nothing; other processes may go on writing and cleaning up.
// Cost: every record, manifest and key column once, each distinct table version checked once; with `deep` every byte.
// Errors: of the store, when it cannot be told what is there. What is wrong with the graph is a finding, no error.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

struct VerifyFinding {
  std::string code;     // what kind: missing_object, corrupt_object, duplicate_id, orphan_edge ..
  std::string key;      // the object concerned
  std::string message;  // what is wrong there
  // False: nothing is lost and nobody reads anything wrong, e.g. a torn file whose bytes a record still carries.
  bool unsound = true;
};

struct VerifyReport {
  std::uint64_t commits = 0;  // states checked
  std::uint64_t objects = 0;  // distinct objects they reference, records included
  std::vector<VerifyFinding> findings;
  [[nodiscard]] bool ok() const;
};

struct VerifyProgress {
  std::uint64_t records_done = 0;
  std::uint64_t records_total = 0;
  std::uint64_t objects = 0;
};

struct VerifyOptions {
  bool deep = false;                                      // all columns, blobs by their digests, stored indexes
  std::function<void(const VerifyProgress&)> progress{};  // after each record
};

[[nodiscard]] Result<VerifyReport> verify(StoreParts& parts, const VerifyOptions& options = {});

}  // namespace omnigraph::graph
