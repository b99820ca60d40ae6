// The type of an expression in one environment: an action with a principal type and a resource type.
//
// Bools carry what is known of them, so that branches which cannot be reached are not judged. What `has` and `hasTag`
// have established travels along `&&` and `if` as capabilities; only with one may an optional attribute or a tag be
// read. Errors: kBadRequest with the place. Not thread safe.
// Source: Typechecker of cedar-spec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/cedar_ast.h"
#include "policy/cedar_schema.h"

namespace omnigraph::policy::cedar {

struct Environment {
  const EntityUid& action;
  const ActionType& action_type;
  const std::string& principal;  // entity types
  const std::string& resource;
};

class Typechecker {
 public:
  // All must outlive the checker.
  Typechecker(const Schema& schema, const Environment& environment, std::string_view source);
  // Must be given the whole policy (to_expression()); its type is a Bool.
  [[nodiscard]] Result<TypePtr> check(const Expr& policy);

 private:
  // "Here `on` has this attribute", or with `tag` "this tag". Points into the policy.
  struct Capability {
    const Expr* on;
    const Expr* tag;  // null: an attribute
    std::string_view attribute;
  };
  using Capabilities = std::vector<Capability>;
  struct Typed {
    TypePtr type;
    Capabilities gained;
  };

  [[nodiscard]] Result<Typed> type_of(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> literal(const Expr& expr) const;
  [[nodiscard]] Result<Typed> variable(const Expr& expr) const;
  [[nodiscard]] Result<Typed> choose(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> conjunction(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> disjunction(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> unary(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> binary(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> equality(const Expr& expr, const TypePtr& left, const TypePtr& right) const;
  [[nodiscard]] Result<Typed> membership(const Expr& expr, const TypePtr& left, const TypePtr& right) const;
  [[nodiscard]] Result<Typed> contains(const Expr& expr, const TypePtr& left, const TypePtr& right) const;
  [[nodiscard]] Result<Typed> has(const Expr& expr, const TypePtr& type, const Capabilities& known) const;
  [[nodiscard]] Result<Typed> get(const Expr& expr, const TypePtr& type, const Capabilities& known) const;
  [[nodiscard]] Result<Typed> tag(const Expr& expr, const TypePtr& left, const TypePtr& right,
                                  const Capabilities& known) const;
  [[nodiscard]] Result<Typed> set(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> record(const Expr& expr, const Capabilities& known);
  [[nodiscard]] Result<Typed> call(const Expr& expr, const Capabilities& known);

  // The entity an expression is known to be: a literal, or the variable `action`.
  [[nodiscard]] const EntityUid* entity_of(const Expr& expr) const;
  [[nodiscard]] bool may_be_in(const std::string& type, const std::string& group) const;
  [[nodiscard]] bool is_action_in(const EntityUid& action, const EntityUid& group) const;
  [[nodiscard]] static bool holds(const Capabilities& known, const Capability& wanted);
  [[nodiscard]] static Capabilities both(Capabilities a, const Capabilities& b);
  [[nodiscard]] static Capabilities shared(const Capabilities& a, const Capabilities& b);
  [[nodiscard]] Error mistake(const Expr& at, std::string message) const;
  [[nodiscard]] Error wrong_type(const Expr& at, std::string_view wanted, const Type& got) const;

  const Schema& schema_;
  const Environment& environment_;
  std::string_view source_;
  Value action_;  // as a literal
};

}  // namespace omnigraph::policy::cedar
