#include "policy/cedar_parser.h"

#include <algorithm>

#include "policy/cedar_expression_parser.h"
#include "policy/cedar_token_stream.h"

namespace omnigraph::policy::cedar {

namespace {

class PolicyParser {
 public:
  PolicyParser(std::string_view source, std::vector<Token> tokens)
      : tokens_(source, std::move(tokens)), expressions_(tokens_) {}

  Result<std::vector<Policy>> run() {
    std::vector<Policy> policies;
    std::vector<Error> mistakes;
    while (!tokens_.at_end()) {
      auto policy = read_policy();
      if (policy) {
        policy->id = "policy" + std::to_string(policies.size());
        policies.push_back(std::move(*policy));
        continue;
      }
      mistakes.push_back(std::move(policy).error());
      if (mistakes.size() == kMistakesMax) break;
      tokens_.skip_behind(";");
    }
    if (mistakes.empty()) return policies;
    return std::unexpected(merged(std::move(mistakes)));
  }

 private:
  static Error merged(std::vector<Error> mistakes) {
    Error all = std::move(mistakes.front());
    for (std::size_t i = 1; i < mistakes.size(); ++i) {
      all.context.append("\n").append(mistakes[i].message).append("\n").append(mistakes[i].context);
    }
    return all;
  }

  Result<Policy> read_policy() {
    Policy policy;
    policy.span.begin = tokens_.peek().offset;
    OG_RETURN_IF_ERROR(read_annotations(policy));
    if (tokens_.accept_word("forbid")) {
      policy.effect = Effect::kForbid;
    } else if (!tokens_.accept_word("permit")) {
      return std::unexpected(tokens_.expected("'permit' or 'forbid'"));
    }
    OG_RETURN_IF_ERROR(read_scope(policy));
    while (tokens_.at_word("when") || tokens_.at_word("unless")) {
      Condition condition;
      condition.unless = tokens_.take().text == "unless";
      OG_RETURN_IF_ERROR(tokens_.expect("{"));
      OG_ASSIGN_OR_RETURN(condition.test, expressions_.read());
      OG_RETURN_IF_ERROR(tokens_.expect("}"));
      policy.conditions.push_back(std::move(condition));
    }
    if (!tokens_.at_symbol(";")) return std::unexpected(tokens_.expected("'when', 'unless' or ';'"));
    tokens_.take();
    policy.span.end = tokens_.previous_end();
    return policy;
  }

  Result<void> read_annotations(Policy& policy) {
    while (tokens_.accept("@")) {
      const Token at = tokens_.peek();
      OG_ASSIGN_OR_RETURN(std::string key, tokens_.identifier("the name of an annotation"));
      if (std::ranges::find(policy.annotations, key, &std::pair<std::string, std::string>::first) !=
          policy.annotations.end()) {
        return std::unexpected(mistake_at(tokens_.source(), span_of(at), "annotation @" + key + " is repeated"));
      }
      std::string value;
      if (tokens_.accept("(")) {
        OG_ASSIGN_OR_RETURN(value, tokens_.string("the value of an annotation, a string"));
        OG_RETURN_IF_ERROR(tokens_.expect(")"));
      }
      policy.annotations.emplace_back(std::move(key), std::move(value));
    }
    return {};
  }

  Result<void> read_scope(Policy& policy) {
    OG_RETURN_IF_ERROR(tokens_.expect("("));
    OG_RETURN_IF_ERROR(tokens_.expect_word("principal"));
    OG_RETURN_IF_ERROR(read_test(policy.principal, "?principal"));
    OG_RETURN_IF_ERROR(tokens_.expect(","));
    OG_RETURN_IF_ERROR(tokens_.expect_word("action"));
    OG_RETURN_IF_ERROR(read_action_test(policy.action));
    OG_RETURN_IF_ERROR(tokens_.expect(","));
    OG_RETURN_IF_ERROR(tokens_.expect_word("resource"));
    OG_RETURN_IF_ERROR(read_test(policy.resource, "?resource"));
    tokens_.accept(",");
    return tokens_.expect(")");
  }

  Result<void> read_test(ScopeTest& test, std::string_view slot) {
    using Kind = ScopeTest::Kind;
    if (tokens_.accept("==")) {
      test.kind = Kind::kEqual;
      return read_entity(test, slot);
    }
    if (tokens_.accept_word("is")) {
      test.kind = Kind::kIs;
      OG_ASSIGN_OR_RETURN(test.type, expressions_.read_path("an entity type"));
    }
    if (!tokens_.accept_word("in")) return {};
    test.kind = test.kind == Kind::kIs ? Kind::kIsIn : Kind::kIn;
    return read_entity(test, slot);
  }

  Result<void> read_action_test(ScopeTest& test) {
    using Kind = ScopeTest::Kind;
    if (tokens_.accept("==")) {
      test.kind = Kind::kEqual;
      return read_entity(test, {});
    }
    if (!tokens_.accept_word("in")) return {};
    if (!tokens_.accept("[")) {
      test.kind = Kind::kIn;
      return read_entity(test, {});
    }
    test.kind = Kind::kInAny;
    while (!tokens_.accept("]")) {
      OG_RETURN_IF_ERROR(read_entity(test, {}));
      if (!tokens_.at_symbol("]")) OG_RETURN_IF_ERROR(tokens_.expect(","));
    }
    return {};
  }

  // `slot` is the only one a template may use here; empty: none.
  Result<void> read_entity(ScopeTest& test, std::string_view slot) {
    if (tokens_.peek().kind == TokenKind::kSlot) {
      const bool known = tokens_.peek().text == slot;
      return std::unexpected(tokens_.mistake(known ? std::string("policy templates are not supported: name an entity "
                                                                 "instead of ")
                                                         .append(slot)
                                                   : "unknown template slot " + shown(tokens_.peek())));
    }
    OG_ASSIGN_OR_RETURN(EntityUid uid, expressions_.read_entity());
    test.entities.push_back(Value::entity(std::move(uid)));
    return {};
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
};

}  // namespace

Result<std::vector<Policy>> parse_policies(std::string_view text) { return parsed_by<PolicyParser>(text); }

}  // namespace omnigraph::policy::cedar
