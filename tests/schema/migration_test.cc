// The migration planner against the tables of chapter 01 section 9, line by line.
#include "schema/migration.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/schema/schema_test_support.h"

namespace omnigraph::schema {
namespace {

constexpr std::string_view kMigrationBase = R"(
node Port { code: String @key  name: String  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Route: Port -> Port @card(0..2) { since: Date?  @unique(src, dst) }
edge At: Berth -> Port @card(1..1)
)";

// Data that violates what the test says it does.
class FakeData final : public MigrationData {
 public:
  std::map<std::string, std::uint64_t> entity_counts;  // by type name
  std::map<std::string, Violations> values, unique;    // by T.p; by type name
  Violations cardinality;
  const Catalog* accepted = nullptr;

  Result<std::uint64_t> entities(TypeRef type) override { return entity_counts[accepted->name_of(type)]; }
  Result<Violations> check_values(TypeRef type, std::size_t property, const Property& rule,
                                  const TypeConstraints& constraints) override {
    std::string name = accepted->name_of(type) + "." + accepted->properties_of(type)[property].name;
    if (!rule.type.nullable) name += " null";
    for (const RangeConstraint& range : constraints.range) EXPECT_EQ(range.property, rule.name);
    return values[name];
  }
  Result<Violations> check_unique(TypeRef type, const std::vector<UniqueColumn>&) override {
    return unique[accepted->name_of(type)];
  }
  Result<Violations> check_cardinality(TypeRef, std::uint32_t, std::uint32_t) override { return cardinality; }
};

std::string json_of(const MigrationPlan& plan) {
  std::string out;
  for (const MigrationStep& step : plan.steps) {
    base::JsonWriter json(out);
    write_step(json, step);
    out += '\n';
  }
  return out;
}

std::string text_of(const MigrationPlan& plan) {
  std::string out;
  for (const MigrationStep& step : plan.steps) out += step_text(step) + "\n";
  return out;
}

MigrationPlan plan(std::string_view before, std::string_view after, bool hard = false, FakeData* data = nullptr) {
  const auto accepted = parsed(before);
  const auto desired = parsed(after);
  if (data != nullptr) data->accepted = accepted.get();
  auto made = plan_migration(*accepted, *desired, {.allow_data_loss = hard, .data = data});
  if (!made) {
    ADD_FAILURE() << made.error().render();
    return {};
  }
  return std::move(*made);
}

std::string texts(std::string_view before, std::string_view after, bool hard = false, FakeData* data = nullptr) {
  return text_of(plan(before, after, hard, data));
}

std::string refused_match(std::string_view before, std::string_view after) {
  const auto made = plan_migration(*parsed(before), *parsed(after));
  if (made) {
    ADD_FAILURE() << "planned: " << after;
    return {};
  }
  EXPECT_EQ(made.error().code, Code::kBadRequest);
  return made.error().message;
}

// The base schema with `from` replaced by `to`.
std::string edited(std::string_view from, std::string_view to) {
  std::string text(kMigrationBase);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// ---- acceptance rows 18 to 29 of chapter 01

TEST(MigrationAcceptance, NullablePropertyAdded) {
  const auto made = plan(kMigrationBase, edited("depth: F64?", "depth: F64?  flag: String?"));
  EXPECT_TRUE(made.supported());
  EXPECT_EQ(
      json_of(made),
      R"({"kind":"add_property","type_kind":"node","type_name":"Port","property_name":"flag","property_type":{"scalar":"String","nullable":true,"list":false,"enum_values":null}})"
      "\n");
}

TEST(MigrationAcceptance, RequiredPropertyAdded) {
  const auto made = plan(kMigrationBase, edited("depth: F64?", "depth: F64?  flag: String"));
  ASSERT_FALSE(made.supported());
  EXPECT_EQ(
      json_of(made),
      R"({"kind":"unsupported_change","entity":"node:Port.flag","reason":"adding required property 'Port.flag' requires a backfill and is not supported in schema migration v1","code":"OG-MF-103"})"
      "\n");
  EXPECT_TRUE(step_refusal(*made.first_unsupported()).message.starts_with("[OG-MF-103] adding required property"));
}

TEST(MigrationAcceptance, EnumsGrowAndTheirOrderMeansNothing) {
  EXPECT_EQ(
      json_of(plan(kMigrationBase, edited("enum(sea, river)", "enum(sea, river, lake)"))),
      R"({"kind":"extend_enum","type_kind":"node","type_name":"Port","property_name":"kind","added_values":["lake"]})"
      "\n");
  EXPECT_EQ(json_of(plan(kMigrationBase, edited("enum(sea, river)", "enum(river, sea)"))), "");
}

TEST(MigrationAcceptance, RenameComesBeforeExtendEnum) {
  EXPECT_EQ(
      json_of(
          plan(kMigrationBase, edited("kind: enum(sea, river)", "mode: enum(sea, river, air) @rename_from(\"kind\")"))),
      R"({"kind":"rename_property","type_kind":"node","type_name":"Port","from":"kind","to":"mode"})"
      "\n"
      R"({"kind":"extend_enum","type_kind":"node","type_name":"Port","property_name":"mode","added_values":["air"]})"
      "\n");
}

TEST(MigrationAcceptance, DropsAreSoftOrHard) {
  const std::string without = edited("depth: F64?", "");
  EXPECT_EQ(json_of(plan(kMigrationBase, without, true)),
            R"({"kind":"drop_property","type_kind":"node","type_name":"Port","property_name":"depth","mode":"hard"})"
            "\n");
  EXPECT_EQ(texts(kMigrationBase, without), "drop property 'Port.depth' of node 'Port' (soft mode)\n");
}

TEST(MigrationAcceptance, KeyMembersMayBeRenamed) {
  const auto made = plan(kMigrationBase, edited("number: I32  open: Bool?  @key(port, number)",
                                                "num: I32 @rename_from(\"number\")  open: Bool?  @key(port, num)"));
  EXPECT_TRUE(made.supported());
  EXPECT_EQ(text_of(made), "rename property 'Berth.number' -> 'Berth.num' on node 'Berth'\n");
}

TEST(MigrationAcceptance, IndexAdded) {
  EXPECT_EQ(json_of(plan(kMigrationBase, edited("depth: F64?", "depth: F64? @index"))),
            R"({"kind":"add_constraint","type_kind":"node","type_name":"Port","constraint":{"Index":["depth"]}})"
            "\n");
}

TEST(MigrationAcceptance, RangeOverDataThatViolatesIt) {
  const std::string ranged = edited("kind: enum(sea, river)", "kind: enum(sea, river)  @range(depth, 0..50)");
  EXPECT_EQ(
      json_of(plan(kMigrationBase, ranged)),
      R"({"kind":"unsupported_change","entity":"node:Port","reason":"adding constraint '@range(depth, 0..50)' to 'Port' is not supported in schema migration v1"})"
      "\n");
  FakeData data;
  data.values["Port.depth"] = {1, {"A"}};
  EXPECT_EQ(
      json_of(plan(kMigrationBase, ranged, false, &data)),
      R"({"kind":"unsupported_change","entity":"node:Port","reason":"adding constraint '@range(depth, 0..50)' to 'Port': 1 entities violate it, first: 'A'","code":"OG-MF-107"})"
      "\n");
  FakeData sound;
  EXPECT_EQ(
      json_of(plan(kMigrationBase, ranged, false, &sound)),
      R"({"kind":"add_constraint","type_kind":"node","type_name":"Port","constraint":{"Range":{"property":"depth","min":0,"max":50}}})"
      "\n");
}

TEST(MigrationAcceptance, RequiredPropertyOnAnEmptyType) {
  const std::string required = edited("open: Bool?", "open: Bool?  flag: String");
  FakeData data;
  EXPECT_EQ(
      json_of(plan(kMigrationBase, required, false, &data)),
      R"({"kind":"add_property","type_kind":"node","type_name":"Berth","property_name":"flag","property_type":{"scalar":"String","nullable":false,"list":false,"enum_values":null}})"
      "\n");
  data.entity_counts["Berth"] = 1;
  EXPECT_EQ(plan(kMigrationBase, required, false, &data).first_unsupported()->code, "OG-MF-103");
}

// ---- one line per row of the tables

struct PlanCase {
  std::string_view before, after, steps;
};

TEST(MigrationPlan, HumanLinesOfEveryChange) {
  const std::vector<PlanCase> cases = {
      {"node A {}", "node A {}", ""},
      {"node A {}", "// another text\nnode A{}\n", ""},
      // types
      {"", "interface I { a: String? } node N implements I {} edge E: N -> N { w: I32 }",
       "add interface type 'I'\nadd node type 'N'\nadd edge type 'E'\n"},
      {"node A {} node B {} edge E: A -> A", "node B {}",
       "drop node type 'A' (soft mode)\ndrop edge type 'E' (soft mode)\n"},
      {"node A {} edge E: A -> A", "node B @rename_from(\"A\") {} edge E: B -> B", "rename node type 'A' -> 'B'\n"},
      {"node A {} edge E: A -> A", "node A {} edge F: A -> A @rename_from(\"E\")", "rename edge type 'E' -> 'F'\n"},
      {"node A { p: I32? } node B {}", "node C @rename_from(\"A\") { p: I32? }",
       "rename node type 'A' -> 'C'\ndrop node type 'B' (soft mode)\n"},
      // without a hint a new name is add and drop
      {"node A {}", "node B {}", "add node type 'B'\ndrop node type 'A' (soft mode)\n"},
      {"node A { p: I32? }", "node A { q: I32? }",
       "add property 'A.q' (I32?) on node 'A'\ndrop property 'A.p' of node 'A' (soft mode)\n"},
      // an exact match wins over a hint; a hint left over means nothing
      {"node A { p: I32?  q: I32? }", "node A { q: I32? @rename_from(\"p\") }",
       "drop property 'A.p' of node 'A' (soft mode)\n"},
      {"node A { q: I32? }", "node A @rename_from(\"X\") { q: I32? @rename_from(\"p\") }", ""},
      // property types
      {"node A {}", "node A { a: enum(y, x)?  b: Vector(3)?  c: [I32]?  d: Blob? }",
       "add property 'A.a' (Enum(x|y)?) on node 'A'\nadd property 'A.b' (Vector(3)?) on node 'A'\n"
       "add property 'A.c' ([I32]?) on node 'A'\nadd property 'A.d' (Blob?) on node 'A'\n"},
      {"edge E: A -> A {} node A {}", "edge E: A -> A { w: I32? } node A {}",
       "add property 'E.w' (I32?) on edge 'E'\n"},
      {"node A { a: enum(x) }", "node A { a: enum(x, z, y) }", "extend enum 'A.a' (+y, +z) on node 'A'\n"},
      // documentation
      {"node A {}", "node A @description(\"d\") @instruction(\"i\") {}",
       "update metadata on node 'A' (@description(\"d\"), @instruction(\"i\"))\n"},
      {"node A @description(\"d\") {}", "node A {}", "update metadata on node 'A' ()\n"},
      {"node A { p: I32? }", "node A { p: I32? @description(\"say \\\"x\\\"\") }",
       "update metadata on property 'A.p' of node 'A' (@description(\"say \\\"x\\\"\"))\n"},
      {"node A @description(\"d\") {} edge E: A -> A",
       "node A @description(\"d\") {} edge E: A -> A @description(\"e\")",
       "update metadata on edge 'E' (@description(\"e\"))\n"},
      // indexes; the two forms mean the same
      {"node A { p: I32?  q: I32? }", "node A { p: I32?  q: I32?  @index(q, p) }",
       "add constraint @index(p, q) on node 'A'\n"},
      {"node A { p: I32? @index }", "node A { p: I32?  @index(p) }", ""},
      {"node A { p: I32? @unique }", "node A { p: I32?  @unique(p) }", ""},
      {"node A { p: I32?  q: I32? @unique(p, q) }", "node A { p: I32?  q: I32? @unique(q, p) @unique(p, q) }", ""},
      // constraints follow renames
      {"node A { p: I32? @unique @range(p, 0..)  q: I32? @unique(p, q) }",
       "node A { r: I32? @rename_from(\"p\") @unique @range(r, 0..)  q: I32? @unique(q, r) }",
       "rename property 'A.p' -> 'A.r' on node 'A'\n"},
      {"node A { t: String  v: Vector(2)? @embed(t) }",
       "node A { u: String @rename_from(\"t\")  v: Vector(2)? @embed(u) }",
       "rename property 'A.t' -> 'A.u' on node 'A'\n"},
      // what goes with its property
      {"node A { p: I32? @unique @index @range(p, 0..)  s: String? @check(s, \"a\") }", "node A {}",
       "drop property 'A.p' of node 'A' (soft mode)\ndrop property 'A.s' of node 'A' (soft mode)\n"},
      // interfaces
      {"interface I { a: I32? } node A implements I {}",
       "interface I { a: I32?  b: I32? @index } node A implements I {}",
       "add property 'I.b' (I32?) on interface 'I'\nadd constraint @index(b) on interface 'I'\n"
       "add property 'A.b' (I32?) on node 'A'\nadd constraint @index(b) on node 'A'\n"},
      {"interface I { a: I32?  b: I32? } node A implements I {}", "interface I { a: I32? } node A implements I {}",
       "drop property 'I.b' of interface 'I' (soft mode)\ndrop property 'A.b' of node 'A' (soft mode)\n"},
      {"interface I { a: I32? } node A implements I {}",
       "interface I { b: I32? @rename_from(\"a\") } node A implements I {} node B implements I {}",
       "rename property 'I.a' -> 'I.b' on interface 'I'\nrename property 'A.a' -> 'A.b' on node 'A'\n"
       "add node type 'B'\n"},
      // order inside a type: rename, properties by name, drops, constraints
      {"node A { z: I32?  m: I32? }",
       "node B @rename_from(\"A\") @description(\"d\") { b: I32?  a: I32? @index  n: I32? @rename_from(\"m\") }",
       "rename node type 'A' -> 'B'\nupdate metadata on node 'B' (@description(\"d\"))\n"
       "add property 'B.a' (I32?) on node 'B'\nadd property 'B.b' (I32?) on node 'B'\n"
       "rename property 'B.m' -> 'B.n' on node 'B'\ndrop property 'B.z' of node 'B' (soft mode)\n"
       "add constraint @index(a) on node 'B'\n"},
  };
  for (const PlanCase& each : cases) {
    const auto made = plan(each.before, each.after);
    EXPECT_EQ(text_of(made), each.steps) << each.before << "\n->\n" << each.after;
    EXPECT_TRUE(made.supported()) << each.after;
  }
}

TEST(MigrationPlan, UnsupportedChangesNameTheEntityAndTheReason) {
  const std::string_view tail = " is not supported in schema migration v1\n";
  const std::vector<PlanCase> cases = {
      {"interface I {}", "", "unsupported change on interface:I: removing interface 'I'"},
      {"interface I {} node A {}", "interface I {} node A implements I {}",
       "unsupported change on node:A: changing implemented interfaces on node 'A'"},
      {"node A {} node B {} edge E: A -> A", "node A {} node B {} edge E: A -> B",
       "unsupported change on edge:E: changing edge endpoints on 'E'"},
      {"node A {} edge E: A -> A", "node A {} edge E: A -> A @card(0..1)",
       "unsupported change on edge:E: changing cardinality on edge 'E'"},
      {"node A {}", "node A { p: I32 @default(1) }",
       "unsupported change on node:A.p [OG-MF-103, validated]: adding required property 'A.p' requires a backfill and"},
      {"node A { p: I32? }", "node A { p: I64? }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: I32 }", "node A { p: I32? }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: I32? }", "node A { p: [I32]? }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: Vector(2)? }", "node A { p: Vector(3)? }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: enum(a, b) }", "node A { p: enum(a) }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: enum(a) }", "node A { p: enum(a, b)? }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: enum(a) }", "node A { p: String }",
       "unsupported change on node:A.p [OG-MF-106, destructive]: changing property type for 'A.p'"},
      {"node A { p: I32? @unique }", "node A { p: I32? }",
       "unsupported change on node:A.p: removing property constraints from 'A.p'"},
      {"node A { p: I32? @index }", "node A { p: I32? }",
       "unsupported change on node:A.p: removing property constraints from 'A.p'"},
      {"node A { p: I32? @range(p, 0..) }", "node A { p: I32? }",
       "unsupported change on node:A: removing constraints from 'A'"},
      {"node A { p: I32?  q: I32?  @unique(p, q) }", "node A { p: I32? }",
       "drop property 'A.q' of node 'A' (soft mode)\nunsupported change on node:A: removing constraints from 'A'"},
      {"node A { p: I32 @key }", "node A {}",
       "drop property 'A.p' of node 'A' (soft mode)\n"
       "unsupported change on node:A.p: removing property constraints from 'A.p'"},
      {"node A { p: I32? }", "node A { p: I32? @unique }",
       "unsupported change on node:A.p: adding a property-level @unique constraint to 'A.p'"},
      {"node A { p: I32 }", "node A { p: I32 @key }",
       "unsupported change on node:A.p: adding a property-level @key constraint to 'A.p'"},
      {"node A { p: I32?  q: I32? }", "node A { p: I32?  q: I32? @unique(q, p) }",
       "unsupported change on node:A: adding constraint '@unique(p, q)' to 'A'"},
      {"node A { p: I32? @range(p, 0..5) }", "node A { p: I32? @range(p, 0..6) }",
       "unsupported change on node:A: adding constraint '@range(p, 0..6)' to 'A'"},
      {"node A { p: String? }", "node A { p: String? @check(p, \"^a\") }",
       "unsupported change on node:A: adding constraint '@check(p, \"^a\")' to 'A'"},
      {"interface I { p: I32? } node A implements I {}", "interface I { p: I32? } node A implements I { p: I32? }",
       "unsupported change on node:A.p: changing declaration provenance for 'A.p'"},
      {"interface I {} node A implements I { p: I32? }", "interface I { p: I32? } node A implements I { p: I32? }",
       "add property 'I.p' (I32?) on interface 'I'\n"
       "unsupported change on node:A.p: changing interface-property satisfaction links for 'A.p'"},
      {"node A { p: I32? }", "node A { p: I32? @owner(\"me\") }",
       "unsupported change on node:A.p: changing annotations beyond @description/@instruction"},
      {"node A {}", "node A @owner(\"me\") {}",
       "unsupported change on node:A: changing annotations beyond @description/@instruction"},
  };
  for (const PlanCase& each : cases) {
    const auto made = plan(each.before, each.after);
    EXPECT_EQ(text_of(made), std::string(each.steps) + std::string(tail)) << each.before << "\n->\n" << each.after;
    EXPECT_FALSE(made.supported()) << each.after;
  }
  EXPECT_EQ(texts("node A { t: String  v: Vector(2)? }", "node A { t: String  v: Vector(2)? @embed(t) }"),
            "unsupported change on node:A.v: changing @embed source or model for 'A.v' is not supported in schema "
            "migration v1; rebuild the graph so stored vectors and their declared embedding space cannot diverge\n");
}

TEST(MigrationPlan, JsonOfTheOtherSteps) {
  EXPECT_EQ(
      json_of(plan("node A {} node B {}", "node C @rename_from(\"A\") @description(\"d\") {}", true)),
      R"({"kind":"rename_type","type_kind":"node","from":"A","to":"C"})"
      "\n"
      R"({"kind":"update_type_metadata","type_kind":"node","name":"C","annotations":[{"name":"description","value":"d"}]})"
      "\n"
      R"({"kind":"drop_type","type_kind":"node","name":"B","mode":"hard"})"
      "\n");
  EXPECT_EQ(
      json_of(plan("node A { p: I32? @description(\"d\") }",
                   "node A { p: I32?  q: Vector(4)?  r: enum(b, a)? } interface I {}")),
      R"({"kind":"add_type","type_kind":"interface","name":"I"})"
      "\n"
      R"({"kind":"update_property_metadata","type_kind":"node","type_name":"A","property_name":"p","annotations":[]})"
      "\n"
      R"({"kind":"add_property","type_kind":"node","type_name":"A","property_name":"q","property_type":{"scalar":{"Vector":4},"nullable":true,"list":false,"enum_values":null}})"
      "\n"
      R"({"kind":"add_property","type_kind":"node","type_name":"A","property_name":"r","property_type":{"scalar":"String","nullable":true,"list":false,"enum_values":["a","b"]}})"
      "\n");
}

TEST(MigrationPlan, IdentityErrors) {
  const std::string prefix = "schema identity resolution failed: ";
  EXPECT_EQ(refused_match("node A {}", "node B @rename_from(\"X\") {}"),
            prefix + "node 'B' declares @rename_from(\"X\") but no accepted declaration has that name");
  EXPECT_EQ(refused_match("node A {} edge E: A -> A", "node A {} node F @rename_from(\"E\") {}"),
            prefix + "node 'F' cannot rename accepted 'E' across declaration kinds");
  EXPECT_EQ(refused_match("node A {}", "node A {} node B @rename_from(\"A\") {}"),
            prefix + "accepted node 'A' is consumed by more than one desired declaration");
  EXPECT_EQ(refused_match("node A {}", "node B @rename_from(\"A\") {} node C @rename_from(\"A\") {}"),
            prefix + "accepted node 'A' is consumed by more than one desired declaration");
  EXPECT_EQ(refused_match("node A {}", "node A { p: I32? @rename_from(\"q\") }"),
            prefix +
                "property 'A.p' declares @rename_from(\"q\"): no accepted property with that name exists under the "
                "stable owner");
  EXPECT_EQ(
      refused_match("node A {} node B { q: I32? }", "node A { p: I32? @rename_from(\"q\") } node B { q: I32? }"),
      prefix + "property 'A.p' declares @rename_from(\"q\"): property moves across stable owners are not supported");
  EXPECT_EQ(refused_match("node A {}", "node A {} node B { p: I32? @rename_from(\"q\") }"),
            prefix + "new owner 'node:B' cannot import property identity with @rename_from(\"q\")");
}

// ---- section 9.1

TEST(MigrationValidated, EveryRowOfTheTable) {
  const std::vector<PlanCase> cases = {
      {"node A { p: I32? }", "node A { p: I32? @unique }", "add constraint @unique(p) on node 'A'\n"},
      {"node A { p: I32? @unique }", "node A { p: I32? }", "drop constraint @unique(p) on node 'A'\n"},
      {"node A { p: I32? @index @range(p, 0..9) }", "node A { p: I32? }",
       "drop constraint @index(p) on node 'A'\ndrop constraint @range(p, 0..9) on node 'A'\n"},
      {"node A { p: I32? @range(p, 0..5) }", "node A { p: I32? @range(p, 0..6) }",
       "add constraint @range(p, 0..6) on node 'A'\n"},
      {"node A { p: String? }", "node A { p: String? @check(p, \"^a\") }",
       "add constraint @check(p, \"^a\") on node 'A'\n"},
      {"node A {} edge E: A -> A", "node A {} edge E: A -> A @card(1..2)", "add constraint @card(1..2) on edge 'E'\n"},
      {"node A {} edge E: A -> A @card(1..2)", "node A {} edge E: A -> A", "add constraint @card(0..) on edge 'E'\n"},
      {"node A { p: I32? @range(p, 0..5) }", "node A { p: I64? @range(p, 0..5) }",
       "change type of 'A.p' I32? -> I64? on node 'A'\n"},
      {"node A { p: I32? }", "node A { p: F64? }", "change type of 'A.p' I32? -> F64? on node 'A'\n"},
      {"node A { p: U32? }", "node A { p: U64? }", "change type of 'A.p' U32? -> U64? on node 'A'\n"},
      {"node A { p: U32? }", "node A { p: I64? }", "change type of 'A.p' U32? -> I64? on node 'A'\n"},
      {"node A { p: [F32]? }", "node A { p: [F64]? }", "change type of 'A.p' [F32]? -> [F64]? on node 'A'\n"},
      {"node A { p: enum(a) }", "node A { p: String }", "change type of 'A.p' Enum(a) -> String on node 'A'\n"},
      {"node A { p: I32 }", "node A { p: I32? }", "change type of 'A.p' I32 -> I32? on node 'A'\n"},
      {"node A { p: I32? }", "node A { p: I32 }", "change type of 'A.p' I32? -> I32 on node 'A'\n"},
      {"node A { p: String }", "node A { p: enum(a) }", "change type of 'A.p' String -> Enum(a) on node 'A'\n"},
      {"node A { p: enum(a, b) }", "node A { p: enum(a) }", "change type of 'A.p' Enum(a|b) -> Enum(a) on node 'A'\n"},
      {"node A { p: I32 @key }", "node A { p: I64 @key }", "change type of 'A.p' I32 -> I64 on node 'A'\n"},
      {"node A {}", "node A { p: I32 }", "add property 'A.p' (I32) on node 'A'\n"},
      {"interface I { p: I32? } node A implements I {}", "interface I { p: I64? } node A implements I {}",
       "change type of 'I.p' I32? -> I64? on interface 'I'\nchange type of 'A.p' I32? -> I64? on node 'A'\n"},
  };
  for (const PlanCase& each : cases) {
    FakeData data;
    const auto made = plan(each.before, each.after, false, &data);
    EXPECT_EQ(text_of(made), each.steps) << each.before << "\n->\n" << each.after;
    EXPECT_TRUE(made.supported()) << each.after;
  }
}

TEST(MigrationValidated, TheFlagMakesNothingElseSupported) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"node A { p: I64? }", "node A { p: I32? }"},
      {"node A { p: I64? }", "node A { p: F64? }"},
      {"node A { p: I32? }", "node A { p: String? }"},
      {"node A { p: I32? }", "node A { p: [I32]? }"},
      {"node A { p: Vector(2)? }", "node A { p: Vector(3)? }"},
      {"node A { p: F32 @key }", "node A { p: F64 @key }"},
      {"node A { p: I32 }", "node A { p: I32 @key }"},
      {"node A { p: I32 @key }", "node A { p: I32 }"},
      {"node A {} node B {} edge E: A -> A", "node A {} node B {} edge E: A -> B"},
      {"interface I {}", ""},
  };
  for (const auto& [before, after] : cases) {
    FakeData data;
    EXPECT_FALSE(plan(before, after, false, &data).supported()) << before << "\n->\n" << after;
  }
}

TEST(MigrationValidated, ConditionsThatDoNotHold) {
  FakeData data;
  data.values["A.p null"] = {2, {"x", "y"}};
  EXPECT_EQ(texts("node A { p: I32? }", "node A { p: I32 }", false, &data),
            "unsupported change on node:A.p [OG-MF-104, validated]: changing property type for 'A.p': 2 entities "
            "violate it, first: 'x', 'y'\n");
  data.values["A.p"] = {4, {"x", "y", "z"}};
  EXPECT_EQ(texts("node A { p: String }", "node A { p: enum(a) }", false, &data),
            "unsupported change on node:A.p [OG-MF-107, validated]: changing property type for 'A.p': 4 entities "
            "violate it, first: 'x', 'y', 'z'\n");
  data.unique["A"] = {2, {"x", "y"}};
  EXPECT_EQ(texts("node A { p: I32? }", "node A { p: I32? @unique }", false, &data),
            "unsupported change on node:A [OG-MF-107, validated]: adding constraint '@unique(p)' to 'A': 2 entities "
            "violate it, first: 'x', 'y'\n");
  data.cardinality = {1, {"x"}};
  EXPECT_EQ(texts("node A {} edge E: A -> A", "node A {} edge E: A -> A @card(0..1)", false, &data),
            "unsupported change on edge:E [OG-MF-107, validated]: adding constraint '@card(0..1)' to 'E': 1 entities "
            "violate it, first: 'x'\n");
}

TEST(MigrationValidated, JsonOfItsSteps) {
  FakeData data;
  EXPECT_EQ(
      json_of(plan("node A { p: I32? @unique  s: String? } edge E: A -> A",
                   "node A { p: I64? @range(p, ..5)  s: String? @check(s, \"a\") } edge E: A -> A @card(1..)", false,
                   &data)),
      R"({"kind":"change_type","type_kind":"node","type_name":"A","property_name":"p","from_type":{"scalar":"I32","nullable":true,"list":false,"enum_values":null},"to_type":{"scalar":"I64","nullable":true,"list":false,"enum_values":null}})"
      "\n"
      R"({"kind":"drop_constraint","type_kind":"node","type_name":"A","constraint":{"Unique":["p"]}})"
      "\n"
      R"({"kind":"add_constraint","type_kind":"node","type_name":"A","constraint":{"Range":{"property":"p","min":null,"max":5}}})"
      "\n"
      R"({"kind":"add_constraint","type_kind":"node","type_name":"A","constraint":{"Check":{"property":"s","pattern":"a"}}})"
      "\n"
      R"({"kind":"add_constraint","type_kind":"edge","type_name":"E","constraint":{"Card":{"min":1,"max":null}}})"
      "\n");
}

}  // namespace
}  // namespace omnigraph::schema
