// Registration of `policy validate`, `policy test` and `policy explain`.
#pragma once

#include "cli/commands.h"

namespace omnigraph::cli {

void add_policy_commands(CLI::App& app, Context& context, Run& run);

}  // namespace omnigraph::cli
