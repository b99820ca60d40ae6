// branch merge, branch diff. Thread safety: as commands.h.
#pragma once

#include "cli/commands.h"

namespace omnigraph::cli {

// Adds them to the group `branch`.
void add_merge_commands(CLI::App& group, Context& context, Run& run);

}  // namespace omnigraph::cli
