// Bundle files to BundleSource: every key is checked, unknown and repeated ones are refused by name.

#include <algorithm>

#include "base/text.h"
#include "policy/bundle_source.h"
#include "policy/limits.h"
#include "policy/yaml_fields.h"

namespace omnigraph::policy {

namespace {

BranchScope scope_of(const YAML::Node& node, const std::string& rule) {
  const std::string text = text_of(node, "branch scope of rule '" + rule + "'");
  if (text == "any") return BranchScope::kAny;
  if (text == "protected") return BranchScope::kProtected;
  if (text == "unprotected") return BranchScope::kUnprotected;
  refuse(node.Mark(),
         "policy rule '" + rule + "' has unknown branch scope '" + text + "' (expected any, protected or unprotected)");
}

bool takes_branch_scope(Action action) {
  return action == Action::kRead || action == Action::kExport || action == Action::kChange;
}
bool takes_target_branch_scope(Action action) {
  return action == Action::kSchemaApply || action == Action::kBranchCreate || action == Action::kBranchDelete ||
         action == Action::kBranchMerge;
}

// The first token behind white space and `//` comments is `permit`, `forbid` or `@`.
bool is_plain_cedar(std::string_view text) {
  for (;;) {
    text = text.substr(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
    if (!text.starts_with("//")) break;
    text = text.substr(std::min(text.size(), text.find('\n')));
  }
  const auto is_letter = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const std::string_view word(text.begin(), std::ranges::find_if_not(text, is_letter));
  return text.starts_with('@') || word == "permit" || word == "forbid";
}

class BundleReader {
 public:
  BundleSource read(const YAML::Node& root, std::optional<BundleKind> kind) {
    check_keys(root, "bundle", {"version", "kind", "groups", "protected_branches", "rules", "cedar"});
    check_version(root);
    if (root["kind"]) read_kind(root["kind"], kind);
    if (has_value(root["groups"])) read_groups(root["groups"]);
    if (has_value(root["protected_branches"])) read_protected(root["protected_branches"]);
    if (has_value(root["rules"])) read_rules(root["rules"]);
    if (has_value(root["cedar"])) source_.cedar = text_of(root["cedar"], "cedar");
    return std::move(source_);
  }

 private:
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
      if (!source_.groups.insert(name).second) refuse(entry.first.Mark(), "policy groups repeats field `" + name + "`");
      if (!entry.second.IsSequence() || entry.second.size() == 0) {
        refuse(entry.second.Mark(), "policy group '" + name + "' must list at least one actor");
      }
      for (const auto& actor : entry.second) {
        const std::string id = text_of(actor, "actor of group '" + name + "'");
        if (id.starts_with("omnigraph:")) {
          refuse(actor.Mark(),
                 "policy group '" + name + "' lists actor '" + id + "': ids starting with omnigraph: are reserved");
        }
        source_.actor_groups[id].insert(name);
      }
    }
  }

  void read_protected(const YAML::Node& branches) {
    if (!branches.IsSequence()) refuse(branches.Mark(), "policy protected_branches must be a list");
    for (const auto& branch : branches) source_.protected_branches.insert(text_of(branch, "protected branch"));
  }

  void read_rules(const YAML::Node& rules) {
    if (!rules.IsSequence()) refuse(rules.Mark(), "policy rules must be a list");
    std::set<std::string> ids;
    for (const auto& node : rules) {
      Rule rule = read_rule(node);
      if (!ids.insert(rule.id).second) refuse(node.Mark(), "duplicate policy rule id '" + rule.id + "'");
      source_.rules.push_back(std::move(rule));
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
    if (!source_.groups.contains(rule.group)) {
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
      refuse(actions.Mark(),
             "policy rule '" + rule.id + "' mixes the server-scoped action 'graph_list' with graph actions; split it");
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

  BundleSource source_;
};

}  // namespace

Result<BundleSource> read_bundle(std::string_view text, std::optional<BundleKind> kind) {
  if (text.size() > kPolicyTextSizeMax) {
    return std::unexpected(bad_request("the policy file has " + std::to_string(text.size()) + " bytes; at most " +
                                       std::to_string(kPolicyTextSizeMax) + " are read"));
  }
  if (!base::is_valid_utf8(text)) return std::unexpected(bad_request("the policy file is not valid UTF-8"));
  if (is_plain_cedar(text)) {
    BundleSource source;
    source.cedar = text;
    return source;
  }
  return read_yaml(text, "policy file", [kind](const YAML::Node& root) { return BundleReader().read(root, kind); });
}

}  // namespace omnigraph::policy
