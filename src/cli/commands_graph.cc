// init, export, snapshot, schema show.

#include <unistd.h>

#include <algorithm>
#include <functional>

#include "api/answers.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/commands_schema.h"
#include "cli/progress_line.h"
#include "cli/terminal.h"
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

void add_init(Command& app, Context& context, Run& run) {
  Command command = app.command("init", "Create a graph from a schema");
  command.examples("omnigraph init --schema fleet.pg fleet.omni");
  auto arguments = std::make_shared<InitArguments>();
  command.own_uri(arguments->uri).required();
  command.text("--schema", arguments->schema, "The .pg file").required().completes(Values::kFile);
  command.flag("--force", arguments->force, "Proceed where only leftovers of an unfinished init are");
  when_chosen(command, run, [&context, arguments] { return run_init(context, *arguments); });
}

struct BranchArguments {
  std::string uri, branch;
  bool json = false;
};

void add_uri_branch(Command& command, BranchArguments& arguments) {
  command.own_uri(arguments.uri);
  command.text("--branch", arguments.branch, "Branch to read (default main)").non_empty().completes(Values::kBranch);
}

struct ExportArguments : BranchArguments {
  std::vector<std::string> types;
};

// Rows of the types wanted; 0 where the graph is served, so that an export stays one request.
std::uint64_t rows_to_export(const DataTarget& target, const std::string& branch,
                             const std::vector<std::string>& types) {
  if (target.graph == nullptr || ::isatty(STDERR_FILENO) != 1) return 0;
  const auto snapshot = target.graph->snapshot(branch);
  std::uint64_t rows = 0;
  if (!snapshot) return rows;  // the export says why
  for (const auto& dataset : snapshot->datasets) {
    if (types.empty() || std::ranges::find(types, dataset.type_name) != types.end()) rows += dataset.entity_count;
  }
  return rows;
}

Result<void> run_export(Context& context, const ExportArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = "export", .branch = arguments.branch}));
  const std::string branch = target.branch_or(arguments.branch);
  // Rows scroll past on a terminal; only where they go elsewhere is there a line to say how far it is.
  ProgressLine progress("export", context.flags.quiet || ::isatty(STDOUT_FILENO) == 1);
  ProgressState state{.done = 0, .total = rows_to_export(target, branch, arguments.types), .unit = "rows"};
  const auto sink = [&](std::string_view piece) -> Result<void> {
    print(piece);
    state.done += static_cast<std::uint64_t>(std::ranges::count(piece, '\n'));
    state.rows = state.done;
    progress.update(state);
    return {};
  };
  return target.remote ? target.remote->export_rows(branch, arguments.types, sink)
                       : target.graph->export_rows(branch, arguments.types, sink);
}

void add_export(Command& app, Context& context, Run& run) {
  Command command = app.command("export", "Write a branch as NDJSON that `load` reads back");
  command.examples("omnigraph export fleet.omni --type Ship > ships.jsonl");
  auto arguments = std::make_shared<ExportArguments>();
  add_uri_branch(command, *arguments);
  command.texts("--type", arguments->types, "Only this type; repeatable").completes(Values::kType);
  command.on_flag("--jsonl", [] { warn("--jsonl has no effect: exports are always NDJSON"); }, "").hidden();
  when_chosen(command, run, [&context, arguments] { return run_export(context, *arguments); });
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
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = "snapshot", .branch = arguments.branch}));
  const std::string branch = target.branch_or(arguments.branch);
  if (arguments.materialize) {
    if (target.remote) return std::unexpected(bad_request("`snapshot --materialize` needs direct storage access"));
    OG_RETURN_IF_ERROR(engine::materialize(*target.graph, branch));
  }
  OG_ASSIGN_OR_RETURN(const auto snapshot,
                      target.remote ? target.remote->snapshot(branch) : target.graph->snapshot(branch));
  if (arguments.json) {
    print_json(compact_json([&](base::JsonWriter& json) { api::write_snapshot(json, snapshot); }));
  } else {
    print(snapshot_text(snapshot));
  }
  return {};
}

void add_snapshot(Command& app, Context& context, Run& run) {
  Command command = app.command("snapshot", "Show a branch's types, versions and entity counts");
  command.examples("omnigraph snapshot fleet.omni");
  auto arguments = std::make_shared<SnapshotArguments>();
  add_uri_branch(command, *arguments);
  command.json(arguments->json);
  command.flag("--materialize", arguments->materialize,
               "First put every table version where tools that read Lance datasets find it");
  when_chosen(command, run, [&context, arguments] { return run_snapshot(context, *arguments); });
}

Result<void> run_schema_show(Context& context, const BranchArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "schema show"}));
  OG_ASSIGN_OR_RETURN(const std::string source,
                      target.remote ? target.remote->schema_source() : target.graph->schema_source("main"));
  if (arguments.json) {
    print_json(compact_json(
        [&](base::JsonWriter& json) { json.begin_object().key("schema_source").string(source).end_object(); }));
  } else {
    print_paged(source + "\n");
  }
  return {};
}

void add_schema_show(Command& schema, Context& context, Run& run) {
  Command show = schema.command("show", "Print the accepted schema as it was written");
  show.alias("get").examples("omnigraph schema show fleet.omni > fleet.pg");
  auto arguments = std::make_shared<BranchArguments>();
  show.own_uri(arguments->uri);
  show.json(arguments->json);
  when_chosen(show, run, [&context, arguments] { return run_schema_show(context, *arguments); });
}

}  // namespace

void add_graph_commands(CLI::App& app, Context& context, Run& run) {
  Command root(app);
  add_init(root, context, run);
  add_export(root, context, run);
  add_snapshot(root, context, run);
  Command schema = root.group("schema", "Show, plan and apply schemas");
  schema.examples("omnigraph schema show fleet.omni\nomnigraph schema plan --schema fleet.pg fleet.omni");
  add_schema_show(schema, context, run);
  add_schema_changes(schema, context, run);
}

}  // namespace omnigraph::cli
