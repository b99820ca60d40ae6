#include "policy/cedar_evaluator.h"

#include <algorithm>
#include <optional>

namespace omnigraph::policy::cedar {

namespace {

Error type_error(std::string_view what, std::string_view wanted, const Value& got) {
  return bad_request(
      std::string(what).append(" needs ").append(wanted).append(", not a value of type ").append(got.kind_name()));
}

Error overflow(std::string_view what) {
  return bad_request(std::string("the result of ").append(what).append(" does not fit 64 bits"));
}

// `text` starts with pieces.front(), ends with pieces.back() and has the others between, in order.
bool matches(std::string_view text, const std::vector<std::string>& pieces) {
  if (pieces.size() == 1) return text == pieces.front();
  if (!text.starts_with(pieces.front())) return false;
  text.remove_prefix(pieces.front().size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::size_t at = text.find(pieces[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + pieces[i].size());
  }
  return text.ends_with(pieces.back());
}

template <class T>
Result<Value> constructed(const std::optional<T>& value, std::string_view function, const std::string& text) {
  if (value) return Value(Value::Data(*value));
  return std::unexpected(
      bad_request(std::string(function).append("(").append(string_literal(text)).append(") is malformed")));
}

class Evaluator {
 public:
  Evaluator(const Request& request, const Entities& entities) : request_(request), entities_(entities) {}

  Result<Value> run(const Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::kLiteral: return expr.literal;
      case ExprKind::kVariable: return variable(expr.variable);
      case ExprKind::kIf: return choose(expr);
      case ExprKind::kAnd: return chain(expr, false);
      case ExprKind::kOr: return chain(expr, true);
      case ExprKind::kSet: return set(expr);
      case ExprKind::kRecord: return record(expr);
      case ExprKind::kNot:
      case ExprKind::kNegate:
      case ExprKind::kHas:
      case ExprKind::kGet:
      case ExprKind::kLike:
      case ExprKind::kIs:
      case ExprKind::kIsEmpty: return unary(expr);
      case ExprKind::kCall: return call(expr);
      default: return binary(expr);
    }
  }

  Result<bool> test(const Expr& expr, std::string_view what) const {
    OG_ASSIGN_OR_RETURN(const Value value, run(expr));
    if (const bool* truth = value.as_boolean()) return *truth;
    return std::unexpected(type_error(what, "a Bool", value));
  }

 private:
  [[nodiscard]] const Value& variable(Variable which) const {
    switch (which) {
      case Variable::kPrincipal: return request_.principal;
      case Variable::kAction: return request_.action;
      case Variable::kResource: return request_.resource;
      case Variable::kContext: break;
    }
    return request_.context;
  }

  Result<Value> choose(const Expr& expr) const {
    OG_ASSIGN_OR_RETURN(const bool truth, test(expr.operands[0], "`if`"));
    return run(expr.operands[truth ? 1 : 2]);
  }

  // && stops at the first false, || at the first true.
  Result<Value> chain(const Expr& expr, bool stop) const {
    for (const Expr& operand : expr.operands) {
      OG_ASSIGN_OR_RETURN(const bool truth, test(operand, stop ? "`||`" : "`&&`"));
      if (truth == stop) return Value::boolean(stop);
    }
    return Value::boolean(!stop);
  }

  Result<Value> set(const Expr& expr) const {
    std::vector<Value> members;
    members.reserve(expr.operands.size());
    for (const Expr& operand : expr.operands) {
      OG_ASSIGN_OR_RETURN(Value member, run(operand));
      members.push_back(std::move(member));
    }
    return Value::set(std::move(members));
  }

  Result<Value> record(const Expr& expr) const {
    Attributes attributes;
    attributes.reserve(expr.operands.size());
    for (std::size_t i = 0; i < expr.operands.size(); ++i) {
      OG_ASSIGN_OR_RETURN(Value value, run(expr.operands[i]));
      attributes.emplace_back(expr.names[i], std::move(value));
    }
    return Value::record(std::move(attributes));
  }

  Result<Value> unary(const Expr& expr) const {
    OG_ASSIGN_OR_RETURN(const Value value, run(expr.operands[0]));
    switch (expr.kind) {
      case ExprKind::kNot:
        if (const bool* truth = value.as_boolean()) return Value::boolean(!*truth);
        return std::unexpected(type_error("`!`", "a Bool", value));
      case ExprKind::kNegate: return negate(value);
      case ExprKind::kHas: return has(value, expr.names[0]);
      case ExprKind::kGet: return get(value, expr.names[0]);
      case ExprKind::kLike:
        if (const std::string* text = value.as_text()) return Value::boolean(matches(*text, expr.names));
        return std::unexpected(type_error("`like`", "a String", value));
      case ExprKind::kIs:
        if (const EntityUid* uid = value.as_entity()) return Value::boolean(uid->type == expr.names[0]);
        return std::unexpected(type_error("`is`", "an entity", value));
      default:
        if (const auto* members = value.as_set()) return Value::boolean(members->empty());
        return std::unexpected(type_error("isEmpty()", "a Set", value));
    }
  }

  static Result<Value> negate(const Value& value) {
    const std::int64_t* number = value.as_integer();
    if (number == nullptr) return std::unexpected(type_error("`-`", "a Long", value));
    std::int64_t out = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, *number, &out)) return std::unexpected(overflow("`-`"));
    return Value::integer(out);
  }

  Result<Value> has(const Value& value, const std::string& name) const {
    if (const Attributes* record = value.as_record()) return Value::boolean(find_attribute(*record, name) != nullptr);
    const EntityUid* uid = value.as_entity();
    if (uid == nullptr) return std::unexpected(type_error("`has`", "a record or an entity", value));
    const Entity* entity = entities_.find(*uid);
    return Value::boolean(entity != nullptr && find_attribute(entity->attributes, name) != nullptr);
  }

  Result<Value> get(const Value& value, const std::string& name) const {
    const Attributes* attributes = value.as_record();
    const EntityUid* uid = value.as_entity();
    if (uid != nullptr) {
      const Entity* entity = entities_.find(*uid);
      if (entity == nullptr) return std::unexpected(bad_request("entity " + text_of(*uid) + " does not exist"));
      attributes = &entity->attributes;
    }
    if (attributes == nullptr) return std::unexpected(type_error("`." + name + "`", "a record or an entity", value));
    if (const Value* found = find_attribute(*attributes, name)) return *found;
    return std::unexpected(
        bad_request((uid == nullptr ? "the record" : text_of(*uid)) + " has no attribute " + string_literal(name)));
  }

  Result<Value> binary(const Expr& expr) const {
    OG_ASSIGN_OR_RETURN(const Value left, run(expr.operands[0]));
    OG_ASSIGN_OR_RETURN(const Value right, run(expr.operands[1]));
    switch (expr.kind) {
      case ExprKind::kEqual: return Value::boolean(left == right);
      case ExprKind::kLess:
      case ExprKind::kLessEqual: return ordered(left, right, expr.kind == ExprKind::kLessEqual);
      case ExprKind::kIn: return in(left, right);
      case ExprKind::kContains: return contains(left, right);
      case ExprKind::kContainsAll:
      case ExprKind::kContainsAny: return contains_several(left, right, expr.kind == ExprKind::kContainsAll);
      case ExprKind::kHasTag:
      case ExprKind::kGetTag: return tag(left, right, expr.kind == ExprKind::kGetTag);
      default: return arithmetic(expr.kind, left, right);
    }
  }

  static Result<Value> ordered(const Value& left, const Value& right, bool or_equal) {
    const bool comparable =
        left.as_integer() != nullptr || left.as<Datetime>() != nullptr || left.as<Duration>() != nullptr;
    if (!comparable) return std::unexpected(type_error("a comparison", "a Long, datetime or duration", left));
    if (left.data().index() != right.data().index()) {
      return std::unexpected(type_error("a comparison", "two values of one type", right));
    }
    const auto order = left <=> right;
    return Value::boolean(or_equal ? order <= 0 : order < 0);
  }

  Result<Value> in(const Value& left, const Value& right) const {
    const EntityUid* uid = left.as_entity();
    if (uid == nullptr) return std::unexpected(type_error("`in`", "an entity on its left", left));
    if (const EntityUid* group = right.as_entity()) return Value::boolean(entities_.is_in(*uid, *group));
    const auto* members = right.as_set();
    if (members == nullptr)
      return std::unexpected(type_error("`in`", "an entity or a set of them on its right", right));
    bool found = false;
    for (const Value& member : *members) {
      const EntityUid* group = member.as_entity();
      if (group == nullptr) return std::unexpected(type_error("`in`", "a set of entities on its right", member));
      found = found || entities_.is_in(*uid, *group);
    }
    return Value::boolean(found);
  }

  static Result<Value> contains(const Value& left, const Value& right) {
    const auto* members = left.as_set();
    if (members == nullptr) return std::unexpected(type_error("contains()", "a Set", left));
    return Value::boolean(std::ranges::binary_search(*members, right));
  }

  static Result<Value> contains_several(const Value& left, const Value& right, bool all) {
    const auto* members = left.as_set();
    const auto* wanted = right.as_set();
    if (members == nullptr || wanted == nullptr) {
      return std::unexpected(
          type_error(all ? "containsAll()" : "containsAny()", "two Sets", members == nullptr ? left : right));
    }
    const auto has_member = [members](const Value& value) { return std::ranges::binary_search(*members, value); };
    return Value::boolean(all ? std::ranges::all_of(*wanted, has_member) : std::ranges::any_of(*wanted, has_member));
  }

  Result<Value> tag(const Value& left, const Value& right, bool get) const {
    const EntityUid* uid = left.as_entity();
    const std::string* name = right.as_text();
    if (uid == nullptr) return std::unexpected(type_error("a tag", "an entity", left));
    if (name == nullptr) return std::unexpected(type_error("a tag", "a String as its name", right));
    const Entity* entity = entities_.find(*uid);
    const Value* found = entity == nullptr ? nullptr : find_attribute(entity->tags, *name);
    if (!get) return Value::boolean(found != nullptr);
    if (entity == nullptr) return std::unexpected(bad_request("entity " + text_of(*uid) + " does not exist"));
    if (found == nullptr) return std::unexpected(bad_request(text_of(*uid) + " has no tag " + string_literal(*name)));
    return *found;
  }

  static Result<Value> arithmetic(ExprKind kind, const Value& left, const Value& right) {
    const std::string_view symbol = kind == ExprKind::kAdd ? "`+`" : kind == ExprKind::kSubtract ? "`-`" : "`*`";
    const std::int64_t* a = left.as_integer();
    const std::int64_t* b = right.as_integer();
    if (a == nullptr || b == nullptr)
      return std::unexpected(type_error(symbol, "two Longs", a == nullptr ? left : right));
    std::int64_t out = 0;
    const bool overflowed = kind == ExprKind::kAdd        ? __builtin_add_overflow(*a, *b, &out)
                            : kind == ExprKind::kSubtract ? __builtin_sub_overflow(*a, *b, &out)
                                                          : __builtin_mul_overflow(*a, *b, &out);
    if (overflowed) return std::unexpected(overflow(symbol));
    return Value::integer(out);
  }

  Result<Value> call(const Expr& expr) const {
    const Signature& signature = signature_of(expr.function);
    std::vector<Value> arguments;
    arguments.reserve(expr.operands.size());
    for (const Expr& operand : expr.operands) {
      OG_ASSIGN_OR_RETURN(Value argument, run(operand));
      arguments.push_back(std::move(argument));
    }
    if (arguments.size() != argument_count(signature)) return std::unexpected(wrong_count(signature, arguments.size()));
    if (arguments.size() == 1) return call_unary(signature, arguments[0]);
    return call_binary(signature, arguments[0], arguments[1]);
  }

  static Result<Value> call_unary(const Signature& signature, const Value& self) {
    if (const std::string* text = self.as_text(); text != nullptr && signature.self == Plain::kString) {
      return construct(signature, *text);
    }
    if (const IpNet* net = self.as<IpNet>(); net != nullptr && signature.self == Plain::kIp) {
      return Value::boolean(test_ip(signature.function, *net));
    }
    if (const Datetime* instant = self.as<Datetime>(); instant != nullptr && signature.self == Plain::kDatetime) {
      if (signature.function == Function::kToTime) return Value(Value::Data(time_of_day(*instant)));
      if (const auto date = date_of(*instant)) return Value(Value::Data(*date));
      return std::unexpected(overflow("toDate()"));
    }
    if (const Duration* duration = self.as<Duration>(); duration != nullptr && signature.self == Plain::kDuration) {
      return Value::integer(duration->ms / unit_ms(signature.function));
    }
    return std::unexpected(wrong_type(signature, self));
  }

  static Result<Value> construct(const Signature& signature, const std::string& text) {
    switch (signature.function) {
      case Function::kIp: return constructed(parse_ip(text), signature.name, text);
      case Function::kDecimal: return constructed(parse_decimal(text), signature.name, text);
      case Function::kDatetime: return constructed(parse_datetime(text), signature.name, text);
      default: return constructed(parse_duration(text), signature.name, text);
    }
  }

  static bool test_ip(Function function, const IpNet& net) {
    switch (function) {
      case Function::kIsIpv4: return !net.v6;
      case Function::kIsIpv6: return net.v6;
      case Function::kIsLoopback: return is_loopback(net);
      default: return is_multicast(net);
    }
  }

  static std::int64_t unit_ms(Function function) {
    switch (function) {
      case Function::kToDays: return 86'400'000;
      case Function::kToHours: return 3'600'000;
      case Function::kToMinutes: return 60'000;
      case Function::kToSeconds: return 1000;
      default: return 1;
    }
  }

  static Result<Value> call_binary(const Signature& signature, const Value& self, const Value& argument) {
    if (const auto* a = self.as<Decimal>(); a != nullptr && signature.self == Plain::kDecimal) {
      if (const auto* b = argument.as<Decimal>()) return Value::boolean(compare(signature.function, *a, *b));
      return std::unexpected(wrong_type(signature, argument));
    }
    if (const auto* inner = self.as<IpNet>(); inner != nullptr && signature.self == Plain::kIp) {
      if (const auto* outer = argument.as<IpNet>()) return Value::boolean(in_range(*inner, *outer));
      return std::unexpected(wrong_type(signature, argument));
    }
    const auto* instant = self.as<Datetime>();
    if (instant == nullptr || signature.self != Plain::kDatetime) return std::unexpected(wrong_type(signature, self));
    std::int64_t out = 0;
    if (signature.function == Function::kOffset) {
      const auto* duration = argument.as<Duration>();
      if (duration == nullptr) return std::unexpected(wrong_type(signature, argument));
      if (__builtin_add_overflow(instant->unix_ms, duration->ms, &out)) return std::unexpected(overflow("offset()"));
      return Value(Value::Data(Datetime{out}));
    }
    const auto* since = argument.as<Datetime>();
    if (since == nullptr) return std::unexpected(wrong_type(signature, argument));
    if (__builtin_sub_overflow(instant->unix_ms, since->unix_ms, &out)) {
      return std::unexpected(overflow("durationSince()"));
    }
    return Value(Value::Data(Duration{out}));
  }

  static bool compare(Function function, Decimal a, Decimal b) {
    switch (function) {
      case Function::kLessThan: return a < b;
      case Function::kLessThanOrEqual: return a <= b;
      case Function::kGreaterThan: return a > b;
      default: return a >= b;
    }
  }

  static Error wrong_count(const Signature& signature, std::size_t count) {
    return bad_request(std::string(signature.name)
                           .append("() takes ")
                           .append(std::to_string(argument_count(signature)))
                           .append(" arguments with its receiver, not ")
                           .append(std::to_string(count)));
  }

  static Error wrong_type(const Signature& signature, const Value& got) {
    return bad_request(std::string(signature.name).append("() does not take a value of type ").append(got.kind_name()));
  }

  const Request& request_;
  const Entities& entities_;
};

}  // namespace

Result<Value> evaluate(const Expr& expr, const Request& request, const Entities& entities) {
  return Evaluator(request, entities).run(expr);
}

bool holds(const ScopeTest& test, const Value& entity, const Entities& entities) {
  const EntityUid& uid = *entity.as_entity();
  const auto in = [&](const Value& group) { return entities.is_in(uid, *group.as_entity()); };
  switch (test.kind) {
    case ScopeTest::Kind::kAny: return true;
    case ScopeTest::Kind::kEqual: return uid == *test.entities.front().as_entity();
    case ScopeTest::Kind::kIn: return in(test.entities.front());
    case ScopeTest::Kind::kIs: return uid.type == test.type;
    case ScopeTest::Kind::kIsIn: return uid.type == test.type && in(test.entities.front());
    case ScopeTest::Kind::kInAny: return std::ranges::any_of(test.entities, in);
  }
  return false;
}

Result<bool> conditions_hold(const Policy& policy, const Request& request, const Entities& entities) {
  const Evaluator evaluator(request, entities);
  for (const Condition& condition : policy.conditions) {
    OG_ASSIGN_OR_RETURN(const bool truth, evaluator.test(condition.test, condition.unless ? "`unless`" : "`when`"));
    if (truth == condition.unless) return false;
  }
  return true;
}

Result<bool> is_satisfied(const Policy& policy, const Request& request, const Entities& entities) {
  if (!holds(policy.action, request.action, entities) || !holds(policy.principal, request.principal, entities) ||
      !holds(policy.resource, request.resource, entities)) {
    return false;
  }
  return conditions_hold(policy, request, entities);
}

Answer authorize(std::span<const Policy* const> policies, const Request& request, const Entities& entities) {
  Answer answer;
  bool forbidden = false;
  for (const Policy* policy : policies) {
    auto satisfied = is_satisfied(*policy, request, entities);
    if (!satisfied) {
      answer.errors.push_back({policy, std::move(satisfied).error()});
      continue;
    }
    if (!*satisfied) continue;
    const bool forbid = policy->effect == Effect::kForbid;
    if (forbid && !forbidden) answer.determining.clear();
    forbidden = forbidden || forbid;
    if (forbid == forbidden) answer.determining.push_back(policy);
  }
  answer.allowed = !forbidden && !answer.determining.empty();
  return answer;
}

}  // namespace omnigraph::policy::cedar
