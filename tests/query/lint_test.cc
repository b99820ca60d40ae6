#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

std::string text_of(const FieldDescriptor& field) {
  std::string text = field.name + ":" + field.kind;
  if (!field.item_kind.empty()) text.append("<").append(field.item_kind).append(">");
  if (field.vector_dim != 0) text.append("(").append(std::to_string(field.vector_dim)).append(")");
  return field.nullable ? text.append("?") : text;
}

std::vector<std::string> result_of(std::string_view body, std::string_view parameters = "") {
  std::vector<std::string> texts;
  for (const FieldDescriptor& field : describe_operation(*must_compile(body, parameters)).result) {
    texts.push_back(text_of(field));
  }
  return texts;
}

std::string uses_of(const std::vector<TypeUse>& uses) {
  std::string text;
  for (const TypeUse& use : uses)
    text.append(text.empty() ? "" : " ").append(use.kind).append(":").append(use.type_name);
  return text;
}

std::string touched(std::string_view body) {
  const Operation operation = describe_operation(*must_compile(body));
  return uses_of(operation.reads) + " / " + uses_of(operation.writes);
}

using Texts = std::vector<std::string>;

TEST(Descriptors, ResultColumns) {
  EXPECT_EQ(result_of("match { $s: Ship $s $d:docksAt $p } return { $s.name, $s.tons as t, $s.rate, $s.built, $s.seen, "
                      "$s.tags, $s.vec, $p.zone, $d.since, $s, t, $s.note as x }"),
            (Texts{"name:string", "t:int?", "rate:float?", "built:date?", "seen:datetime?", "tags:list<string>?",
                   "vec:vector(2)?", "zone:string?", "since:date?", "s:string", "t:int?", "x:string?"}));
  EXPECT_EQ(
      result_of(
          "match { $s: Ship } return { $a, $b, $c, $d, $e, 1, 2.5, \"x\", true, [1], date(\"2020-01-01\"), now() }",
          "$a: I64, $b: U32?, $c: [DateTime], $d: Vector(3), $e: U64"),
      (Texts{"a:bigint", "b:int?", "c:list<datetime>", "d:vector(3)", "e:bigint", "literal:bigint", "literal:float",
             "literal:string", "literal:bool", "literal:list<bigint>", "literal:date", "now:datetime"}));
  EXPECT_EQ(
      result_of(
          "match { $s: Ship } return { search($s.note, \"a\"), fuzzy($s.note, \"a\"), match_text($s.note, \"a\"), "
          "bm25($s.note, \"a\"), nearest($s.vec, [1,1]) as d, rrf(bm25($s.note, \"a\"), bm25($s.name, \"a\")) }"),
      (Texts{"search:bool", "fuzzy:bool", "match_text:bool", "bm25:float", "d:float?", "rrf:float"}));
  EXPECT_EQ(result_of("match { $s: Ship } return { count($s), sum($s.tons) as t, avg($s.rate), min($s.name), "
                      "max($s.tons), $s.tags }"),
            (Texts{"count:bigint?", "t:float?", "avg:float?", "min:string?", "max:int?", "tags:list<string>?"}));
  EXPECT_EQ(result_of("insert Ship {name: \"a\"}"), Texts{});
}

TEST(Descriptors, NearestIsNullableAsItsProperty) {
  const auto catalog = catalog_of("node N { k: String @key  v: Vector(2) }");
  const auto query = compile("query q() { match { $n: N } return { nearest($n.v, [1,1]) } }", "", catalog);
  ASSERT_TRUE(query);
  EXPECT_EQ(text_of(describe_operation(**query).result[0]), "nearest:float");
}

TEST(Descriptors, ReadsAndWrites) {
  EXPECT_EQ(touched("match { $s: Ship } return { $s }"), "node:Ship / ");
  EXPECT_EQ(touched("match { $s: Ship not { $s docksAt $_ } } return { $s }"), "node:Port node:Ship edge:DocksAt / ");
  EXPECT_EQ(touched("match { $s tows{1,2} $t $t: Ship } return { $s }"), "node:Ship edge:Tows / ");
  EXPECT_EQ(touched("insert Ship {name: \"a\"}"), "node:Ship / node:Ship");
  EXPECT_EQ(touched("insert DocksAt {from: \"a\" to: \"b\"}"), "node:Port node:Ship edge:DocksAt / edge:DocksAt");
  EXPECT_EQ(touched("update Ship set {tons: 1} where name = \"a\""), "node:Ship / node:Ship");
  EXPECT_EQ(touched("delete DocksAt where from = \"a\""), "edge:DocksAt / edge:DocksAt");
  EXPECT_EQ(touched("delete Port where code = \"a\""), "node:Port edge:DocksAt / node:Port edge:DocksAt");
  EXPECT_EQ(touched("delete Ship where name = \"a\" delete Ship where tons = 1"),
            "node:Ship edge:DocksAt edge:Tows / node:Ship edge:DocksAt edge:Tows");
}

TEST(Lint, AFileThatDoesNotParse) {
  const LintReport report =
      lint("query q() { match { $s: Ship $s.note = \"a\\q\" } return { $s } }", "ships.gq", harbour());
  EXPECT_EQ(report.queries_processed, 0u);
  EXPECT_EQ(report.errors, 1u);
  EXPECT_TRUE(report.results.empty());
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].severity, "error");
  EXPECT_EQ(report.findings[0].code, "Q000");
  EXPECT_EQ(report.findings[0].message, "parse error: unsupported escape sequence: \\q at 1:42");
  EXPECT_EQ(report.findings[0].type_name, "");
}

TEST(Lint, EveryQueryIsCompiled) {
  const LintReport report = lint(R"(
query good($n: String) { match { $s: Ship {name: $n} } return { $s.name } }
query bad() { match { $s: Shp } return { $s } }
query hard() { insert Ship {name: "eve" tons: 5} insert Tows {from: "eve" to: "ada"} }
query mixed($n: String) { insert Ship {name: $n} delete Ship where name = "y" }
query good() { match { $s: Ship } return { $s } }
)",
                                 "ships.gq", harbour());
  EXPECT_EQ(report.queries_processed, 5u);
  EXPECT_EQ(report.errors, 2u);
  EXPECT_EQ(report.warnings, 1u);
  EXPECT_EQ(report.infos, 0u);
  ASSERT_EQ(report.results.size(), 5u);
  EXPECT_FALSE(report.results[0].mutation);
  EXPECT_FALSE(report.results[0].error.has_value());
  EXPECT_EQ(uses_of(report.results[0].operation->reads), "node:Ship");
  EXPECT_TRUE(report.results[1].error->starts_with("type error: T1: unknown node type 'Shp'\n  --> ships.gq:3:27"))
      << *report.results[1].error;
  EXPECT_FALSE(report.results[1].operation.has_value());
  EXPECT_TRUE(report.results[2].mutation);
  EXPECT_EQ(report.results[2].warnings, (Texts{"mutation declares no params; hardcoded mutations are easy to miss"}));
  EXPECT_NE(report.results[3].error->find("inserts/updates and deletes"), std::string::npos);
  EXPECT_NE(report.results[3].error->find("split into separate mutations"), std::string::npos);
  EXPECT_TRUE(report.findings.empty());
}

// Goal: lint refuses what no plan has room for, at the same number as execution.
TEST(Lint, RefusesMoreVariablesThanAPlanHolds) {
  const auto lint_of = [](std::size_t variables) {
    std::string text = "query q() { match { $s0: Ship";
    for (std::size_t i = 1; i < variables; ++i) text.append("  $s").append(std::to_string(i)).append(": Ship");
    return lint(text.append(" } return { $s0.name } }"), "", harbour());
  };
  EXPECT_EQ(lint_of(255).errors, 0u);
  const LintReport report = lint_of(256);
  ASSERT_EQ(report.errors, 1u);
  EXPECT_NE(report.results[0].error->find("256 variables"), std::string::npos);
  EXPECT_FALSE(report.results[0].operation);
}

TEST(Lint, L201NamesPropertiesNoUpdateSets) {
  const auto catalog = catalog_of(R"(
node Ship { name: String @key  tons: I32?  note: String?  crew: I32  vec: Vector(2)? @embed("note") }
node Port { code: String @key  zone: String? }
edge DocksAt: Ship -> Port { since: Date? }
)");
  const LintReport report = lint(R"(
query zz($n: String) { update Ship set {crew: 1} where name = $n  update Ship set {crew: 2} where crew = 1 }
query aa($n: String) { update Ship set {crew: 3} where name = $n }
query broken($n: String) { update Ship set {tons: "x"} where name = $n }
query insert_only($n: String) { insert Port {code: $n} }
)",
                                 "", catalog);
  ASSERT_EQ(report.findings.size(), 2u) << "not the key, the non-nullable, the @embed target; not Port, never updated";
  EXPECT_EQ(report.findings[0].message, "Ship.note exists in schema but no update query sets it");
  EXPECT_EQ(report.findings[1].message, "Ship.tons exists in schema but no update query sets it");
  EXPECT_EQ(report.findings[1].code, "L201");
  EXPECT_EQ(report.findings[1].severity, "warning");
  EXPECT_EQ(report.findings[1].type_name, "Ship");
  EXPECT_EQ(report.findings[1].property, "tons");
  EXPECT_EQ(report.findings[1].query_names, (Texts{"aa", "zz"})) << "sorted, once, valid ones only";
  EXPECT_EQ(report.warnings, 2u);
  EXPECT_EQ(report.errors, 1u);
}

TEST(Lint, AnEmptyFileIsFine) {
  const LintReport report = lint("// nothing yet", "", harbour());
  EXPECT_EQ(report.queries_processed, 0u);
  EXPECT_EQ(report.errors + report.warnings + report.infos, 0u);
}

}  // namespace
}  // namespace omnigraph::query
