// Policy bundles: who may do what on which branch (chapter 08 sections 1 to 5). A bundle is parsed once and then
// immutable; authorize() may be called concurrently.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::policy {

enum class Action : std::uint8_t {
  kRead, kExport, kChange, kSchemaApply, kBranchCreate, kBranchDelete, kBranchMerge, kInvokeQuery, kAdmin, kGraphList,
};
[[nodiscard]] std::string_view action_name(Action action);  // read, schema_apply ..
[[nodiscard]] std::optional<Action> action_of(std::string_view name);

// A bundle is bound to the cluster (server actions only) or to graphs (graph actions only).
enum class BundleKind : std::uint8_t { kServer, kGraph };

enum class BranchScope : std::uint8_t { kAny, kProtected, kUnprotected };

struct Rule {
  std::string id;
  std::string group;
  std::vector<Action> actions;
  std::optional<BranchScope> branch_scope;
  std::optional<BranchScope> target_branch_scope;
};

struct Request {
  std::string actor;
  Action action = Action::kRead;
  std::optional<std::string> branch;         // trimmed by the caller
  std::optional<std::string> target_branch;
};

struct Decision {
  bool allowed = false;
  std::string matched_rule_id;  // empty: none
  std::string message;          // `policy allowed action 'read' for actor 'ana'`, `policy denied ..`
};

class Bundle {
 public:
  // Errors: kBadRequest naming the key or rule, with line and column for YAML mistakes. Without `kind` only what holds
  // for every binding is checked.
  [[nodiscard]] static Result<std::shared_ptr<const Bundle>> parse(std::string_view yaml, std::optional<BundleKind> kind);

  [[nodiscard]] Decision authorize(const Request& request) const;
  [[nodiscard]] std::size_t actor_count() const { return actor_groups_.size(); }
  [[nodiscard]] bool has_server_actions() const;
  [[nodiscard]] bool has_graph_actions() const;
  [[nodiscard]] Result<void> check_kind(BundleKind kind) const;
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }

 private:
  friend class BundleReader;
  std::map<std::string, std::set<std::string>, std::less<>> actor_groups_;
  std::set<std::string, std::less<>> protected_branches_;
  std::vector<Rule> rules_;
};

}  // namespace omnigraph::policy
