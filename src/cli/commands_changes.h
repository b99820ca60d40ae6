// commit changes: registered below the `commit` group by commands_history.cc.
#pragma once

#include "cli/commands.h"

namespace omnigraph::cli {

void add_commit_changes(CLI::App& group, Context& context, Run& run);

}  // namespace omnigraph::cli
