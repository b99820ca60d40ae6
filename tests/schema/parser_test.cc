#include "schema/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/schema/schema_test_support.h"

namespace omnigraph::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kBase = R"(
node Port { code: String @key  name: String  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Route: Port -> Port @card(0..2) { since: Date?  @unique(src, dst) }
edge At: Berth -> Port @card(1..1)
)";

TEST(SchemaParser, BaseSchemaOfTheChapter) {
  const auto catalog = parsed(kBase);
  ASSERT_EQ(catalog->nodes.size(), 2u);
  const NodeType& berth = catalog->nodes[0];
  const NodeType& port = catalog->nodes[1];
  EXPECT_EQ(berth.name, "Berth");
  EXPECT_THAT(berth.constraints.key, ElementsAre("number", "port"));
  EXPECT_THAT(port.constraints.key, ElementsAre("code"));
  EXPECT_TRUE(port.find("code")->declares_key);
  EXPECT_EQ(type_text(port.find("kind")->type), "enum(river, sea)");
  EXPECT_EQ(type_text(port.find("depth")->type), "F64?");
  EXPECT_EQ(port.index_of("depth"), 2u);
  EXPECT_EQ(port.index_of("nope"), port.properties.size());

  ASSERT_EQ(catalog->edges.size(), 2u);
  const EdgeType& at = catalog->edges[0];
  const EdgeType& route = catalog->edges[1];
  EXPECT_EQ(at.source_index, 0u);
  EXPECT_EQ(at.target_index, 1u);
  EXPECT_EQ(at.card_min, 1u);
  EXPECT_EQ(at.card_max, 1u);
  EXPECT_EQ(route.card_max, 2u);
  EXPECT_THAT(route.constraints.unique, ElementsAre(ElementsAre("dst", "src")));
}

TEST(SchemaParser, EmptyTextAndCommentsAreASchema) {
  EXPECT_TRUE(parsed("")->nodes.empty());
  EXPECT_TRUE(parsed(" \t\r\n// nothing\n/* nor\n here */")->nodes.empty());
  EXPECT_EQ(parsed("node/**/X/* a */{a/**/:/**/I32?/**/}")->nodes[0].properties.size(), 1u);
  EXPECT_EQ(parsed("node X { a : Vector ( 3 ) ? @ key_like ( \"v\" ) }")->nodes[0].properties[0].annotations.size(),
            1u);
}

TEST(SchemaParser, KeywordsAreContextual) {
  const auto catalog = parsed(R"(node Enum { type: String node: I32 edge: I32 interface: Bool enum: enum(enum, node)
    range: I64 implements: F32 card: Date key: String true: Bool @range(range, 1..) @key(key) })");
  EXPECT_EQ(catalog->nodes[0].properties.size(), 10u);
  EXPECT_THAT(catalog->nodes[0].constraints.key, ElementsAre("key"));
  EXPECT_THAT(refused("node X { a: Stringx }").message, HasSubstr("parse error: expected a type, found 'Stringx'"));
  EXPECT_THAT(refused("node X { a: string }").context, HasSubstr("did you mean 'String'?"));
  EXPECT_THAT(refused("nodeX { }").message, HasSubstr("expected 'interface', 'node' or 'edge', found 'nodeX'"));
}

TEST(SchemaParser, ConstraintDirectlyAfterATypeIsABodyConstraint) {
  const auto catalog = parsed("node X { mail: String @unique(mail) nick: String @unique @index }");
  const NodeType& x = catalog->nodes[0];
  EXPECT_FALSE(x.find("mail")->declares_unique);
  EXPECT_TRUE(x.find("nick")->declares_unique);
  EXPECT_TRUE(x.find("nick")->declares_index);
  EXPECT_THAT(x.constraints.unique, ElementsAre(ElementsAre("mail"), ElementsAre("nick")));
  EXPECT_THAT(x.constraints.index, ElementsAre(ElementsAre("nick")));
  EXPECT_THAT(refused("node X { a: String @unique(\"x\") }").message,
              HasSubstr("parse error: expected property name in constraint"));
}

TEST(SchemaParser, ConstraintsAreNormalized) {
  const auto catalog = parsed(R"(node X { a: I32 b: I32 c: [I32] k: I32
    @unique(b, a) @unique(a, b) @unique(a, a) @unique(k) @index(k) @index(c) @index(c, b) @index(b) @key(k)
    @range(a, 0..5) @range(a, 0..5) @range(a, ..3) })");
  const TypeConstraints& constraints = catalog->nodes[0].constraints;
  EXPECT_THAT(constraints.unique, ElementsAre(ElementsAre("a"), ElementsAre("a", "b")));
  EXPECT_THAT(constraints.index, ElementsAre(ElementsAre("b")));
  EXPECT_EQ(constraints.range.size(), 2u);
}

TEST(SchemaParser, RangeBoundsTakeThePropertysType) {
  const auto catalog = parsed(R"(node X { i: I32 u: U64 f: F32 d: F64
    @range(i, -5..2.0) @range(i, 0.5..) @range(u, ..18446744073709551615) @range(f, 0.1..) @range(d, -0.5..1) })");
  const auto& range = catalog->nodes[0].constraints.range;
  ASSERT_EQ(range.size(), 5u);
  EXPECT_EQ(range[0].min, columnar::Scalar{std::int64_t{-5}});
  EXPECT_EQ(range[0].max, columnar::Scalar{std::int64_t{2}});
  EXPECT_EQ(range[1].min, columnar::Scalar{0.5});
  EXPECT_FALSE(range[1].max);
  EXPECT_EQ(range[2].max, columnar::Scalar{std::uint64_t{18446744073709551615u}});
  EXPECT_EQ(range[3].min, columnar::Scalar{0.1f});
  EXPECT_EQ(range[4].min, columnar::Scalar{-0.5});
  EXPECT_EQ(range[4].max, columnar::Scalar{1.0});
  EXPECT_THAT(refused("node X { i: I64 @range(i, ..99999999999999999999) }").message,
              HasSubstr("@range bound 99999999999999999999 on X.i does not fit I64"));
}

TEST(SchemaParser, EnumValues) {
  const auto catalog = parsed("node X { a: enum(3d, close-friend, -1, Zed, _x)? }");
  EXPECT_EQ(type_text(catalog->nodes[0].properties[0].type), "enum(-1, 3d, Zed, _x, close-friend)?");
  (void)refused("node X { a: enum() }");
  (void)refused("node X { a: enum(\"a\") }");
  (void)refused("node X { a: enum(a,) }");
}

TEST(SchemaParser, WhatDoesNotParse) {
  for (const std::string source : {"node X { a: [I32?] }",
                                   "node X { a: [enum(a)] }",
                                   "node X { a: [Vector(2)] }",
                                   "node X { a: [[I32]] }",
                                   "node X { a: I32, b: I32 }",
                                   "node X { a: I32; b: I32 }",
                                   "# no",
                                   "node X { A: I32 }",
                                   "node x {}",
                                   "node X {",
                                   "node X { a I32 }",
                                   "interface I @description(\"x\") {}",
                                   "interface I { a: I32 @index(a) }",
                                   "node X implements I @description(\"x\") {}",
                                   "node X {} edge E: X -> X @description(\"d\") @card(0..1)",
                                   "node X { a: I32 @range(a, +1..) }",
                                   "node X { a: F64 @range(a, 1e5..) }",
                                   "node X { a: I32 @x(1_0) }",
                                   "node X { a: I32 @x(-1) }",
                                   "node X { a: I32 @x() }",
                                   "node X { a: I32 @x(\"a\", \"b\") }",
                                   "node X { @description(\"x\") a: I32 }",
                                   "node X { a: Vector(-1) }",
                                   "node X {} /* open",
                                   "node X { a: I32 @d(\"x) }",
                                   "edge E: X -> X @card(1)",
                                   "edge E: X X",
                                   "node X { a: I32 @x(k=\"v\") }",
                                   "node X { a: String @key(a }"}) {
    const Error error = refused(source);
    EXPECT_THAT(error.message, testing::MatchesRegex("parse error: .* --> [0-9]+:[0-9]+")) << source;
  }
}

TEST(SchemaParser, Strings) {
  const auto catalog = parsed("node X @description(\"a\\\"b\\\\c\\n\\r\\td\nline two \u00fc\") {}");
  EXPECT_EQ(catalog->nodes[0].annotations[0].values[0], "a\"b\\c\n\r\td\nline two \u00fc");
  EXPECT_EQ(refused("node X @description(\"a\\qb\") {}").message,
            "parse error: unsupported escape sequence: \\q --> 1:21");
  EXPECT_THAT(refused("node X { a: String @check(a, \"\\d+\") }").message,
              HasSubstr("parse error: unsupported escape sequence: \\d"));
}

TEST(SchemaParser, AnnotationValuesAreKeptAsText) {
  const auto catalog = parsed(R"(node X @owner(foo, team="a", level=3, hot=true) @rename_from("Old") {
    a: I32 @x(3) @y(1.50) @default(false) @flag @rename_from(b) })");
  const NodeType& x = catalog->nodes[0];
  ASSERT_EQ(x.annotations.size(), 1u);
  EXPECT_THAT(x.annotations[0].values, ElementsAre("foo"));
  EXPECT_THAT(x.annotations[0].keyword_values,
              ElementsAre(testing::Pair("hot", "true"), testing::Pair("level", "3"), testing::Pair("team", "a")));
  EXPECT_EQ(x.rename_from, "Old");
  const Property& a = x.properties[0];
  EXPECT_EQ(a.rename_from, "b");
  ASSERT_EQ(a.annotations.size(), 4u);
  EXPECT_THAT(a.annotations[0].values, ElementsAre("3"));
  EXPECT_THAT(a.annotations[1].values, ElementsAre("1.50"));
  EXPECT_TRUE(a.annotations[3].values.empty());
}

TEST(SchemaParser, Embeddings) {
  const auto catalog = parsed(R"(node X { t: String v: Vector(8)? @embed(t) w: Vector(8) @embed("t", model="m1") })");
  const NodeType& x = catalog->nodes[0];
  EXPECT_EQ(x.find("v")->embed->source, "t");
  EXPECT_EQ(x.find("v")->embed->model, "");
  EXPECT_EQ(x.find("w")->embed->model, "m1");
}

TEST(SchemaParser, InterfacesInject) {
  const auto catalog = parsed(R"(
node X implements Named, Dated, Named { own: I32 }
node Y implements Named { n: String }
interface Named { n: String @key  t: String? @unique @description("title") }
interface Dated { t: String? @description("title") @unique  at: DateTime? @index @rename_from("when") })");
  const NodeType& x = catalog->nodes[0];
  ASSERT_EQ(x.properties.size(), 4u);
  EXPECT_EQ(x.properties[0].name, "own");
  EXPECT_FALSE(x.properties[0].injected);
  EXPECT_EQ(x.properties[2].name, "t");
  EXPECT_TRUE(x.properties[2].injected);
  EXPECT_THAT(x.properties[2].interfaces, ElementsAre("Dated", "Named"));
  EXPECT_THAT(x.implements, ElementsAre("Named", "Dated"));
  EXPECT_THAT(x.constraints.key, ElementsAre("n"));
  EXPECT_THAT(x.constraints.unique, ElementsAre(ElementsAre("t")));
  EXPECT_EQ(x.find("at")->rename_from, "when");
  EXPECT_EQ(catalog->interfaces[0].name, "Dated");
  ASSERT_NE(catalog->find_interface("Named"), nullptr);
  EXPECT_TRUE(catalog->find_interface("Named")->find("n")->declares_key);

  // Row 17: its own declaration wins, so Y has no key.
  EXPECT_TRUE(catalog->nodes[1].constraints.key.empty());
  EXPECT_FALSE(catalog->nodes[1].find("n")->injected);
  EXPECT_THAT(catalog->nodes[1].find("n")->interfaces, ElementsAre("Named"));
  EXPECT_TRUE(
      parsed("interface N { n: String @key } node X implements N { n: String }")->nodes[0].constraints.key.empty());
}

TEST(SchemaParser, CardinalityForms) {
  const auto catalog =
      parsed("node X {} edge A: X -> X edge B: X -> X @card(2..) {} edge C: X -> X @card(0..4294967295) @t");
  EXPECT_EQ(catalog->edges[0].card_min, 0u);
  EXPECT_EQ(catalog->edges[0].card_max, kUnbounded);
  EXPECT_EQ(catalog->edges[1].card_min, 2u);
  EXPECT_EQ(catalog->edges[1].card_max, kUnbounded);
  EXPECT_EQ(catalog->edges[2].annotations.size(), 1u);
}

// Goal: several mistakes of syntax in one run, each with its place, and the file in the excerpt.
TEST(SchemaParser, RecoversAfterAMistake) {
  const auto result = parse_schema(R"(node A {
  a Str
  b: I32
  c: Foo?
  d: [I32?]
}
edge E A -> A
node B { x: I32 @range(x, 0..a) y: Vector(x) }
)",
                                   {.file = "ships.pg"});
  ASSERT_FALSE(result);
  const Error& error = result.error();
  EXPECT_EQ(error.message, "parse error: expected ':' after the property name, found 'Str' --> 2:5");
  EXPECT_THAT(error.context, HasSubstr("--> ships.pg:2:5"));
  EXPECT_THAT(error.context, HasSubstr("2 |   a Str"));
  for (const std::string place : {"4:6", "5:10", "7:8", "8:30", "8:43"}) {
    EXPECT_THAT(error.context, HasSubstr(" --> " + place + "\n")) << place;
  }
}

TEST(SchemaParser, AMissingBraceDoesNotSwallowTheNextType) {
  const Error error = refused("node A { a: I32\nnode B { b: Foo }\n");
  EXPECT_THAT(error.message, HasSubstr("expected '}' to close node A, found 'node' --> 2:1"));
  EXPECT_THAT(error.context, HasSubstr("expected a type, found 'Foo' --> 2:13"));
  EXPECT_THAT(refused("node X node Y { a: Foo }").context, HasSubstr("found 'Foo'"));
}

TEST(SchemaParser, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(refused("node X { a: String @d(\"\xff\") }").message,
              HasSubstr("parse error: schema is not valid UTF-8"));
}

TEST(SchemaCatalog, FindsEdgesExactFirstThenIgnoringCase) {
  const auto catalog = parsed("node Port {} edge Zoo: Port -> Port edge Go_2: Port -> Port edge GoX: Port -> Port");
  EXPECT_EQ(catalog->find_edge("GoX"), catalog->find_edge("gox"));
  EXPECT_TRUE(catalog->find_edge("gO_2"));
  EXPECT_FALSE(catalog->find_edge("go"));
  EXPECT_EQ(catalog->edges[*catalog->find_edge("ZOO")].name, "Zoo");
  EXPECT_TRUE(catalog->find_node("Port"));
  EXPECT_FALSE(catalog->find_node("port"));
  EXPECT_EQ(catalog->table_key({EntityKind::kEdge, *catalog->find_edge("zoo")}), "edge:Zoo");
  EXPECT_EQ(catalog->table_key({EntityKind::kNode, 0}), "node:Port");
}

TEST(SchemaCatalog, ColumnTypes) {
  const auto column = [](std::string_view type) {
    const auto catalog = parsed("node X { a: " + std::string(type) + " }");
    return columnar::type_name(column_type(catalog->nodes.at(0).properties.at(0).type));
  };
  EXPECT_EQ(column("String"), "utf8");
  EXPECT_EQ(column("enum(a)?"), "utf8");
  EXPECT_EQ(column("[I64]?"), "list<int64>");
  EXPECT_EQ(column("Vector(4)"), "vector<float32,4>");
  const columnar::DataType blob = column_type({.scalar = ScalarType::kBlob});
  ASSERT_EQ(blob.child_count(), 7u);
  EXPECT_EQ(blob.child(0).name, "sha256");
  EXPECT_EQ(blob.child(1).type.id, columnar::TypeId::kUint64);
  EXPECT_EQ(blob.child(2).type.id, columnar::TypeId::kBinary);
  EXPECT_EQ(blob.child(6).name, "length");
}

// Goal: no text makes the parser crash, hang or return neither a catalog nor an error.
// Method: byte-wise mutations of a real schema, with a printed seed.
TEST(SchemaParser, SurvivesMutatedText) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string pieces = "{}()[]:,@?=-.\"/*\\ \nnodeEdge09_\xc3\xbc";
  for (int round = 0; round < 4000; ++round) {
    std::string text(kBase);
    const std::size_t changes = 1 + random() % 4;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text.erase(at, 1 + random() % 5); break;
        case 1: text.insert(at, 1, pieces[random() % pieces.size()]); break;
        default: text[at] = pieces[random() % pieces.size()];
      }
    }
    const auto result = parse_schema(text);
    if (!result) {
      EXPECT_THAT(result.error().message,
                  testing::AnyOf(testing::StartsWith("parse error: "), testing::StartsWith("catalog error: ")));
    }
  }
}

}  // namespace
}  // namespace omnigraph::schema
