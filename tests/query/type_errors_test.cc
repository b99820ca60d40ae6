// Every error of chapter 02 section 4, each beside a query that is like it and right.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

struct Case {
  std::string body;
  std::string error;  // exact message; empty = compiles
  std::string parameters = "";
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& row : cases) EXPECT_EQ(error_of(row.body, row.parameters), row.error) << row.body;
}

// `match { CLAUSES } return { $s }` over a bound ship.
Case ship(const std::string& clauses, const std::string& error, const std::string& parameters = "") {
  return {"match { $s: Ship " + clauses + " } return { $s }", error, parameters};
}

// `match { $s: Ship } return REST`.
Case result(const std::string& rest, const std::string& error, const std::string& parameters = "") {
  return {"match { $s: Ship } return " + rest, error, parameters};
}

TEST(TypeErrors, T1UnknownNodeType) {
  expect_all({
      {"match { $s: Shp } return { $s }", "type error: T1: unknown node type 'Shp'"},
      {"match { $s: Tows } return { $s }", "type error: T1: unknown node type 'Tows'"},
      {"match { $s: Ship } return { $s }", ""},
  });
  const auto catalog = catalog_of("interface Named { name: String } node Ship implements Named { x: I32? }");
  const auto bound = compile("query q() { match { $s: Named } return { $s } }", "", catalog);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().message, "type error: T1: unknown node type 'Named'");
  EXPECT_NE(bound.error().context.find("'Named' is an interface"), std::string::npos);
}

TEST(TypeErrors, T2UnknownPropertyInAMap) {
  expect_all({
      {"match { $s: Ship {nmae: \"a\"} } return { $s }", "type error: T2: node type 'Ship' has no property 'nmae'"},
      {"match { $s: Ship {id: \"a\"} } return { $s }", ""},
      {"match { $s: Ship {from: \"a\"} } return { $s }", "type error: T2: node type 'Ship' has no property 'from'"},
      {"match { $s: Ship {name: \"a\",} } return { $s }", ""},
      {"match { $s: Ship {} } return { $s }", ""},
  });
}

TEST(TypeErrors, T3WrongValueInAMap) {
  const auto map = [](const std::string& entry, const std::string& error, const std::string& parameters = "") {
    return Case{"match { $s: Ship {" + entry + "} } return { $s }", error, parameters};
  };
  expect_all({
      map("name: 1", "type error: T3: property 'Ship.name' is String, the value is I64"),
      map("tons: \"1\"", "type error: T3: property 'Ship.tons' is I32, the value is String"),
      map("tons: [1]", "type error: T3: property 'Ship.tons' is I32, the value is [I64]"),
      map("built: \"2020-01-01\"", "type error: T3: property 'Ship.built' is Date, the value is String"),
      map("built: datetime(\"2020-01-01\")", "type error: T3: property 'Ship.built' is Date, the value is DateTime"),
      map("tags: [\"red\"]", "type error: T3: list equality is not supported: 'Ship.tags' is [String]"),
      map("tags: $t", "type error: T3: list equality is not supported: 'Ship.tags' is [String]", "$t: [String]"),
      map("tags: 1", "type error: T3: property 'Ship.tags' is String, the value is I64"),
      map("vec: [1]", "type error: T3: property 'Ship.vec' is Vector(2) and takes 2 values, got 1"),
      map("vec: [1, 2]", "type error: T3: vector property 'Ship.vec' cannot be matched by value"),
      map("vec: \"x\"", "type error: T3: property 'Ship.vec' is Vector(2), the value is String"),
      map("pic: \"x\"", "type error: T3: blob property 'Ship.pic' cannot be matched"),
      map("name: $n", "type error: T3: property 'Ship.name' is String, parameter '$n' is I32", "$n: I32"),
      map("seen: now()", ""),
      map("built: now()", "type error: T7: now() is a DateTime, but property 'Ship.built' is Date"),
      map("tags: \"red\"", ""),
      map("tags: $t", "", "$t: String?"),
      map("tons: 1.5", ""),
      map("rate: 1", ""),
      map("tons: $n", "", "$n: F64?"),
      map("built: date(\"2020-01-01\"), seen: datetime(\"2020-01-01\")", ""),
      {"match { $p: Port {zone: \"west\"} } return { $p }",
       "type error: T3: invalid enum value 'west' for Port.zone (expected: north, south)"},
      {"match { $p: Port {zone: \"north\"} } return { $p }", ""},
      {"match { $p: Port {zone: $z} } return { $p }", "", "$z: String"},
      {"match { $p: Port $p.zone = \"west\" } return { $p }", ""},
  });
}

TEST(TypeErrors, T4UnknownEdgeWord) {
  expect_all({
      ship("$s docksIn $p", "type error: T4: unknown edge word 'docksIn'"),
      ship("$s <sails> $p", "type error: T4: unknown edge word 'sails'"),
      ship("$s docksat $p", ""),
      ship("$s dOCKSaT $p", ""),
  });
}

// Goal: only edge words that fit between the two ends are offered.
TEST(TypeErrors, T4OffersTheEdgeWordsOfThatEnd) {
  EXPECT_EQ(rendered_error_of("match { $s: Ship  $s docksIn $p } return { $p }"),
            "type error: T4: unknown edge word 'docksIn'\n"
            "  --> ships.gq:2:22\n"
            "  |\n"
            "2 | match { $s: Ship  $s docksIn $p } return { $p }\n"
            "  |                      ^^^^^^^\n"
            "  = did you mean 'docksAt' (Ship -> Port)?");
  const auto no_help = [](std::string_view body) {
    return rendered_error_of(body).find("did you mean") == std::string::npos;
  };
  EXPECT_TRUE(no_help("match { $p: Port  $p towss $q } return { $q }")) << "Tows does not touch ports";
  EXPECT_TRUE(no_help("match { $s: Ship $t: Ship  $s docksIn $t } return { $t }")) << "DocksAt does not join ships";
  EXPECT_TRUE(no_help("match { $s: Ship  $s <docksIn> $p } return { $p }")) << "DocksAt is no undirected edge";
  EXPECT_FALSE(no_help("match { $p: Port  $p docksIn $s } return { $s }"));
  EXPECT_FALSE(no_help("match { $a towss $b } return { $b }"));
}

TEST(TypeErrors, T5EndpointOfAnotherType) {
  expect_all({
      {"match { $p: Port $p tows $x } return { $x }",
       "type error: T5: variable '$p' is a Port, which is no endpoint of Tows (Ship -> Ship)"},
      {"match { $p: Port $x tows $p } return { $x }",
       "type error: T5: variable '$p' is a Port, which is no endpoint of Tows (Ship -> Ship)"},
      {"match { $s: Ship $t: Ship $s docksAt $t } return { $t }",
       "type error: T5: variable '$t' is a Ship, but this end of DocksAt (Ship -> Port) is a Port"},
      {"match { $x docksAt $x } return { $x }",
       "type error: T5: variable '$x' is a Ship, but this end of DocksAt (Ship -> Port) is a Port"},
      {"match { $s: Ship $s tows $s } return { $s }", ""},
      {"match { $s: Ship $p: Port $p docksAt $s } return { $s }", ""},
      {"match { $x tows $x } return { $x }", ""},
  });
}

TEST(TypeErrors, T6PropertiesAndAliases) {
  expect_all({
      result("{ $s.nmae }", "type error: T6: node type 'Ship' has no property 'nmae' ('$s.nmae')"),
      result("{ $t.name }", "type error: T6: property access '$t.name' on unbound variable '$t'"),
      result("{ $n.name }", "type error: T6: property access '$n.name' on unbound variable '$n'", "$n: String"),
      result("{ $_.name }", "type error: T6: property access '$_.name' on unbound variable '$_'"),
      result("{ name }", "type error: T6: 'name' names no return alias"),
      result("{ n, $s.name as n }", "type error: T6: 'n' names no return alias"),
      result("{ $s.name } order { n }", "type error: T6: 'n' names no return alias"),
      result("{ count($s) } order { count }", "type error: T6: 'count' names no return alias"),
      ship("$s $d:docksAt $p $d.snce = date(\"2020-01-01\")",
           "type error: T6: edge type 'DocksAt' has no property 'snce' ('$d.snce')"),
      ship("$s $d:docksAt $p $d.from = \"ada\"",
           "type error: T6: edge type 'DocksAt' has no property 'from' ('$d.from')"),
      ship("$s.tons > nothing", "type error: T6: 'nothing' names no return alias"),
      result("{ $s.name as n, n as m } order { m, n desc }", ""),
  });
}

TEST(TypeErrors, T7Comparisons) {
  expect_all({
      ship("$s.built > \"2020-01-01\"", "type error: T7: cannot compare Date with String"),
      ship("\"2020-01-01\" < $s.seen", "type error: T7: cannot compare String with DateTime"),
      ship("$s.built = $s.seen", "type error: T7: cannot compare Date with DateTime"),
      ship("$s.name = 1", "type error: T7: cannot compare String with I64"),
      ship("$s.tons = true", "type error: T7: cannot compare I32 with Bool"),
      ship("$s = \"ada\"", "type error: T7: filter operand '$s' is a node, not a scalar"),
      ship("count($s) > 1", "type error: T7: aggregate 'count($s)' cannot stand in match"),
      ship("$s.tons = null",
           "type error: T7: 'null' is not a value: a comparison with null keeps no row, use 'is null'"),
      ship("bm25($s.note, \"a\") > 1.0", "type error: T7: bm25 ranks rows and cannot filter them"),
      ship("$s.tags = \"red\"", "type error: T7: a list can only be compared with contains: '$s.tags' is [String]"),
      ship("$s.tags != [\"red\"]", "type error: T7: a list can only be compared with contains: '$s.tags' is [String]"),
      ship("$s.vec = [0, 0]", "type error: T7: vector '$s.vec' cannot stand in a filter"),
      ship("$s.tags contains [\"red\"]", "type error: T7: contains requires a scalar right operand, got [String]"),
      ship("$s.tags contains 1", "type error: T7: cannot look for I64 in [String]"),
      ship("$s.name contains 1", "type error: T7: string contains requires a String right operand, got I64"),
      ship("$s.name contains $s.tags", "type error: T7: string contains requires a String right operand, got [String]"),
      ship("$s.tons contains 1", "type error: T7: contains requires a list or a String on the left, got I32"),
      ship("$s.tons starts_with \"1\"", "type error: T7: starts_with requires a String property on the left, got I32"),
      ship("$s.tags starts_with \"r\"",
           "type error: T7: starts_with requires a String property on the left, got [String]"),
      ship("\"abc\" starts_with $s.name",
           "type error: T7: starts_with requires a String property on the left, got String"),
      ship("$s.name starts_with 1", "type error: T7: starts_with requires a String right operand, got I64"),
      ship("$s.built < now()", "type error: T7: now() is a DateTime: cannot compare Date with DateTime"),
      ship("now() = $s.tons", "type error: T7: now() is a DateTime: cannot compare DateTime with I32"),
      {"match { $s: Ship $s.tons > n } return { $s.tons as n }", "type error: T7: alias 'n' is not a value in match"},
      ship("$s.seen < now()", ""),
      ship("$s.tons = 10.5 $s.rate < 5000000000 $s.tons > $n", "", "$n: U64?"),
      ship("$s.tags contains \"red\" $s.name contains \"\" $s.name starts_with $n", "", "$n: String"),
      ship("[\"a\", \"b\"] contains $s.name", ""),
      ship("[] contains $s.name", ""),
      ship("$s.built > date(\"2020-01-01\") $s.seen != datetime(\"2020-01-01T00:00:00Z\")", ""),
      ship("$flag = true 1 < 2", "", "$flag: Bool"),
      ship("$s tows $t $s.tons < $t.rate $p: Port $p.zone = $s.name", ""),
      ship("search($s.note, \"a\") = false false < search($s.note, $s.name)", ""),
  });
  EXPECT_NE(rendered_error_of("match { $s: Ship $s.built > \"2020-01-01\" } return { $s }")
                .find("= write date(\"2020-01-01\")"),
            std::string::npos);
}

TEST(TypeErrors, T7MutationValues) {
  expect_all({
      {"insert Ship {name: $n}", "type error: T7: property 'Ship.name' is String, parameter '$n' is I32", "$n: I32"},
      {"insert Ship {name: \"a\" tons: now()}", "type error: T7: now() is a DateTime, but property 'Ship.tons' is I32"},
      {"insert Ship {name: \"a\" vec: $v}",
       "type error: T7: property 'Ship.vec' is Vector(2), parameter '$v' is Vector(3)", "$v: Vector(3)"},
      {"insert Ship {name: \"a\" built: $d}", "type error: T7: property 'Ship.built' is Date, parameter '$d' is String",
       "$d: String"},
      {"insert Tows {from: $n to: \"b\"}", "type error: T7: property 'Tows.from' is String, parameter '$n' is I64",
       "$n: I64"},
      {"delete Ship where tags = \"red\"", "type error: T7: list property 'Ship.tags' cannot be compared in where"},
      {"delete Ship where vec = [1, 2]", "type error: T7: vector property 'Ship.vec' cannot be compared in where"},
      {"delete Ship where tons = now()", "type error: T7: now() is a DateTime, but property 'Ship.tons' is I32"},
      {"delete Ship where name = $n", "type error: T7: property 'Ship.name' is String, parameter '$n' is Bool",
       "$n: Bool"},
      {"insert Ship {name: $n tons: $i rate: $i vec: $v pic: $b seen: now() tags: $t}", "",
       "$n: String?, $i: I64, $v: Vector(2), $b: String, $t: [String]"},
      {"insert Ship {name: \"a\" pic: $b}", "", "$b: Blob?"},
      {"delete Ship where seen < now()", ""},
  });
}

TEST(TypeErrors, T8AggregateArguments) {
  expect_all({
      result("{ sum($s.name) }", "type error: T8: sum needs a number, '$s.name' is String"),
      result("{ avg($s.built) }", "type error: T8: avg needs a number, '$s.built' is Date"),
      result("{ sum($s.tags) }", "type error: T8: sum needs a number, '$s.tags' is [String]"),
      result("{ min($s.built) }", "type error: T8: min needs a number or a String, '$s.built' is Date"),
      result("{ max($s.vec) }", "type error: T8: max needs a number or a String, '$s.vec' is Vector(2)"),
      result("{ max($s) }", "type error: T8: max needs a value, '$s' is a node"),
      result("{ sum($s) }", "type error: T8: sum needs a value, '$s' is a node"),
      result("{ sum(count($s)) }", "type error: T8: aggregates do not nest: 'sum(count($s))'"),
      result("{ count(sum($s.tons)) }", "type error: T8: aggregates do not nest: 'count(sum($s.tons))'"),
      result("{ count($s) as n, sum(n) }", "type error: T8: aggregates do not nest: 'sum(n)'"),
      result("{ count($s), count($s.tags), count($s.vec), count($s.built), count(1) }", ""),
      result("{ sum($s.tons), avg($s.rate), min($s.name), max($s.tons), min($n) }", "", "$n: String"),
  });
}

TEST(TypeErrors, T9NegationsAndGroupKeys) {
  expect_all({
      ship("not { $t: Ship }", "type error: T9: a clause of 'not { }' must mention a variable bound outside it"),
      ship("not { $n = 1 }", "type error: T9: a clause of 'not { }' must mention a variable bound outside it",
           "$n: I32"),
      ship("not { $_ docksAt $_ }", "type error: T9: a clause of 'not { }' must mention a variable bound outside it"),
      ship("not { not { $s.tons > 1 } }",
           "type error: T9: a clause of 'not { }' must mention a variable bound outside it"),
      ship("not { $s tows $t not { $q: Port } }",
           "type error: T9: a clause of 'not { }' must mention a variable bound outside it"),
      result("{ 1, count($s) }",
             "type error: T9: '1' cannot stand beside aggregates: a group key is a property or a variable"),
      result("{ now(), count($s) }",
             "type error: T9: 'now()' cannot stand beside aggregates: a group key is a property or a variable"),
      result("{ search($s.note, \"a\") as x, count($s) }",
             "type error: T9: 'search($s.note, \"a\")' cannot stand beside aggregates: a group key is a property or a "
             "variable"),
      result("{ $s.name, count($s) } order { $s.tons }",
             "type error: T9: order key '$s.tons' is not projected: an aggregate query orders by its group keys and "
             "aggregates"),
      result(
          "{ $s.name, count($s) } order { sum($s.tons) }",
          "type error: T9: order key 'sum($s.tons)' is not projected: an aggregate query orders by its group keys and "
          "aggregates"),
      result("{ $s.name } order { count($s) }",
             "type error: T9: order key 'count($s)' is not projected: an aggregate query orders by its group keys and "
             "aggregates"),
      ship("not { $s.tons > 15 }", ""),
      ship("not { $s }",
           "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null), found '}' at "
           "2:27"),
      ship("not { $s: Ship {name: \"ada\"} }", ""),
      ship("not { $s tows $t not { $t.tons > 1 } }", ""),
      ship("not { search($s.note, \"a\") }", ""),
      result("{ $s.name, $s, $n, $s.tags, count($s) as c } order { c desc, $s.name, count($s), $s }", "", "$n: I32"),
  });
}

TEST(TypeErrors, T10ToT13AssignmentsAndTargets) {
  expect_all({
      {"insert Shp {name: \"a\"}", "type error: T10: unknown node or edge type 'Shp'"},
      {"update Shp set {tons: 1} where name = \"a\"", "type error: T10: unknown node or edge type 'Shp'"},
      {"delete Shp where name = \"a\"", "type error: T10: unknown node or edge type 'Shp'"},
      {"insert Ship {name: \"a\" tns: 1}", "type error: T11: node type 'Ship' has no property 'tns'"},
      {"insert Ship {name: \"a\" id: \"x\"}", "type error: T11: node type 'Ship' has no property 'id'"},
      {"insert Tows {from: \"a\" to: \"b\" src: \"c\"}", "type error: T11: edge type 'Tows' has no property 'src'"},
      {"update Ship set {x: 1} where name = \"a\"", "type error: T11: node type 'Ship' has no property 'x'"},
      {"update Ship set {tons: 1} where nme = \"a\"", "type error: T11: node type 'Ship' has no property 'nme'"},
      {"delete Tows where since = 1", "type error: T11: edge type 'Tows' has no property 'since'"},
      {"delete Ship where from = \"a\"", "type error: T11: node type 'Ship' has no property 'from'"},
      {"delete Ship where pic = \"x\"", "type error: T11: blob property 'Ship.pic' cannot be used in WHERE predicates"},
      {"insert Ship {tons: 1}", "type error: T12: insert of 'Ship' omits non-nullable property 'name'"},
      {"insert DocksAt {from: \"a\"}", "type error: T12: insert of edge 'DocksAt' needs 'to'"},
      {"insert DocksAt {since: date(\"2020-01-01\")}", "type error: T12: insert of edge 'DocksAt' needs 'from'"},
      {"insert Ship {name: \"a\" name: \"b\"}", "type error: T13: property 'name' is assigned twice"},
      {"update Ship set {tons: 1 tons: 1} where name = \"a\"", "type error: T13: property 'tons' is assigned twice"},
      {"insert Tows {from: \"a\" from: \"b\" to: \"c\"}", "type error: T13: property 'from' is assigned twice"},
      {"insert Ship {name: \"a\"} insert DocksAt {from: \"a\" to: \"b\" since: date(\"2020-01-01\")}", ""},
      {"delete DocksAt where since > date(\"2020-01-01\")", ""},
      {"delete DocksAt where from = $n", "", "$n: String"},
      {"delete docksAt where to = \"P1\"", "parse error: expected a node or edge type name, found 'docksAt' at 2:8"},
  });
}

TEST(TypeErrors, T3MutationLiterals) {
  expect_all({
      {"insert Ship {name: 1}", "type error: T3: property 'Ship.name' is String, the value is I64"},
      {"insert Ship {name: \"a\" tags: \"red\"}",
       "type error: T3: property 'Ship.tags' is [String], the value is String"},
      {"insert Ship {name: \"a\" tags: [1]}", "type error: T3: property 'Ship.tags' is [String], the value is [I64]"},
      {"insert Ship {name: \"a\" vec: [1, 2, 3]}",
       "type error: T3: property 'Ship.vec' is Vector(2) and takes 2 values, got 3"},
      {"insert Ship {name: \"a\" vec: [\"x\", \"y\"]}",
       "type error: T3: vector literal for 'Ship.vec' has a value that is not a finite F32"},
      {"insert Ship {name: \"a\" pic: \"x\"}", "type error: T3: blob property 'Ship.pic' takes no literal"},
      {"insert Port {code: \"a\" zone: \"west\"}",
       "type error: T3: invalid enum value 'west' for Port.zone (expected: north, south)"},
      {"insert Tows {from: 1 to: \"b\"}", "type error: T3: property 'Tows.from' is String, the value is I64"},
      {"update Ship set {built: \"2020-01-01\"} where tons = 1",
       "type error: T3: property 'Ship.built' is Date, the value is String"},
      {"delete Ship where tons = \"a\"", "type error: T3: property 'Ship.tons' is I32, the value is String"},
      {"delete Port where zone = \"west\"",
       "type error: T3: invalid enum value 'west' for Port.zone (expected: north, south)"},
      {"delete Tows where from = 1", "type error: T3: property 'Tows.from' is String, the value is I64"},
      {"insert Ship {name: \"a\" vec: [1, 2.5] tags: [] rate: 1 tons: 1.5}", ""},
  });
}

TEST(TypeErrors, T12NamesTheEmbedSource) {
  const auto catalog = catalog_of("node Note { slug: String @key  body: String?  vec: Vector(4) @embed(\"body\") }");
  const auto bind = [&catalog](const std::string& body) {
    const auto bound = compile(query_text(body), "", catalog);
    return bound ? "" : bound.error().message;
  };
  EXPECT_EQ(bind("insert Note {slug: \"a\"}"),
            "type error: T12: insert of 'Note' omits non-nullable property 'vec' or its @embed source 'body'");
  EXPECT_EQ(bind("insert Note {slug: \"a\" body: \"b\"}"), "");
  EXPECT_EQ(bind("insert Note {slug: \"a\" vec: [1,2,3,4]}"), "");
}

TEST(TypeErrors, T14UndeclaredParameters) {
  expect_all({
      {"match { $s: Ship {name: $n} } return { $s }",
       "type error: T14: variable '$n' used as a value is not a declared parameter"},
      {"match { $t: Port $s: Ship {name: $t} } return { $s }",
       "type error: T14: variable '$t' used as a value is not a declared parameter"},
      {"insert Ship {name: $n}", "type error: T14: variable '$n' used as a value is not a declared parameter",
       "$m: String"},
      {"delete Ship where name = $n", "type error: T14: variable '$n' used as a value is not a declared parameter"},
      {"match { $s: Ship {name: $n} } return { $s }", "", "$n: String"},
  });
}

TEST(TypeErrors, T15HopBounds) {
  expect_all({
      ship("$s tows{1,} $b", "type error: T15: unbounded traversal is disabled: hop bounds need a maximum"),
      ship("$s tows{0,2} $b", "type error: T15: hop bounds start at 1, got minimum 0"),
      ship("$s tows{3,2} $b", "type error: T15: hop maximum 2 is below the minimum 3"),
      ship("$s tows{1,1} $b $s docksAt{2,9223372036854775807} $p", ""),
  });
}

TEST(TypeErrors, T15Nearest) {
  const auto nearest = [](const std::string& call, const std::string& error, const std::string& parameters = "") {
    return result("{ $s } order { nearest(" + call + ") } limit 2", error, parameters);
  };
  expect_all({
      nearest("$t.vec, [1,2]", "type error: T15: nearest: variable '$t' is not bound"),
      nearest("$s.name, [1,2]", "type error: T15: nearest requires a Vector property, '$s.name' is String"),
      nearest("$s.vek, [1,2]", "type error: T15: nearest requires a Vector property, '$s.vek' does not exist on Ship"),
      nearest("$s.vec, [2,0,0]", "type error: T15: nearest query has 3 values, the property is Vector(2)"),
      nearest("$s.vec, [\"a\",\"b\"]",
              "type error: T15: nearest query must be Vector(2), a list of 2 numbers or a String, got [String]"),
      nearest("$s.vec, 5",
              "type error: T15: nearest query must be Vector(2), a list of 2 numbers or a String, got I64"),
      nearest("$s.vec, $v",
              "type error: T15: nearest query must be Vector(2), a list of 2 numbers or a String, got Vector(3)",
              "$v: Vector(3)"),
      nearest("$s.vec, $v",
              "type error: T15: nearest query must be Vector(2), a list of 2 numbers or a String, got [F32]",
              "$v: [F32]"),
      nearest("$s.vec, $s.name", "type error: T15: nearest query must be a literal or parameter, got '$s.name'"),
      nearest("$s.vec, now()", "type error: T15: nearest query must be a literal or parameter, got 'now()'"),
      nearest("$s.vec, [1, 2.5]", ""),
      nearest("$s.vec, $v", "", "$v: Vector(2)?"),
      nearest("$s.vec, $v", "", "$v: String"),
      nearest("$s.vec, \"carrier\"", ""),
  });
}

// Chapter 14: arithmetic, distinct, optional blocks, paths, windows.
TEST(TypeErrors, T7ConditionsAndMembership) {
  expect_all({
      ship("$s.tons in [\"a\"]", "type error: T7: cannot look for I32 in [String]"),
      ship("$s.tons in []", ""),
      ship("$s.tons in 5", "type error: T7: in requires a list on the right, got I64"),
      ship("$s.tags in [\"a\"]", "type error: T7: in requires a scalar on the left, got [String]"),
      ship("$s is null", "type error: T7: filter operand '$s' is a node, not a scalar"),
      ship("count($s) > 1", "type error: T7: aggregate 'count($s)' cannot stand in match"),
      ship("$s.tons + count($s) > 1", "type error: T7: aggregate 'count($s)' cannot stand in match"),
      ship("$s.tons = null",
           "type error: T7: 'null' is not a value: a comparison with null keeps no row, use 'is null'"),
      ship("$s.pic is null or $s.vec is not null and $s.tags is null", ""),
      ship("$s.id starts_with \"a\" and $s.name + \"x\" contains \"y\"", ""),
      {"delete Ship where tons = null",
       "type error: T7: 'null' is not a value: a comparison with null matches no row, use 'is null'"},
      {"delete Ship where search(name, \"a\")",
       "type error: T7: search cannot stand in a mutation: text search reads, it does not pick rows to write"},
      {"delete Ship where count(name) = 1", "type error: T7: aggregate 'count(name)' cannot stand in a mutation"},
      {"update Ship set {tons: name} where tons > 1", "type error: T7: property 'Ship.tons' is I32, 'name' is String"},
      {"delete Ship where \"red\" in tags and not (tons > 1 or pic is null)", ""},
      {"insert Ship {name: \"a\" tons: rate}",
       "type error: T11: 'rate' is not a value: an insert has no row to read a property from"},
      {"delete Ship where tons + lod > 1", "type error: T11: node type 'Ship' has no property 'lod'"},
      {"delete Ship where tons > $x + 1", "type error: T14: variable '$x' used as a value is not a declared parameter"},
  });
}

TEST(TypeErrors, T25Arithmetic) {
  expect_all({
      ship("$s.name + 1 = \"a\"",
           "type error: T25: '+' needs two numbers or two Strings, got String and I64 in '$s.name + 1'"),
      ship("$s.name - \"a\" = \"a\"", "type error: T25: '-' needs numbers, got String and String in '$s.name - \"a\"'"),
      ship("-$s.name = \"a\"", "type error: T25: '-' needs a number, got String in '-$s.name'"),
      ship("$s.tags + 1 = 1", "type error: T25: arithmetic needs numbers or Strings, '$s.tags' is [String]"),
      ship("$s.built + 1 = 1", "type error: T25: arithmetic needs numbers or Strings, '$s.built' is Date"),
      ship("$s + \"a\" = \"a\"", "type error: T25: arithmetic needs values, '$s' is a node"),
      ship("$s.tons > 1 / 0", "type error: T25: division by zero in 1 / 0"),
      ship("$s.tons > 9223372036854775807 + 1", "type error: T25: integer overflow in 9223372036854775807 + 1"),
      ship("$s.tons > --9223372036854775808", "type error: T25: integer overflow in --9223372036854775808"),
      ship("$s.tons > 1.0 / 0 and $s.tons > -9223372036854775808", ""),
      result("{ $s.tons + 1, count($s) }",
             "type error: T9: '$s.tons + 1' cannot stand beside aggregates: a group key is a property or a variable"),
      result("{ count($s) + $s.tons }",
             "type error: T9: 'count($s) + $s.tons' cannot stand beside aggregates: a group key is a property or a "
             "variable"),
      result("{ $s.name, -count($s) * 2 + 1 as x, sum($s.tons * 2) / count(distinct $s.name) }", ""),
      result("{ sum(count($s) + 1) }", "type error: T8: aggregates do not nest: 'sum(count($s) + 1)'"),
  });
}

TEST(TypeErrors, T26Distinct) {
  expect_all({
      {"match { $s: Ship } return distinct { $s.name } order { $s.tons }",
       "type error: T26: order key '$s.tons' is not projected: 'return distinct' orders by its columns"},
      {"match { $s: Ship } return distinct { $s.name, bm25($s.note, \"a\") as b } order { b }",
       "type error: T26: 'return distinct' cannot be ordered by bm25"},
      {"match { $s: Ship } return distinct { $s.name, $s.tons } order { $s.tons desc }", ""},
  });
}

TEST(TypeErrors, T27OptionalBlocks) {
  const std::string forbidden = "' of an 'optional { }' block cannot be bound or followed outside it";
  expect_all({
      ship("optional { $s docksAt $p } $t docksAt $p", "type error: T27: variable '$p" + forbidden),
      ship("optional { $s docksAt $p } $p: Port", "type error: T27: variable '$p" + forbidden),
      ship("optional { $q: Port }", "type error: T27: 'optional { }' must mention a variable that is bound before it"),
      ship("not { $s docksAt $p optional { $p docksAt $t } }",
           "type error: T27: 'optional { }' cannot stand inside 'not { }'"),
      ship("optional { $s tows $t optional { $t docksAt $p } $u docksAt $p }",
           "type error: T27: variable '$p" + forbidden),
      {"match { $s: Ship optional { $s tows $t } } return { $s } order { bm25($t.note, \"a\") }",
       "type error: T27: bm25 cannot rank '$t', a variable of an 'optional { }' block"},
      {"match { $s: Ship optional { $s tows $t } } return { nearest($t.vec, [1, 2]) }",
       "type error: T27: nearest cannot rank '$t', a variable of an 'optional { }' block"},
      ship("optional { $s $d:docksAt $p } optional { $p docksAt $t } not { $p docksAt $u $u.tons > 1 } "
           "$p is null and $d is null or $p.zone = \"south\"",
           ""),
  });
}

TEST(TypeErrors, T28Paths) {
  expect_all({
      ship("$w = shortest $s tows $t", "type error: T28: path variable '$w' needs hop bounds: write tows{1,N}"),
      ship("$w = shortest $s tows{1,} $t", "type error: T28: path variable '$w' needs hop bounds: write tows{1,N}"),
      ship("$w = shortest $s tows{0,2} $t", "type error: T15: hop bounds start at 1, got minimum 0"),
      ship("$s = shortest $s tows{1,2} $t", "type error: T28: path variable '$s' is already bound"),
      ship("$w = shortest $s tows{1,2} $t $w: Ship",
           "type error: T28: path variable '$w' can only stand in length(..), nodes(..) and edges(..)"),
      ship("$w = shortest $s tows{1,2} $t $w.name = \"a\"",
           "type error: T28: path variable '$w' can only stand in length(..), nodes(..) and edges(..)"),
      ship("$w = shortest $s tows{1,2} $t $a $w:tows $b",
           "type error: T28: path variable '$w' can only stand in length(..), nodes(..) and edges(..)"),
      ship("length($s) > 1", "type error: T28: length(..) takes a path variable, '$s' is none"),
      {"match { $s: Ship $w = shortest $s tows{1,2} $t } return { $w }",
       "type error: T28: path variable '$w' can only stand in length(..), nodes(..) and edges(..)"},
      {"match { $s: Ship $w = shortest $s tows{1,2} $t } return { length($w) as n, nodes($w), edges($w) } order { n }",
       ""},
  });
}

TEST(TypeErrors, T29Windows) {
  const auto window = [](const std::string& text) { return "match { $s: Ship } return { $s } " + text; };
  expect_all({
      {window("limit $k"), "type error: T29: limit '$k' is not a declared parameter"},
      {window("limit $k"), "type error: T29: limit '$k' must be a non-nullable integer parameter, it is String",
       "$k: String"},
      {window("offset $k"), "type error: T29: offset '$k' must be a non-nullable integer parameter, it is I32?",
       "$k: I32?"},
      {window("offset $k limit $k"), "", "$k: U64"},
      {"match { $s: Ship } return { $s } order { nearest($s.vec, [1, 2]) } limit $k", "", "$k: I32"},
  });
}

TEST(TypeErrors, T16UpdateOfAnEdge) {
  expect_all({
      {"update Tows set {x: 1} where from = \"ada\"",
       "type error: T16: update of edge type 'Tows' can only assign its declared properties, not 'x'"},
      {"update DocksAt set {to: \"P2\"} where from = \"ada\"",
       "type error: T16: update of edge type 'DocksAt' can only assign its declared properties, not 'to'"},
      {"update DocksAt set {id: \"e\"} where from = \"ada\"",
       "type error: T16: update of edge type 'DocksAt' can only assign its declared properties, not 'id'"},
      {"update DocksAt set {since: date(\"2020-01-01\")} where from = \"ada\" and to = \"P1\"", ""},
      {"update DocksAt set {since: null} where since is null or id = \"e\"", ""},
  });
  const auto catalog = catalog_of("node Tows { name: String @key x: I32? } edge Tows: Tows -> Tows");
  EXPECT_TRUE(compile(query_text("update Tows set {x: 1} where name = \"a\""), "", catalog)) << "the node type wins";
}

TEST(TypeErrors, T17AndT18NearestOrder) {
  const std::string near = "nearest($s.vec, [2,0])";
  expect_all({
      result("{ $s.name } order { " + near + " }", "type error: T17: ordering by nearest requires a limit"),
      result("{ $s.name, " + near + " as d } order { d }", "type error: T17: ordering by nearest requires a limit"),
      result("{ $s.name as n } order { " + near + ", n } limit 2",
             "type error: T18: alias 'n' cannot stand beside nearest in order"),
      result("{ $s.name as n, " + near + " as d } order { d, n } limit 2",
             "type error: T18: alias 'n' cannot stand beside nearest in order"),
      result("{ $s.name } order { $s.name, " + near + " } limit 2",
             "type error: nearest can only be the first order item"),
      result("{ $s.name } order { $s.name, bm25($s.note, \"a\") }",
             "type error: bm25 can only be the first order item"),
      result("{ $s.name, bm25($s.note, \"a\") as b } order { $s.name, b }",
             "type error: bm25 can only be the first order item"),
      result("{ $s.name, " + near + " as d } order { d desc } limit 2", ""),
      result("{ $s.name, " + near + " as d }", ""),
      result("{ $s.name } order { " + near + ", $s.name desc } limit 2", ""),
      result("{ $s.name as n } order { rrf(" + near + ", bm25($s.note, \"a\")), n } limit 2", ""),
      result("{ $s.name as n } order { bm25($s.note, \"a\") desc, n }", ""),
      result("{ $s.name, count($s) as n } order { " + near + " } limit 1", ""),
  });
}

TEST(TypeErrors, T19AndT20TextFunctions) {
  expect_all({
      ship("search($s.tons, \"a\")", "type error: T19: search requires a String property, '$s.tons' is I32"),
      ship("search($s.tags, \"a\")", "type error: T19: search requires a String property, '$s.tags' is [String]"),
      ship("search($s.pic, \"a\")", "type error: T19: search requires a String property, '$s.pic' is Blob"),
      ship("search(\"a\", \"a\")", "type error: T19: search requires a String property as first argument, got '\"a\"'"),
      ship("search($s.note, 1)", "type error: T19: search requires a String query, got '1'"),
      ship("search($s.note, $s)", "type error: T19: search requires a String query, got '$s'"),
      ship("search($s.note, $n)", "type error: T19: search requires a String query, got '$n'", "$n: I32"),
      ship("search($s.nte, \"a\")", "type error: T6: node type 'Ship' has no property 'nte' ('$s.nte')"),
      ship("fuzzy($s.note, 1)", "type error: T19: fuzzy requires a String query, got '1'"),
      ship("fuzzy($s.note, \"a\", \"b\")",
           "type error: T19: fuzzy max_edits must be an integer literal or parameter, got '\"b\"'"),
      ship("fuzzy($s.note, \"a\", 1.0)",
           "type error: T19: fuzzy max_edits must be an integer literal or parameter, got '1.0'"),
      ship("match_text($s.vec, \"a\")",
           "type error: T20: match_text requires a String property, '$s.vec' is Vector(2)"),
      ship("match_text($s.note, 1)", "type error: T20: match_text requires a String query, got '1'"),
      result("{ bm25($s.tons, \"a\") }", "type error: T20: bm25 requires a String property, '$s.tons' is I32"),
      result("{ bm25($s.note, 1) }", "type error: T20: bm25 requires a String query, got '1'"),
      result("{ bm25($s.note, $s.name) }", "type error: T20: bm25 query must be a literal or parameter, got '$s.name'"),
      ship("search($s.note, $q) fuzzy($s.name, $q, $n) match_text($s.note, \"\") $p: Port search($p.zone, \"north\")",
           "", "$q: String?, $n: U32"),
  });
}

TEST(TypeErrors, T21Rrf) {
  const std::string near = "nearest($s.vec, [2,0])";
  const std::string text = "bm25($s.note, \"a\")";
  expect_all({
      result("{ $s } order { rrf(" + near + ", " + text + ") }", "type error: T21: ordering by rrf requires a limit"),
      result("{ rrf(" + near + ", " + text + ") as r } order { r }",
             "type error: T21: ordering by rrf requires a limit"),
      result("{ $s } order { rrf(" + near + ", search($s.note, \"a\")) } limit 1",
             "type error: T21: rrf fuses nearest(..) and bm25(..), got 'search($s.note, \"a\")'"),
      result("{ $s } order { rrf(" + near + ", " + text + ", 0) } limit 1",
             "type error: T21: rrf k must be greater than 0, got 0"),
      result("{ $s } order { rrf(" + near + ", " + text + ", 1.5) } limit 1",
             "type error: T21: rrf k must be an integer literal or parameter, got '1.5'"),
      {"match { $s: Ship $s tows $t } return { $s } order { rrf(nearest($s.vec, [1,1]), bm25($t.note, \"a\")) } limit "
       "1",
       "type error: T21: both arms of rrf must rank the same variable"},
      result("{ $s } order { rrf(" + near + ", " + text + ", $k) asc } limit 1", "", "$k: I64?"),
      result("{ $s } order { rrf(" + text + ", " + text + ", 1) } limit 1", ""),
  });
}

TEST(TypeErrors, T22AndT23Edges) {
  expect_all({
      ship("$s <docksAt> $p",
           "type error: T22: undirected '<docksAt>' needs equal endpoint types, but DocksAt leads from Ship to Port"),
      ship("$s <tows> $t $s $w:<tows> $t", ""),
      ship("$s $w:tows{1,2} $b", "type error: T23: edge variable '$w' cannot be combined with hop bounds"),
      ship("$s $s:tows $b", "type error: T23: edge variable '$s' has the name of an endpoint"),
      ship("$s $b:tows $b", "type error: T23: edge variable '$b' has the name of an endpoint"),
      ship("$p: Port $s $p:tows $b", "type error: T23: edge variable '$p' is already bound"),
      ship("$s $w:tows $a $s $w:tows $b", "type error: T23: edge variable '$w' is already bound"),
      ship("$s $w:tows $a $w: Ship", "type error: T23: edge variable '$w' cannot be bound as a node"),
      ship("$s $w:tows $a $w tows $b", "type error: T23: edge variable '$w' cannot be an endpoint"),
      ship("$s $w:tows $a $w = \"x\"", "type error: T23: edge variable '$w' cannot be used bare"),
      {"match { $a: Ship $a $w:tows $b } return { $w }", "type error: T23: edge variable '$w' cannot be used bare"},
      {"match { $a: Ship $a $w:tows $b } return { count($w) }",
       "type error: T23: edge variable '$w' cannot be used bare"},
      {"match { $a: Ship $a $w:docksAt $b } return { $b } order { $w }",
       "type error: T23: edge variable '$w' cannot be used bare"},
      ship("$s $w:docksAt $p search($w.since, \"a\")", "type error: T23: search cannot search edge variable '$w'"),
      {"match { $a: Ship $a $w:tows $b } return { $a } order { nearest($w.vec, [1,1]) } limit 1",
       "type error: T23: nearest cannot rank edge variable '$w'"},
      {"match { $a: Ship $a $w:docksAt $b } return { bm25($w.since, \"a\") }",
       "type error: T23: bm25 cannot search edge variable '$w'"},
      ship("$s $_:tows{1,2} $b $s $_:tows $b", ""),
      {"match { $s: Ship $s $d:docksAt $p $d.since > date(\"2020-01-01\") } return { $d.since as x, count($d.since) } "
       "order { x }",
       ""},
  });
}

TEST(TypeErrors, T24Blobs) {
  expect_all({
      result("{ $s.pic }", "type error: T24: blob property '$s.pic' cannot be read as a value"),
      result("{ $s.pic as p } order { p }", "type error: T24: blob property '$s.pic' cannot be read as a value"),
      result("{ $s } order { $s.pic }", "type error: T24: blob property '$s.pic' cannot be read as a value"),
      result("{ count($s.pic) }", "type error: T24: blob property '$s.pic' cannot be read as a value"),
      result("{ $b }", "type error: T24: blob parameter '$b' cannot be read as a value", "$b: Blob"),
      ship("$s.pic = $b", "type error: T24: blob property '$s.pic' cannot be read as a value", "$b: Blob"),
  });
}

TEST(TypeErrors, WithoutACode) {
  expect_all({
      result("{ $t }", "type error: variable '$t' is not bound"),
      result("{ $_ }", "type error: variable '$_' is not bound"),
      result("{ count($t) }", "type error: variable '$t' is not bound"),
      ship("$s.tons > $n", "type error: variable '$n' is not bound"),
      ship("$t.tons > 1 $s tows $t", "type error: T6: property access '$t.tons' on unbound variable '$t'"),
      ship("not { $s tows $t } $t.tons > 1", "type error: T6: property access '$t.tons' on unbound variable '$t'"),
      ship("$s: Port",
           "type error: variable '$s' is already bound to node type 'Ship' and cannot be re-bound to 'Port'"),
      ship("not { $s: Port }",
           "type error: variable '$s' is already bound to node type 'Ship' and cannot be re-bound to 'Port'"),
      result("{ $s }", "type error: unknown parameter type 'Vector(0)' of '$v'", "$v: Vector(0)"),
      result("{ $s }", "type error: unknown parameter type 'Vector(2147483648)' of '$v'", "$v: Vector(2147483648)"),
      result("{ $s }", "type error: parameter name '$__nanograph_now' is reserved", "$__nanograph_now: DateTime"),
      result("{ $s }", "type error: duplicate parameter '$a'", "$a: I32, $a: String"),
      result("{ [[1]] }", "type error: a list literal cannot contain a list"),
      result("{ [1, \"a\"] }", "type error: mixed list literal: I64 and String in one list"),
      result("{ date(\"tomorrow\") }", "type error: invalid Date literal 'tomorrow'"),
      result("{ datetime(\"2020-13-01\") }", "type error: invalid DateTime literal '2020-13-01'"),
      result("{ $s } order { 1 }", "type error: cannot order by a literal: '1'"),
      result("{ $s } order { now() }", "type error: cannot order by now(): 'now()'"),
      result("{ $s } order { $n }", "type error: cannot order by a parameter: '$n'", "$n: I32"),
      result("{ $n as x } order { x }", "type error: cannot order by a parameter: 'x'", "$n: I32"),
      result("{ $s } order { $s.tags }", "type error: cannot order by a list: '$s.tags'"),
      result("{ $s.vec as v } order { v }", "type error: cannot order by a vector: 'v'"),
      result("{ $s } order { search($s.note, \"a\") }", "type error: cannot order by search: it filters"),
      {"insert Ship {name: \"x\"} delete Ship where name = \"y\"",
       "mutation query 'q' mixes inserts/updates and deletes; split into separate mutations"},
      {"update Ship set {name: \"z\"} where name = \"ada\"",
       "type error: cannot update @key property 'name' — delete and re-insert instead"},
      ship("$s: Ship {tons: 1} $s: Ship {tons: 2}", ""),
      result("{ [1, 2.5], [date(\"2020-01-01\")], [], true } limit 0", "", "$v: Vector(2147483647), $b: [Blob]?"),
  });
}

TEST(TypeErrors, MixedWritesCanBeCheckedAllTheSame) {
  const std::string text = query_text("insert Ship {name: \"x\"} delete Ship where name = \"y\"");
  const auto file = parse_file(text);
  ASSERT_TRUE(file);
  EXPECT_TRUE(mixing_error(file->queries[0]).has_value());
  EXPECT_FALSE(bind_query(file->queries[0], text, harbour()));
  EXPECT_TRUE(bind_query(file->queries[0], text, harbour(), "", {.refuse_mixed_writes = false}));
}

}  // namespace
}  // namespace omnigraph::query
