// commit list, commit show; commit changes is in commands_changes.cc.

#include "api/answers.h"
#include "cli/command.h"
#include "cli/commands_changes.h"
#include "cli/terminal.h"

namespace omnigraph::cli {

namespace {

struct CommitArguments {
  std::string uri, branch, id;
  bool json = false;
};

std::string commit_line(const engine::CommitInfo& commit) {
  std::string line = commit.graph_commit_id + " graph_branch=" + commit.graph_branch.value_or("main") +
                     " graph_manifest_version=" + std::to_string(commit.graph_manifest_version);
  if (commit.actor_id) line += " actor=" + *commit.actor_id;
  return line + "\n";
}

Result<void> run_list(Context& context, const CommitArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = "commit list", .branch = arguments.branch}));
  const std::string branch = target.branch_or(arguments.branch);
  OG_ASSIGN_OR_RETURN(const auto commits,
                      target.remote ? target.remote->commits(branch) : target.graph->commits(branch));
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_commits(json, commits);
    print_json(compact);
    return {};
  }
  std::string lines;
  for (const auto& commit : commits) lines.append(commit_line(commit));
  print_paged(lines);
  return {};
}

Result<void> run_show(Context& context, const CommitArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "commit show"}));
  OG_ASSIGN_OR_RETURN(const auto commit,
                      target.remote ? target.remote->commit(arguments.id) : target.graph->commit(arguments.id));
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_commit(json, commit);
    print_json(compact);
    return {};
  }
  print(commit_line(commit));
  return {};
}

}  // namespace

void add_history_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("commit", "Look at the history of a branch");
  group.examples("omnigraph commit list fleet.omni");
  Command list = group.command("list", "Commits of a branch, newest first");
  list.examples("omnigraph commit list fleet.omni");
  auto listed = std::make_shared<CommitArguments>();
  list.own_uri(listed->uri);
  list.text("--branch", listed->branch, "The branch (default main)").non_empty().completes(Values::kBranch);
  list.json(listed->json);
  when_chosen(list, run, [&context, listed] { return run_list(context, *listed); });

  Command show = group.command("show", "One commit of any live branch");
  show.examples("omnigraph commit show 01K5Q4ZQ9YB0T3S8N6W2M7R1XD --uri fleet.omni");
  auto shown = std::make_shared<CommitArguments>();
  auto words = std::make_shared<std::vector<std::string>>();
  show.words("ID", *words, 1, 2, "Commit id; older scripts put the graph before it");
  show.own_uri(shown->uri, /*positional=*/false);
  show.json(shown->json);
  when_chosen(show, run, [&context, shown, words]() -> Result<void> {
    OG_RETURN_IF_ERROR(take_commit_words(*words, shown->uri, shown->id));
    return run_show(context, *shown);
  });
  add_commit_changes(group, context, run);
}

}  // namespace omnigraph::cli
