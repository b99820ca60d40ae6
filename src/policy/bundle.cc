#include "policy/bundle.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "policy/bundle_compile.h"

namespace omnigraph::policy {

namespace {

constexpr std::array<std::string_view, kActionCount> kActionNames = {
    "read",          "export",       "change",       "schema_apply", "branch_create",
    "branch_delete", "branch_merge", "invoke_query", "admin",        "graph_list"};

using Branch = std::optional<std::string_view>;

Branch trimmed(const std::optional<std::string>& name) {
  if (!name) return std::nullopt;
  return base::trim_unicode(*name);
}

Truths truths_of(const Branch& branch, const Branch& target, const BundleSource& source) {
  return {branch.has_value(), branch && source.protected_branches.contains(*branch), target.has_value(),
          target && source.protected_branches.contains(*target)};
}

std::string allowance(const Request& request) {
  std::string text;
  text.reserve(48 + request.actor.size());
  text.append("policy allowed action '").append(action_name(request.action)).append("' for actor '");
  return text.append(request.actor).append("'");
}

std::string denial_of_unknown(const Request& request) {
  std::string text;
  text.reserve(64 + request.actor.size());
  text.append("policy denied action '").append(action_name(request.action)).append("' for unknown actor '");
  return text.append(request.actor).append("'");
}

std::string denial(const Request& request, const Branch& branch, const Branch& target) {
  std::string text;
  text.reserve(80 + request.actor.size() + branch.value_or("").size() + target.value_or("").size());
  text.append("policy denied action '").append(action_name(request.action)).append("'");
  if (branch) text.append(" on branch '").append(*branch).append("'");
  if (target) text.append(" targeting branch '").append(*target).append("'");
  return text.append(" for actor '").append(request.actor).append("'");
}

}  // namespace

std::string_view action_name(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }

std::optional<Action> action_of(std::string_view name) {
  const auto at = std::ranges::find(kActionNames, name);
  if (at == kActionNames.end()) return std::nullopt;
  return static_cast<Action>(at - kActionNames.begin());
}

Bundle::Bundle(std::unique_ptr<const CompiledBundle> compiled) : compiled_(std::move(compiled)) {}
Bundle::~Bundle() = default;

Result<std::shared_ptr<const Bundle>> Bundle::parse(std::string_view text, std::optional<BundleKind> kind,
                                                    std::string_view graph_id) {
  OG_ASSIGN_OR_RETURN(BundleSource source, read_bundle(text, kind));
  OG_ASSIGN_OR_RETURN(auto compiled, compile_bundle(std::move(source), kind, graph_id));
  auto bundle = std::make_shared<const Bundle>(std::move(compiled));
  if (kind) OG_RETURN_IF_ERROR(bundle->check_kind(*kind));
  return bundle;
}

std::size_t Bundle::actor_count() const { return compiled_->source.actor_groups.size(); }

const std::vector<Rule>& Bundle::rules() const { return compiled_->source.rules; }

const std::string& Bundle::rules_as_cedar() const { return compiled_->rules_as_cedar; }

BundleKind Bundle::kind() const {
  if (compiled_->bound) return *compiled_->bound;
  const cedar::Value& listing = compiled_->actions[static_cast<std::size_t>(Action::kGraphList)];
  const bool server = std::ranges::any_of(compiled_->policies, [&](const cedar::Policy& policy) {
    return std::ranges::find(policy.action.entities, listing) != policy.action.entities.end();
  });
  return server ? BundleKind::kServer : BundleKind::kGraph;
}

Result<void> Bundle::check_kind(BundleKind kind) const {
  for (const Rule& rule : rules()) {
    for (const Action action : rule.actions) {
      const auto mismatch = kind_mismatch(action, kind);
      if (mismatch) return std::unexpected(bad_request("policy rule '" + rule.id + "' " + *mismatch));
    }
  }
  return {};
}

Decision Bundle::authorize(const Request& request) const {
  const CompiledBundle& bundle = *compiled_;
  const auto known = bundle.actors.find(request.actor);
  Decision decision;
  if (known == bundle.actors.end() && !bundle.source.cedar) {
    decision.message = denial_of_unknown(request);
    return decision;
  }
  const Branch branch = trimmed(request.branch);
  const Branch target = trimmed(request.target_branch);
  const bool is_known = known != bundle.actors.end();
  const Truths truths = truths_of(branch, target, bundle.source);
  const auto action = static_cast<std::size_t>(request.action);
  const DecisionTable& table = bundle.tables[action];
  std::optional<cedar::Request> asked;
  if (table.evaluates()) {
    asked = cedar::Request{is_known ? known->second.principal : actor_entity(request.actor), bundle.actions[action],
                           request.action == Action::kGraphList ? bundle.server : bundle.graph,
                           context_value(truths, branch.value_or(""), target.value_or(""))};
  }
  const Verdict verdict = table.judge(is_known ? known->second.groups : bundle.no_groups, truths,
                                      asked ? &*asked : nullptr, bundle.entities);
  if (verdict.failed != nullptr) {
    decision.failure = "policy '" + verdict.failed->id + "': " + verdict.error->message;
    decision.message = "policy evaluation failed: " + decision.failure;
    return decision;
  }
  if (verdict.matched != nullptr) {
    decision.matched_rule_id = bundle.reported[static_cast<std::size_t>(verdict.matched - bundle.policies.data())];
  }
  decision.allowed = verdict.allowed;
  decision.message = verdict.allowed ? allowance(request) : denial(request, branch, target);
  return decision;
}

}  // namespace omnigraph::policy
