// tables.

#include <algorithm>

#include "api/answers.h"
#include "base/text.h"
#include "cli/command.h"
#include "engine/tables.h"

namespace omnigraph::cli {

namespace {

struct TablesArguments {
  std::string uri, branch, snapshot;
  bool json = false;
};

std::string tables_text(const std::vector<engine::TableInfo>& tables) {
  std::size_t width = 0;
  for (const engine::TableInfo& table : tables) width = std::max(width, base::display_width(table.type_key));
  std::string out;
  for (const engine::TableInfo& table : tables) {
    out.append(table.type_key).append(width - base::display_width(table.type_key), ' ');
    out.append("  ").append(table.path).append("  version ").append(std::to_string(table.lance_version));
    out.append("  entities ").append(std::to_string(table.entity_count)).append("\n");
  }
  return out;
}

Result<void> run_tables(Context& context, const TablesArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = "tables", .branch = arguments.branch}));
  engine::ReadTarget read;
  if (arguments.snapshot.empty()) {
    read.branch = target.branch_or(arguments.branch);
  } else {
    read.snapshot = arguments.snapshot;
  }
  OG_ASSIGN_OR_RETURN(const auto tables,
                      target.remote ? target.remote->tables(read) : engine::tables_of(*target.graph, read));
  if (!arguments.json) {
    print(tables_text(tables));
    return {};
  }
  std::string compact;
  base::JsonWriter json(compact);
  api::write_tables(json, tables);
  print_json(compact);
  return {};
}

}  // namespace

void add_tables_command(CLI::App& app, Context& context, Run& run) {
  Command command = Command(app).command("tables", "Show where the Lance tables of a state lie, and their versions");
  command.examples(
      "omnigraph tables fleet.omni\n"
      "omnigraph snapshot fleet.omni --materialize && omnigraph tables fleet.omni --json");
  auto arguments = std::make_shared<TablesArguments>();
  command.own_uri(arguments->uri);
  const Option branch =
      command.text("--branch", arguments->branch, "Branch (default main)").non_empty().completes(Values::kBranch);
  command.text("--snapshot", arguments->snapshot, "Commit id, instead of a branch").non_empty().excludes(branch);
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_tables(context, *arguments); });
}

}  // namespace omnigraph::cli
