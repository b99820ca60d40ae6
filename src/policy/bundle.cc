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

// Chapter 08 section 4, names in order.
cedar::Value context_of(const Branch& branch, const Branch& target, const BundleSource& source) {
  const auto is_protected = [&source](const Branch& name) {
    return cedar::Value::boolean(name && source.protected_branches.contains(*name));
  };
  const auto text = [](const Branch& name) { return cedar::Value::text(std::string(name.value_or(""))); };
  cedar::Attributes attributes;
  attributes.reserve(6);
  attributes.emplace_back("branch", text(branch));
  attributes.emplace_back("branch_is_protected", is_protected(branch));
  attributes.emplace_back("has_branch", cedar::Value::boolean(branch.has_value()));
  attributes.emplace_back("has_target_branch", cedar::Value::boolean(target.has_value()));
  attributes.emplace_back("target_branch", text(target));
  attributes.emplace_back("target_branch_is_protected", is_protected(target));
  return cedar::Value::record(std::move(attributes));
}

std::string action_in_quotes(Action action) { return std::string("action '").append(action_name(action)).append("'"); }

std::string denial(const Request& request, const Branch& branch, const Branch& target) {
  std::string text("policy denied ");
  text.append(action_in_quotes(request.action));
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
  const auto& listing = compiled_->by_action[static_cast<std::size_t>(Action::kGraphList)];
  const bool server = std::ranges::any_of(
      listing, [](const cedar::Policy* policy) { return policy->action.kind != cedar::ScopeTest::Kind::kAny; });
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
    decision.message =
        "policy denied " + action_in_quotes(request.action) + " for unknown actor '" + request.actor + "'";
    return decision;
  }
  const Branch branch = trimmed(request.branch);
  const Branch target = trimmed(request.target_branch);
  const auto action = static_cast<std::size_t>(request.action);
  const cedar::Request asked{
      known == bundle.actors.end() ? actor_entity(request.actor) : known->second, bundle.actions[action],
      request.action == Action::kGraphList ? bundle.server : bundle.graph, context_of(branch, target, bundle.source)};
  const cedar::Answer answer = cedar::authorize(bundle.by_action[action], asked, bundle.entities);
  if (!answer.errors.empty()) {
    decision.failure = "policy '" + answer.errors.front().policy->id + "': " + answer.errors.front().error.message;
    decision.message = "policy evaluation failed: " + decision.failure;
    return decision;
  }
  const std::string* matched = nullptr;
  for (const cedar::Policy* policy : answer.determining) {
    const std::string& id = bundle.reported[static_cast<std::size_t>(policy - bundle.policies.data())];
    if (matched == nullptr || id < *matched) matched = &id;
  }
  if (matched != nullptr) decision.matched_rule_id = *matched;
  decision.allowed = answer.allowed;
  decision.message = answer.allowed
                         ? "policy allowed " + action_in_quotes(request.action) + " for actor '" + request.actor + "'"
                         : denial(request, branch, target);
  return decision;
}

}  // namespace omnigraph::policy
