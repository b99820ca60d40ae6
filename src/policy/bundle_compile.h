// From a bundle's source to what requests are judged by (chapter 08 sections 4 and 9).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "policy/bundle.h"
#include "policy/bundle_source.h"
#include "policy/cedar_evaluator.h"
#include "policy/cedar_schema.h"

namespace omnigraph::policy {

inline constexpr std::size_t kActionCount = 10;

// Immutable. Policies are looked at by action, so that a check costs what can apply to it.
struct CompiledBundle {
  BundleSource source;
  std::optional<BundleKind> bound;
  std::string rules_as_cedar;
  std::vector<cedar::Policy> policies;
  std::vector<std::string> reported;  // a policy's id as `matched_rule_id`, by its place in `policies`
  std::array<std::vector<const cedar::Policy*>, kActionCount> by_action;
  cedar::Entities entities;
  std::unordered_map<std::string, cedar::Value> actors;  // members of groups, as principals
  std::array<cedar::Value, kActionCount> actions;
  cedar::Value graph, server;
};

[[nodiscard]] Result<std::unique_ptr<const CompiledBundle>> compile_bundle(BundleSource source,
                                                                           std::optional<BundleKind> kind,
                                                                           std::string_view graph_id);

// The schema of section 4 for one kind of bundle.
[[nodiscard]] const cedar::Schema& bundle_schema(BundleKind kind);
// The entity an actor is, in a group or not.
[[nodiscard]] cedar::Value actor_entity(std::string_view actor);
// `uses server-scoped action 'graph_list' in a Graph policy file; ..`, nullopt when the action fits the kind.
[[nodiscard]] std::optional<std::string> kind_mismatch(Action action, BundleKind kind);

}  // namespace omnigraph::policy
