// Goal: no text crashes the compiler, and every refusal says what kind it is.
// Method: random token soup, and random edits of valid queries; seeds are printed and OMNIGRAPH_SEED replays one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/query/fixture.h"

namespace omnigraph::query {
namespace {

const std::vector<std::string>& valid_queries() {
  static const std::vector<std::string> queries{
      "query a($n: String, $v: Vector(2)?, $k: [I32]) @description(\"d\") { match { $s: Ship {name: $n, tags: "
      "\"red\",} "
      "$s docksAt $p $s $d:docksAt $p $s tows{1,3} $t $t <tows> $_ not { $p docksAt $x $x.tons > 15 not { $x tows $s } "
      "} "
      "$s.tons >= 10.5 $s.name starts_with \"a\" search($s.note, \"grain\") fuzzy($s.note, $n, 1) = false } "
      "return { $s.name as n, $p.code $d.since, count($s) as c, sum($s.tons) } order { c desc, n } limit 10 }",
      "query b($q: String) { match { $s: Ship $s.built > date(\"2020-01-01\") $s.seen < now() } "
      "return { $s, nearest($s.vec, [2, 0]) as d, bm25($s.note, $q), [1, 2.5], true } "
      "order { rrf(nearest($s.vec, [1,1]), bm25($s.note, $q), 60) asc, $s.name } limit 2 }",
      "query c($n: String, $b: Blob?) { insert Ship {name: $n tons: 5, pic: $b tags: [\"a\", \"b\"] seen: now()} "
      "insert Tows {from: $n to: \"ada\"} update Ship set {rate: 1} where tons >= 3 }",
      "query d() { delete DocksAt where since < date(\"2020-01-01\") delete Ship where name = \"x\" }",
  };
  return queries;
}

const std::vector<std::string>& tokens() {
  static const std::vector<std::string> all{
      "query",
      "match",
      "return",
      "order",
      "limit",
      "not",
      "insert",
      "update",
      "delete",
      "set",
      "where",
      "as",
      "asc",
      "desc",
      "count",
      "sum",
      "min",
      "nearest",
      "search",
      "fuzzy",
      "bm25",
      "rrf",
      "now",
      "date",
      "true",
      "null",
      "q",
      "name",
      "tons",
      "note",
      "vec",
      "pic",
      "tags",
      "tows",
      "docksAt",
      "contains",
      "starts_with",
      "Ship",
      "Port",
      "DocksAt",
      "Tows",
      "Nope",
      "String",
      "I32",
      "Vector",
      "Blob",
      "$s",
      "$t",
      "$p",
      "$w",
      "$_",
      "$n",
      "{",
      "}",
      "(",
      ")",
      "[",
      "]",
      ":",
      ",",
      ".",
      "?",
      "<",
      ">",
      "<=",
      "!=",
      "=",
      "1",
      "0",
      "2.5",
      "\"a\"",
      "\"",
      "\\",
      "@description",
      "@x",
      "-",
      "#",
      "//",
      "/*",
      "*/",
      "\n",
      "\xC3\xA9",
      "99999999999999999999",
      "$",
      "@",
  };
  return all;
}

class Robustness : public testing::Test {
 protected:
  void SetUp() override {
    const char* fixed = std::getenv("OMNIGRAPH_SEED");
    seed_ = fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);

    std::printf("seed %llu\n", static_cast<unsigned long long>(seed_));
  }

  std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  // Compiles every query of the text; a refusal must be a bad request of a known kind.
  void judge(const std::string& text) {
    const LintReport report = lint(text, "fuzz.gq", harbour());
    for (const Finding& finding : report.findings) {
      if (finding.code != "Q000") continue;
      EXPECT_TRUE(finding.message.starts_with("parse error: ")) << "seed " << seed_ << "\n"
                                                                << text << "\n"
                                                                << finding.message;
    }
    for (const QueryLint& query : report.results) {
      if (!query.error) continue;
      EXPECT_TRUE(query.error->starts_with("type error: ") || query.error->starts_with("mutation query "))
          << "seed " << seed_ << "\n"
          << text << "\n"
          << *query.error;
    }
    compiled_ += report.results.size();
  }

  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::size_t compiled_ = 0;
};

TEST_F(Robustness, TokenSoup) {
  for (int round = 0; round < 3000; ++round) {
    std::string text = pick(2) == 0 ? "query q() { match { $s: Ship " : "";
    for (std::size_t i = pick(60); i > 0; --i)
      text.append(tokens()[pick(tokens().size())]).append(pick(4) == 0 ? "" : " ");
    judge(text);
  }
}

TEST_F(Robustness, EditedQueries) {
  for (int round = 0; round < 4000; ++round) {
    std::string text = valid_queries()[pick(valid_queries().size())];
    for (std::size_t edits = 1 + pick(4); edits > 0; --edits) {
      const std::size_t at = pick(text.size());
      switch (pick(4)) {
        case 0: text.erase(at, 1 + pick(6)); break;
        case 1: text.insert(at, tokens()[pick(tokens().size())]); break;
        case 2: text[at] = static_cast<char>(pick(256)); break;
        default: text.insert(at, text.substr(pick(text.size()), pick(30))); break;
      }
      if (text.empty()) text.assign(1, ' ');
    }
    judge(text);
  }
  EXPECT_GT(compiled_, 100u) << "the edits leave too little that parses";
}

TEST_F(Robustness, ParametersOfAnyText) {
  const auto query = must_compile("match { $s: Ship } return { $s }",
                                  "$a: I64?, $b: [String]?, $c: Vector(2)?, $d: Date?, $e: F32?, $f: Bool?, $g: U64?");
  const std::vector<std::string> pieces{
      "{",     "}",     "[",    "]",    ",", ":",  "\"a\"", "\"b\"", "\"c\"", "\"d\"",          "\"e\"",
      "\"f\"", "\"g\"", "null", "true", "1", "-1", "2.5",   "1e400", "\"x\"", "\"2020-01-01\"", "99999999999999999999",
      "\xFF",  " "};
  for (int round = 0; round < 20000; ++round) {
    std::string json;
    if (pick(3) != 0) json.append("{\"").append(1, static_cast<char>('a' + pick(7))).append("\":");
    for (std::size_t i = pick(12); i > 0; --i) json += pieces[pick(pieces.size())];
    if (pick(2) == 0) json += "}";
    const auto values = read_parameters(*query, json);
    if (values) {
      EXPECT_EQ(values->size(), query->parameters.size()) << "seed " << seed_ << " " << json;
    } else {
      EXPECT_EQ(values.error().code, Code::kBadRequest) << "seed " << seed_ << " " << json;
    }
  }
}

TEST(RobustnessSanity, TheSeedQueriesAreValid) {
  for (const std::string& text : valid_queries()) {
    const auto bound = compile(text, "", harbour());
    EXPECT_TRUE(bound) << (bound ? "" : bound.error().render());
  }
}

}  // namespace
}  // namespace omnigraph::query
