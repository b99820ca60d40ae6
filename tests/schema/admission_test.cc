#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/schema/schema_test_support.h"

namespace omnigraph::schema {
namespace {

struct Case {
  std::string source;
  std::string message;  // whole
};

// Goal: every message of chapter 01 sections 3, 4 and 7, to the letter.
// Method: one schema with one mistake each; the message is compared whole.
const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      // Types and names.
      {"node X { id: String }", "parse error: property name 'id' is reserved"},
      {"node X { _rowid: String }", "parse error: property name '_rowid' is reserved"},
      {"node X { _rowaddr: String }", "parse error: property name '_rowaddr' is reserved"},
      {"node X { _rowoffset: String }", "parse error: property name '_rowoffset' is reserved"},
      {"interface I { _row_created_at_version: I64 }",
       "parse error: property name '_row_created_at_version' is reserved"},
      {"node X { _row_last_updated_at_version: I64 }",
       "parse error: property name '_row_last_updated_at_version' is reserved"},
      {"node X { _tombstone: Bool }", "parse error: property name '_tombstone' is reserved"},
      {"node X {} edge E: X -> X { src: String }", "parse error: property name 'src' is reserved"},
      {"node X {} edge E: X -> X { dst: String }", "parse error: property name 'dst' is reserved"},
      {"node X { a: enum(p, q, p) }", "parse error: enum type cannot include duplicate values"},
      {"node X { v: Vector(0) }", "parse error: Vector dimension must be greater than zero"},
      {"node X { v: Vector(2147483648) }",
       "parse error: Vector dimension 2147483648 exceeds maximum supported 2147483647"},
      {"node X { v: Vector(99999999999999999999999) }",
       "parse error: Vector dimension 99999999999999999999999 exceeds maximum supported 2147483647"},
      {"node X { a: [Blob] }", "parse error: list of Blob is not supported"},
      // Interfaces.
      {"node T implements I {}", "parse error: node T implements unknown interface 'I'"},
      {"interface I { p: I32? } node T implements I { p: I32 }",
       "parse error: node T property 'p' has type I32 but interface I declares it as I32?"},
      {"interface I { p: enum(b, a) } node T implements I { p: enum(a, c) }",
       "parse error: node T property 'p' has type enum(a, c) but interface I declares it as enum(a, b)"},
      {"interface I { p: String @index } interface J { p: String } node T implements I, J {}",
       "parse error: interfaces contributing 'T.p' have incompatible property semantics"},
      {"interface I { p: String } interface J { p: I32 } node T implements I, J {}",
       "parse error: interfaces contributing 'T.p' have incompatible property semantics"},
      {"interface I { s: String v: Vector(2) @embed(s) } interface J { v: Vector(2) @embed(s, model=\"m\") } "
       "node T implements I, J {}",
       "parse error: interfaces contributing 'T.v' have incompatible property semantics"},
      // Cardinality.
      {"node X {} edge E: X -> X @card(3..2)", "parse error: cardinality min (3) exceeds max (2)"},
      {"node X {} edge E: X -> X @card(4294967296..)", "parse error: invalid cardinality min: 4294967296"},
      {"node X {} edge E: X -> X @card(0..99999999999999999999)",
       "parse error: invalid cardinality max: 99999999999999999999"},
      // Headers.
      {"node T @key {}", "parse error: @key is only supported on node properties or as body constraint (node T)"},
      {"node T @key(a, b) {}", "parse error: @key is only supported on node properties or as body constraint (node T)"},
      {"node T @unique {}", "parse error: @unique is only supported on node properties or as body constraint (node T)"},
      {"node T @index {}", "parse error: @index is only supported on node properties or as body constraint (node T)"},
      {"node T @embed(\"a\") {}",
       "parse error: @embed is only supported on node properties or as body constraint (node T)"},
      {"node X {} edge E: X -> X @key", "parse error: @key is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X @unique(src) {}", "parse error: @unique is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X @index", "parse error: @index is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X @embed(a)", "parse error: @embed is not supported on edges (edge E)"},
      // Edges.
      {"node X {} edge E: X -> X { a: String @key(a) }",
       "parse error: @key constraint is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X { a: I32 @range(a, 0..1) }",
       "parse error: @range constraint is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X { a: String @check(a, \"x\") }",
       "parse error: @check constraint is not supported on edges (edge E)"},
      {"node X {} edge E: X -> X { p: String @key }",
       "parse error: @key is not supported on edge properties (edge E.p)"},
      {"node X {} edge E: X -> X { s: String p: Vector(2) @embed(s) }",
       "parse error: @embed is not supported on edge properties (edge E.p)"},
      // Shapes.
      {"node T { p: [I32] @key }", "parse error: @key is not supported on list property T.p"},
      {"node T { p: [I32] @unique }", "parse error: @unique is not supported on list property T.p"},
      {"node T { p: [I32] @index }", "parse error: @index is not supported on list property T.p"},
      {"node T { s: String p: [F32] @embed(s) }", "parse error: @embed is not supported on list property T.p"},
      {"node T { p: [I32] @key(p) }", "parse error: @key is not supported on list property T.p"},
      {"node T { p: [I32] @unique(p) }", "parse error: @unique is not supported on list property T.p"},
      {"node T { p: Vector(2) @key }", "parse error: @key is not supported on vector property T.p"},
      {"node T { p: Vector(2) @unique }", "parse error: @unique is not supported on vector property T.p"},
      {"node T { p: Vector(2) @unique(p) }", "parse error: @unique is not supported on vector property T.p"},
      {"node T { p: Blob @key }", "parse error: @key is not supported on blob property T.p"},
      {"node T { p: Blob @unique }", "parse error: @unique is not supported on blob property T.p"},
      {"node T { p: Blob @index }", "parse error: @index is not supported on blob property T.p"},
      {"node T { p: Blob @index(p) }", "parse error: @index is not supported on blob property T.p"},
      {"node T { s: String p: Blob @embed(s) }", "parse error: @embed is not supported on blob property T.p"},
      // Keys.
      {"node X { a: String @key b: String @key }",
       "parse error: node type X has multiple @key constraints; only one is supported"},
      {"node X { a: String @key @key(a) }",
       "parse error: node type X has multiple @key constraints; only one is supported"},
      {"interface I { a: String @key } node X implements I { b: String @key(b) }",
       "parse error: node type X has multiple @key constraints; only one is supported"},
      {"node T { p: String? @key }", "parse error: @key property T.p cannot be nullable"},
      {"node T { p: String? @key(p) }", "parse error: @key property T.p cannot be nullable"},
      // References.
      {"node T { @key(p) }", "parse error: @key on T references unknown property 'p'"},
      {"node T { a: I32 @unique(a, p) }", "parse error: @unique on T references unknown property 'p'"},
      {"node T { @index(src) }", "parse error: @index on T references unknown property 'src'"},
      {"node T { @range(p, 0..1) }", "parse error: @range on T references unknown property 'p'"},
      {"node T { @check(p, \"x\") }", "parse error: @check on T references unknown property 'p'"},
      {"node X {} edge E: X -> X { @unique(src, q) }", "parse error: @unique on E references unknown property 'q'"},
      // Repetition and usage.
      {"node T { p: String @key @key }", "parse error: property T.p declares @key multiple times"},
      {"node T { p: String @unique @unique }", "parse error: property T.p declares @unique multiple times"},
      {"node T { p: String @index @index }", "parse error: property T.p declares @index multiple times"},
      {"node T { s: String p: Vector(2) @embed(s) @embed(s) }",
       "parse error: property T.p declares @embed multiple times"},
      {"node T { p: I32 @range }", "parse error: @range requires property name and bounds: @range(prop, min..max)"},
      {"node T { p: I32 @range(p) }", "parse error: @range requires property name and bounds: @range(prop, min..max)"},
      {"node T { p: I32 @range(p, ..) }",
       "parse error: @range requires property name and bounds: @range(prop, min..max)"},
      {"node T { p: String @check }",
       "parse error: @check requires property name and pattern: @check(prop, \"regex\")"},
      {"node T { p: String @check(p) }",
       "parse error: @check requires property name and pattern: @check(prop, \"regex\")"},
      {"node T { p: String @check(p, abc) }",
       "parse error: @check requires property name and pattern: @check(prop, \"regex\")"},
      // Ranges and patterns.
      {"node T { p: [I32]? @range(p, 0..1) }", "parse error: @range on T.p requires a numeric type, got [I32]?"},
      {"node T { p: String @range(p, 0..1) }", "parse error: @range on T.p requires a numeric type, got String"},
      {"node T { p: Vector(3) @range(p, 0..1) }", "parse error: @range on T.p requires a numeric type, got Vector(3)"},
      {"node T { p: enum(b, a) @range(p, 0..1) }",
       "parse error: @range on T.p requires a numeric type, got enum(a, b)"},
      {"node T { p: I32? @check(p, \"x\") }", "parse error: @check on T.p requires String type, got I32?"},
      {"node T { p: [String] @check(p, \"x\") }", "parse error: @check on T.p requires String type, got [String]"},
      {"node T { p: I32 @range(p, 5..-1) }", "parse error: @range min (5) exceeds max (-1) on T.p"},
      {"node T { p: F64 @range(p, 1.5..1.25) }", "parse error: @range min (1.5) exceeds max (1.25) on T.p"},
      {"node T { p: U64 @range(p, 18446744073709551615..18446744073709551614) }",
       "parse error: @range min (18446744073709551615) exceeds max (18446744073709551614) on T.p"},
      {"node T { p: String @check(p, \"a(\") }", "parse error: @check on T.p has invalid regex 'a(': missing ): a("},
      {"node T { p: String @check(p, \"(?=x)\") }",
       "parse error: @check on T.p has invalid regex '(?=x)': invalid perl operator: (?="},
      // Embeddings.
      {"node T { s: String p: String @embed(s) }", "parse error: @embed is only supported on vector properties (T.p)"},
      {"node T { p: Vector(2) @embed }", "parse error: @embed on T.p requires a source property name"},
      {"node T { p: Vector(2) @embed(\" \") }", "parse error: @embed on T.p requires a source property name"},
      {"node T { p: Vector(2) @embed(q) }", "parse error: @embed on T.p references unknown source property q"},
      {"node T { q: I32 p: Vector(2) @embed(\"q\") }", "parse error: @embed source property T.q must be String"},
      {"node T { q: [String] p: Vector(2) @embed(q) }", "parse error: @embed source property T.q must be String"},
      {"node T { q: String p: Vector(2) @embed(q, k=\"x\") }",
       "parse error: @embed on T.p has unknown argument 'k=' (only 'model' is supported)"},
      // Documentation and hints.
      {"node T @description {}", "parse error: @description on node T requires a non-empty value"},
      {"node T @instruction(\" \\t\") {}", "parse error: @instruction on node T requires a non-empty value"},
      {"node X {} edge E: X -> X @description(\"\")", "parse error: @description on edge E requires a non-empty value"},
      {"node T { p: I32 @description(\"\") }", "parse error: @description on property T.p requires a non-empty value"},
      {"node T @description(\"a\") @description(\"b\") {}", "parse error: node T declares @description multiple times"},
      {"node X {} edge E: X -> X @instruction(\"a\") @instruction(\"b\")",
       "parse error: edge E declares @instruction multiple times"},
      {"node T { p: I32 @description(\"a\") @description(\"b\") }",
       "parse error: property T.p declares @description multiple times"},
      {"node T { p: I32 @instruction(\"a\") }",
       "parse error: @instruction is only supported on node and edge types (property T.p)"},
      {"node T @rename_from {}", "parse error: @rename_from on node T requires exactly one non-empty positional value"},
      {"node T @rename_from(\"\") {}",
       "parse error: @rename_from on node T requires exactly one non-empty positional value"},
      {"node T @rename_from(\"Old\", x=\"y\") {}",
       "parse error: @rename_from on node T does not accept keyword arguments"},
      {"node T @rename_from(\"A\") @rename_from(\"B\") {}", "parse error: node T declares @rename_from multiple times"},
      {"node T { p: I32 @rename_from(q) @rename_from(r) }",
       "parse error: property T.p declares @rename_from multiple times"},
      {"node T { p: I32 @rename_from }",
       "parse error: @rename_from on property T.p requires exactly one non-empty positional value"},
      // Catalog.
      {"node T {} node T {}", "catalog error: duplicate node type: T"},
      {"node T {} edge E: T -> T edge E: T -> T", "catalog error: duplicate edge type: E"},
      {"interface I {} interface I {}", "catalog error: duplicate interface: I"},
      {"node T { p: I32 p: String }", "catalog error: duplicate property 'T.p'"},
      {"interface I { p: I32 p: I32 } node T implements I {}", "catalog error: duplicate property 'I.p'"},
      {"node T {} edge E: A -> T", "catalog error: edge E references unknown source type: A"},
      {"node T {} edge E: T -> A", "catalog error: edge E references unknown target type: A"},
      {"node X {} edge Go: X -> X edge GO: X -> X",
       "catalog error: edge name collision after case folding: 'GO' conflicts with 'Go'"},
  };
  return kCases;
}

TEST(SchemaAdmission, EveryMessageToTheLetter) {
  for (const Case& c : cases()) {
    const Error error = refused(c.source);
    EXPECT_EQ(error.message, c.message) << c.source;
    EXPECT_EQ(error.code, Code::kBadRequest) << c.source;
    EXPECT_THAT(error.context, testing::HasSubstr("^")) << c.source;
  }
}

// Goal: what an older build admitted still opens; everything else stays refused.
TEST(SchemaAdmission, AcceptedSchemasAreRelaxedExactlyWhereTheChapterSays) {
  const std::vector<std::string> tolerated{
      "node T { p: Blob @unique(p) }",           "node T { p: [I32] @unique(p) }",
      "node T { p: Vector(2) @unique(p) }",      "node T { p: [I32] @range(p, 0..1) }",
      "node T { p: [String] @check(p, \"x\") }", "node T { p: String @check(p, \"a(\") }",
  };
  for (const std::string& source : tolerated) {
    (void)refused(source);
    const auto catalog = parsed(source, /*accepted=*/true);
    const TypeConstraints& constraints = catalog->nodes.at(0).constraints;
    EXPECT_TRUE(constraints.unique.empty() && constraints.range.empty() && constraints.check.empty()) << source;
  }
  for (const std::string source : {"node T { p: [I32] @unique }", "node T { p: Blob @index(p) }",
                                   "node T { p: String @range(p, 0..1) }", "node T { p: I32 @check(p, \"x\") }"}) {
    (void)refused(source, /*accepted=*/true);
  }
}

// Goal: one run tells every mistake, the first in the file as the message, catalog errors last.
TEST(SchemaAdmission, FurtherMistakesFollowInTheContext) {
  const Error error = refused(R"(node A {}
node A { p: String? @key
  q: Vector(0) }
edge E: A -> B)");
  EXPECT_EQ(error.message, "parse error: @key property A.p cannot be nullable");
  const std::string& context = error.context;
  const auto dimension = context.find("parse error: Vector dimension must be greater than zero");
  const auto duplicate = context.find("catalog error: duplicate node type: A");
  const auto endpoint = context.find("catalog error: edge E references unknown target type: B");
  ASSERT_NE(dimension, std::string::npos) << context;
  ASSERT_NE(duplicate, std::string::npos) << context;
  ASSERT_NE(endpoint, std::string::npos) << context;
  EXPECT_LT(dimension, duplicate);
  EXPECT_LT(duplicate, endpoint);
}

TEST(SchemaAdmission, SuggestsWhatExists) {
  EXPECT_THAT(refused("interface Named {} node T implements Namd {}").context,
              testing::HasSubstr("did you mean 'Named'?"));
  EXPECT_THAT(refused("node T { length: String @unique(lenght) }").context,
              testing::HasSubstr("did you mean 'length'?"));
  EXPECT_THAT(refused("node Harbour {} edge E: Harbour -> Harbor").context,
              testing::HasSubstr("did you mean 'Harbour'?"));
}

TEST(SchemaAdmission, LimitsTheNumberOfTypes) {
  std::string source;
  for (int i = 0; i < 10'000; ++i) source += "node T" + std::to_string(i) + " {}\n";
  EXPECT_EQ(parsed(source)->nodes.size(), 10'000u);
  EXPECT_EQ(refused(source + "node Last {}").message, "catalog error: schema declares 10001 types, the limit is 10000");
}

}  // namespace
}  // namespace omnigraph::schema
