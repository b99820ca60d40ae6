// policy validate, test, explain.

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/scope.h"
#include "cluster/applied_policies.h"
#include "policy/test_cases.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kActions =
    "read, export, change, schema_apply, branch_create, branch_delete, branch_merge, admin, graph_list, invoke_query";

struct PolicyArguments {
  std::string bundle;  // by name
  std::string file;    // a bundle file instead of an applied one
  std::string tests;
  std::string actor, action, branch, target_branch;
};

struct NamedBundle {
  std::string name;
  std::shared_ptr<const policy::Bundle> bundle;
  std::string file;  // that it was read from; empty: an applied one
};

// A bundle of no cluster: compiled as its actions say.
Result<NamedBundle> bundle_of_file(const Context& context, const std::string& file) {
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(file));
  auto bundle = policy::Bundle::parse(text, std::nullopt, context.flags.graph);
  const Result<void> fits = bundle ? (*bundle)->check_kind((*bundle)->kind()) : Result<void>();
  if (bundle && fits) return NamedBundle{file, std::move(*bundle), file};
  Error error = bundle ? fits.error() : bundle.error();
  error.message = "policy_invalid: '" + file + "': " + error.message;
  return std::unexpected(std::move(error));
}

Result<Scope> cluster_of(Context& context, std::string_view label) {
  OG_RETURN_IF_ERROR(context.load_config());
  ScopeFlags flags = context.flags;
  const bool unaddressed = flags.cluster.empty() && flags.profile.empty() && !environment_profile();
  if (unaddressed && fs::exists("cluster.yaml")) flags.cluster = ".";
  OG_ASSIGN_OR_RETURN(Scope scope, resolve_scope(flags, context.config, "", Capability::kClusterControl, label));
  if (scope.kind == ScopeKind::kCluster) return scope;
  return std::unexpected(bad_request("`" + std::string(label) + "` needs a cluster; " + scope.source + " resolves a " +
                                     (scope.kind == ScopeKind::kServer ? "server" : "store") +
                                     " scope. Pass --cluster <dir|uri>, or select a cluster profile"));
}

// The bundle of the project file: `policy.file`, else that of the graph which --target, --graph or `cli.graph` selects.
Result<std::string> file_of_project(Context& context) {
  OG_ASSIGN_OR_RETURN(const ProjectFile* project, context.project());
  if (project == nullptr) return std::unexpected(bad_request("--target needs a project file; pass --config <file>"));
  const std::string& target = context.flags.project.target;
  if (target.empty() && project->policy_file) return *project->policy_file;
  const std::string graph = !target.empty()                ? target
                            : !context.flags.graph.empty() ? context.flags.graph
                                                           : project->graph.value_or("");
  const auto found = project->graphs.find(graph);
  if (found != project->graphs.end() && found->second.policy_file) return *found->second.policy_file;
  std::string message("project file '");
  message.append(project->path.string()).append("' names no policy file: it has no `policy.file`");
  if (!graph.empty()) message.append(", and graph '").append(graph).append("' ");
  if (!graph.empty()) message.append(found == project->graphs.end() ? "is not in it" : "has none of its own");
  return std::unexpected(bad_request(message.append("; pass --policy <file>")));
}

// The file a bundle is read from instead of a cluster; empty: none is named.
Result<std::string> named_file(Context& context, const PolicyArguments& a) {
  const bool project = !context.flags.project.config.empty() || !context.flags.project.target.empty();
  const std::pair<const char*, bool> sources[] = {{"--policy <file>", !a.file.empty()},
                                                  {"--config <file>", project},
                                                  {"--cluster", !context.flags.cluster.empty()},
                                                  {"--bundle", !a.bundle.empty()}};
  const bool of_file = !a.file.empty() || project;
  if (of_file && std::ranges::count(sources, true, &std::pair<const char*, bool>::second) > 1) {
    std::string named;
    for (const auto& [flag, given] : sources) {
      if (given) named.append(named.empty() ? "" : " and ").append(flag);
    }
    return std::unexpected(bad_request(named.append(" are mutually exclusive; pass one of them")));
  }
  return project ? file_of_project(context) : a.file;
}

Result<NamedBundle> chosen_bundle(Context& context, const PolicyArguments& a, std::string_view label) {
  OG_ASSIGN_OR_RETURN(const std::string named, named_file(context, a));
  if (!named.empty()) return bundle_of_file(context, named);
  OG_ASSIGN_OR_RETURN(const Scope scope, cluster_of(context, label));
  OG_ASSIGN_OR_RETURN(const cluster::AppliedPolicies applied, cluster::read_applied_policies(scope.address));
  const auto name = a.bundle.empty() ? std::nullopt : std::optional<std::string>(a.bundle);
  OG_ASSIGN_OR_RETURN(const cluster::AppliedPolicy chosen, applied.choose(name, scope.graph));
  OG_ASSIGN_OR_RETURN(auto bundle, cluster::open_applied_policy(scope.address, chosen, scope.graph));
  return NamedBundle{chosen.name, std::move(bundle), {}};
}

Result<void> run_validate(Context& context, const PolicyArguments& a) {
  OG_ASSIGN_OR_RETURN(const NamedBundle chosen, chosen_bundle(context, a, "policy validate"));
  print("policy valid: bundle '" + chosen.name + "' [" + std::to_string(chosen.bundle->actor_count()) + " actors]\n");
  return {};
}

Result<int> run_test(Context& context, const PolicyArguments& a) {
  OG_ASSIGN_OR_RETURN(const NamedBundle chosen, chosen_bundle(context, a, "policy test"));
  std::string file = a.tests;
  if (file.empty() && !chosen.file.empty()) file = (fs::path(chosen.file).parent_path() / "policy.tests.yaml").string();
  if (file.empty())
    return std::unexpected(bad_request("`policy test` needs the expected decisions; pass --tests <file>"));
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(file));
  auto cases = policy::read_test_cases(text);
  if (!cases) return std::unexpected(bad_request("'" + file + "': " + cases.error().message));
  const auto failures = policy::run_test_cases(*chosen.bundle, *cases);
  if (failures.empty()) {
    print("policy tests passed: " + std::to_string(cases->size()) + " cases\n");
    return kExitOk;
  }
  print("policy tests failed:\n");
  for (const std::string& failure : failures) print(failure + "\n");
  return kExitFailure;
}

Result<policy::Request> request_of(const PolicyArguments& a) {
  policy::Request request;
  request.actor = a.actor;
  std::string name = a.action;
  std::ranges::replace(name, '-', '_');
  const auto action = policy::action_of(name);
  if (!action) return std::unexpected(bad_request("unknown action '" + a.action + "'; known: " + kActions));
  request.action = *action;
  const auto given = [](const std::string& branch) {
    const std::string_view trimmed = base::trim_unicode(branch);
    return trimmed.empty() ? std::nullopt : std::optional<std::string>(trimmed);
  };
  request.branch = given(a.branch);
  request.target_branch = given(a.target_branch);
  return request;
}

Result<void> run_explain(Context& context, const PolicyArguments& a) {
  OG_ASSIGN_OR_RETURN(const policy::Request request, request_of(a));
  OG_ASSIGN_OR_RETURN(const NamedBundle chosen, chosen_bundle(context, a, "policy explain"));
  const policy::Decision decision = chosen.bundle->authorize(request);
  if (!decision.failure.empty()) return std::unexpected(internal_error(decision.message));
  std::string text;
  const auto line = [&text](std::string_view label, std::string_view value) {
    if (!value.empty()) text.append(label).append(": ").append(value).append("\n");
  };
  line("decision", decision.allowed ? "allow" : "deny");
  line("actor", request.actor);
  line("action", policy::action_name(request.action));
  line("branch", request.branch.value_or(""));
  line("target_branch", request.target_branch.value_or(""));
  line("matched_rule", decision.matched_rule_id);
  line("message", decision.message);
  print(text);
  return {};
}

Command add_command(Command& group, const char* name, const char* help, const char* example, PolicyArguments& a) {
  Command command = group.command(name, help);
  command.examples(example);
  command.text("--bundle", a.bundle, "An applied bundle, by name").non_empty();
  command.text("--policy", a.file, "A bundle file, instead of an applied bundle").non_empty().completes(Values::kFile);
  return command;
}

}  // namespace

void add_policy_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("policy", "Check, test and explain who may do what");
  group.examples(
      "omnigraph policy validate --cluster fleet/ --graph fleet\n"
      "omnigraph policy explain --cluster fleet/ --actor raj --action change --branch main");
  auto arguments = std::make_shared<PolicyArguments>();
  PolicyArguments& a = *arguments;

  Command validate = add_command(group, "validate", "Check a bundle of the applied revision",
                                 "omnigraph policy validate --cluster fleet/ --graph fleet", a);
  when_chosen(validate, run, [&context, arguments] { return run_validate(context, *arguments); });

  Command test = add_command(group, "test", "Compare decisions with expected ones",
                             "omnigraph policy test --policy crew.policy.yaml --tests policy.tests.yaml", a);
  test.text("--tests", a.tests, "YAML with `cases`; beside --policy FILE: policy.tests.yaml")
      .non_empty()
      .completes(Values::kFile);
  when_chosen(test, run, [&context, arguments] { return run_test(context, *arguments); });

  Command explain =
      add_command(group, "explain", "Show one decision and the rule behind it",
                  "omnigraph policy explain --cluster fleet/ --actor raj --action change --branch main", a);
  explain.text("--actor", a.actor, "Who asks").required().non_empty();
  const std::string action_help = std::string("What for: ").append(kActions);
  explain.text("--action", a.action, action_help.c_str()).required().non_empty();
  explain.text("--branch", a.branch, "Branch of the request").completes(Values::kBranch);
  explain.text("--target-branch", a.target_branch, "Target branch of the request").completes(Values::kBranch);
  when_chosen(explain, run, [&context, arguments] { return run_explain(context, *arguments); });
}

}  // namespace omnigraph::cli
