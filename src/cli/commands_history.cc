// commit list, commit show; commit changes is in commands_changes.cc.

#include <CLI/CLI.hpp>

#include "api/answers.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/commands_changes.h"
#include "cli/when_chosen.h"

namespace omnigraph::cli {

namespace {

struct CommitArguments {
  std::string uri, branch = "main", id;
  bool json = false;
};

std::string commit_line(const engine::CommitInfo& commit) {
  std::string line = commit.graph_commit_id + " graph_branch=" + commit.graph_branch.value_or("main") +
                     " graph_manifest_version=" + std::to_string(commit.graph_manifest_version);
  if (commit.actor_id) line += " actor=" + *commit.actor_id;
  return line + "\n";
}

Result<void> run_list(Context& context, const CommitArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, context.open_data(arguments.uri, {.label = "commit list"}));
  OG_ASSIGN_OR_RETURN(const auto commits, target.remote ? target.remote->commits(arguments.branch)
                                                        : target.graph->commits(arguments.branch));
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_commits(json, commits);
    print_json(compact);
    return {};
  }
  for (const auto& commit : commits) print(commit_line(commit));
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
  auto* group = app.add_subcommand("commit", "Look at the history of a branch");
  group->require_subcommand(0, 1);
  group->fallthrough();
  auto* list = group->add_subcommand("list", "Commits of a branch, newest first");
  auto listed = std::make_shared<CommitArguments>();
  list->add_option("URI,--uri", listed->uri, "The graph")->check(non_empty());
  list->add_option("--branch", listed->branch, "The branch")->capture_default_str();
  list->add_flag("--json", listed->json, "Print JSON");
  when_chosen(*list, run, [&context, listed] { return run_list(context, *listed); });
  auto* show = group->add_subcommand("show", "One commit of any live branch");
  auto shown = std::make_shared<CommitArguments>();
  std::shared_ptr<std::vector<std::string>> words = std::make_shared<std::vector<std::string>>();
  show->add_option("ID", *words, "Commit id; older scripts put the graph before it")->required()->expected(1, 2);
  show->add_option("--uri", shown->uri, "The graph")->check(non_empty());
  show->add_flag("--json", shown->json, "Print JSON");
  show->callback([&context, &run, shown, words] {
    run = [&context, shown, words]() -> int {
      shown->id = words->back();
      if (words->size() == 2 && shown->uri.empty()) shown->uri = words->front();
      const auto done = run_show(context, *shown);
      return done ? kExitOk : report(done.error());
    };
  });
  add_commit_changes(*group, context, run);
}

}  // namespace omnigraph::cli
