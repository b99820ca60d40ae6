// repair.

#include "cli/command.h"
#include "cli/type_label.h"
#include "engine/maintenance.h"

namespace omnigraph::cli {

namespace {

struct RepairArguments {
  std::string uri;
  bool confirm = false, force = false, restore = false, json = false;
};

std::string repair_json(const std::string& uri, const RepairArguments& arguments, const engine::RepairAnswer& answer) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("uri").string(uri).key("confirm").boolean(arguments.confirm);
  json.key("force").boolean(arguments.force).key("graph_manifest_version");
  if (answer.commit) {
    json.unsigned_integer(answer.commit->graph_manifest_version);
  } else {
    json.null();
  }
  json.key("datasets").begin_array();
  for (const engine::RepairedDataset& dataset : answer.datasets) {
    json.begin_object().key("type_key").string(dataset.type_key);
    json.key("published_dataset_version").unsigned_integer(dataset.published_dataset_version);
    json.key("lance_head_version").unsigned_integer(dataset.lance_head_version);
    json.key("classification").string(dataset.classification).key("action").string(dataset.action);
    json.key("operations").begin_array();
    for (const std::string& operation : dataset.operations) json.string(operation);
    json.end_array().key("error").string_or_null(dataset.error.value_or(""), dataset.error.has_value()).end_object();
  }
  json.end_array().end_object();
  return text;
}

std::string repair_text(const engine::RepairAnswer& answer) {
  std::string out;
  for (const engine::RepairedDataset& dataset : answer.datasets) {
    out += type_label(dataset.type_key) + ": " + dataset.classification + ", " + dataset.action;
    for (std::size_t i = 0; i < dataset.operations.size(); ++i) {
      out += (i == 0 ? " (" : ", ") + dataset.operations[i] + (i + 1 == dataset.operations.size() ? ")" : "");
    }
    if (dataset.error) out += ": " + *dataset.error;
    out += '\n';
  }
  return out;
}

Result<int> run_repair(Context& context, const RepairArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri, "repair"));
  OG_ASSIGN_OR_RETURN(const engine::RepairAnswer answer, engine::repair(*graph, {.confirm = arguments.confirm,
                                                                                 .force = arguments.force,
                                                                                 .restore = arguments.restore,
                                                                                 .actor = context.actor()}));
  if (arguments.json) {
    print_json(repair_json(graph->uri(), arguments, answer));
  } else {
    print(repair_text(answer));
  }
  if (!answer.refused) return kExitOk;
  return report(conflict("repair refused some tables; what it says of each is above"));
}

}  // namespace

void add_repair_command(CLI::App& app, Context& context, Run& run) {
  Command command = Command(app).command("repair", "Deal with tables that another tool has changed");
  command.examples("omnigraph repair fleet.omni\nomnigraph repair fleet.omni --confirm");
  auto arguments = std::make_shared<RepairArguments>();
  command.own_uri(arguments->uri);
  Option confirm = command.flag("--confirm", arguments->confirm, "Do it; without, only show what would be done");
  command.flag("--force", arguments->force, "Take changed rows over too, if they pass the checks of a write")
      .needs(confirm);
  command.flag("--restore", arguments->restore, "Put our content back on top of what is not taken over").needs(confirm);
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_repair(context, *arguments); });
}

}  // namespace omnigraph::cli
