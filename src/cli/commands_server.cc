// graphs list.

#include "cli/command.h"

namespace omnigraph::cli {

namespace {

Result<void> run_list(Context& context, bool json) {
  OG_ASSIGN_OR_RETURN(const client::Endpoint server, context.open_server("graphs list"));
  OG_ASSIGN_OR_RETURN(const auto graphs, client::list_graphs(server));
  if (!json) {
    for (const auto& graph : graphs) print(graph.graph_id + "\t" + graph.uri + "\n");
    return {};
  }
  std::string compact;
  base::JsonWriter writer(compact);
  writer.begin_object().key("graphs").begin_array();
  for (const auto& graph : graphs) {
    writer.begin_object().key("graph_id").string(graph.graph_id).key("uri").string(graph.uri).end_object();
  }
  writer.end_array().end_object();
  print_json(compact);
  return {};
}

}  // namespace

void add_server_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("graphs", "Look at the graphs of a server");
  group.examples("omnigraph graphs list --server https://graphs.example.com");
  Command list = group.command("list", "Graphs the server lets you list");
  list.examples("omnigraph graphs list --server https://graphs.example.com");
  auto json = std::make_shared<bool>(false);
  list.json(*json);
  when_chosen(list, run, [&context, json] { return run_list(context, *json); });
}

}  // namespace omnigraph::cli
