// init, export, snapshot, schema show.

#include <CLI/CLI.hpp>
#include <filesystem>

#include "api/answers.h"
#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/commands_schema.h"
#include "cli/when_chosen.h"
#include "engine/maintenance.h"
#include "engine/storage_uri.h"

namespace omnigraph::cli {

namespace {

std::string compact_json(const std::function<void(base::JsonWriter&)>& write) {
  std::string text;
  base::JsonWriter json(text);
  write(json);
  return text;
}

struct InitArguments {
  std::string uri, schema;
  bool force = false;
};

Result<void> run_init(Context& context, const InitArguments& arguments) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string schema, base::read_file(arguments.schema));
  if (inside_cluster(arguments.uri)) {
    return std::unexpected(bad_request("'" + arguments.uri +
                                       "' lies inside a cluster, which creates its graphs itself; "
                                       "declare it in cluster.yaml and run `omnigraph cluster apply`"));
  }
  OG_RETURN_IF_ERROR(engine::Graph::init(arguments.uri, schema, context.actor()));
  print("initialized " + arguments.uri + "\n");
  return {};
}

void add_init(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("init", "Create a graph from a schema");
  command->footer("EXAMPLE\n  omnigraph init --schema fleet.pg fleet.omni\n");
  auto arguments = std::make_shared<InitArguments>();
  command->add_option("URI", arguments->uri, "Where the graph goes")->required()->check(non_empty());
  command->add_option("--schema", arguments->schema, "The .pg file")->required();
  command->add_flag("--force", arguments->force, "Proceed where only leftovers of an unfinished init are");
  when_chosen(*command, run, [&context, arguments] { return run_init(context, *arguments); });
}

struct BranchArguments {
  std::string uri, branch = "main";
  bool json = false;
};

void add_uri_branch(CLI::App& command, BranchArguments& arguments, bool with_json) {
  command.add_option("URI,--uri", arguments.uri, "The graph")->check(non_empty());
  command.add_option("--branch", arguments.branch, "Branch to read")->capture_default_str();
  if (with_json) command.add_flag("--json", arguments.json, "Print JSON");
}

struct ExportArguments : BranchArguments {
  std::vector<std::string> types;
};

Result<void> run_export(Context& context, const ExportArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "export"}));
  const auto sink = [](std::string_view piece) -> Result<void> {
    print(piece);
    return {};
  };
  return target.remote ? target.remote->export_rows(arguments.branch, arguments.types, sink)
                       : target.graph->export_rows(arguments.branch, arguments.types, sink);
}

void add_export(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("export", "Write a branch as NDJSON that `load` reads back");
  command->footer("EXAMPLE\n  omnigraph export fleet.omni --type Ship > ships.jsonl\n");
  auto arguments = std::make_shared<ExportArguments>();
  add_uri_branch(*command, *arguments, false);
  command->add_option("--type", arguments->types, "Only this type; repeatable")->allow_extra_args(false);
  command->add_flag_callback(
             "--jsonl", [] { warn("--jsonl has no effect: exports are always NDJSON"); }, "")
      ->group("");
  when_chosen(*command, run, [&context, arguments] { return run_export(context, *arguments); });
}

std::string snapshot_text(const engine::SnapshotInfo& snapshot) {
  std::string out = "graph_branch: " + snapshot.graph_branch + "\n";
  out += "graph_manifest_version: " + std::to_string(snapshot.graph_manifest_version) + "\n";
  out += "internal_schema_version: " + std::to_string(snapshot.internal_schema_version) + "\n";
  for (const auto& dataset : snapshot.datasets) {
    out += dataset.entity_kind + " type '" + dataset.type_name +
           "' published_dataset_version=" + std::to_string(dataset.published_dataset_version) +
           " entities=" + std::to_string(dataset.entity_count) + "\n";
  }
  return out;
}

struct SnapshotArguments : BranchArguments {
  bool materialize = false;
};

Result<void> run_snapshot(Context& context, const SnapshotArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "snapshot"}));
  if (arguments.materialize) {
    if (target.remote) return std::unexpected(bad_request("`snapshot --materialize` needs direct storage access"));
    OG_RETURN_IF_ERROR(engine::materialize(*target.graph, arguments.branch));
  }
  OG_ASSIGN_OR_RETURN(const auto snapshot, target.remote ? target.remote->snapshot(arguments.branch)
                                                         : target.graph->snapshot(arguments.branch));
  if (arguments.json) {
    print_json(compact_json([&](base::JsonWriter& json) { api::write_snapshot(json, snapshot); }));
  } else {
    print(snapshot_text(snapshot));
  }
  return {};
}

void add_snapshot(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("snapshot", "Show a branch's types, versions and entity counts");
  auto arguments = std::make_shared<SnapshotArguments>();
  add_uri_branch(*command, *arguments, true);
  command->add_flag("--materialize", arguments->materialize,
                    "First put every table version where tools that read Lance datasets find it");
  when_chosen(*command, run, [&context, arguments] { return run_snapshot(context, *arguments); });
}

Result<void> run_schema_show(Context& context, const BranchArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "schema show"}));
  OG_ASSIGN_OR_RETURN(const std::string source,
                      target.remote ? target.remote->schema_source() : target.graph->schema_source("main"));
  if (arguments.json) {
    print_json(compact_json(
        [&](base::JsonWriter& json) { json.begin_object().key("schema_source").string(source).end_object(); }));
  } else {
    print(source + "\n");
  }
  return {};
}

using BranchRun = Result<void> (*)(Context&, const BranchArguments&);

void set_callback(CLI::App* command, Context& context, Run& run, const std::shared_ptr<BranchArguments>& arguments,
                  BranchRun body) {
  when_chosen(*command, run, [&context, arguments, body] { return body(context, *arguments); });
}

}  // namespace

void add_graph_commands(CLI::App& app, Context& context, Run& run) {
  add_init(app, context, run);
  add_export(app, context, run);
  add_snapshot(app, context, run);
  auto* schema = app.add_subcommand("schema", "Show, plan and apply schemas");
  schema->require_subcommand(0, 1);
  schema->fallthrough();
  auto* show = schema->add_subcommand("show", "Print the accepted schema as it was written")->alias("get");
  auto shown = std::make_shared<BranchArguments>();
  show->add_option("URI,--uri", shown->uri, "The graph")->check(non_empty());
  show->add_flag("--json", shown->json, "Print JSON");
  set_callback(show, context, run, shown, run_schema_show);
  add_schema_changes(*schema, context, run);
}

}  // namespace omnigraph::cli
