// What planning and applying a schema take and answer (chapter 01 section 8). Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph.h"
#include "schema/migration_step.h"

namespace omnigraph::engine {

struct SchemaOptions {
  bool allow_data_loss = false;  // drops are hard
  bool allow_validated = false;  // chapter 01 section 9.1
  std::string file{};            // name of the source, for diagnostics
  std::optional<std::string> actor{};
};

struct SchemaPlanAnswer {
  bool supported = true;
  std::vector<schema::MigrationStep> steps;
};

// Only supported plans are applied; an unsupported one is the error of its first unsupported step.
struct SchemaApplyAnswer {
  bool applied = false;  // a commit was made
  std::uint64_t graph_manifest_version = 0;
  std::vector<schema::MigrationStep> steps;
  std::optional<CommitInfo> commit;
};

}  // namespace omnigraph::engine
