#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "query/compile.h"
#include "query/limits.h"
#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

ast::Query parse_one(std::string_view source) {
  auto file = parse_file(source);
  EXPECT_TRUE(file) << source << "\n" << (file ? "" : file.error().render());
  return file && file->queries.size() == 1 ? std::move(file->queries.front()) : ast::Query{};
}

const ast::Read& read_of(const ast::Query& query) { return std::get<ast::Read>(query.body); }

struct BadText {
  std::string text;
  std::string message;  // exact
};

// Goal: a mistake says what was expected and where.
// Method: a table of whole files; the message is compared as a whole, columns count code points.
TEST(ParserMistakes, NameThePlaceAndWhatWasExpected) {
  const std::vector<BadText> table{
      {"quary q() { }", "parse error: expected 'query', found 'quary' at 1:1"},
      {"query Q() { }", "parse error: expected a query name, found 'Q' at 1:7"},
      {"query q { }", "parse error: expected '(' and the parameter list, found '{' at 1:9"},
      {"query q($a String) {}", "parse error: expected ':' and the parameter type, found 'String' at 1:12"},
      {"query q($a: String,) {}", "parse error: expected a parameter '$name: Type', found ')' at 1:20"},
      {"query q($a: Strin) {}",
       "parse error: unknown parameter type 'Strin': expected String, Bool, I32, I64, U32, U64, F32, F64, Date, "
       "DateTime, Blob, Vector(N) or a list such as [String] at 1:13"},
      {"query q() {}", "parse error: expected 'match', 'insert', 'update' or 'delete', found '}' at 1:12"},
      {"query q() @mcp(\"x\") {}",
       "parse error: unknown query annotation '@mcp': expected @description(\"..\"), @instruction(\"..\") or '{' at 1:11"},
      {"query q() @description(\"a\") @description(\"b\") { }",
       "parse error: duplicate @description on query 'q': expected it at most once at 1:29"},
      {"query q() @instruction(\"a\") @instruction(\"b\") { }",
       "parse error: duplicate @instruction on query 'q': expected it at most once at 1:29"},
      {"query q() { match { } return { $s } }", "parse error: expected a clause: 'match' is empty, found '}' at 1:21"},
      {"query q() {\n  match { $s: ship }\n  return { $s } }", "parse error: expected a node type name, found 'ship' at 2:15"},
      {"query q() { match { $s: Ship, $t: Ship } return { $s } }",
       "parse error: expected a clause or '}', found ',' at 1:29"},
      {"query q() { match { $s: Ship {,} } return { $s } }", "parse error: expected a property name, found ',' at 1:31"},
      {"query q() { match { $s: Ship {name: $n.x} } return { $s } }",
       "parse error: expected the end of the value, found '.' at 1:39"},
      {"query q() { match { $s: Ship {name: null} } return { $s } }",
       "parse error: expected a literal, a parameter or now(), found 'null' at 1:37"},
      {"query q() { match { $s: Ship } return { } }", "parse error: expected an expression, found '}' at 1:41"},
      {"query q() { match { $s: Ship } return { $s,, } }", "parse error: expected an expression, found ',' at 1:44"},
      {"query q() { match { $s: Ship } }", "parse error: expected 'return' after the match block, found '}' at 1:32"},
      {"query q() { match { $s: Ship } return { $s } order { } }",
       "parse error: expected an expression, found '}' at 1:54"},
      {"query q() { match { $s: Ship } return { $s } order { $s, } }",
       "parse error: expected an expression, found '}' at 1:58"},
      {"query q() { match { $s: Ship } return { $s } limit $n }",
       "parse error: expected an integer after 'limit', found variable '$n' at 1:52"},
      {"query q() { match { $s: Ship } return { $s } limit 2 order { $s } }",
       "parse error: expected '}' to close the query, found 'order' at 1:54"},
      {"query q() { match { $s: Ship } return { $s } offset 2 }",
       "parse error: expected 'order', 'limit' or '}' to close the query, found 'offset' at 1:46"},
      {"query q() { match { $s: Ship } return { $s } order { nearest($s.vec, [1]) desc } limit 1 }",
       "parse error: expected ',' or '}' after nearest(..), found 'desc' at 1:75"},
      {"query q() { match { $s: Ship $s DocksAt $p } return { $s } }",
       "parse error: expected an edge word, found 'DocksAt' at 1:33"},
      {"query q() { match { $s: Ship $s not $p } return { $s } }",
       "parse error: expected an edge word, found 'not' at 1:33"},
      {"query q() { match { $s: Ship $s docksAt } return { $s } }",
       "parse error: expected a variable after the edge word, found '}' at 1:41"},
      {"query q() { match { $s: Ship $s docksAt{1;2} $p } return { $s } }",
       "parse error: unexpected character ';' at 1:42"},
      {"query q() { match { $s: Ship $s.tons == 1 } return { $s } }",
       "parse error: expected a value, found '=' at 1:39"},
      {"query q() { match { $s: Ship $s.tons } return { $s } }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with), found '}' at 1:38"},
      {"query q() { match { $s: Ship $s.tons = 1 or $s.tons = 2 } return { $s } }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with), found variable '$s' at 1:45"},
      {"query q() { match { $s: Ship $s.tons = -1 } return { $s } }", "parse error: unexpected character '-' at 1:40"},
      {"query q() { match { $s: Ship $s.tons = 9223372036854775808 } return { $s } }",
       "parse error: integer literal 9223372036854775808 exceeds 9223372036854775807 at 1:40"},
      {"query q() { match { $s: Ship $s.note = \"a\\q\" } return { $s } }",
       "parse error: unsupported escape sequence: \\q at 1:42"},
      {"query q() { match { $s: Ship $s.note = \"a } return { $s } }",
       "parse error: unterminated string: expected '\"' at 1:40"},
      {"query q() { /* open", "parse error: unterminated comment: expected '*/' at 1:13"},
      {"# note\nquery q() { }", "parse error: unexpected character '#' at 1:1"},
      {"query q() { match { $s: Ship } return { [1,] } }", "parse error: expected a literal in the list, found ']' at 1:44"},
      {"query q() { match { $s: Ship } return { [$s] } }",
       "parse error: expected a literal in the list, found variable '$s' at 1:42"},
      {"query q() { match { $s: Ship } return { cuont($s) } }",
       "parse error: unknown function 'cuont': expected an expression at 1:41"},
      {"query q() { match { $s: Ship } return { search($s.note) } }",
       "parse error: expected ',' and another argument of search, found ')' at 1:55"},
      {"query q() { match { $s: Ship } return { count($s, $s) } }",
       "parse error: expected ')': count takes at most 1 arguments, found variable '$s' at 1:51"},
      {"query q() { match { $s: Ship } return { nearest(1, $s) } }",
       "parse error: expected a vector property '$x.p' as first argument of nearest at 1:49"},
      {"query q() { match { $s: Ship } return { $s as Name } }", "parse error: expected an alias, found 'Name' at 1:47"},
      {"query q() { match { $s: Ship } return { $ } }",
       "parse error: expected a variable name after '$', starting with a-z or '_' at 1:41"},
      {"query q() { insert Ship }", "parse error: expected '{' after the inserted type, found '}' at 1:25"},
      {"query q() { insert Ship {} }", "parse error: expected an assignment 'property: value', found '}' at 1:26"},
      {"query q() { insert Ship {name: nearest($s.vec, [1])} }",
       "parse error: expected a literal, a parameter or now(), found 'nearest' at 1:32"},
      {"query q() { update Ship {name: 1} where name = 1 }",
       "parse error: expected 'set' after the updated type, found '{' at 1:25"},
      {"query q() { update Ship set {name: 1} }", "parse error: expected 'where' and a condition, found '}' at 1:39"},
      {"query q() { delete Ship }", "parse error: expected 'where' and a condition, found '}' at 1:25"},
      {"query q() { delete Ship where name contains \"a\" }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=), found 'contains' at 1:36"},
      {"query q() { delete Ship where name = \"a\", delete Ship where name = \"b\" }",
       "parse error: expected a statement or '}', found ',' at 1:41"},
      {"query q() { insert Ship {name: \"é\"} ✂ }", "parse error: unexpected character '✂' at 1:37"},
      {"query q() { match { $s: Ship } return { $s }", "parse error: expected 'order', 'limit' or '}' to close the query, "
       "found end of file at 1:45"},
  };
  for (const BadText& row : table) {
    const auto file = parse_file(row.text);
    ASSERT_FALSE(file) << row.text;
    EXPECT_EQ(file.error().code, Code::kBadRequest) << row.text;
    EXPECT_EQ(file.error().message, row.message) << row.text;
  }
}

TEST(ParserMistakes, ShowTheLineWithACaretAndTheFile) {
  const auto file = parse_file("query q() {\n  match { $s: Ship }\n  return { $s }\n  limit 2.5\n}", "ships.gq");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "parse error: expected an integer after 'limit', found a float at 4:9");
  EXPECT_NE(file.error().context.find("ships.gq:4:9"), std::string::npos) << file.error().context;
  EXPECT_NE(file.error().context.find("4 |   limit 2.5\n  |         ^^^"), std::string::npos) << file.error().context;
}

// Goal: one run reports the mistakes of all queries.
// Method: good and bad queries alternate; a string that looks like a query must not be taken for one.
TEST(ParserMistakes, AreCollectedAcrossQueries) {
  const auto file = parse_file(R"(query a() { match { $s: } return { $s } }
query good() { match { $s: Ship } return { $s } }
query b() { insert { } }
query c() { match { $s: Ship } return { "query x(" }
query d() { match { $s: Ship } return { $s } limit }
)");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "parse error: expected a node type name, found '}' at 1:25");
  for (const char* place : {"at 3:20", "at 5:1", "at 5:52"}) {
    EXPECT_NE(file.error().context.find(place), std::string::npos) << place << "\n" << file.error().context;
  }
}

TEST(ParserMistakes, InvalidUtf8IsRefusedWithItsPlace) {
  const auto file = parse_file("query q() {\n \xC3\xA9 \xFF }");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "parse error: expected UTF-8 text, found an invalid byte at 2:4");
}

TEST(Parser, LimitsNesting) {
  std::string blocks;
  std::string calls;
  for (std::size_t i = 0; i < 100'000; ++i) {
    blocks += "not { ";
    calls += "count(";
  }
  for (const std::string& body : {"match { " + blocks, "match { $s: Ship } return { " + calls,
                                  "match { $s: Ship } return { " + std::string(100'000, '[')}) {
    const std::string message = error_of(body);
    EXPECT_NE(message.find("nesting exceeds 64 levels"), std::string::npos) << message;
  }
}

TEST(Parser, CommentsAndWhiteSpaceSeparate) {
  const ast::Query query = parse_one(
      "// head\nquery q()/* a * b / c */{\r\n\tmatch{$s:Ship}return{$s}// tail\n}/**/");
  EXPECT_EQ(query.name, "q");
}

TEST(Parser, EmptyFileHasNoQueries) {
  const auto file = parse_file(" // nothing\n");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->queries.empty());
  EXPECT_EQ(select_query(*file, "").error().message, "query file contains no queries");
}

TEST(Parser, SelectsByNameOrTheOnlyOne) {
  const auto file = parse_file(
      "query a() { match { $s: Ship } return { $s } } query b() { match { $s: Ship } return { $s } } "
      "query a() { match { $p: Port } return { $p } }");
  ASSERT_TRUE(file);
  EXPECT_EQ(select_query(*file, "a").value(), &file->queries[0]) << "the first of two";
  EXPECT_EQ(select_query(*file, "b").value(), &file->queries[1]);
  EXPECT_EQ(select_query(*file, "c").error().message, "query 'c' not found");
  EXPECT_EQ(select_query(*file, "").error().message, "query file contains multiple queries; pass --name");
}

TEST(Parser, KeywordsAreContextual) {
  const ast::Query query = parse_one(
      "query query($match: String, $limit: [I64]?) @description(\"d \\\"x\\\"\\n\") @instruction(\"i\") {\n"
      "  match { $match: Ship { return: $limit, order: 1, not: true, as: now(), }  $match not_x $limit\n"
      "          $match contains $limit  $match.date contains \"x\" }\n"
      "  return { $match.count as count $match.as as as, as, desc as true }\n"
      "  order { count desc, as asc, desc desc, asc } limit 0\n}");
  EXPECT_EQ(query.name, "query");
  EXPECT_EQ(query.description, "d \"x\"\n");
  EXPECT_EQ(query.instruction, "i");
  ASSERT_EQ(query.parameters.size(), 2u);
  EXPECT_EQ(query.parameters[1].type_text, "[I64]");
  EXPECT_TRUE(query.parameters[1].type.list);
  EXPECT_TRUE(query.parameters[1].type.nullable);
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.match.size(), 4u);
  EXPECT_EQ(std::get<ast::Traversal>(read.match[1]).word, "not_x");
  EXPECT_EQ(std::get<ast::Traversal>(read.match[2]).word, "contains");
  EXPECT_EQ(std::get<ast::Filter>(read.match[3]).op, CompareOp::kContains);
  ASSERT_EQ(read.projections.size(), 4u);
  EXPECT_EQ(read.projections[1].alias, "as");
  EXPECT_EQ(read.projections[2].expr.kind, ast::ExprKind::kAlias);
  EXPECT_EQ(read.projections[3].alias, "true");
  ASSERT_EQ(read.order.size(), 4u);
  EXPECT_TRUE(read.order[0].descending);
  EXPECT_TRUE(read.order[1].direction_written);
  EXPECT_FALSE(read.order[1].descending);
  EXPECT_EQ(read.order[2].expr.name, "desc");
  EXPECT_EQ(read.order[3].expr.name, "asc");
  EXPECT_EQ(read.limit, 0u);
}

// A literal and an identifier need no blank between them; with exponents this becomes one number.
TEST(Parser, ANumberEndsWhereItsDigitsEnd) {
  const ast::Query query = parse_one("query q() { match { $s: Ship } return { $s as e6 1e6 2.50 as x } }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.projections.size(), 4u);
  EXPECT_EQ(std::get<std::int64_t>(read.projections[1].expr.literal.value), 1);
  EXPECT_EQ(read.projections[2].expr.name, "e6");
  EXPECT_EQ(std::get<double>(read.projections[3].expr.literal.value), 2.5);
}

TEST(Parser, ReadsEveryTraversalForm) {
  const ast::Query query = parse_one(
      "query q() { match { $a docksAt $b  $a $w:docksAt $b  $a <tows> $b  $a $w:<tows> $b  $a tows{1,3} $b  "
      "$a tows {2,} $_  $p < 5  $p contains \"x\" } return { $a } }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.match.size(), 8u);
  const auto traversal = [&read](std::size_t i) { return std::get<ast::Traversal>(read.match[i]); };
  EXPECT_FALSE(traversal(0).edge_variable.has_value());
  EXPECT_EQ(traversal(1).edge_variable, "w");
  EXPECT_TRUE(traversal(2).undirected);
  EXPECT_TRUE(traversal(3).undirected);
  EXPECT_EQ(traversal(3).edge_variable, "w");
  EXPECT_EQ(traversal(4).min_hops, 1u);
  EXPECT_EQ(traversal(4).max_hops, 3u);
  EXPECT_TRUE(traversal(5).has_bounds);
  EXPECT_FALSE(traversal(5).max_hops.has_value());
  EXPECT_TRUE(std::holds_alternative<ast::Filter>(read.match[6]));
  EXPECT_TRUE(std::holds_alternative<ast::Filter>(read.match[7]));
}

TEST(Parser, TextFunctionsAreClausesOrOperands) {
  const ast::Query query = parse_one(
      "query q() { match { $s: Ship search($s.note, \"a\") fuzzy($s.note, \"a\", 1) = false match_text($s.note, \"b\") } "
      "return { $s } }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.match.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<ast::TextCall>(read.match[1]));
  EXPECT_TRUE(std::holds_alternative<ast::Filter>(read.match[2]));
  EXPECT_TRUE(std::holds_alternative<ast::TextCall>(read.match[3]));
}

TEST(Parser, StringsSpanLinesAndKnowFiveEscapes) {
  const ast::Query query =
      parse_one("query q() { match { $s: Ship } return { \"a\nb\\\"\\\\\\n\\r\\t// no comment\" as x } }");
  EXPECT_EQ(std::get<std::string>(read_of(query).projections[0].expr.literal.value), "a\nb\"\\\n\r\t// no comment");
}

TEST(Parser, MutationsNeedNoCommas) {
  const ast::Query query = parse_one(
      "query q($v: Vector(3)) { insert Ship {name: \"a\" tons: 1, tags: [\"x\", \"y\"],} "
      "update Ship set {tons: 2} where tons >= 3 delete Tows where from != $v }");
  const auto& statements = std::get<std::vector<ast::Mutation>>(query.body);
  ASSERT_EQ(statements.size(), 3u);
  EXPECT_EQ(statements[0].assignments.size(), 3u);
  EXPECT_EQ(statements[1].where->op, CompareOp::kGreaterEqual);
  EXPECT_EQ(statements[2].kind, ast::MutationKind::kDelete);
  EXPECT_EQ(query.parameters[0].type.vector_dimension, 3u);
}

}  // namespace
}  // namespace omnigraph::query
