// The Cedar language by example: what texts mean, and that no text is more than an error.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "policy/cedar_evaluator.h"
#include "policy/cedar_parser.h"
#include "policy/limits.h"

namespace omnigraph::policy::cedar {
namespace {

using testing::HasSubstr;

Entities people() {
  Entities entities;
  entities.add({"Group", "all"}, {});
  entities.add({"Group", "staff"}, {{}, {}, {{"Group", "all"}}});
  entities.add({"User", "ana"},
               {{{"age", Value::integer(41)}}, {{"team", Value::text("graph")}}, {{"Group", "staff"}}});
  EXPECT_TRUE(entities.close());
  return entities;
}

// `true`, `false` or `error: <why>`.
std::string outcome(const std::string& expression) {
  const std::string text = "permit(principal, action, resource) when { " + expression + " };";
  const auto policies = parse_policies(text);
  if (!policies) return "syntax: " + policies.error().message;
  const Request request{Value::entity({"User", "ana"}), Value::entity({"Action", "view"}),
                        Value::entity({"Photo", "p"}),
                        Value::record({{"ip", Value(Value::Data(*parse_ip("10.1.2.3")))}})};
  const auto satisfied = is_satisfied(policies->front(), request, people());
  if (!satisfied) return "error: " + satisfied.error().message;
  return *satisfied ? "true" : "false";
}

struct Case {
  const char* expression;
  const char* outcome;
};

TEST(CedarLanguage, EvaluatesExpressions) {
  const std::vector<Case> cases = {
      {"1 + 2 * 3 == 7", "true"},
      {"-9223372036854775808 < 0", "true"},
      {"!(!(true)) && !false", "true"},
      {"false && 1 == \"broken\" + 1", "false"},
      {"true || (1 + \"x\") == 1", "true"},
      {"if 1 < 2 then true else 1 + true == 2", "true"},
      {"1 == \"1\"", "false"},
      {"[1, 2, 2] == [2, 1]", "true"},
      {"[1, [2]].contains([2]) && [1, 2].containsAll([2]) && ![1].containsAny([2]) && [].isEmpty()", "true"},
      {"{a: 1, \"b c\": 2}[\"b c\"] == 2", "true"},
      {"principal in Group::\"all\" && principal in [Group::\"none\", Group::\"staff\"]", "true"},
      {"Group::\"nobody\" in Group::\"nobody\"", "true"},
      {"principal is User in Group::\"all\" && !(principal is Photo)", "true"},
      {"principal has age && !(principal has name) && !(User::\"gone\" has age)", "true"},
      {"{a: {b: 1}} has a.b && !({a: {}} has a.b)", "true"},
      {"principal.hasTag(\"team\") && principal.getTag(\"team\") like \"gr*h\"", "true"},
      {"\"a*b\" like \"a\\*b\" && !(\"axb\" like \"a\\*b\") && \"\" like \"*\"", "true"},
      {"\"\\u{e9}\\x41\\n\" == \"\xc3\xa9"
       "A\\n\"",
       "true"},
      {"context.ip.isInRange(ip(\"10.0.0.0/8\")) && context.ip.isIpv4() && ip(\"::1\").isLoopback()", "true"},
      {"decimal(\"1.5\").lessThan(decimal(\"1.5001\"))", "true"},
      {"datetime(\"2024-10-15T11:35:00+0100\") == datetime(\"2024-10-15T10:35:00.000Z\")", "true"},
      {"datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", "true"},
      {"datetime(\"2024-03-01\").durationSince(datetime(\"2024-02-28\")) == duration(\"2d\")", "true"},
      {"duration(\"1d2h\").toHours() == 26 && duration(\"-90s\").toMinutes() == -1", "true"},
  };
  for (const Case& each : cases) EXPECT_EQ(outcome(each.expression), each.outcome) << each.expression;
}

TEST(CedarLanguage, FailsWhereTheValueDoesNotFit) {
  const std::vector<Case> cases = {
      {"9223372036854775807 + 1 == 0", "does not fit 64 bits"},
      {"-(-9223372036854775808) == 0", "does not fit 64 bits"},
      {"1 < true", "needs two values of one type"},
      {"1 && true", "needs a Bool"},
      {"principal.name == 1", "has no attribute \"name\""},
      {"User::\"gone\".age == 1", "does not exist"},
      {"principal.getTag(\"floor\") == 1", "has no tag \"floor\""},
      {"ip(\"1.2.3\").isIpv4()", "is malformed"},
      {"decimal(\"1.23456\") == decimal(\"1.0\")", "is malformed"},
      {"datetime(\"2023-02-29\") == datetime(\"2023-02-28\")", "is malformed"},
      {"duration(\"1h1d\") == duration(\"1d\")", "is malformed"},
      {"1 in principal", "needs an entity"},
      {"principal in [Group::\"all\", 1]", "needs a set of entities"},
  };
  for (const Case& each : cases) EXPECT_THAT(outcome(each.expression), HasSubstr(each.outcome)) << each.expression;
}

TEST(CedarLanguage, RefusesTextsWithTheirPlace) {
  const std::vector<Case> cases = {
      {"1 == 2 == 3", "comparisons do not chain"},
      {"9223372036854775808 == 1", "does not fit a Long"},
      {"principal.frob()", "unknown method 'frob'"},
      {"[1].contain(1)", "unknown method 'contain'"},
      {"isIpv4(1)", "is a method"},
      {"{a: 1, a: 2} == 1", "repeats attribute"},
      {"User == 1", "neither a variable nor an entity"},
      {"\"\\q\" == 1", "unknown escape"},
      {"!!!!!true", "more than 4 prefixes"},
      {"context.if", "reserved word"},
      {"principal == ?principal", "policy templates are not supported"},
  };
  for (const Case& each : cases) EXPECT_THAT(outcome(each.expression), HasSubstr(each.outcome)) << each.expression;
  const auto template_policy = parse_policies("permit(principal == ?principal, action, resource);");
  ASSERT_FALSE(template_policy);
  EXPECT_THAT(template_policy.error().message, HasSubstr("templates are not supported"));
  EXPECT_THAT(template_policy.error().message, HasSubstr("(line 1, column 21)"));
}

TEST(CedarLanguage, ReportsSeveralMistakes) {
  const auto policies = parse_policies(
      "permit(principal, action);\npermit(principal, action, resource);\n"
      "forbid(principal, action, resource) when { 1 + };\n");
  ASSERT_FALSE(policies);
  const std::string report = policies.error().render();
  EXPECT_THAT(report, HasSubstr("line 1, column 25"));
  EXPECT_THAT(report, HasSubstr("line 3, column 48"));
}

TEST(CedarLanguage, DecidesWithForbidFirstAndListsErrors) {
  const auto policies = parse_policies(
      "// permits\npermit(principal, action, resource);\n@id(\"x\") @bare permit(principal is User, action, "
      "resource);\n"
      "forbid(principal, action, resource) unless { context has ip };\n"
      "forbid(principal, action, resource) when { context.nope };\n");
  ASSERT_TRUE(policies) << policies.error().render();
  std::vector<const Policy*> all;
  for (const Policy& policy : *policies) all.push_back(&policy);
  Request request{Value::entity({"User", "ana"}), Value::entity({"Action", "view"}), Value::entity({"Photo", "p"}),
                  Value::record({})};
  Answer answer = authorize(all, request, people());
  EXPECT_FALSE(answer.allowed);
  ASSERT_EQ(answer.determining.size(), 1u);
  EXPECT_EQ(answer.determining[0]->id, "policy2");
  ASSERT_EQ(answer.errors.size(), 1u);
  EXPECT_EQ(answer.errors[0].policy->id, "policy3");
  request.context = Value::record({{"ip", Value::integer(1)}, {"nope", Value::boolean(false)}});
  answer = authorize(all, request, people());
  EXPECT_TRUE(answer.allowed);
  EXPECT_EQ(answer.determining.size(), 2u);
  EXPECT_TRUE(answer.errors.empty());
}

TEST(CedarLanguage, LimitsNestingAndHeight) {
  const std::string deep(kNestingMax + 1, '(');
  EXPECT_THAT(outcome(deep), HasSubstr("nested more than"));
  EXPECT_THAT(outcome(std::string(100'000, '[')), HasSubstr("nested more than"));
  std::string sum("1");
  for (std::size_t i = 0; i < kExpressionHeightMax + 1; ++i) sum.append(" + 1");
  EXPECT_THAT(outcome(sum + " == 1"), HasSubstr("levels; split it"));
  std::string doubled("principal");
  for (int i = 0; i < 60; ++i) doubled = "{a: " + doubled + " is U in principal}";
  EXPECT_THAT(outcome(doubled + " == 1"), HasSubstr("expression nodes"));
  std::string many("true");
  for (int i = 0; i < 5000; ++i) many.append(" && true");
  EXPECT_EQ(outcome(many), "true") << "a chain is one level";
}

// Goal: any bytes are policies or an error. Method: valid texts with bytes changed, dropped and repeated.
TEST(CedarLanguage, SurvivesAnyBytes) {
  const auto seed = static_cast<unsigned>(std::random_device()());
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string good =
      "@id(\"a\") permit(principal in G::\"x\", action in [A::\"v\", A::\"w\"], resource is P) when { context has a.b "
      "&& "
      "if 1 < -2 then [1, {k: \"\\u{41}\"}].contains(ip(\"::1/8\")) else principal[\"q\"] like \"a*\\*\" } unless { "
      "!true "
      "};";
  const std::string_view pieces = "(){}[]\"\\:;,.@?=!<>&|+-*/ \n\xc3\xa9x1";
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (int change = 0; change < 4; ++change) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random() % 3 == 0 ? random() % 256 : pieces[random() % pieces.size()]);
          break;
        case 1: text.erase(at, random() % 8); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 12)); break;
      }
      if (text.empty()) text = "x";
    }
    const auto policies = parse_policies(text);
    if (!policies) {
      EXPECT_FALSE(policies.error().message.empty());
      continue;
    }
    for (const Policy& policy : *policies) {
      const Request request{Value::entity({"G", "x"}), Value::entity({"A", "v"}), Value::entity({"P", "p"}),
                            Value::record({})};
      (void)is_satisfied(policy, request, people());
    }
  }
}

TEST(CedarValue, RoundTripsStringsThroughPolicies) {
  for (const std::string& text : {std::string("a\"b\\c"), std::string("\0\n\x7f", 3), std::string("\xc3\xa9")}) {
    const auto policies = parse_policies("permit(principal == U::" + string_literal(text) + ", action, resource);");
    ASSERT_TRUE(policies) << string_literal(text);
    EXPECT_EQ(policies->front().principal.entities[0].as_entity()->id, text);
  }
}

}  // namespace
}  // namespace omnigraph::policy::cedar
