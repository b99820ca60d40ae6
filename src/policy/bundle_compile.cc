#include "policy/bundle_compile.h"

#include <algorithm>
#include <numeric>

#include "policy/cedar_lexer.h"
#include "policy/cedar_parser.h"
#include "policy/cedar_validator.h"

namespace omnigraph::policy {

namespace {

constexpr std::string_view kActionType = "Omnigraph::Action";

// Chapter 08 section 4. A bundle of one kind knows the actions of that kind only.
std::string schema_text(BundleKind kind) {
  std::string text(
      "namespace Omnigraph {\n"
      "  entity Group, Graph, Server;\n"
      "  entity Actor in [Group];\n"
      "  type Context = {\n"
      "    has_branch: Bool, branch: String, branch_is_protected: Bool,\n"
      "    has_target_branch: Bool, target_branch: String, target_branch_is_protected: Bool\n"
      "  };\n");
  for (std::size_t i = 0; i < kActionCount; ++i) {
    const auto action = static_cast<Action>(i);
    const bool server = action == Action::kGraphList;
    if (server != (kind == BundleKind::kServer)) continue;
    text.append("  action ").append(action_name(action)).append(" appliesTo { principal: Actor, resource: ");
    text.append(server ? "Server" : "Graph").append(", context: Context };\n");
  }
  return text + "}\n";
}

cedar::Value entity(std::string_view type, std::string_view id) {
  return cedar::Value::entity({std::string("Omnigraph::").append(type), std::string(id)});
}

std::string_view condition_of(const Rule& rule) {
  const bool target = rule.target_branch_scope.has_value();
  switch (target ? *rule.target_branch_scope : rule.branch_scope.value_or(BranchScope::kAny)) {
    case BranchScope::kAny: break;
    case BranchScope::kProtected:
      return target ? "context.has_target_branch && context.target_branch_is_protected"
                    : "context.has_branch && context.branch_is_protected";
    case BranchScope::kUnprotected:
      return target ? "context.has_target_branch && !context.target_branch_is_protected"
                    : "context.has_branch && !context.branch_is_protected";
  }
  return {};
}

std::string permit_of(const Rule& rule, Action action, std::string_view graph_id) {
  std::string text("@id(");
  text.append(cedar::string_literal(rule.id + ":" + std::string(action_name(action)))).append(")\npermit(\n");
  text.append("  principal in Omnigraph::Group::").append(cedar::string_literal(rule.group)).append(",\n");
  text.append("  action == Omnigraph::Action::")
      .append(cedar::string_literal(action_name(action)))
      .append(",\n  resource == ");
  text.append(action == Action::kGraphList ? "Omnigraph::Server::\"root\""
                                           : "Omnigraph::Graph::" + cedar::string_literal(graph_id));
  text.append("\n)");
  if (const std::string_view condition = condition_of(rule); !condition.empty()) {
    text.append(" when { ").append(condition).append(" }");
  }
  return text + ";\n";
}

// Every action the policy names, in its head and its conditions.
void collect_actions(const cedar::Expr& expr, std::vector<Action>& out) {
  const cedar::EntityUid* uid = expr.kind == cedar::ExprKind::kLiteral ? expr.literal.as_entity() : nullptr;
  if (uid != nullptr && uid->type == kActionType) {
    if (const auto action = action_of(uid->id)) out.push_back(*action);
  }
  for (const cedar::Expr& operand : expr.operands) collect_actions(operand, out);
}

std::string id_of(const cedar::Policy& policy) {
  for (const auto& [key, value] : policy.annotations) {
    if (key == "id" && !value.empty()) return value;
  }
  return policy.id;
}

class BundleCompiler {
 public:
  BundleCompiler(BundleSource source, std::optional<BundleKind> kind, std::string_view graph_id)
      : out_(std::make_unique<CompiledBundle>()), graph_id_(graph_id) {
    out_->source = std::move(source);
    out_->bound = kind;
  }

  Result<std::unique_ptr<const CompiledBundle>> run() {
    OG_RETURN_IF_ERROR(compile_rules());
    if (out_->source.cedar) OG_RETURN_IF_ERROR(take_policies(*out_->source.cedar));
    OG_RETURN_IF_ERROR(check_ids());
    OG_RETURN_IF_ERROR(add_entities());
    fill_tables();
    return std::move(out_);
  }

 private:
  Result<void> compile_rules() {
    std::string& text = out_->rules_as_cedar;
    for (const Rule& rule : out_->source.rules) {
      for (const Action action : rule.actions) {
        text.append(permit_of(rule, action, graph_id_));
        out_->reported.push_back(rule.id);
      }
    }
    auto permits = cedar::parse_policies(text);
    if (!permits) return std::unexpected(internal_error("the rules do not compile: " + permits.error().render()));
    for (cedar::Policy& permit : *permits) {
      permit.id = id_of(permit);
      out_->policies.push_back(std::move(permit));
    }
    return {};
  }

  // The bundle's own policies: only over the entities, actions and context of its kind.
  Result<void> take_policies(const std::string& text) {
    OG_ASSIGN_OR_RETURN(auto policies, cedar::parse_policies(text));
    std::vector<Action> named;
    for (const cedar::Policy& policy : policies) collect_actions(cedar::to_expression(policy), named);
    const bool server = std::ranges::find(named, Action::kGraphList) != named.end();
    const BundleKind kind = out_->bound.value_or(server ? BundleKind::kServer : BundleKind::kGraph);
    for (cedar::Policy& policy : policies) {
      policy.id = id_of(policy);
      OG_RETURN_IF_ERROR(check_actions(policy, kind, text));
      if (auto valid = cedar::validate(policy, bundle_schema(kind), text); !valid) {
        Error error = std::move(valid).error();
        error.message = "policy '" + policy.id + "': " + error.message;
        return std::unexpected(std::move(error));
      }
      out_->reported.push_back(policy.id);
      out_->policies.push_back(std::move(policy));
    }
    return {};
  }

  static Result<void> check_actions(const cedar::Policy& policy, BundleKind kind, std::string_view text) {
    std::vector<Action> named;
    collect_actions(cedar::to_expression(policy), named);
    for (const Action action : named) {
      if (const auto mismatch = kind_mismatch(action, kind)) {
        return std::unexpected(cedar::mistake_at(text, policy.span, "policy '" + policy.id + "' " + *mismatch));
      }
    }
    return {};
  }

  Result<void> check_ids() const {
    std::set<std::string_view> ids;
    for (const cedar::Policy& policy : out_->policies) {
      if (!ids.insert(policy.id).second) return std::unexpected(bad_request("duplicate policy id '" + policy.id + "'"));
    }
    return {};
  }

  Result<void> add_entities() {
    for (const std::string& group : out_->source.groups) {
      out_->entities.add({"Omnigraph::Group", group}, {});
      out_->groups.emplace(group, static_cast<std::uint32_t>(out_->groups.size()));
    }
    out_->no_groups.resize(out_->groups.size() / 64 + 1);
    for (const auto& [actor, groups] : out_->source.actor_groups) {
      cedar::Entity member;
      KnownActor known{actor_entity(actor), out_->no_groups};
      for (const std::string& group : groups) {
        member.ancestors.push_back({"Omnigraph::Group", group});
        const std::uint32_t number = out_->groups.at(group);
        known.groups[number / 64] |= std::uint64_t{1} << (number % 64);
      }
      out_->entities.add({"Omnigraph::Actor", actor}, std::move(member));
      out_->actors.emplace(actor, std::move(known));
    }
    out_->graph = entity("Graph", graph_id_);
    out_->server = entity("Server", "root");
    out_->entities.add(*out_->graph.as_entity(), {});
    out_->entities.add(*out_->server.as_entity(), {});
    for (std::size_t i = 0; i < kActionCount; ++i) {
      out_->actions[i] = entity("Action", action_name(static_cast<Action>(i)));
    }
    return out_->entities.close();
  }

  // Where several policies decide, the smallest of their reported ids is told.
  [[nodiscard]] std::vector<std::uint32_t> ranks() const {
    std::vector<std::uint32_t> by_id(out_->reported.size());
    std::iota(by_id.begin(), by_id.end(), 0u);
    std::ranges::stable_sort(by_id, {}, [this](std::uint32_t i) -> const std::string& { return out_->reported[i]; });
    std::vector<std::uint32_t> ranks(by_id.size());
    for (std::uint32_t rank = 0; rank < by_id.size(); ++rank) ranks[by_id[rank]] = rank;
    return ranks;
  }

  void fill_tables() {
    const std::vector<std::uint32_t> rank = ranks();
    for (std::size_t action = 0; action < kActionCount; ++action) {
      const bool server = static_cast<Action>(action) == Action::kGraphList;
      const DecisionTable::World world{out_->entities, out_->groups, out_->actions[action],
                                       server ? out_->server : out_->graph};
      for (std::size_t i = 0; i < out_->policies.size(); ++i) {
        out_->tables[action].add(out_->policies[i], rank[i], world);
      }
    }
  }

  std::unique_ptr<CompiledBundle> out_;
  std::string graph_id_;
};

}  // namespace

const cedar::Schema& bundle_schema(BundleKind kind) {
  const auto parse = [](BundleKind of) {
    auto schema = cedar::Schema::parse(schema_text(of));
    OG_CHECK(schema.has_value());
    return std::move(*schema);
  };
  static const cedar::Schema kGraphSchema = parse(BundleKind::kGraph);
  static const cedar::Schema kServerSchema = parse(BundleKind::kServer);
  return kind == BundleKind::kGraph ? kGraphSchema : kServerSchema;
}

cedar::Value actor_entity(std::string_view actor) { return entity("Actor", actor); }

std::optional<std::string> kind_mismatch(Action action, BundleKind kind) {
  if ((action == Action::kGraphList) == (kind == BundleKind::kServer)) return std::nullopt;
  std::string text(kind == BundleKind::kGraph ? "uses server-scoped action '" : "uses per-graph action '");
  text.append(action_name(action));
  return text.append(kind == BundleKind::kGraph ? "' in a Graph policy file; move it to a server policy file"
                                                : "' in a Server policy file; move it to a per-graph policy file");
}

Result<std::unique_ptr<const CompiledBundle>> compile_bundle(BundleSource source, std::optional<BundleKind> kind,
                                                             std::string_view graph_id) {
  return BundleCompiler(std::move(source), kind, graph_id).run();
}

}  // namespace omnigraph::policy
