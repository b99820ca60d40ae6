#include "policy/cedar_typechecker.h"

#include <algorithm>

#include "policy/cedar_lexer.h"
#include "policy/cedar_types.h"

namespace omnigraph::policy::cedar {

namespace {

using Kind = Type::Kind;

TypePtr boolean(bool known) { return plain_type(known ? Kind::kTrue : Kind::kFalse); }

TypePtr type_of_plain(Plain plain) {
  switch (plain) {
    case Plain::kNone:
    case Plain::kBool: return plain_type(Kind::kBool);
    case Plain::kLong: return plain_type(Kind::kLong);
    case Plain::kString: return plain_type(Kind::kString);
    case Plain::kIp: return plain_type(Kind::kIp);
    case Plain::kDecimal: return plain_type(Kind::kDecimal);
    case Plain::kDatetime: return plain_type(Kind::kDatetime);
    case Plain::kDuration: return plain_type(Kind::kDuration);
  }
  return nullptr;
}

bool is_well_formed(Function constructor, const std::string& text) {
  switch (constructor) {
    case Function::kIp: return parse_ip(text).has_value();
    case Function::kDecimal: return parse_decimal(text).has_value();
    case Function::kDatetime: return parse_datetime(text).has_value();
    default: return parse_duration(text).has_value();
  }
}

}  // namespace

Typechecker::Typechecker(const Schema& schema, const Environment& environment, std::string_view source)
    : schema_(schema), environment_(environment), source_(source), action_(Value::entity(environment.action)) {}

Result<TypePtr> Typechecker::check(const Expr& policy) {
  OG_ASSIGN_OR_RETURN(Typed typed, type_of(policy, {}));
  return std::move(typed.type);
}

Result<Typechecker::Typed> Typechecker::type_of(const Expr& expr, const Capabilities& known) {
  switch (expr.kind) {
    case ExprKind::kLiteral: return literal(expr);
    case ExprKind::kVariable: return variable(expr);
    case ExprKind::kIf: return choose(expr, known);
    case ExprKind::kAnd: return conjunction(expr, known);
    case ExprKind::kOr: return disjunction(expr, known);
    case ExprKind::kSet: return set(expr, known);
    case ExprKind::kRecord: return record(expr, known);
    case ExprKind::kCall: return call(expr, known);
    default: return expr.operands.size() == 1 ? unary(expr, known) : binary(expr, known);
  }
}

Result<Typechecker::Typed> Typechecker::literal(const Expr& expr) const {
  if (const bool* truth = expr.literal.as_boolean()) return Typed{boolean(*truth), {}};
  if (expr.literal.as_integer() != nullptr) return Typed{plain_type(Kind::kLong), {}};
  if (expr.literal.as_text() != nullptr) return Typed{plain_type(Kind::kString), {}};
  const EntityUid& uid = *expr.literal.as_entity();
  if (schema_.knows(uid)) return Typed{entity_type(uid.type), {}};
  return std::unexpected(mistake(expr, "entity " + cedar::text_of(uid) + " is not declared in the schema"));
}

Result<Typechecker::Typed> Typechecker::variable(const Expr& expr) const {
  switch (expr.variable) {
    case Variable::kPrincipal: return Typed{entity_type(environment_.principal), {}};
    case Variable::kAction: return Typed{entity_type(environment_.action.type), {}};
    case Variable::kResource: return Typed{entity_type(environment_.resource), {}};
    case Variable::kContext: break;
  }
  return Typed{environment_.action_type.context, {}};
}

Result<Typechecker::Typed> Typechecker::choose(const Expr& expr, const Capabilities& known) {
  OG_ASSIGN_OR_RETURN(const Typed test, type_of(expr.operands[0], known));
  if (!is_boolean(*test.type)) return std::unexpected(wrong_type(expr.operands[0], "a Bool", *test.type));
  if (test.type->kind == Kind::kFalse) return type_of(expr.operands[2], known);
  OG_ASSIGN_OR_RETURN(Typed chosen, type_of(expr.operands[1], both(known, test.gained)));
  chosen.gained = both(std::move(chosen.gained), test.gained);
  if (test.type->kind == Kind::kTrue) return chosen;
  OG_ASSIGN_OR_RETURN(const Typed other, type_of(expr.operands[2], known));
  TypePtr type = common_type(chosen.type, other.type);
  if (!type) {
    return std::unexpected(mistake(expr, "the branches of `if` have different types: " + cedar::text_of(*chosen.type) +
                                             " and " + cedar::text_of(*other.type)));
  }
  return Typed{std::move(type), shared(chosen.gained, other.gained)};
}

// Left to right; what follows a false operand cannot be reached and is not judged.
Result<Typechecker::Typed> Typechecker::conjunction(const Expr& expr, const Capabilities& known) {
  OG_ASSIGN_OR_RETURN(Typed left, type_of(expr.operands[0], known));
  if (!is_boolean(*left.type)) return std::unexpected(wrong_type(expr.operands[0], "a Bool", *left.type));
  for (std::size_t i = 1; i < expr.operands.size() && left.type->kind != Kind::kFalse; ++i) {
    OG_ASSIGN_OR_RETURN(const Typed right, type_of(expr.operands[i], both(known, left.gained)));
    if (!is_boolean(*right.type)) return std::unexpected(wrong_type(expr.operands[i], "a Bool", *right.type));
    left.gained = both(std::move(left.gained), right.gained);
    if (right.type->kind != Kind::kTrue) left.type = right.type;
  }
  if (left.type->kind == Kind::kFalse) left.gained.clear();
  return left;
}

Result<Typechecker::Typed> Typechecker::disjunction(const Expr& expr, const Capabilities& known) {
  OG_ASSIGN_OR_RETURN(Typed left, type_of(expr.operands[0], known));
  if (!is_boolean(*left.type)) return std::unexpected(wrong_type(expr.operands[0], "a Bool", *left.type));
  for (std::size_t i = 1; i < expr.operands.size() && left.type->kind != Kind::kTrue; ++i) {
    OG_ASSIGN_OR_RETURN(Typed right, type_of(expr.operands[i], known));
    if (!is_boolean(*right.type)) return std::unexpected(wrong_type(expr.operands[i], "a Bool", *right.type));
    if (left.type->kind == Kind::kFalse) {
      left = std::move(right);
    } else if (right.type->kind == Kind::kTrue) {
      left = {right.type, {}};
    } else if (right.type->kind == Kind::kBool) {
      left.gained = shared(left.gained, right.gained);
    }
  }
  if (left.type->kind == Kind::kTrue && expr.operands.size() > 1) left.gained.clear();
  return left;
}

Result<Typechecker::Typed> Typechecker::unary(const Expr& expr, const Capabilities& known) {
  const Expr& operand = expr.operands[0];
  OG_ASSIGN_OR_RETURN(const Typed typed, type_of(operand, known));
  const TypePtr& type = typed.type;
  switch (expr.kind) {
    case ExprKind::kNot:
      if (!is_boolean(*type)) return std::unexpected(wrong_type(operand, "a Bool", *type));
      if (type->kind == Kind::kBool) return Typed{type, {}};
      return Typed{boolean(type->kind == Kind::kFalse), {}};
    case ExprKind::kNegate:
      if (type->kind != Kind::kLong) return std::unexpected(wrong_type(operand, "a Long", *type));
      return Typed{type, {}};
    case ExprKind::kIsEmpty:
      if (type->kind != Kind::kSet) return std::unexpected(wrong_type(operand, "a Set", *type));
      return Typed{plain_type(Kind::kBool), {}};
    case ExprKind::kLike:
      if (type->kind != Kind::kString) return std::unexpected(wrong_type(operand, "a String", *type));
      return Typed{plain_type(Kind::kBool), {}};
    case ExprKind::kIs:
      if (type->kind != Kind::kEntity) return std::unexpected(wrong_type(operand, "an entity", *type));
      return Typed{boolean(type->entity == expr.names[0]), {}};
    case ExprKind::kHas: return has(expr, type, known);
    default: return get(expr, type, known);
  }
}

Result<Typechecker::Typed> Typechecker::binary(const Expr& expr, const Capabilities& known) {
  OG_ASSIGN_OR_RETURN(const Typed left, type_of(expr.operands[0], known));
  OG_ASSIGN_OR_RETURN(const Typed right, type_of(expr.operands[1], known));
  switch (expr.kind) {
    case ExprKind::kEqual: return equality(expr, left.type, right.type);
    case ExprKind::kIn: return membership(expr, left.type, right.type);
    case ExprKind::kHasTag:
    case ExprKind::kGetTag: return tag(expr, left.type, right.type, known);
    case ExprKind::kContains:
    case ExprKind::kContainsAll:
    case ExprKind::kContainsAny: return contains(expr, left.type, right.type);
    case ExprKind::kLess:
    case ExprKind::kLessEqual: {
      const Kind kind = left.type->kind;
      if (kind != Kind::kLong && kind != Kind::kDatetime && kind != Kind::kDuration) {
        return std::unexpected(wrong_type(expr.operands[0], "a Long, datetime or duration", *left.type));
      }
      if (right.type->kind != kind) {
        return std::unexpected(wrong_type(expr.operands[1], cedar::text_of(*left.type), *right.type));
      }
      return Typed{plain_type(Kind::kBool), {}};
    }
    default: break;
  }
  if (left.type->kind != Kind::kLong) return std::unexpected(wrong_type(expr.operands[0], "a Long", *left.type));
  if (right.type->kind != Kind::kLong) return std::unexpected(wrong_type(expr.operands[1], "a Long", *right.type));
  return Typed{plain_type(Kind::kLong), {}};
}

// Two literals are compared; entities of different types are never equal; other types must agree.
Result<Typechecker::Typed> Typechecker::equality(const Expr& expr, const TypePtr& left, const TypePtr& right) const {
  const auto literal_of = [this](const Expr& operand) -> const Value* {
    if (operand.kind == ExprKind::kLiteral) return &operand.literal;
    return operand.kind == ExprKind::kVariable && operand.variable == Variable::kAction ? &action_ : nullptr;
  };
  const Value* a = literal_of(expr.operands[0]);
  const Value* b = literal_of(expr.operands[1]);
  if (a != nullptr && b != nullptr) return Typed{boolean(*a == *b), {}};
  if (common_type(left, right)) return Typed{plain_type(Kind::kBool), {}};
  if (left->kind == Kind::kEntity && right->kind == Kind::kEntity) return Typed{boolean(false), {}};
  return std::unexpected(
      mistake(expr, "`==` compares different types: " + cedar::text_of(*left) + " and " + cedar::text_of(*right)));
}

Result<Typechecker::Typed> Typechecker::membership(const Expr& expr, const TypePtr& left, const TypePtr& right) const {
  const Expr& groups = expr.operands[1];
  const bool several = right->kind == Kind::kSet;
  const TypePtr& group = several ? right->element : right;
  if (left->kind != Kind::kEntity) return std::unexpected(wrong_type(expr.operands[0], "an entity", *left));
  if (group->kind != Kind::kEntity) return std::unexpected(wrong_type(groups, "an entity or a Set of them", *right));
  const EntityUid* member = entity_of(expr.operands[0]);
  const bool action = member != nullptr && schema_.action_of(*member) != nullptr;
  if (action && !several) {
    if (const EntityUid* uid = entity_of(groups)) return Typed{boolean(is_action_in(*member, *uid)), {}};
  }
  const auto is_known = [this](const Expr& each) { return entity_of(each) != nullptr; };
  if (action && several && groups.kind == ExprKind::kSet && std::ranges::all_of(groups.operands, is_known)) {
    return Typed{boolean(std::ranges::any_of(
                     groups.operands, [&](const Expr& each) { return is_action_in(*member, *entity_of(each)); })),
                 {}};
  }
  return Typed{may_be_in(left->entity, group->entity) ? plain_type(Kind::kBool) : boolean(false), {}};
}

Result<Typechecker::Typed> Typechecker::contains(const Expr& expr, const TypePtr& left, const TypePtr& right) const {
  if (left->kind != Kind::kSet) return std::unexpected(wrong_type(expr.operands[0], "a Set", *left));
  const bool one = expr.kind == ExprKind::kContains;
  if (!one && right->kind != Kind::kSet) return std::unexpected(wrong_type(expr.operands[1], "a Set", *right));
  if (common_type(left->element, one ? right : right->element)) return Typed{plain_type(Kind::kBool), {}};
  return std::unexpected(mistake(
      expr, "a " + cedar::text_of(*left) + " cannot contain " + (one ? "" : "members of ") + cedar::text_of(*right)));
}

Result<Typechecker::Typed> Typechecker::has(const Expr& expr, const TypePtr& type, const Capabilities& known) const {
  const RecordType* record = &type->record;
  if (type->kind == Kind::kEntity) {
    const EntityType* entity = schema_.entity_type_of(type->entity);
    if (entity == nullptr) return Typed{boolean(false), {}};  // actions have no attributes
    record = &entity->shape->record;
  } else if (type->kind != Kind::kRecord) {
    return std::unexpected(wrong_type(expr.operands[0], "a record or an entity", *type));
  }
  const auto attribute = record->find(expr.names[0]);
  if (attribute == record->end()) return Typed{boolean(false), {}};
  const Capability capability{&expr.operands[0], nullptr, expr.names[0]};
  // An entity may be absent from the data, then it has no attribute at all.
  const bool certain = type->kind == Kind::kRecord && attribute->second.required;
  if (certain || holds(known, capability)) return Typed{boolean(true), {}};
  return Typed{plain_type(Kind::kBool), {capability}};
}

Result<Typechecker::Typed> Typechecker::get(const Expr& expr, const TypePtr& type, const Capabilities& known) const {
  const RecordType* record = &type->record;
  if (type->kind == Kind::kEntity) {
    const EntityType* entity = schema_.entity_type_of(type->entity);
    if (entity == nullptr) return std::unexpected(mistake(expr, "actions have no attributes"));
    record = &entity->shape->record;
  } else if (type->kind != Kind::kRecord) {
    return std::unexpected(wrong_type(expr.operands[0], "a record or an entity", *type));
  }
  const auto attribute = record->find(expr.names[0]);
  if (attribute == record->end()) {
    return std::unexpected(mistake(expr, cedar::text_of(*type) + " has no attribute " + string_literal(expr.names[0])));
  }
  if (!attribute->second.required && !holds(known, {&expr.operands[0], nullptr, expr.names[0]})) {
    return std::unexpected(
        mistake(expr, "attribute " + string_literal(expr.names[0]) + " is optional: test it with `has` first"));
  }
  return Typed{attribute->second.type, {}};
}

Result<Typechecker::Typed> Typechecker::tag(const Expr& expr, const TypePtr& left, const TypePtr& right,
                                            const Capabilities& known) const {
  if (left->kind != Kind::kEntity) return std::unexpected(wrong_type(expr.operands[0], "an entity", *left));
  if (right->kind != Kind::kString) return std::unexpected(wrong_type(expr.operands[1], "a String", *right));
  const EntityType* entity = schema_.entity_type_of(left->entity);
  const TypePtr tags = entity == nullptr ? nullptr : entity->tags;
  const Capability capability{&expr.operands[0], &expr.operands[1], {}};
  if (expr.kind == ExprKind::kHasTag) {
    if (!tags) return Typed{boolean(false), {}};
    if (holds(known, capability)) return Typed{boolean(true), {}};
    return Typed{plain_type(Kind::kBool), {capability}};
  }
  if (!tags) return std::unexpected(mistake(expr, left->entity + " has no tags"));
  if (holds(known, capability)) return Typed{tags, {}};
  return std::unexpected(mistake(expr, "a tag may be absent: test it with hasTag() first"));
}

Result<Typechecker::Typed> Typechecker::set(const Expr& expr, const Capabilities& known) {
  if (expr.operands.empty()) return std::unexpected(mistake(expr, "the type of an empty set is unknown"));
  TypePtr element;
  for (const Expr& operand : expr.operands) {
    OG_ASSIGN_OR_RETURN(const Typed member, type_of(operand, known));
    TypePtr widened = element ? common_type(element, member.type) : member.type;
    if (!widened) {
      return std::unexpected(mistake(operand, "members of a set have different types: " + cedar::text_of(*element) +
                                                  " and " + cedar::text_of(*member.type)));
    }
    element = std::move(widened);
  }
  return Typed{set_type(std::move(element)), {}};
}

Result<Typechecker::Typed> Typechecker::record(const Expr& expr, const Capabilities& known) {
  RecordType record;
  for (std::size_t i = 0; i < expr.operands.size(); ++i) {
    OG_ASSIGN_OR_RETURN(Typed value, type_of(expr.operands[i], known));
    record.emplace(expr.names[i], AttributeType{std::move(value.type), true});
  }
  return Typed{record_type(std::move(record)), {}};
}

Result<Typechecker::Typed> Typechecker::call(const Expr& expr, const Capabilities& known) {
  const Signature& signature = signature_of(expr.function);
  if (expr.operands.size() != argument_count(signature)) {
    return std::unexpected(
        mistake(expr, std::string(signature.name) + "() takes " + std::to_string(argument_count(signature)) +
                          " arguments with its receiver, not " + std::to_string(expr.operands.size())));
  }
  for (std::size_t i = 0; i < expr.operands.size(); ++i) {
    OG_ASSIGN_OR_RETURN(const Typed argument, type_of(expr.operands[i], known));
    const TypePtr wanted = type_of_plain(i == 0 ? signature.self : signature.argument);
    if (argument.type->kind != wanted->kind) {
      return std::unexpected(wrong_type(expr.operands[i], cedar::text_of(*wanted), *argument.type));
    }
  }
  if (is_constructor(expr.function)) {
    const Expr& argument = expr.operands[0];
    if (argument.kind != ExprKind::kLiteral) {
      return std::unexpected(mistake(argument, std::string(signature.name) + "() needs a string literal"));
    }
    if (!is_well_formed(expr.function, *argument.literal.as_text())) {
      return std::unexpected(mistake(argument, string_literal(*argument.literal.as_text()) + " is not a " +
                                                   cedar::text_of(*type_of_plain(signature.result))));
    }
  }
  return Typed{type_of_plain(signature.result), {}};
}

const EntityUid* Typechecker::entity_of(const Expr& expr) const {
  if (expr.kind == ExprKind::kLiteral) return expr.literal.as_entity();
  return expr.kind == ExprKind::kVariable && expr.variable == Variable::kAction ? action_.as_entity() : nullptr;
}

bool Typechecker::may_be_in(const std::string& type, const std::string& group) const {
  if (type == group) return true;
  if (const EntityType* entity = schema_.entity_type_of(type)) return entity->ancestors.contains(group);
  return std::ranges::any_of(schema_.actions(), [&](const auto& entry) {
    return entry.first.type == type &&
           std::ranges::any_of(entry.second.ancestors, [&](const EntityUid& above) { return above.type == group; });
  });
}

bool Typechecker::is_action_in(const EntityUid& action, const EntityUid& group) const {
  if (action == group) return true;
  const ActionType* declared = schema_.action_of(action);
  return declared != nullptr && declared->ancestors.contains(group);
}

bool Typechecker::holds(const Capabilities& known, const Capability& wanted) {
  return std::ranges::any_of(known, [&wanted](const Capability& each) {
    return (each.tag == nullptr) == (wanted.tag == nullptr) && each.attribute == wanted.attribute &&
           (each.tag == nullptr || same(*each.tag, *wanted.tag)) && same(*each.on, *wanted.on);
  });
}

Typechecker::Capabilities Typechecker::both(Capabilities a, const Capabilities& b) {
  for (const Capability& capability : b) {
    if (!holds(a, capability)) a.push_back(capability);
  }
  return a;
}

Typechecker::Capabilities Typechecker::shared(const Capabilities& a, const Capabilities& b) {
  Capabilities out;
  std::ranges::copy_if(a, std::back_inserter(out), [&b](const Capability& each) { return holds(b, each); });
  return out;
}

Error Typechecker::mistake(const Expr& at, std::string message) const {
  return mistake_at(source_, at.span, std::move(message));
}

Error Typechecker::wrong_type(const Expr& at, std::string_view wanted, const Type& got) const {
  return mistake(at, std::string("expected ").append(wanted).append(", found ").append(cedar::text_of(got)));
}

}  // namespace omnigraph::policy::cedar
