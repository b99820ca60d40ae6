// blob get, blob stat. Thread safety: as commands.h.
#pragma once

#include "cli/commands.h"

namespace omnigraph::cli {

void add_blob_commands(CLI::App& app, Context& context, Run& run);

}  // namespace omnigraph::cli
