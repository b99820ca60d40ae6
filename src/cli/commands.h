// Registration of the command groups. Each function adds its subcommands to the application and stores in `run` what
// the parsed command does.
#pragma once

#include <functional>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace omnigraph::cli {

using Run = std::function<int()>;

void add_query_commands(CLI::App& app, Context& context, Run& run);    // query, mutate, lint
void add_graph_commands(CLI::App& app, Context& context, Run& run);    // init, load, export, snapshot, schema, branch
void add_history_commands(CLI::App& app, Context& context, Run& run);  // commit list, commit show
void add_verify_command(CLI::App& app, Context& context, Run& run);     // verify
void add_cluster_commands(CLI::App& app, Context& context, Run& run);  // cluster validate, import, plan, apply ..

}  // namespace omnigraph::cli
