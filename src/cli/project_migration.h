// What replaces a project file: the two files of today, as text. Thread safety: free functions.
#pragma once

#include <string>

#include "cli/project_file.h"

namespace omnigraph::cli {

struct MigratedFiles {
  std::string cluster;    // cluster.yaml; empty: no graph of the file is stored, all are served
  std::string operators;  // the operator config
};

// What has no equivalent is a comment that says what to do instead.
[[nodiscard]] MigratedFiles migrate_project(const ProjectFile& project);

}  // namespace omnigraph::cli
