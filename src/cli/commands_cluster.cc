// cluster validate, import, plan, apply, refresh, status, force-unlock.

#include <CLI/CLI.hpp>

#include "cli/cluster_output.h"
#include "cli/commands.h"

namespace omnigraph::cli {

namespace {

struct ClusterArguments {
  std::string config = ".";
  std::string lock_id;
  bool json = false;
};

// The report on stdout, on failure too.
int finish(bool ok, bool json, const std::string& as_json, const std::string& as_text) {
  if (json) {
    print_json(as_json);
  } else {
    print(as_text);
  }
  return ok ? kExitOk : kExitFailure;
}

int run_validate(Context&, const ClusterArguments& a) {
  const auto report = cluster::validate(a.config);
  return finish(report.ok(), a.json, a.json ? validate_json(report, a.config) : "", validate_text(report));
}

int run_plan(Context&, const ClusterArguments& a) {
  const auto report = cluster::plan(a.config);
  return finish(report.ok(), a.json, a.json ? plan_json(report, a.config) : "", plan_text(report));
}

int run_apply(Context& context, const ClusterArguments& a) {
  if (const auto loaded = context.load_config(); !loaded) return cli::report(loaded.error());
  const auto report = cluster::apply(a.config, context.actor());
  return finish(report.ok(), a.json, a.json ? apply_json(report, a.config) : "", apply_text(report));
}

int run_import(Context&, const ClusterArguments& a) {
  const auto report = cluster::import_state(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "import") : "", state_text(report, "import"));
}

int run_refresh(Context&, const ClusterArguments& a) {
  const auto report = cluster::refresh(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "refresh") : "", state_text(report, "refresh"));
}

int run_status(Context&, const ClusterArguments& a) {
  const auto report = cluster::status(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "status") : "", state_text(report, "status"));
}

int run_force_unlock(Context&, const ClusterArguments& a) {
  const auto report = cluster::force_unlock(a.config, a.lock_id);
  return finish(report.lock_removed, a.json, a.json ? unlock_json(report, a.config) : "", unlock_text(report));
}

struct Verb {
  const char* name;
  const char* help;
  int (*body)(Context&, const ClusterArguments&);
};

constexpr Verb kVerbs[] = {
    {"validate", "Check the folder: config, schemas, queries, policies", run_validate},
    {"import", "Create the ledger from what is there", run_import},
    {"plan", "Show what apply would do", run_plan},
    {"apply", "Converge storage to the folder", run_apply},
    {"refresh", "Record what is really there", run_refresh},
    {"status", "Show the ledger and the lock", run_status},
    {"force-unlock", "Remove the lock of a dead process", run_force_unlock},
};

}  // namespace

void add_cluster_commands(CLI::App& app, Context& context, Run& run) {
  auto* group = app.add_subcommand("cluster", "Converge a deployment to a folder of schemas, queries and policies");
  group->require_subcommand(0, 1);
  group->fallthrough();
  group->footer("EXAMPLE\n  omnigraph cluster import --config fleet/\n  omnigraph cluster plan --config fleet/\n"
                "  omnigraph cluster apply --config fleet/ --as you\n");
  for (const Verb& verb : kVerbs) {
    auto* command = group->add_subcommand(verb.name, verb.help);
    auto arguments = std::make_shared<ClusterArguments>();
    command->add_option("--config", arguments->config, "Folder that holds cluster.yaml")->capture_default_str();
    command->add_flag("--json", arguments->json, "Print JSON");
    if (verb.body == run_force_unlock) command->add_option("LOCK_ID", arguments->lock_id, "Id of the lock")->required();
    command->callback([&context, &run, arguments, &verb] {
      run = [&context, arguments, &verb]() -> int {
        return verb.body(context, *arguments);
      };
    });
  }
}

}  // namespace omnigraph::cli
