#include "policy/cedar_validator.h"

#include "policy/cedar_lexer.h"
#include "policy/cedar_typechecker.h"

namespace omnigraph::policy::cedar {

namespace {

// Entities and entity types must be declared, even where the type checker does not get to.
Result<void> check_names(const Expr& expr, const Schema& schema, std::string_view source) {
  const EntityUid* uid = expr.kind == ExprKind::kLiteral ? expr.literal.as_entity() : nullptr;
  if (uid != nullptr && !schema.knows(*uid)) {
    return std::unexpected(mistake_at(source, expr.span, "entity " + text_of(*uid) + " is not declared in the schema"));
  }
  if (expr.kind == ExprKind::kIs && schema.entity_type_of(expr.names[0]) == nullptr &&
      !schema.is_action_type(expr.names[0])) {
    return std::unexpected(
        mistake_at(source, expr.span, "entity type " + expr.names[0] + " is not declared in the schema"));
  }
  for (const Expr& operand : expr.operands) OG_RETURN_IF_ERROR(check_names(operand, schema, source));
  return {};
}

}  // namespace

Result<void> validate(const Policy& policy, const Schema& schema, std::string_view source) {
  const Expr whole = to_expression(policy);
  const Expr scope = scope_expression(policy);
  OG_RETURN_IF_ERROR(check_names(whole, schema, source));
  // A condition that is never true is odd but sound; a head that fits no request is a mistake.
  bool applies = false;
  for (const auto& [action, type] : schema.actions()) {
    for (const std::string& principal : type.principals) {
      for (const std::string& resource : type.resources) {
        const Environment environment{action, type, principal, resource};
        Typechecker checker(schema, environment, source);
        OG_ASSIGN_OR_RETURN(const TypePtr head, checker.check(scope));
        applies = applies || head->kind != Type::Kind::kFalse;
        OG_RETURN_IF_ERROR(checker.check(whole));
      }
    }
  }
  if (applies) return {};
  return std::unexpected(mistake_at(source, policy.span, "the policy applies to no request the schema allows"));
}

}  // namespace omnigraph::policy::cedar
