// branch merge, branch diff. Thread safety: as commands.h.
#pragma once

#include "cli/command.h"

namespace omnigraph::cli {

// Adds them to the group `branch`.
void add_merge_commands(Command group, Context& context, Run& run);

}  // namespace omnigraph::cli
