// The acceptance examples of chapters 02 (section 12) and 04 (section 9) that need no storage.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

constexpr std::string_view kShips = R"(
node Ship { name: String @key  tons: I32?  rate: F32?  built: Date?  seen: DateTime?  tags: [String]?  note: String? @index  vec: Vector(2)?  pic: Blob? }
node Port { code: String @key  zone: enum(north, south)? }
edge DocksAt: Ship -> Port { since: Date? }
edge Tows: Ship -> Ship
)";

constexpr std::string_view kShipRows = R"(
{"type":"Ship","data":{"name":"ada","tons":10,"tags":["red","old"],"vec":[0,0],"note":"Grain carrier"}}
{"type":"Ship","data":{"name":"bob","vec":[1,0]}}
{"type":"Ship","data":{"name":"cat","tons":30,"vec":[3,0],"note":"Carrying grains north"}}
{"type":"Ship","data":{"name":"dan","tons":20}}
{"type":"Port","data":{"code":"P1","zone":"north"}}
{"type":"Port","data":{"code":"P2","zone":"south"}}
{"edge":"DocksAt","from":"ada","to":"P1","data":{"since":"2020-01-02"}}
{"edge":"DocksAt","from":"ada","to":"P1","data":{"since":"2021-01-02"}}
{"edge":"DocksAt","from":"cat","to":"P2"}
{"edge":"Tows","from":"ada","to":"bob"}
{"edge":"Tows","from":"bob","to":"cat"}
{"edge":"Tows","from":"cat","to":"ada"}
{"edge":"Tows","from":"dan","to":"dan"}
)";

struct Case {
  std::string name;
  std::string query;  // body after `query q`
  std::vector<std::string> rows;
  bool ordered = false;
  std::string parameters = "{}";
};

class ShipTest : public ::testing::TestWithParam<Case> {};

TEST_P(ShipTest, Answers) {
  FakeGraph graph(kShips);
  graph.add(kShipRows);
  const Case& c = GetParam();
  ReadAnswer answer = read(*graph.snapshot(), "query q" + c.query, c.parameters);
  std::vector<std::string> expected = c.rows;
  if (!c.ordered) {
    std::ranges::sort(answer.rows);
    std::ranges::sort(expected);
  }
  EXPECT_EQ(answer.rows, expected) << c.query;
}

std::string plain(std::string_view match, std::string_view rest) {
  return "() { match {" + std::string(match) + "} return " + std::string(rest) + " }";
}

INSTANTIATE_TEST_SUITE_P(
    Chapter02, ShipTest,
    ::testing::Values(
        Case{"1",
             plain("$s: Ship", "{$s.name, $s.tons} order {$s.tons}"),
             {R"(["bob",null])", R"(["ada",10])", R"(["dan",20])", R"(["cat",30])"},
             true},
        Case{"2",
             plain("$s: Ship", "{$s.name} order {$s.tons desc} limit 3"),
             {R"(["cat"])", R"(["dan"])", R"(["ada"])"},
             true},
        Case{"3", plain("$s: Ship $s.tons != 10", "{$s.name}"), {R"(["cat"])", R"(["dan"])"}},
        Case{"4", plain("$s: Ship not { $s.tons > 15 }", "{$s.name}"), {R"(["ada"])", R"(["bob"])"}},
        Case{"5", plain("$s: Ship $s docksAt $p", "{$s.name, $p.code}"), {R"(["ada","P1"])", R"(["cat","P2"])"}},
        Case{"6",
             plain("$s: Ship $s $d:docksAt $p", "{$d.since} order {$d.since}"),
             {"[null]", R"(["2020-01-02"])", R"(["2021-01-02"])"},
             true},
        Case{"7", plain(R"($p: Port {code:"P1"} $s docksAt $p)", "{count($s) as n}"), {"[1]"}},
        Case{"8",
             plain(R"($s: Ship {name:"ada"} $s tows{1,5} $t)", "{$t.name} order {$t.name}"),
             {R"(["bob"])", R"(["cat"])"},
             true},
        Case{"9", plain(R"($s: Ship {name:"ada"} $s tows{2,3} $t)", "{$t.name}"), {R"(["cat"])"}},
        Case{"10", plain(R"($s: Ship {name:"dan"} $s tows{1,3} $t)", "{$t.name}"), {R"(["dan"])"}},
        Case{"11",
             plain(R"($s: Ship {name:"ada"} $s <tows> $t)", "{$t.name} order {$t.name}"),
             {R"(["bob"])", R"(["cat"])"},
             true},
        Case{"12", plain("$s: Ship not { $s docksAt $_ }", "{$s} order {$s}"), {R"(["bob"])", R"(["dan"])"}, true},
        Case{"13", plain("$s: Ship $s docksAt{2,4} $p", "{$p.code}"), {}},
        Case{"14", plain(R"($s: Ship {name:"zzz"})", "{count($s) as n, max($s.tons) as m}"), {"[0,null]"}},
        Case{"15", plain(R"($s: Ship {name:"zzz"})", "{$s.name, count($s) as n}"), {}},
        Case{"16", plain("$s: Ship", "{sum($s.tons) as t, avg($s.tons) as a}"), {"[60.0,20.0]"}},
        Case{"17", plain(R"($s: Ship {tags:"red"})", "{$s.name}"), {R"(["ada"])"}},
        Case{"18", plain("$s: Ship $s.tons = 10.5", "{$s.name}"), {}},
        Case{"20",
             plain("$s: Ship", "{$s.name} order {nearest($s.vec,[2,0])} limit 2"),
             {R"(["bob"])", R"(["cat"])"},
             true},
        Case{"22",
             plain("$s: Ship $s docksAt $p", "{$s.name} order {nearest($s.vec,[1,0])} limit 2"),
             {R"(["ada"])", R"(["cat"])"},
             true},
        Case{"23",
             plain(R"($s: Ship search($s.note,"grain"))", "{$s.name} order {$s.name}"),
             {R"(["ada"])", R"(["cat"])"},
             true},
        Case{"24", plain(R"($s: Ship fuzzy($s.note,"grian",2))", "{$s.name}"), {R"(["ada"])"}},
        Case{"25", plain("$s: Ship", R"({$s.name} order {bm25($s.note,"carrier")})"), {R"(["ada"])"}, true},
        Case{"28", plain("$p: Port not { $p docksAt $s  $s.tons > 15 }", "{$p.code}"), {R"(["P1"])"}},
        Case{"31", "($n: String?) { match {$s: Ship {name:$n}} return {$s.name} }", {}},
        Case{"edge rows", plain("$s: Ship $s $d:docksAt $p", "{count($p) as n}"), {"[3]"}},
        Case{"self traversal", plain("$s: Ship $s tows $s", "{$s}"), {R"(["dan"])"}},
        Case{"self bounded", plain("$s: Ship $s tows{1,4} $s", "{$s}"), {R"(["dan"])"}},
        Case{"cycle", plain("$a: Ship $a tows $b $b tows $c $c tows $a", "{count($a) as n}"), {"[4]"}},
        Case{"backward bound", plain(R"($t: Ship {name:"ada"} $s: Ship $s tows{2,3} $t)", "{$s.name}"), {R"(["bob"])"}},
        Case{"cross product", plain("$s: Ship $p: Port", "{count($s) as n, count($p) as m}"), {"[8,8]"}},
        Case{"equal join",
             plain("$a: Ship $b: Ship $a.tons = $b.tons", "{$a, $b}"),
             {R"(["ada","ada"])", R"(["cat","cat"])", R"(["dan","dan"])"}},
        Case{"nested not",
             plain("$s: Ship not { $s docksAt $p not { $p.zone = \"south\" } }", "{$s}"),
             {R"(["bob"])", R"(["cat"])", R"(["dan"])"}},
        Case{"grouped order",
             plain("$s: Ship $s <tows> $t", "{$s.name as s, count($t) as n} order {n desc} limit 3"),
             {R"(["ada",2])", R"(["bob",2])", R"(["cat",2])"},
             true},
        Case{"min max text",
             plain("$s: Ship", "{min($s.name) as a, max($s.name) as b, count($s.tons) as n}"),
             {R"(["ada","dan",3])"}},
        Case{"not matching text", plain(R"($s: Ship search($s.note,"carrier") = false)", "{$s}"), {R"(["cat"])"}},
        Case{"limit zero", plain("$s: Ship", "{$s} order {$s} limit 0"), {}},
        Case{"score",
             plain("$s: Ship", "{$s, nearest($s.vec,[2,0]) as d} order {$s}"),
             {R"(["ada",4.0])", R"(["bob",1.0])", R"(["cat",1.0])", R"(["dan",null])"},
             true},
        Case{"ranked groups",
             plain("$s: Ship $s docksAt $p", R"({$p.code, count($s) as n} order {nearest($s.vec,[3,0])} limit 5)"),
             {R"(["P2",1])", R"(["P1",1])"},
             true},
        Case{"duplicate rows",
             plain("$s: Ship $s tows{1,2} $t", "{$t.tons}"),
             {"[null]", "[30]", "[10]", "[30]", "[10]", "[null]", "[20]"}}),
    [](const auto& i) {
      std::string name = i.param.name;
      std::ranges::replace(name, ' ', '_');
      return "Example_" + name;
    });

constexpr std::string_view kNotes = "node Note { slug: String @key  body: String? @index  vec: Vector(4)? }";
constexpr std::string_view kNoteRows = R"(
{"type":"Note","data":{"slug":"n1","body":"Tide tables for the harbor"}}
{"type":"Note","data":{"slug":"n2","body":"Harbor pilots and harbor tugs"}}
{"type":"Note","data":{"slug":"n3","body":"Lighthouse keeper"}}
{"type":"Note","data":{"slug":"n4","body":"the of and"}}
{"type":"Note","data":{"slug":"n5"}}
)";

std::vector<std::string> notes(FakeGraph& graph, const std::string& match, const std::string& rest,
                               const std::string& parameters = "{}", const std::string& declared = "") {
  return read(*graph.snapshot(), "query q(" + declared + ") { match { $n: Note " + match + " } return " + rest + " }",
              parameters)
      .rows;
}

using Rows = std::vector<std::string>;

TEST(Text, Chapter04Examples) {
  FakeGraph graph(kNotes);
  graph.add(kNoteRows);
  const std::string by_slug = "{$n} order {$n}";
  EXPECT_EQ(notes(graph, R"(search($n.body,"HARBORS"))", by_slug), (Rows{R"(["n1"])", R"(["n2"])"}));
  EXPECT_EQ(notes(graph, R"(search($n.body,"\"tug keeper\""))", by_slug), (Rows{R"(["n2"])", R"(["n3"])"}));
  EXPECT_EQ(notes(graph, R"(search($n.body,"the"))", by_slug), Rows{});
  EXPECT_EQ(notes(graph, R"(search($n.body,"harbor") = false)", by_slug), (Rows{R"(["n3"])", R"(["n4"])"}));
  EXPECT_EQ(notes(graph, "", R"({$n, bm25($n.body,"harbors tide") as s} order {bm25($n.body,"harbors tide")})"),
            (Rows{R"(["n1",1.4508328822574619])", R"(["n2",0.5908617053374963])"}));
  EXPECT_EQ(notes(graph, "", R"({$n, bm25($n.body,"harbor harbor") as s} order {s})"),
            (Rows{R"(["n2",1.1817234106749925])", R"(["n1",0.9400072584914713])"}));
  EXPECT_EQ(notes(graph, R"($n.slug = "n1")", R"({$n, bm25($n.body,"harbors tide") as s} order {s})"),
            (Rows{R"(["n1",1.4508328822574619])"}));
  EXPECT_EQ(notes(graph, R"(fuzzy($n.body,"harbour"))", by_slug), (Rows{R"(["n1"])", R"(["n2"])"}));
  EXPECT_EQ(notes(graph, R"(fuzzy($n.body,"hrabor",1))", by_slug), Rows{});
  EXPECT_EQ(notes(graph, R"(fuzzy($n.body,"hrabor",$k))", by_slug, R"({"k":9})", "$k: I32"),
            (Rows{R"(["n1"])", R"(["n2"])"}));
  EXPECT_EQ(notes(graph, R"(fuzzy($n.body,"hrabor",$k))", by_slug, R"({"k":0})", "$k: I32"), Rows{});
  EXPECT_NE(notes(graph, R"(fuzzy($n.body,"hrabor",$k))", by_slug, R"({"k":-1})", "$k: I32")
                .at(0)
                .find("must not be negative"),
            std::string::npos);
  EXPECT_EQ(notes(graph, R"(search($n.body,"harbor") search($n.body,"pilots"))", by_slug), (Rows{R"(["n2"])"}));
}

// Goal: scores follow the live rows only, whatever the layout.
TEST(Text, DeletedRowsDoNotCount) {
  FakeGraph graph(kNotes, 2);
  graph.add(kNoteRows);
  graph.add(R"({"type":"Note","data":{"slug":"n6","body":"harbor harbor harbor wall"}})");
  graph.remove("Note", "n6");
  EXPECT_EQ(notes(graph, "", R"({$n, bm25($n.body,"harbors tide") as s} order {s})"),
            (Rows{R"(["n1",1.4508328822574619])", R"(["n2",0.5908617053374963])"}));
}

TEST(Rank, ReciprocalRankFusion) {
  FakeGraph graph(kNotes);
  graph.add(R"(
{"type":"Note","data":{"slug":"n1","body":"harbor harbor","vec":[2,0,0,0]}}
{"type":"Note","data":{"slug":"n2","body":"harbor with a long text about tugs and more"}}
{"type":"Note","data":{"slug":"n3","body":"Lighthouse","vec":[1,0,0,0]}}
)");
  const std::string f = R"(rrf(nearest($n.vec,[0,0,0,0]), bm25($n.body,"harbor")))";
  EXPECT_EQ(notes(graph, "", "{$n, " + f + " as s} order {" + f + "} limit 5"),
            (Rows{R"(["n1",0.03252247488101534])", R"(["n3",0.01639344262295082])", R"(["n2",0.016129032258064516])"}));
  EXPECT_EQ(notes(graph, "", "{$n} order {rrf(nearest($n.vec,[0,0,0,0]), bm25($n.body,\"harbor\"), $k)} limit 5",
                  R"({"k":0})", "$k: I32")
                .at(0)
                .find("error: query: rrf k"),
            0u);
}

// Goal: rows of one entity stay together and `limit` counts rows.
TEST(Rank, RowsOfAnEntityStayTogether) {
  FakeGraph graph(kShips);
  graph.add(R"(
{"type":"Ship","data":{"name":"a","vec":[1,0]}}
{"type":"Ship","data":{"name":"b","vec":[1,0]}}
{"type":"Port","data":{"code":"P1"}}
{"type":"Port","data":{"code":"P2"}}
{"type":"Port","data":{"code":"P3"}}
{"edge":"DocksAt","from":"a","to":"P2"}
{"edge":"DocksAt","from":"a","to":"P3"}
{"edge":"DocksAt","from":"b","to":"P1"}
{"edge":"DocksAt","from":"b","to":"P3"}
)");
  EXPECT_EQ(read(*graph.snapshot(),
                 "query q() { match { $s: Ship $s docksAt $p } return {$s, $p} "
                 "order {nearest($s.vec,[0,0]), $p.code} limit 3 }")
                .rows,
            (Rows{R"(["b","P1"])", R"(["b","P3"])", R"(["a","P2"])"}));
}

TEST(Rank, NullQueryIsAnError) {
  FakeGraph graph(kNotes);
  graph.add(kNoteRows);
  EXPECT_EQ(notes(graph, "", "{$n} order {nearest($n.vec,$v)} limit 1", "{}", "$v: Vector(4)?"),
            (Rows{"error: query: nearest query must be a string or list of floats"}));
  EXPECT_EQ(notes(graph, "", "{$n} order {bm25($n.body,$v)} limit 1", "{}", "$v: String?"),
            (Rows{"error: query: bm25 query must resolve to a string"}));
}

TEST(Rank, TextIsEmbeddedOnce) {
  FakeGraph graph(kNotes);
  graph.add(R"({"type":"Note","data":{"slug":"n1","vec":[1,0,0,0]}})");
  int calls = 0;
  ReadContext context;
  context.embed = [&](std::string_view text, std::uint32_t dimension, std::string_view, std::string_view property) {
    ++calls;
    EXPECT_EQ(text, "tide");
    EXPECT_EQ(property, "vec");
    return Result<columnar::FloatVector>(columnar::FloatVector(dimension, 0.0f));
  };
  EXPECT_EQ(read(*graph.snapshot(),
                 "query q() { match { $n: Note } return {$n, nearest($n.vec,\"tide\") as d} "
                 "order {nearest($n.vec,\"tide\")} limit 1 }",
                 "{}", context)
                .rows,
            (Rows{R"(["n1",1.0])"}));
  EXPECT_EQ(calls, 1);
}

// Goal: every kind of expression that may be returned has a column.
TEST(Read, ReturnsLiteralsParametersAndPredicates) {
  FakeGraph graph(kShips);
  graph.add(kShipRows);
  const auto one = [&](const std::string& projections, const std::string& parameters = "{}",
                       const std::string& declared = "") {
    ReadContext context;
    context.now_ms = 1'000;
    const auto answer =
        read(*graph.snapshot(),
             "query q(" + declared + ") { match { $s: Ship {name:\"ada\"} } return { " + projections + " } }",
             parameters, context);
    return answer.rows.empty() ? std::string("none") : answer.rows[0];
  };
  EXPECT_EQ(one("1, 2.5, \"x\", true, [1, 2.5], [], now()"),
            R"([1,2.5,"x",true,[1.0,2.5],[],"1970-01-01T00:00:01.000Z"])");
  EXPECT_EQ(one("[2.5, 1] as l, date(\"2020-01-02\") as d"), R"([[2.5,1.0],"2020-01-02"])");
  EXPECT_EQ(one("$a, $b, $c, $d", R"({"a":"12","b":[1,2],"c":null,"d":[0.5,1]})",
                "$a: U64, $b: [I32], $c: F32?, $d: Vector(2)"),
            "[12,[1,2],null,[0.5,1.0]]");
  EXPECT_EQ(one(R"(search($s.note,"grain") as t, search($s.note,$q) as u, $s.tags, $s.vec, $s)", R"({"q":null})",
                "$q: String?"),
            R"([true,false,["red","old"],[0.0,0.0],"ada"])");
  EXPECT_EQ(one("count(1) as a, count($s.tags) as b, count($q) as c, max($s.rate) as d, $q as e", R"({"q":null})",
                "$q: String?"),
            "[1,1,0,null,null]");
  EXPECT_EQ(one("$s.name as a, a as b"), R"(["ada","ada"])");
}

// Goal: list keys group item by item; a null key is a group.
TEST(Read, GroupsByListsAndNulls) {
  FakeGraph graph(kShips);
  graph.add(kShipRows);
  graph.add(R"({"type":"Ship","data":{"name":"eve","tags":["red","old"]}})");
  EXPECT_EQ(
      read(*graph.snapshot(), "query q() { match { $s: Ship } return { $s.tags as t, count($s) as n } order { n } }")
          .rows,
      (Rows{R"([["red","old"],2])", "[null,3]"}));
}

TEST(Read, RefusesMoreVariablesThanAPlanHolds) {
  FakeGraph graph(kShips);
  std::string query = "query q() { match { $s: Ship ";
  for (int i = 0; i < 300; ++i) query += "$s tows $_ ";
  EXPECT_EQ(read(*graph.snapshot(), query + "} return { $s } }")
                .rows.at(0)
                .find("error: type error: the query has 301 variables"),
            0u);
}

TEST(Read, StopsWhenCancelled) {
  FakeGraph graph(kShips);
  graph.add(kShipRows);
  ReadContext context;
  context.cancelled = [] { return true; };
  const ReadAnswer answer = read(*graph.snapshot(), "query q() { match { $s: Ship } return {$s} }", "{}", context);
  EXPECT_EQ(answer.rows, (Rows{"error: the query was cancelled"}));
}

}  // namespace
}  // namespace omnigraph::exec::testing
