// YAML to Bundle: every key is checked, unknown and repeated ones are refused by name.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "policy/bundle.h"

namespace omnigraph::policy {

namespace {

// Thrown and caught inside this file only: yaml-cpp throws too, so that parsing has one way out.
struct Refused {
  std::string message;
};

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
  if (!mark.is_null()) {
    message += " (line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ")";
  }
  throw Refused{std::move(message)};
}

void check_keys(const YAML::Node& map, std::string_view where, std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) refuse(map.Mark(), "policy " + std::string(where) + " must be a map");
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (std::ranges::find(known, key) == known.end()) {
      refuse(entry.first.Mark(), "policy " + std::string(where) + " has unknown field `" + key + "`");
    }
    if (!seen.insert(key).second) {
      refuse(entry.first.Mark(), "policy " + std::string(where) + " repeats field `" + key + "`");
    }
  }
}

std::string text_of(const YAML::Node& node, std::string_view what) {
  if (!node.IsDefined() || !node.IsScalar()) refuse(node.Mark(), "policy " + std::string(what) + " must be a string");
  auto text = node.as<std::string>();
  if (base::trim_unicode(text).empty()) refuse(node.Mark(), "policy " + std::string(what) + " must not be blank");
  return text;
}

BranchScope scope_of(const YAML::Node& node, const std::string& rule) {
  const std::string text = text_of(node, "branch scope of rule '" + rule + "'");
  if (text == "any") return BranchScope::kAny;
  if (text == "protected") return BranchScope::kProtected;
  if (text == "unprotected") return BranchScope::kUnprotected;
  refuse(node.Mark(), "policy rule '" + rule + "' has unknown branch scope '" + text +
                          "' (expected any, protected or unprotected)");
}

bool takes_branch_scope(Action action) {
  return action == Action::kRead || action == Action::kExport || action == Action::kChange;
}
bool takes_target_branch_scope(Action action) {
  return action == Action::kSchemaApply || action == Action::kBranchCreate || action == Action::kBranchDelete ||
         action == Action::kBranchMerge;
}

}  // namespace

class BundleReader {
 public:
  std::shared_ptr<const Bundle> read(const YAML::Node& root, std::optional<BundleKind> kind) {
    check_keys(root, "bundle", {"version", "kind", "groups", "protected_branches", "rules"});
    if (!root["version"] || !root["version"].IsScalar() || root["version"].Scalar() != "1") {
      refuse(root["version"] ? root["version"].Mark() : YAML::Mark::null_mark(), "policy version must be 1");
    }
    if (root["kind"]) read_kind(root["kind"], kind);
    if (has_value(root["groups"])) read_groups(root["groups"]);
    if (has_value(root["protected_branches"])) read_protected(root["protected_branches"]);
    if (has_value(root["rules"])) read_rules(root["rules"]);
    return std::make_shared<const Bundle>(std::move(bundle_));
  }

 private:
  static bool has_value(const YAML::Node& node) { return node.IsDefined() && !node.IsNull(); }

  static void read_kind(const YAML::Node& node, std::optional<BundleKind> kind) {
    const std::string text = text_of(node, "kind");
    if (text != "graph" && text != "server") {
      refuse(node.Mark(), "policy kind must be 'graph' or 'server', not '" + text + "'");
    }
    const BundleKind declared = text == "server" ? BundleKind::kServer : BundleKind::kGraph;
    if (kind && *kind != declared) {
      refuse(node.Mark(), "policy kind '" + text + "' does not fit its binding: it is bound to " +
                              (*kind == BundleKind::kServer ? "the cluster" : "graphs"));
    }
  }

  void read_groups(const YAML::Node& groups) {
    if (!groups.IsMap()) refuse(groups.Mark(), "policy groups must be a map of name to actors");
    for (const auto& entry : groups) {
      const std::string name = text_of(entry.first, "group name");
      if (!group_names_.insert(name).second) refuse(entry.first.Mark(), "policy groups repeats field `" + name + "`");
      if (!entry.second.IsSequence() || entry.second.size() == 0) {
        refuse(entry.second.Mark(), "policy group '" + name + "' must list at least one actor");
      }
      for (const auto& actor : entry.second) {
        const std::string id = text_of(actor, "actor of group '" + name + "'");
        if (id.starts_with("omnigraph:")) {
          refuse(actor.Mark(), "policy group '" + name + "' lists actor '" + id +
                                   "': ids starting with omnigraph: are reserved");
        }
        bundle_.actor_groups_[id].insert(name);
      }
    }
  }

  void read_protected(const YAML::Node& branches) {
    if (!branches.IsSequence()) refuse(branches.Mark(), "policy protected_branches must be a list");
    for (const auto& branch : branches) bundle_.protected_branches_.insert(text_of(branch, "protected branch"));
  }

  void read_rules(const YAML::Node& rules) {
    if (!rules.IsSequence()) refuse(rules.Mark(), "policy rules must be a list");
    std::set<std::string> ids;
    for (const auto& node : rules) {
      Rule rule = read_rule(node);
      if (!ids.insert(rule.id).second) refuse(node.Mark(), "duplicate policy rule id '" + rule.id + "'");
      bundle_.rules_.push_back(std::move(rule));
    }
  }

  Rule read_rule(const YAML::Node& node) {
    check_keys(node, "rule", {"id", "allow"});
    Rule rule;
    rule.id = text_of(node["id"], "rule id");
    const YAML::Node allow = node["allow"];
    if (!allow.IsDefined()) refuse(node.Mark(), "policy rule '" + rule.id + "' needs `allow`");
    check_keys(allow, "rule '" + rule.id + "'", {"actors", "actions", "branch_scope", "target_branch_scope"});
    if (!allow["actors"].IsDefined()) refuse(allow.Mark(), "policy rule '" + rule.id + "' needs `actors`");
    check_keys(allow["actors"], "actors of rule '" + rule.id + "'", {"group"});
    rule.group = text_of(allow["actors"]["group"], "group of rule '" + rule.id + "'");
    if (!group_names_.contains(rule.group)) {
      refuse(allow["actors"].Mark(), "policy rule '" + rule.id + "' references unknown group '" + rule.group + "'");
    }
    read_actions(allow, rule);
    read_scopes(allow, rule);
    return rule;
  }

  static void read_actions(const YAML::Node& allow, Rule& rule) {
    const YAML::Node actions = allow["actions"];
    if (!actions.IsDefined() || !actions.IsSequence() || actions.size() == 0) {
      refuse(allow.Mark(), "policy rule '" + rule.id + "' must list at least one action");
    }
    for (const auto& node : actions) {
      const std::string name = text_of(node, "action of rule '" + rule.id + "'");
      const auto action = action_of(name);
      if (!action) refuse(node.Mark(), "policy rule '" + rule.id + "' uses unknown action '" + name + "'");
      if (std::ranges::find(rule.actions, *action) != rule.actions.end()) {
        refuse(node.Mark(), "policy rule '" + rule.id + "' repeats action '" + name + "'");
      }
      rule.actions.push_back(*action);
    }
    const bool server = std::ranges::find(rule.actions, Action::kGraphList) != rule.actions.end();
    if (server && rule.actions.size() > 1) {
      refuse(actions.Mark(), "policy rule '" + rule.id +
                                 "' mixes the server-scoped action 'graph_list' with graph actions; split it");
    }
  }

  static void read_scopes(const YAML::Node& allow, Rule& rule) {
    if (allow["branch_scope"].IsDefined()) rule.branch_scope = scope_of(allow["branch_scope"], rule.id);
    if (allow["target_branch_scope"].IsDefined()) {
      rule.target_branch_scope = scope_of(allow["target_branch_scope"], rule.id);
    }
    if (rule.branch_scope && rule.target_branch_scope) {
      refuse(allow.Mark(), "policy rule '" + rule.id + "' may specify branch_scope or target_branch_scope, not both");
    }
    for (const Action action : rule.actions) {
      const std::string with = " with unsupported action '" + std::string(action_name(action)) + "'";
      if (rule.branch_scope && !takes_branch_scope(action)) {
        refuse(allow.Mark(), "policy rule '" + rule.id + "' uses branch_scope" + with);
      }
      if (rule.target_branch_scope && !takes_target_branch_scope(action)) {
        refuse(allow.Mark(), "policy rule '" + rule.id + "' uses target_branch_scope" + with);
      }
    }
  }

  Bundle bundle_;
  std::set<std::string> group_names_;
};

Result<std::shared_ptr<const Bundle>> Bundle::parse(std::string_view yaml, std::optional<BundleKind> kind) {
  try {
    auto bundle = BundleReader().read(YAML::Load(std::string(yaml)), kind);
    if (kind) OG_RETURN_IF_ERROR(bundle->check_kind(*kind));
    return bundle;
  } catch (const Refused& refused) {
    return std::unexpected(bad_request(refused.message));
  } catch (const YAML::Exception& error) {
    return std::unexpected(bad_request("policy file is not valid YAML: " + std::string(error.what())));
  }
}

}  // namespace omnigraph::policy
