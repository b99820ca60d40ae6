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

void add_query_commands(CLI::App& app, Context& context, Run& run);    // query, mutate, alias
void add_lint_command(CLI::App& app, Context& context, Run& run);      // lint
void add_load_commands(CLI::App& app, Context& context, Run& run);     // load, ingest
void add_graph_commands(CLI::App& app, Context& context, Run& run);    // init, export, snapshot, schema show
void add_tables_command(CLI::App& app, Context& context, Run& run);    // tables
void add_branch_commands(CLI::App& app, Context& context, Run& run);   // branch create, list, delete
void add_history_commands(CLI::App& app, Context& context, Run& run);  // commit list, show, changes
void add_changes_commands(CLI::App& app, Context& context, Run& run);  // changes poll, baseline
void add_optimize_command(CLI::App& app, Context& context, Run& run);  // optimize
void add_repair_command(CLI::App& app, Context& context, Run& run);    // repair
void add_cleanup_command(CLI::App& app, Context& context, Run& run);   // cleanup
void add_verify_command(CLI::App& app, Context& context, Run& run);    // verify
void add_cluster_commands(CLI::App& app, Context& context, Run& run);  // cluster validate, import, plan, apply ..
void add_policy_commands(CLI::App& app, Context& context, Run& run);   // policy validate, test, explain
void add_server_commands(CLI::App& app, Context& context, Run& run);   // graphs list
void add_queries_commands(CLI::App& app, Context& context, Run& run);  // queries list, validate
void add_demo_command(CLI::App& app, Run& run);                        // demo
void add_explain_command(CLI::App& app, Run& run);                     // explain
void add_config_commands(CLI::App& app, Context& context, Run& run);   // config migrate
void add_embed_command(CLI::App& app, Run& run);                       // embed
void add_local_commands(CLI::App& app, Context& context, Run& run);    // login, logout, profile list, profile show

}  // namespace omnigraph::cli
