// branch create, list, delete; merge and diff are in commands_merge.cc.

#include "cli/command.h"
#include "cli/commands_merge.h"

namespace omnigraph::cli {

namespace {

struct BranchEdit {
  std::string uri, name, from = "main";
  bool json = false;
};

// {"uri", "from"?, "name", "actor_id"}
void print_change(const std::string& uri, const client::BranchChange& change) {
  std::string compact;
  base::JsonWriter json(compact);
  json.begin_object().key("uri").string(uri);
  if (!change.from.empty()) json.key("from").string(change.from);
  json.key("name").string(change.name);
  json.key("actor_id").string_or_null(change.actor_id.value_or(""), change.actor_id.has_value()).end_object();
  print_json(compact);
}

Result<void> run_create(Context& context, const BranchEdit& edit) {
  OG_ASSIGN_OR_RETURN(
      const DataTarget target,
      context.open_data(edit.uri, {.label = "branch create", .writes = true, .echoes = true, .branch = edit.from}));
  client::BranchChange change{edit.name, edit.from, context.actor()};
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(change, target.remote->create_branch(edit.name, edit.from));
  } else {
    OG_RETURN_IF_ERROR(target.graph->create_branch(edit.name, edit.from));
  }
  if (edit.json) {
    print_change(target.uri, change);
  } else {
    print("created branch " + change.name + " from " + change.from + "\n");
  }
  return {};
}

Result<void> run_delete(Context& context, const BranchEdit& edit) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(edit.uri, {.label = "branch delete",
                                                                            .writes = true,
                                                                            .echoes = true,
                                                                            .destructive = "branch delete",
                                                                            .json = edit.json,
                                                                            .branch = edit.name}));
  client::BranchChange change{edit.name, "", context.actor()};
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(change, target.remote->delete_branch(edit.name));
  } else {
    OG_RETURN_IF_ERROR(target.graph->delete_branch(edit.name));
  }
  if (edit.json) {
    print_change(target.uri, change);
  } else {
    print("deleted branch " + change.name + "\n");
  }
  return {};
}

Result<void> run_list(Context& context, const BranchEdit& edit) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(edit.uri, {.label = "branch list"}));
  OG_ASSIGN_OR_RETURN(const auto branches, target.remote ? target.remote->branches() : target.graph->branches());
  if (!edit.json) {
    for (const std::string& branch : branches) print(branch + "\n");
    return {};
  }
  std::string compact;
  base::JsonWriter json(compact);
  json.begin_object().key("branches").begin_array();
  for (const std::string& branch : branches) json.string(branch);
  json.end_array().end_object();
  print_json(compact);
  return {};
}

}  // namespace

void add_branch_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("branch", "Create, list, merge and delete branches");
  group.examples("omnigraph branch create fix --store fleet.omni\nomnigraph branch diff fix --store fleet.omni");
  const auto add = [&](const char* name, const char* help, const char* example, bool named, bool from,
                       Result<void> (*body)(Context&, const BranchEdit&)) {
    Command command = group.command(name, help);
    command.examples(example);
    auto edit = std::make_shared<BranchEdit>();
    if (named)
      command.text("NAME", edit->name, "The branch").required().completes(from ? Values::kText : Values::kBranch);
    command.own_uri(edit->uri, /*positional=*/false);
    if (from)
      command.text("--from", edit->from, "Branch whose head it starts from").shows_default().completes(Values::kBranch);
    command.json(edit->json);
    when_chosen(command, run, [&context, edit, body] { return body(context, *edit); });
  };
  add("create", "Create a branch from another's head", "omnigraph branch create fix --store fleet.omni", true, true,
      run_create);
  add("list", "List the branches", "omnigraph branch list --store fleet.omni", false, false, run_list);
  add("delete", "Delete a branch; what was made from it lives on", "omnigraph branch delete fix --store fleet.omni",
      true, false, run_delete);
  add_merge_commands(group, context, run);
}

}  // namespace omnigraph::cli
