// cluster validate, import, plan, apply, approve, refresh, status, force-unlock.

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/cluster_output.h"
#include "cli/command.h"

namespace omnigraph::cli {

namespace {

constexpr int kExitPending = 3;  // `plan --check`: changes are pending

struct ClusterArguments {
  std::string config = ".";
  std::string lock_id, resource, plan_file, out_file;
  bool json = false, allow_validated = false, check = false;
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
  auto report = cluster::plan(a.config, {.allow_validated = a.allow_validated, .effects = !a.json});
  if (!a.out_file.empty() && report.ok()) {
    const std::string text = base::pretty_json(plan_json(report, a.config)) + "\n";
    if (const auto written = base::replace_file_durably(a.out_file, std::as_bytes(std::span(text))); !written) {
      cluster::add_error(report.diagnostics, "plan_write_error", a.out_file, written.error().message);
      report.changes.clear();
    }
  }
  const int code = finish(report.ok(), a.json, a.json ? plan_json(report, a.config) : "", plan_text(report));
  return code == kExitOk && a.check && !report.changes.empty() ? kExitPending : code;
}

int run_apply(Context& context, const ClusterArguments& a) {
  if (const auto loaded = context.load_config(); !loaded) return cli::report(loaded.error());
  cluster::ApplyOptions options{context.actor(), a.allow_validated, std::nullopt};
  if (!a.plan_file.empty()) options.plan_file = a.plan_file;
  const auto report = cluster::apply(a.config, options);
  return finish(report.ok(), a.json, a.json ? apply_json(report, a.config) : "", apply_text(report));
}

int run_approve(Context& context, const ClusterArguments& a) {
  if (const auto loaded = context.load_config(); !loaded) return cli::report(loaded.error());
  cluster::ApproveReport report;
  if (const auto actor = context.actor()) {
    report = cluster::approve(a.config, a.resource, *actor);
    return finish(report.ok(), a.json, a.json ? approve_json(report, a.config) : "", approve_text(report));
  }
  const Error nobody =
      bad_request("an approval needs somebody who gives it; pass --as <you>, or set operator.actor in config.yaml");
  cluster::add_error(report.diagnostics, "approval_actor_missing", a.resource, nobody.message);
  if (a.json) print_json(approve_json(report, a.config));
  return cli::report(nobody);
}

int run_import(Context&, const ClusterArguments& a) {
  const auto report = cluster::import_state(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "import") : "",
                state_text(report, "import"));
}

int run_refresh(Context&, const ClusterArguments& a) {
  const auto report = cluster::refresh(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "refresh") : "",
                state_text(report, "refresh"));
}

int run_status(Context&, const ClusterArguments& a) {
  const auto report = cluster::status(a.config);
  return finish(report.ok(), a.json, a.json ? state_json(report, a.config, "status") : "",
                state_text(report, "status"));
}

int run_force_unlock(Context&, const ClusterArguments& a) {
  const auto report = cluster::force_unlock(a.config, a.lock_id);
  return finish(report.lock_removed, a.json, a.json ? unlock_json(report, a.config) : "", unlock_text(report));
}

struct Verb {
  const char* name;
  const char* help;
  const char* example;
  int (*body)(Context&, const ClusterArguments&);
};

constexpr Verb kVerbs[] = {
    {"validate", "Check the folder: config, schemas, queries, policies", "omnigraph cluster validate --config fleet/",
     run_validate},
    {"import", "Create the ledger from what is there", "omnigraph cluster import --config fleet/", run_import},
    {"plan", "Show what apply would do", "omnigraph cluster plan --config fleet/ --out plan.json", run_plan},
    {"apply", "Converge storage to the folder", "omnigraph cluster apply --config fleet/ --plan plan.json --as you",
     run_apply},
    {"approve", "Allow one change that waits for approval",
     "omnigraph cluster approve graph.legacy --config fleet/ --as you", run_approve},
    {"refresh", "Record what is really there", "omnigraph cluster refresh --config fleet/", run_refresh},
    {"status", "Show the ledger and the lock", "omnigraph cluster status --config fleet/", run_status},
    {"force-unlock", "Remove the lock of a dead process", "omnigraph cluster force-unlock 01K5.. --config fleet/",
     run_force_unlock},
};

void add_own_options(Command& command, const Verb& verb, ClusterArguments& arguments) {
  if (verb.body == run_plan || verb.body == run_apply) {
    command.flag("--allow-validated", arguments.allow_validated,
                 "Also schema changes that the data of main has to satisfy");
  }
  if (verb.body == run_plan) {
    command.text("--out", arguments.out_file, "Also write the plan's JSON to this file, for `apply --plan`")
        .non_empty()
        .completes(Values::kFile);
    command.flag("--check", arguments.check, "Exit 3 if changes are pending");
  } else if (verb.body == run_apply) {
    command.text("--plan", arguments.plan_file, "Apply only if nothing moved since this plan was made")
        .non_empty()
        .completes(Values::kFile);
  } else if (verb.body == run_approve) {
    command.text("RESOURCE", arguments.resource, "Address of the change: graph.<id> or schema.<id>")
        .required()
        .non_empty();
  } else if (verb.body == run_force_unlock) {
    command.text("LOCK_ID", arguments.lock_id, "Id of the lock").required();
  }
}

}  // namespace

void add_cluster_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("cluster", "Converge a deployment to a folder of schemas, queries and policies");
  group.examples(
      "omnigraph cluster import --config fleet/\nomnigraph cluster plan --config fleet/\n"
      "omnigraph cluster apply --config fleet/ --as you");
  for (const Verb& verb : kVerbs) {
    Command command = group.command(verb.name, verb.help);
    auto arguments = std::make_shared<ClusterArguments>();
    command.examples(verb.example);
    command.text("--config", arguments->config, "Folder that holds cluster.yaml")
        .shows_default()
        .completes(Values::kFile);
    command.json(arguments->json);
    add_own_options(command, verb, *arguments);
    when_chosen(command, run, [&context, arguments, &verb] { return Result<int>(verb.body(context, *arguments)); });
  }
}

}  // namespace omnigraph::cli
