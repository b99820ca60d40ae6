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
       "parse error: unknown query annotation '@mcp': expected @description(\"..\"), @instruction(\"..\"), @mixed or "
       "'{' at 1:11"},
      {"query q() @description(\"a\") @description(\"b\") { }",
       "parse error: duplicate @description on query 'q': expected it at most once at 1:29"},
      {"query q() @instruction(\"a\") @instruction(\"b\") { }",
       "parse error: duplicate @instruction on query 'q': expected it at most once at 1:29"},
      {"query q() { match { } return { $s } }", "parse error: expected a clause: 'match' is empty, found '}' at 1:21"},
      {"query q() {\n  match { $s: ship }\n  return { $s } }",
       "parse error: expected a node type name, found 'ship' at 2:15"},
      {"query q() { match { $s: Ship, $t: Ship } return { $s } }",
       "parse error: expected a clause or '}', found ',' at 1:29"},
      {"query q() { match { $s: Ship {,} } return { $s } }",
       "parse error: expected a property name, found ',' at 1:31"},
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
      {"query q() { match { $s: Ship } return { $s } limit \"2\" }",
       "parse error: expected an integer or a parameter after 'limit', found a string at 1:52"},
      {"query q() { match { $s: Ship } return { $s } limit -2 }",
       "parse error: expected an integer or a parameter after 'limit', found '-' at 1:52"},
      {"query q() { match { $s: Ship } return { $s } limit 2 order { $s } }",
       "parse error: expected 'offset' or '}' to close the query, found 'order' at 1:54"},
      {"query q() { match { $s: Ship } return { $s } offset 2 limit 1 offset 2 }",
       "parse error: expected '}' to close the query, found 'offset' at 1:63"},
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
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null), found '}' at "
       "1:38"},
      {"query q() { match { $s: Ship $s.tons = 1 or $s.tons } return { $s } }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null), found '}' at "
       "1:53"},
      {"query q() { match { $s: Ship ($s.tons) } return { $s } }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null), found '}' at "
       "1:40"},
      {"query q() { match { $s: Ship ($s.tons = 1) + 2 = 3 } return { $s } }",
       "parse error: expected a value, found a condition at 1:30"},
      {"query q() { match { $s: Ship $s.tons = 1 = 2 } return { $s } }",
       "parse error: expected a clause (binding, traversal, condition, 'not' or 'optional') or '}', found '=' at 1:42"},
      {"query q() { match { $s: Ship $s.tons = 1 and not { $s.tons = 2 } } return { $s } }",
       "parse error: expected a condition behind 'not', found '{' at 1:50"},
      {"query q() { match { $s: Ship } return { ($s.tons = 1) as x } }",
       "parse error: expected a value, found a condition at 1:41"},
      {"query q() { match { $a: Ship $w = shortest $a $x:tows{1,2} $b } return { $a } }",
       "parse error: expected an edge word, found variable '$x' at 1:47"},
      {"query q() { match { $s: Ship } return { length(1) } }",
       "parse error: expected a path variable in length(..), found integer 1 at 1:48"},
      {"query q() @mixed { match { $s: Ship } return { $s } }",
       "parse error: expected a mutation behind @mixed, but query 'q' is a read at 1:11"},
      {"query q() @mixed @mixed { insert Ship {name: \"a\"} }",
       "parse error: duplicate @mixed on query 'q': expected it at most once at 1:18"},
      {"query q() { match { $s: Ship $s.tons > 1e400 } return { $s } }",
       "parse error: float literal exceeds the range of F64 at 1:40"},
      {"query q() { match { $s: Ship $s.tons = 9223372036854775808 } return { $s } }",
       "parse error: integer literal 9223372036854775808 exceeds 9223372036854775807 at 1:40"},
      {"query q() { match { $s: Ship $s.note = \"a\\q\" } return { $s } }",
       "parse error: unsupported escape sequence: \\q at 1:42"},
      {"query q() { match { $s: Ship $s.note = \"a } return { $s } }",
       "parse error: unterminated string: expected '\"' at 1:40"},
      {"query q() { /* open", "parse error: unterminated comment: expected '*/' at 1:13"},
      {"# note\nquery q() { }", "parse error: unexpected character '#' at 1:1"},
      {"query q() { match { $s: Ship } return { [1,] } }",
       "parse error: expected a literal in the list, found ']' at 1:44"},
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
      {"query q() { match { $s: Ship } return { $s as Name } }",
       "parse error: expected an alias, found 'Name' at 1:47"},
      {"query q() { match { $s: Ship } return { $ } }",
       "parse error: expected a variable name after '$', starting with a-z or '_' at 1:41"},
      {"query q() { insert Ship }", "parse error: expected '{' after the inserted type, found '}' at 1:25"},
      {"query q() { insert Ship {} }", "parse error: expected an assignment 'property: value', found '}' at 1:26"},
      {"query q() { update Ship {name: 1} where name = 1 }",
       "parse error: expected 'set' after the updated type, found '{' at 1:25"},
      {"query q() { update Ship set {name: 1} }", "parse error: expected 'where' and a condition, found '}' at 1:39"},
      {"query q() { delete Ship }", "parse error: expected 'where' and a condition, found '}' at 1:25"},
      {"query q() { delete Ship where name }",
       "parse error: expected a comparison (=, !=, <, <=, >, >=, contains, starts_with, in, is null), found '}' at "
       "1:36"},
      {"query q() { delete Ship where name = \"a\", delete Ship where name = \"b\" }",
       "parse error: expected a statement or '}', found ',' at 1:41"},
      {"query q() { insert Ship {name: \"é\"} ✂ }", "parse error: unexpected character '✂' at 1:37"},
      {"query q() { match { $s: Ship } return { $s }",
       "parse error: expected 'order', 'limit', 'offset' or '}' to close the query, "
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
  EXPECT_EQ(file.error().message,
            "parse error: expected an integer or a parameter after 'limit', found a float at 4:9");
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
  const ast::Query query = parse_one("// head\nquery q()/* a * b / c */{\r\n\tmatch{$s:Ship}return{$s}// tail\n}/**/");
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
  EXPECT_EQ(std::get<ast::Condition>(read.match[3]).expr.op, CompareOp::kContains);
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
  EXPECT_EQ(read.limit->literal, columnar::Scalar{std::int64_t{0}});
}

// A literal and an identifier need no blank between them; an exponent needs digits.
TEST(Parser, ANumberEndsWhereItsDigitsAndItsExponentEnd) {
  const ast::Query query =
      parse_one("query q() { match { $s: Ship } return { $s as e 1e, 1e6 2.50 as x 1.5E-2x 1e+2 1e-400 } }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.projections.size(), 9u);
  const auto real = [&read](std::size_t i) { return std::get<double>(read.projections[i].expr.literal.value); };
  EXPECT_EQ(std::get<std::int64_t>(read.projections[1].expr.literal.value), 1);
  EXPECT_EQ(read.projections[2].expr.name, "e");
  EXPECT_EQ(real(3), 1e6);
  EXPECT_EQ(real(4), 2.5);
  EXPECT_EQ(real(5), 1.5e-2);
  EXPECT_EQ(read.projections[6].expr.name, "x");
  EXPECT_EQ(real(7), 100.0);
  EXPECT_EQ(real(8), 0.0);
}

// Goal: binding strength and grouping are those of chapter 14 section 1.
// Method: conditions written with their implied parentheses spelled out must have the same shape.
std::string shape(const ast::Expr& expr) {
  std::string inner;
  for (const ast::Expr& arg : expr.args) inner += (inner.empty() ? "" : " ") + shape(arg);
  switch (expr.kind) {
    case ast::ExprKind::kAnd: return "(and " + inner + ")";
    case ast::ExprKind::kOr: return "(or " + inner + ")";
    case ast::ExprKind::kNot: return "(not " + inner + ")";
    case ast::ExprKind::kIn: return "(in " + inner + ")";
    case ast::ExprKind::kIsNull: return std::string(expr.negated ? "(there " : "(null ") + inner + ")";
    case ast::ExprKind::kCompare: return "(" + std::string(op_text(expr.op)) + " " + inner + ")";
    case ast::ExprKind::kArithmetic: return "(" + std::string(arithmetic_text(expr.arithmetic)) + " " + inner + ")";
    case ast::ExprKind::kLiteral: {
      std::string text;
      columnar::append_json(text, expr.literal);
      return text;
    }
    case ast::ExprKind::kList: return "[" + inner + "]";
    case ast::ExprKind::kProperty: return expr.name + "." + expr.property;
    case ast::ExprKind::kSearch: return "(search " + inner + ")";
    default: return expr.name;
  }
}

TEST(Parser, BindingStrength) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"$s.a = 1 or $s.b = 2 and $s.c = 3", "(or (= s.a 1) (and (= s.b 2) (= s.c 3)))"},
      {"($s.a = 1 or $s.b = 2) and $s.c = 3", "(and (or (= s.a 1) (= s.b 2)) (= s.c 3))"},
      {"not $s.a = 1 and not not $s.b = 2", "(and (not (= s.a 1)) (not (not (= s.b 2))))"},
      {"not ($s.a > 15)", "(not (> s.a 15))"},
      {"$s.a + 2 * $s.b - 3 > -$s.c % 2", "(> (- (+ s.a (* 2 s.b)) 3) (% (- s.c) 2))"},
      {"($s.a + 2) * 3 = 9", "(= (* (+ s.a 2) 3) 9)"},
      {"(($s.a + 2) * 3 = 9)", "(= (* (+ s.a 2) 3) 9)"},
      {"$s.a -1 = 2", "(= (- s.a 1) 2)"},
      {"$s.a - -1 = -9223372036854775808", "(= (- s.a -1) -9223372036854775808)"},
      {"$s.a in [-1, 2] or $s.a is null", "(or (in s.a [-1 2]) (null s.a))"},
      {"$s.a is not null and \"x\" in $s.tags", "(and (there s.a) (in \"x\" s.tags))"},
      {"$p in $s.tags", "(in p s.tags)"},
      {"($p) in $l", "(in p l)"},
      {"search($s.a, \"x\") or $s.a starts_with \"y\"", "(or (search s.a \"x\") (starts_with s.a \"y\"))"},
      {"-1 < $s.a", "(< -1 s.a)"},
  };
  for (const auto& [text, expected] : table) {
    const ast::Query query = parse_one("query q() { match { $s: Ship " + text + " } return { $s } }");
    const ast::Read& read = read_of(query);
    ASSERT_EQ(read.match.size(), 2u) << text;
    EXPECT_EQ(shape(std::get<ast::Condition>(read.match[1]).expr), expected) << text;
  }
}

// Every word makes a traversal between two variables, and every keyword may name a property, an alias or an edge.
TEST(Parser, NewKeywordsAreContextual) {
  const ast::Query query = parse_one(
      "query q($in: I64) { match { $a in $b  $a is $b  $a or $b  $a and $b  $a optional $b  $a shortest $b  $a in{1,2} "
      "$b "
      "$a: A { in: 1, is: 2, or: 3, and: 4, distinct: 5, optional: 6 } $a.in in $a.or } "
      "return { count(distinct) as distinct $a.distinct as in, in distinct count(distinct distinct) } "
      "order { distinct, offset } limit $in offset 1 }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.match.size(), 9u);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_TRUE(std::holds_alternative<ast::Traversal>(read.match[i])) << i;
  ASSERT_EQ(read.projections.size(), 5u);
  EXPECT_FALSE(read.projections[0].expr.distinct);
  EXPECT_TRUE(read.projections[4].expr.distinct);
  const ast::Query write = parse_one(
      "query q() { update A set {in: 1 not: 2 or: not} where not = 1 and not not is null and true = 3 or in in [1] }");
  const auto& statement = std::get<std::vector<ast::Mutation>>(write.body)[0];
  EXPECT_EQ(statement.assignments.size(), 3u);
  EXPECT_EQ(shape(*statement.where), "(or (and (= not 1) (not (null not)) (= true 3)) (in in [1]))");
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
  EXPECT_TRUE(std::holds_alternative<ast::Condition>(read.match[6]));
  EXPECT_TRUE(std::holds_alternative<ast::Condition>(read.match[7]));
}

TEST(Parser, TextFunctionsAreClausesOrOperands) {
  const ast::Query query = parse_one(
      "query q() { match { $s: Ship search($s.note, \"a\") fuzzy($s.note, \"a\", 1) = false match_text($s.note, \"b\") "
      "} "
      "return { $s } }");
  const ast::Read& read = read_of(query);
  ASSERT_EQ(read.match.size(), 4u);
  const auto kind = [&read](std::size_t i) { return std::get<ast::Condition>(read.match[i]).expr.kind; };
  EXPECT_EQ(kind(1), ast::ExprKind::kSearch);
  EXPECT_EQ(kind(2), ast::ExprKind::kCompare);
  EXPECT_EQ(kind(3), ast::ExprKind::kMatchText);
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
