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
#include "policy/decision_table.h"

namespace omnigraph::policy {

inline constexpr std::size_t kActionCount = 10;

// A member of groups, as a principal.
struct KnownActor {
  cedar::Value principal;
  GroupBits groups;
};

// Immutable, and referred to by itself: it stays where it was made.
struct CompiledBundle {
  BundleSource source;
  std::optional<BundleKind> bound;
  std::string rules_as_cedar;
  std::vector<cedar::Policy> policies;
  std::vector<std::string> reported;               // a policy's id as `matched_rule_id`, by its place in `policies`
  std::array<DecisionTable, kActionCount> tables;  // by action
  cedar::Entities entities;
  GroupNumbers groups;
  std::unordered_map<std::string, KnownActor> actors;
  GroupBits no_groups;
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
