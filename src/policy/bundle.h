// Policy bundles: who may do what on which branch (chapter 08). A bundle is parsed once, its rules are compiled to
// Cedar permits beside the Cedar policies of its own, and requests are judged by the Cedar evaluator; it is immutable,
// and authorize() may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::policy {

enum class Action : std::uint8_t {
  kRead,
  kExport,
  kChange,
  kSchemaApply,
  kBranchCreate,
  kBranchDelete,
  kBranchMerge,
  kInvokeQuery,
  kAdmin,
  kGraphList,
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
  std::optional<std::string> branch;
  std::optional<std::string> target_branch;
};

struct Decision {
  bool allowed = false;
  std::string matched_rule_id;  // empty: none. The smallest of the rules that decided; after a deny, a forbid
  std::string message;          // `policy allowed action 'read' for actor 'ana'`, `policy denied ..`
  // Not empty: the check itself failed (and nothing is allowed). `message` is then `policy evaluation failed: <this>`.
  std::string failure{};
};

struct CompiledBundle;

class Bundle {
 public:
  // `text` is YAML or, if its first token is `permit`, `forbid` or `@`, plain Cedar. `graph_id` is the graph the bundle
  // is to judge; what is only validated needs none. Errors: kBadRequest naming the key, rule or policy, with line and
  // column. Without `kind` only what holds for every binding is checked.
  [[nodiscard]] static Result<std::shared_ptr<const Bundle>> parse(std::string_view text,
                                                                   std::optional<BundleKind> kind,
                                                                   std::string_view graph_id = {});
  explicit Bundle(std::unique_ptr<const CompiledBundle> compiled);
  ~Bundle();

  // Branch names count without white space around them.
  [[nodiscard]] Decision authorize(const Request& request) const;
  [[nodiscard]] std::size_t actor_count() const;  // distinct members of groups
  // The kind it was parsed as; else what its actions make it.
  [[nodiscard]] BundleKind kind() const;
  [[nodiscard]] Result<void> check_kind(BundleKind kind) const;
  [[nodiscard]] const std::vector<Rule>& rules() const;
  // The permits that the rules became, as Cedar policies.
  [[nodiscard]] const std::string& rules_as_cedar() const;

 private:
  std::unique_ptr<const CompiledBundle> compiled_;
};

}  // namespace omnigraph::policy
