// Strict validation: what the schema lets a policy say.

#include "policy/cedar_validator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/cedar_json.h"
#include "policy/cedar_parser.h"

namespace omnigraph::policy::cedar {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSchema = R"(
namespace Shop {
  @doc("who buys")
  entity User in [Team] = { name: String, age?: Long, address?: Address, flag: Bool } tags Set<String>;
  entity Team, Folder in Folder;
  entity Level enum ["low", "high"];
  entity Item in Folder { price: decimal, seen?: datetime, level: Level };
  type Address = { city: String, "zip code"?: __cedar::String };
  action read;
  action view, "buy it" in [read] appliesTo { principal: [User], resource: Item, context: { ip: ipaddr, note?: String } };
}
)";

const Schema& shop() {
  static const Schema kShop = Schema::parse(kSchema).value();
  return kShop;
}

// Empty: valid.
std::string verdict(const std::string& condition, const std::string& head = "principal, action, resource") {
  const std::string text = "permit(" + head + ") when { " + condition + " };";
  const auto policies = parse_policies(text);
  EXPECT_TRUE(policies) << text;
  if (!policies) return policies.error().message;
  const auto valid = validate(policies->front(), shop(), text);
  return valid ? "" : valid.error().message;
}

TEST(CedarValidator, AcceptsWhatCanOnlyMean) {
  for (const char* condition :
       {"principal.name like \"a*\" && resource.price.lessThan(decimal(\"9.99\"))",
        "principal has age && principal.age > 3", "principal has address.city && principal.address.city == \"Ulm\"",
        "principal.hasTag(\"t\") && principal.getTag(\"t\").contains(\"x\")",
        "if context has note then context.note == \"n\" else context.ip.isIpv6()",
        "(principal has age || principal has age) && principal.age == 1", "false && principal.nope == 1",
        "principal in Shop::Team::\"t\" || resource in [Shop::Folder::\"f\"]", "resource.level == Shop::Level::\"low\"",
        "action in [Shop::Action::\"read\"]", "principal == resource || principal.flag", "[1, 2].contains(3)"}) {
    EXPECT_EQ(verdict(condition), "") << condition;
  }
}

TEST(CedarValidator, RefusesWhatMayFailOrNeverHolds) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"principal.age == 1", "is optional: test it with `has` first"},
      {"principal has age || principal.age == 1", "is optional"},
      {"principal.nam == \"x\"", "has no attribute \"nam\""},
      {"principal.name == 1", "`==` compares different types"},
      {"principal.name < 1", "expected a Long, datetime or duration, found String"},
      {"principal.getTag(\"t\").isEmpty()", "test it with hasTag() first"},
      {"[].isEmpty()", "the type of an empty set is unknown"},
      {"[1, \"a\"].contains(1)", "members of a set have different types"},
      {"[1].contains(\"a\")", "cannot contain"},
      {"ip(principal.name).isIpv4()", "needs a string literal"},
      {"context.ip == ip(\"1.2.3\")", "is not a ipaddr"},
      {"if principal.flag then 1 else \"a\" == 2", "the branches of `if` have different types"},
      {"if principal.name then true else false", "expected a Bool"},
      {"resource.level == Shop::Level::\"mid\"", "is not declared in the schema"},
      {"principal == User::\"ana\"", "is not declared in the schema"},
      {"action.name == 1", "actions have no attributes"},
      {"{a: 1} == {a: 1, b: 2}", "`==` compares different types"},
  };
  for (const auto& [condition, message] : cases) EXPECT_THAT(verdict(condition), HasSubstr(message)) << condition;
  EXPECT_THAT(verdict("true", "principal is Shop::Item, action, resource"), HasSubstr("applies to no request"));
  EXPECT_THAT(verdict("true", "principal, action == Shop::Action::\"read\", resource"),
              HasSubstr("applies to no request"));
  EXPECT_THAT(verdict("true", "principal, action == Shop::Action::\"sell\", resource"), HasSubstr("is not declared"));
}

TEST(CedarSchema, NamesItsMistakes) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"entity A in B;", "entity type 'B' is not declared"},
      {"entity A; entity A;", "is declared twice"},
      {"type A = Set<B>; type B = { a: A };", "contains itself"},
      {"entity A { x: Strin };", "type 'Strin' is not declared"},
      {"action a in [b];", "action 'b' is not declared"},
      {"action a in [b]; action b in [a];", "is in itself"},
      {"entity A { x: Long, x: Long };", "is repeated"},
      {"entity A enum [];", "an id in quotes"},
      {"entity A", "expected ';'"},
  };
  for (const auto& [text, message] : cases) {
    const auto schema = Schema::parse(text);
    ASSERT_FALSE(schema) << text;
    EXPECT_THAT(schema.error().message, HasSubstr(message)) << text;
  }
  EXPECT_FALSE(Schema::parse("entity A { x: " + std::string(20'000, '{')));
}

TEST(CedarJson, ReadsValuesAsTheSchemaTypesThem) {
  const auto entities = entities_of_json(R"([
    {"uid": {"type": "Shop::Item", "id": "i"}, "parents": [{"type": "Shop::Folder", "id": "f"}],
     "attrs": {"price": "1.50", "seen": {"fn": "datetime", "arg": "2024-01-01"}, "level": {"type": "Shop::Level", "id": "low"},
               "other": {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2024-01-01"}},
                                                             {"__extn": {"fn": "duration", "arg": "1d"}}]}}}},
    {"uid": {"type": "Shop::Folder", "id": "f"}, "attrs": {}, "parents": [{"type": "Shop::Folder", "id": "root"}]},
    {"uid": {"type": "Shop::User", "id": "u"}, "attrs": {"name": "1.50"}, "parents": [], "tags": {"t": ["a", "a"]}}])",
                                         shop());
  ASSERT_TRUE(entities) << entities.error().message;
  const Entity* item = entities->find({"Shop::Item", "i"});
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*find_attribute(item->attributes, "price"), Value(Value::Data(*parse_decimal("1.5"))));
  EXPECT_EQ(*find_attribute(item->attributes, "other"), Value(Value::Data(*parse_datetime("2024-01-02"))));
  EXPECT_EQ(find_attribute(item->attributes, "level")->kind_name(), "entity");
  EXPECT_TRUE(entities->is_in({"Shop::Item", "i"}, {"Shop::Folder", "root"}));
  EXPECT_TRUE(entities->is_in({"Shop::Action", "view"}, {"Shop::Action", "read"}));
  const Entity* user = entities->find({"Shop::User", "u"});
  EXPECT_EQ(*find_attribute(user->attributes, "name"), Value::text("1.50")) << "a String stays one";
  EXPECT_EQ(*find_attribute(user->tags, "t"), Value::set({Value::text("a")}));
}

TEST(CedarJson, RefusesWhatIsNoCedarValue) {
  const auto refusal = [](const std::string& attribute) {
    const auto entities = entities_of_json(
        R"([{"uid": {"type": "Shop::User", "id": "u"}, "parents": [], "attrs": {"x": )" + attribute + "}}]", shop());
    return entities ? std::string() : entities.error().message;
  };
  EXPECT_THAT(refusal("1.5"), HasSubstr("is not a Cedar value"));
  EXPECT_THAT(refusal("null"), HasSubstr("is not a Cedar value"));
  EXPECT_THAT(refusal("9223372036854775808"), HasSubstr("does not fit a Long"));
  EXPECT_THAT(refusal(R"({"__extn": {"fn": "ip", "arg": "x"}})"), HasSubstr("is malformed"));
  EXPECT_THAT(refusal(R"({"__extn": {"fn": "frob", "arg": "x"}})"), HasSubstr("no function `frob`"));
  EXPECT_THAT(refusal(std::string(5000, '[') + std::string(5000, ']')), HasSubstr("nested too deeply"));
  EXPECT_THAT(entities_of_json("[{}]", shop()).error().message, HasSubstr("needs a member `uid`"));
  EXPECT_FALSE(entities_of_json("[", shop()));
}

}  // namespace
}  // namespace omnigraph::policy::cedar
