// What the planner gets: identities, directions, filters, names.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "query/binder.h"
#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

using schema::EntityKind;

std::vector<std::string> keys(const BoundQuery& query) {
  std::vector<std::string> all;
  for (const Projection& projection : query.read->projections) all.push_back(projection.key);
  return all;
}

std::string variable_type(const BoundQuery& query, VariableId id) {
  return query.catalog->name_of(query.read->variables.at(id).type);
}

// Goal: the written order of a cross-type traversal is free once a variable is typed; untyped means forward; an edge
// between equal types always leads from the left variable.
TEST(BoundQuery, TraversalDirections) {
  struct Row {
    std::string clauses;
    Direction direction;
    std::string from;
    std::string to;
  };
  const std::vector<Row> table{
      {"$a: Ship $a docksAt $b", Direction::kOut, "Ship", "Port"},
      {"$a: Port $a docksAt $b", Direction::kIn, "Port", "Ship"},
      {"$b: Ship $a docksAt $b", Direction::kIn, "Port", "Ship"},
      {"$b: Port $a docksAt $b", Direction::kOut, "Ship", "Port"},
      {"$a docksAt $b", Direction::kOut, "Ship", "Port"},
      {"$a docksAt $b $a: Ship", Direction::kOut, "Ship", "Port"},
      {"$_ docksAt $b", Direction::kOut, "Ship", "Port"},
      {"$a: Ship $b: Ship $a tows $b", Direction::kOut, "Ship", "Ship"},
      {"$b: Ship $a tows $b", Direction::kOut, "Ship", "Ship"},
      {"$b: Ship $a <tows> $b", Direction::kBoth, "Ship", "Ship"},
  };
  for (const Row& row : table) {
    const std::string name = row.clauses.find("$_") == std::string::npos ? "$a" : "$b";
    const auto query = must_compile("match { " + row.clauses + " } return { " + name + " }");
    ASSERT_EQ(query->read->match.traversals.size(), 1u) << row.clauses;
    const Traversal& traversal = query->read->match.traversals[0];
    EXPECT_EQ(traversal.direction, row.direction) << row.clauses;
    EXPECT_EQ(variable_type(*query, traversal.from), row.from) << row.clauses;
    EXPECT_EQ(variable_type(*query, traversal.to), row.to) << row.clauses;
    EXPECT_EQ(traversal.edge, kNoVariable);
  }
}

TEST(BoundQuery, TheSameVariableAtBothEndsIsOneVariable) {
  for (const char* clauses : {"$p: Ship $p tows $p", "$p tows $p", "$p <tows>{1,3} $p"}) {
    const auto query = must_compile(std::string("match { ") + clauses + " } return { $p }");
    EXPECT_EQ(query->read->variables.size(), 1u) << clauses;
    EXPECT_EQ(query->read->match.traversals[0].from, query->read->match.traversals[0].to) << clauses;
  }
}

TEST(BoundQuery, HopBoundsAndEdgeVariables) {
  const auto query = must_compile(
      "match { $a: Ship $a tows{2,9223372036854775807} $b $b $w:docksAt $p $b $_:tows $_ } return { $w.since, $p }");
  const auto& traversals = query->read->match.traversals;
  EXPECT_EQ(traversals[0].min_hops, 2u);
  EXPECT_EQ(traversals[0].max_hops, 0xffffffffu) << "a bound beyond u32 is as good as the largest";
  ASSERT_NE(traversals[1].edge, kNoVariable);
  EXPECT_EQ(query->read->variables[traversals[1].edge].type.kind, EntityKind::kEdge);
  EXPECT_EQ(traversals[1].max_hops, 1u);
  EXPECT_EQ(traversals[2].edge, kNoVariable);
  EXPECT_TRUE(query->read->variables[traversals[2].to].anonymous);
  EXPECT_EQ(query->read->variables[traversals[2].to].name, "_");
}

TEST(BoundQuery, EachAnonymousNodeIsItsOwn) {
  const auto query = must_compile("match { $a tows $_ $_ tows $a $_: Port {code: \"P1\"} } return { $a }");
  EXPECT_EQ(query->read->variables.size(), 4u);
  EXPECT_EQ(query->read->match.bindings.size(), 1u);
  EXPECT_EQ(query->read->match.variables.size(), 4u);
}

TEST(BoundQuery, MapsBecomeFilters) {
  const auto query = must_compile(
      "match { $s: Ship {name: $n, tags: \"red\", tons: 5, rate: 2.5, built: date(\"2020-01-02\")} $s: Ship {name: "
      "\"ada\"} "
      "search($s.note, \"x\") search($s.note, \"y\") = false } return { $s }",
      "$n: String?");
  const Block& block = query->read->match;
  EXPECT_EQ(block.bindings.size(), 1u);
  ASSERT_EQ(block.filters.size(), 8u);
  EXPECT_EQ(block.filters[0].op, CompareOp::kEqual);
  EXPECT_EQ(block.filters[0].args[0].kind, ExprKind::kProperty);
  EXPECT_EQ(block.filters[0].args[1].kind, ExprKind::kParameter);
  EXPECT_EQ(block.filters[1].op, CompareOp::kContains);
  EXPECT_EQ(block.filters[2].args[1].literal, columnar::Scalar{std::int64_t{5}}) << "literals keep their own type";
  EXPECT_EQ(block.filters[3].args[1].literal, columnar::Scalar{2.5});
  EXPECT_EQ(block.filters[4].args[1].literal, columnar::Scalar{columnar::DateValue{18263}});
  EXPECT_EQ(block.filters[6].kind, ExprKind::kTextMatch);
  EXPECT_EQ(block.filters[7].kind, ExprKind::kCompare);
  EXPECT_EQ(block.filters[7].args[0].kind, ExprKind::kTextMatch);
}

TEST(BoundQuery, OuterVariablesKeepTheirIdentityInsideNot) {
  const auto query = must_compile(
      "match { $s: Ship not { $s docksAt $p $p: Port {code: \"P1\"} $s: Ship {tons: 1} not { $p docksAt $t } } } "
      "return { $s }");
  const Block& inner = query->read->match.negations.at(0);
  const VariableId outer = query->read->match.variables.at(0);
  EXPECT_EQ(inner.traversals[0].from, outer);
  ASSERT_EQ(inner.variables.size(), 1u);
  EXPECT_EQ(query->read->variables[inner.variables[0]].depth, 1u);
  EXPECT_EQ(inner.bindings, (std::vector<VariableId>{inner.variables[0], outer}));
  EXPECT_EQ(inner.negations.at(0).traversals[0].from, inner.variables[0]);
  EXPECT_EQ(inner.negations.at(0).traversals[0].direction, Direction::kIn);
  EXPECT_EQ(query->read->variables[inner.negations[0].variables[0]].depth, 2u);
}

TEST(BoundQuery, ANotBlockSeesVariablesIntroducedBehindIt) {
  const auto query =
      must_compile("match { not { $s docksAt $p $p.zone = \"north\" } $s: Ship $p: Port } return { $s, $p }");
  EXPECT_TRUE(query->read->match.negations.at(0).variables.empty());
  EXPECT_EQ(query->read->variables.size(), 2u);
}

TEST(BoundQuery, SiblingNotBlocksDoNotShareVariables) {
  const auto query = must_compile("match { $s: Ship not { $s docksAt $x } not { $s tows $x } } return { $s }");
  const auto& blocks = query->read->match.negations;
  EXPECT_NE(blocks[0].variables[0], blocks[1].variables[0]);
  EXPECT_EQ(variable_type(*query, blocks[0].variables[0]), "Port");
  EXPECT_EQ(variable_type(*query, blocks[1].variables[0]), "Ship");
}

TEST(BoundQuery, ABareVariableIsTheParameterOfThatName) {
  const auto query =
      must_compile("match { $s: Ship {name: $s} $s.tons > 1 } return { $s, $s.name, count($s) }", "$s: String");
  EXPECT_EQ(query->read->projections[0].expr.kind, ExprKind::kParameter);
  EXPECT_EQ(query->read->projections[1].expr.kind, ExprKind::kProperty);
  EXPECT_EQ(query->read->projections[2].expr.args[0].kind, ExprKind::kParameter);
}

TEST(BoundQuery, RowKeysAndNames) {
  const auto query = must_compile(
      "match { $s: Ship $s $d:docksAt $p } return { $s.name, $d.since, $s, $n, 5, [1], now(), search($s.note, \"a\"), "
      "match_text($s.note, \"a\"), fuzzy($s.note, \"a\"), nearest($s.vec, [1,1]), bm25($s.note, \"a\"), "
      "rrf(bm25($s.note, \"a\"), bm25($s.name, \"b\")), $s.tons as t, t, t as u, date(\"2020-01-01\") }",
      "$n: I32");
  EXPECT_EQ(keys(*query),
            (std::vector<std::string>{"s.name", "d.since", "s", "n", "literal", "literal", "now", "search",
                                      "match_text", "fuzzy", "nearest", "bm25", "rrf", "t", "t", "u", "literal"}));
  EXPECT_EQ(query->read->projections[0].name, "name");
  EXPECT_TRUE(same_value(query->read->projections[13].expr, query->read->projections[15].expr))
      << "aliases are followed";
  EXPECT_FALSE(query->read->aggregates);

  const auto aggregates = must_compile("match { $s: Ship } return { count($s), sum($s.tons), max($s.name) as m }");
  EXPECT_EQ(keys(*aggregates), (std::vector<std::string>{"count", "sum", "m"}));
  EXPECT_TRUE(aggregates->read->aggregates);
}

TEST(BoundQuery, OrderItems) {
  const auto plain =
      must_compile("match { $s: Ship } return { $s.name as n } order { n desc, $s.tons, $s asc } limit 7");
  const auto& order = plain->read->order;
  EXPECT_EQ(order[0].expr.kind, ExprKind::kProjection);
  EXPECT_TRUE(order[0].descending);
  EXPECT_EQ(order[1].expr.kind, ExprKind::kProperty);
  EXPECT_EQ(order[2].expr.kind, ExprKind::kEntityId);
  EXPECT_EQ(plain->read->limit->literal, columnar::Scalar{std::int64_t{7}});
  EXPECT_FALSE(plain->read->ranked);

  const auto grouped = must_compile(
      "match { $s: Ship } return { $s.name, $s, count($s), sum($s.tons) } order { sum($s.tons), $s, $s.name }");
  EXPECT_EQ(grouped->read->order[0].expr.projection, 3u);
  EXPECT_EQ(grouped->read->order[1].expr.projection, 1u);
  EXPECT_EQ(grouped->read->order[2].expr.projection, 0u);

  const auto ranked = must_compile(
      "match { $s: Ship } return { bm25($s.note, $q) as sc, $s.name } order { sc desc, $s.name desc }", "$q: String");
  EXPECT_TRUE(ranked->read->ranked);
  EXPECT_EQ(ranked->read->order[0].expr.kind, ExprKind::kBm25);
  EXPECT_FALSE(ranked->read->order[0].descending) << "a rank order is always best-first";
  EXPECT_TRUE(ranked->read->order[1].descending);
}

TEST(BoundQuery, AVectorLiteralIsAVector) {
  const auto read = must_compile("match { $s: Ship } return { $s } order { nearest($s.vec, [2, 0.5]) } limit 2");
  EXPECT_EQ(read->read->order[0].expr.args[1].literal, (columnar::Scalar{columnar::FloatVector{2.0f, 0.5f}}));
  const auto write = must_compile("insert Ship {name: \"a\" vec: [1, 2]}");
  EXPECT_EQ(write->mutations[0].assignments[1].value.literal, (columnar::Scalar{columnar::FloatVector{1.0f, 2.0f}}));
}

TEST(BoundQuery, Mutations) {
  const auto query = must_compile(
      "insert Ship {name: $n tons: 5} insert DocksAt {from: $n to: \"P1\" since: date(\"2020-01-02\")} "
      "update Ship set {tons: 1} where rate >= 2",
      "$n: String");
  EXPECT_TRUE(query->is_mutation());
  ASSERT_EQ(query->mutations.size(), 3u);
  EXPECT_EQ(query->mutations[0].assignments[0].property, 0u);
  EXPECT_EQ(query->mutations[0].assignments[0].value.kind, ExprKind::kParameter);
  EXPECT_EQ(query->mutations[1].from->kind, ExprKind::kParameter);
  EXPECT_EQ(query->mutations[1].to->literal, columnar::Scalar{std::string("P1")});
  EXPECT_EQ(query->mutations[1].assignments.size(), 1u);
  EXPECT_EQ(query->mutations[2].where->op, CompareOp::kGreaterEqual);
  const auto remove = must_compile("delete DocksAt where to = \"P1\"");
  EXPECT_EQ(remove->mutations[0].where->args[0].kind, ExprKind::kEdgeTo);
}

// Goal: on an edge, `from` and `to` are the endpoints even if properties of these names are declared; in a read they
// are the properties.
TEST(BoundQuery, EndpointsShadowPropertiesInMutations) {
  const auto catalog = catalog_of("node N { k: String @key id2: String? } edge E: N -> N { from: String? to: I32? }");
  const auto write = compile("query q() { insert E {from: \"a\" to: \"b\"} }", "", catalog);
  ASSERT_TRUE(write) << write.error().render();
  EXPECT_TRUE((*write)->mutations[0].assignments.empty());
  const auto read = compile("query q() { match { $a $e:e $b $e.to > 1 } return { $e.from } }", "", catalog);
  EXPECT_TRUE(read) << read.error().render();
}

TEST(BoundQuery, OneNameForANodeAndAnEdge) {
  const auto catalog = catalog_of("node Tows { k: String @key } edge Tows: Tows -> Tows");
  EXPECT_TRUE(compile("query q() { match { $a: Tows $a tows $b } return { $b } }", "", catalog));
  const auto write = compile("query q() { delete Tows where k = \"a\" }", "", catalog);
  ASSERT_TRUE(write);
  EXPECT_EQ((*write)->mutations[0].type.kind, EntityKind::kNode);
}

TEST(BoundQuery, OutlivesItsSource) {
  BoundQueryPtr bound;
  {
    const std::string text = query_text("match { $s: Ship {name: \"ada\"} } return { $s.name as n }");
    bound = compile(text, "", harbour()).value();
  }
  EXPECT_EQ(bound->read->match.filters[0].args[1].literal, columnar::Scalar{std::string("ada")});
  EXPECT_EQ(bound->read->projections[0].key, "n");
}

}  // namespace
}  // namespace omnigraph::query
