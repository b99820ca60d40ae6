#include "policy/bundle.h"

#include <algorithm>

namespace omnigraph::policy {

namespace {

constexpr std::array<std::string_view, 10> kActionNames = {
    "read",          "export",        "change",       "schema_apply", "branch_create",
    "branch_delete", "branch_merge",  "invoke_query", "admin",        "graph_list"};

bool scope_holds(const std::optional<BranchScope>& scope, const std::optional<std::string>& branch,
                 const std::set<std::string, std::less<>>& protected_branches) {
  if (!scope || *scope == BranchScope::kAny) return true;
  if (!branch) return false;
  return protected_branches.contains(*branch) == (*scope == BranchScope::kProtected);
}

}  // namespace

std::string_view action_name(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }

std::optional<Action> action_of(std::string_view name) {
  const auto at = std::ranges::find(kActionNames, name);
  if (at == kActionNames.end()) return std::nullopt;
  return static_cast<Action>(at - kActionNames.begin());
}

bool Bundle::has_server_actions() const {
  return std::ranges::any_of(rules_, [](const Rule& rule) {
    return std::ranges::find(rule.actions, Action::kGraphList) != rule.actions.end();
  });
}

bool Bundle::has_graph_actions() const {
  return std::ranges::any_of(rules_, [](const Rule& rule) {
    return std::ranges::any_of(rule.actions, [](Action action) { return action != Action::kGraphList; });
  });
}

Result<void> Bundle::check_kind(BundleKind kind) const {
  for (const Rule& rule : rules_) {
    for (const Action action : rule.actions) {
      const bool server_action = action == Action::kGraphList;
      if (server_action == (kind == BundleKind::kServer)) continue;
      const std::string use = "policy rule '" + rule.id + "' uses ";
      std::string name("'");
      name.append(action_name(action)).append("'");
      return std::unexpected(bad_request(
          kind == BundleKind::kGraph
              ? use + "server-scoped action " + name + " in a Graph policy file; move it to a server policy file"
              : use + "per-graph action " + name + " in a Server policy file; move it to a per-graph policy file"));
    }
  }
  return {};
}

Decision Bundle::authorize(const Request& request) const {
  Decision decision;
  std::string action("action '");
  action.append(action_name(request.action)).append("'");
  const auto actor = actor_groups_.find(request.actor);
  if (actor == actor_groups_.end()) {
    decision.message = "policy denied " + action + " for unknown actor '" + request.actor + "'";
    return decision;
  }
  for (const Rule& rule : rules_) {
    if (!actor->second.contains(rule.group)) continue;
    if (std::ranges::find(rule.actions, request.action) == rule.actions.end()) continue;
    if (!scope_holds(rule.branch_scope, request.branch, protected_branches_)) continue;
    if (!scope_holds(rule.target_branch_scope, request.target_branch, protected_branches_)) continue;
    if (!decision.allowed || rule.id < decision.matched_rule_id) decision.matched_rule_id = rule.id;
    decision.allowed = true;
  }
  if (decision.allowed) {
    decision.message = "policy allowed " + action + " for actor '" + request.actor + "'";
    return decision;
  }
  decision.message = "policy denied " + action;
  if (request.branch) decision.message += " on branch '" + *request.branch + "'";
  if (request.target_branch) decision.message += " targeting branch '" + *request.target_branch + "'";
  decision.message += " for actor '" + request.actor + "'";
  return decision;
}

}  // namespace omnigraph::policy
