// policy validate, test, explain.

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands_policy.h"
#include "cli/scope.h"
#include "cli/when_chosen.h"
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
};

// A bundle of no cluster: compiled as its actions say.
Result<NamedBundle> bundle_of_file(const Context& context, const std::string& file) {
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(file));
  auto bundle = policy::Bundle::parse(text, std::nullopt, context.flags.graph);
  const Result<void> fits = bundle ? (*bundle)->check_kind((*bundle)->kind()) : Result<void>();
  if (bundle && fits) return NamedBundle{file, std::move(*bundle)};
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

Result<NamedBundle> chosen_bundle(Context& context, const PolicyArguments& a, std::string_view label) {
  if (!a.file.empty()) {
    if (!context.flags.cluster.empty() || !a.bundle.empty()) {
      return std::unexpected(bad_request("--policy <file> and " +
                                         std::string(a.bundle.empty() ? "--cluster" : "--bundle") +
                                         " are mutually exclusive; pass one of them"));
    }
    return bundle_of_file(context, a.file);
  }
  OG_ASSIGN_OR_RETURN(const Scope scope, cluster_of(context, label));
  OG_ASSIGN_OR_RETURN(const cluster::AppliedPolicies applied, cluster::read_applied_policies(scope.address));
  const auto name = a.bundle.empty() ? std::nullopt : std::optional<std::string>(a.bundle);
  OG_ASSIGN_OR_RETURN(const cluster::AppliedPolicy chosen, applied.choose(name, scope.graph));
  OG_ASSIGN_OR_RETURN(auto bundle, cluster::open_applied_policy(scope.address, chosen, scope.graph));
  return NamedBundle{chosen.name, std::move(bundle)};
}

Result<void> run_validate(Context& context, const PolicyArguments& a) {
  OG_ASSIGN_OR_RETURN(const NamedBundle chosen, chosen_bundle(context, a, "policy validate"));
  print("policy valid: bundle '" + chosen.name + "' [" + std::to_string(chosen.bundle->actor_count()) + " actors]\n");
  return {};
}

Result<int> run_test(Context& context, const PolicyArguments& a) {
  OG_ASSIGN_OR_RETURN(const NamedBundle chosen, chosen_bundle(context, a, "policy test"));
  std::string file = a.tests;
  if (file.empty() && !a.file.empty()) file = (fs::path(a.file).parent_path() / "policy.tests.yaml").string();
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

void add_choice(CLI::App& command, PolicyArguments& a) {
  command.add_option("--bundle", a.bundle, "An applied bundle, by name")->check(non_empty());
  command.add_option("--policy", a.file, "A bundle file, instead of an applied bundle")->check(non_empty());
}

}  // namespace

void add_policy_commands(CLI::App& app, Context& context, Run& run) {
  auto* group = app.add_subcommand("policy", "Check, test and explain who may do what");
  group->require_subcommand(0, 1);
  group->fallthrough();
  group->footer(
      "EXAMPLE\n  omnigraph policy validate --cluster fleet/ --graph fleet\n"
      "  omnigraph policy explain --cluster fleet/ --actor raj --action change --branch main\n");
  auto arguments = std::make_shared<PolicyArguments>();
  PolicyArguments& a = *arguments;

  auto* validate = group->add_subcommand("validate", "Check a bundle of the applied revision");
  add_choice(*validate, a);
  when_chosen(*validate, run, [&context, arguments] { return run_validate(context, *arguments); });

  auto* test = group->add_subcommand("test", "Compare decisions with expected ones");
  add_choice(*test, a);
  test->add_option("--tests", a.tests, "YAML with `cases`; beside --policy FILE: policy.tests.yaml")
      ->check(non_empty());
  when_chosen(*test, run, [&context, arguments] { return run_test(context, *arguments); });

  auto* explain = group->add_subcommand("explain", "Show one decision and the rule behind it");
  add_choice(*explain, a);
  explain->add_option("--actor", a.actor, "Who asks")->required()->check(non_empty());
  explain->add_option("--action", a.action, std::string("What for: ") + kActions)->required()->check(non_empty());
  explain->add_option("--branch", a.branch, "Branch of the request");
  explain->add_option("--target-branch", a.target_branch, "Target branch of the request");
  when_chosen(*explain, run, [&context, arguments] { return run_explain(context, *arguments); });
}

}  // namespace omnigraph::cli
