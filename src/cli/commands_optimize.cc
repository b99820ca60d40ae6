// optimize.

#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/type_label.h"
#include "engine/maintenance.h"

namespace omnigraph::cli {

namespace {

struct OptimizeArguments {
  std::string uri, branch = "main";
  bool json = false;
};

std::string optimize_json(const std::string& uri, const engine::OptimizeAnswer& answer) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("uri").string(uri).key("datasets").begin_array();
  for (const engine::OptimizedDataset& dataset : answer.datasets) {
    json.begin_object().key("type_key").string(dataset.type_key);
    json.key("fragments_removed").unsigned_integer(dataset.fragments_removed);
    json.key("fragments_added").unsigned_integer(dataset.fragments_added);
    json.key("committed").boolean(dataset.committed);
    json.key("skipped").string_or_null(dataset.skipped.value_or(""), dataset.skipped.has_value());
    json.key("published_dataset_version").unsigned_integer(dataset.published_dataset_version);
    json.key("lance_head_version").unsigned_integer(dataset.lance_head_version);
    json.key("pending_indexes").begin_array();
    for (const engine::PendingIndex& pending : dataset.pending_indexes) {
      json.begin_object().key("property").string(pending.property).key("reason").string(pending.reason).end_object();
    }
    json.end_array();
    if (!dataset.indexes.empty()) json.key("indexes").begin_array();
    for (const engine::DatasetIndex& index : dataset.indexes) {
      json.begin_object().key("property").string(index.property).key("kind").string(index.kind);
      json.key("rows_covered").unsigned_integer(index.rows_covered);
      json.key("rows_total").unsigned_integer(index.rows_total).end_object();
    }
    if (!dataset.indexes.empty()) json.end_array();
    json.end_object();
  }
  json.end_array().end_object();
  return text;
}

std::string optimize_text(const engine::OptimizeAnswer& answer) {
  std::string out;
  for (const engine::OptimizedDataset& dataset : answer.datasets) {
    out += type_label(dataset.type_key);
    if (dataset.skipped) {
      out += ": skipped, " + *dataset.skipped + " (another tool changed the table; see `omnigraph repair`)\n";
    } else if (dataset.committed) {
      out += ": " + std::to_string(dataset.fragments_removed) + " fragments written anew as " +
             std::to_string(dataset.fragments_added) + "\n";
    } else {
      out += ": nothing to do\n";
    }
    for (const engine::PendingIndex& pending : dataset.pending_indexes) {
      out += "  index pending on property '" + pending.property + "': " + pending.reason + "\n";
    }
  }
  return out;
}

Result<void> run_optimize(Context& context, const OptimizeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri, "optimize"));
  std::optional<ProgressLine> line(std::in_place, "optimize", context.flags.quiet);
  OG_ASSIGN_OR_RETURN(const engine::OptimizeAnswer answer, engine::optimize(*graph, arguments.branch));
  line.reset();
  if (arguments.json) {
    print_json(optimize_json(graph->uri(), answer));
  } else {
    print(optimize_text(answer));
  }
  return {};
}

}  // namespace

void add_optimize_command(CLI::App& app, Context& context, Run& run) {
  Command command = Command(app).command("optimize", "Merge small files and drop deleted rows; the content stays");
  command.examples("omnigraph optimize fleet.omni");
  auto arguments = std::make_shared<OptimizeArguments>();
  command.own_uri(arguments->uri);
  command.text("--branch", arguments->branch, "Branch to work on").shows_default().completes(Values::kBranch);
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_optimize(context, *arguments); });
}

}  // namespace omnigraph::cli
