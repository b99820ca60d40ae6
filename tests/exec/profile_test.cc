// Plans and profiles: what is listed, and that the counts are those of the run.
#include "exec/profile.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

using Mode = ProfileScope::Mode;

constexpr const char* kProfileSchema = R"(node Ship { name: String @key  tons: I32? }
node Port { code: String @key }
edge Tows: Ship -> Ship
edge DocksAt: Ship -> Port)";

// ada -> bob -> cat -> ada, dan -> dan; ada and cat dock at P1.
struct ProfileTest : ::testing::Test {
  ProfileTest() : graph(kProfileSchema) {
    graph.add(R"({"type":"Ship","data":{"name":"ada","tons":10}}
{"type":"Ship","data":{"name":"bob"}}
{"type":"Ship","data":{"name":"cat","tons":30}}
{"type":"Ship","data":{"name":"dan","tons":20}}
{"type":"Port","data":{"code":"P1"}}
{"edge":"Tows","from":"ada","to":"bob"}
{"edge":"Tows","from":"bob","to":"cat"}
{"edge":"Tows","from":"cat","to":"ada"}
{"edge":"Tows","from":"dan","to":"dan"}
{"edge":"DocksAt","from":"ada","to":"P1"}
{"edge":"DocksAt","from":"cat","to":"P1"})");
  }
  ReadProfile profile(std::string_view text, Mode mode = Mode::kAnalyze, std::string_view parameters = "{}") {
    ProfileScope scope(mode);
    answer = read(*graph.snapshot(), text, parameters);
    return std::move(scope.profile());
  }
  FakeGraph graph;
  ReadAnswer answer;
};

// `name detail` of all operators, inputs indented below; measured ones as `name rows/represented`.
void list(const OperatorProfile& op, bool counts, std::size_t depth, std::ostringstream& out) {
  out << std::string(depth, ' ') << op.name;
  if (counts) {
    out << " " << op.rows << "/" << op.represented;
  } else if (!op.detail.empty()) {
    out << " " << op.detail;
  }
  out << "\n";
  for (const OperatorProfile& child : op.children) list(child, counts, depth + 1, out);
}

std::string text_of(const ReadProfile& profile, bool counts = false) {
  std::ostringstream out;
  for (const OperatorProfile& op : profile.operators) list(op, counts, 0, out);
  return out.str();
}

TEST_F(ProfileTest, ExplainsWithoutRunning) {
  std::ostringstream ports, codes;  // So many that the ship's key is the better start.
  for (int i = 0; i < 200; ++i) {
    ports << R"({"type":"Port","data":{"code":"Q)" << i << "\"}}\n";
    codes << R"(,"Q)" << i << '"';
  }
  graph.add(ports.str());
  const ReadProfile plan = profile(
      "query q($n: String, $l: [String], $k: I64) { match { $a: Ship { name: $n } $a tows $b ($b.tons > 15 or $b.tons "
      "is "
      "null) $b docksAt $p $p.code in $l } return { $b.name, $b.tons + 1 as more } order { $b.name desc } limit $k }",
      Mode::kExplain, R"({"n":"bob","k":5,"l":["P1")" + codes.str() + "]}");
  EXPECT_TRUE(answer.rows.empty());
  EXPECT_FALSE(plan.executed);
  EXPECT_EQ(text_of(plan),
            "order $b.name, $b.tons + 1 order $b.name desc limit $k\n"
            " filter ($p.code in $l)\n"
            "  expand $b DocksAt $p from $b\n"
            "   filter (($b.tons > 15) or ($b.tons is null))\n"
            "    expand $a Tows $b from $a\n"
            "     look-up $a: Ship where ($a.name = $n)\n");
  EXPECT_EQ(plan.operators[0].rows, 0u);
  EXPECT_FALSE(plan.operators[0].estimated_rows.has_value());
  EXPECT_DOUBLE_EQ(plan.operators[0].children[0].children[0].children[0].children[0].children[0].estimated_rows.value(),
                   1);
}

TEST_F(ProfileTest, CountsWhatOperatorsHandOn) {
  const ReadProfile run = profile(
      "query q() { match { $a: Ship $a tows $b $b.tons >= 10 } return { $a.name, $b.name } order { $a.name } }");
  EXPECT_TRUE(run.executed);
  ASSERT_EQ(answer.rows.size(), 3u);
  EXPECT_EQ(text_of(run, true), "order 3/3\n expand 3/3\n  scan 3/3\n");
  EXPECT_EQ(run.operators[0].children[0].bytes, 3 * 2 * sizeof(std::uint32_t));
  EXPECT_GT(run.operators[0].time_us, 0);
  EXPECT_GT(run.execute_us, 0);
  EXPECT_GT(run.plan_us, 0);
  EXPECT_EQ(run.threads, 1u);
}

// A walk that is counted is not enumerated: tuples stand for several rows.
TEST_F(ProfileTest, TellsTuplesFromTheRowsTheyStandFor) {
  const ReadProfile run = profile(
      "query q() { match { $a: Ship $p: Port $b: Port $a docksAt $p $a docksAt $b } return { count($b) as n } }");
  ASSERT_EQ(answer.rows.at(0), "[2]");
  EXPECT_EQ(run.operators[0].name, "group");
  EXPECT_EQ(run.operators[0].children[0].represented, 2u);
  const ReadProfile walks = profile("query q() { match { $a: Ship $a tows $b $b tows $c } return { count($c) as n } }");
  ASSERT_EQ(answer.rows.at(0), "[4]");
  EXPECT_EQ(walks.operators[0].children[0].represented, 4u);
}

TEST_F(ProfileTest, ListsInnerPipelines) {
  const ReadProfile run = profile(
      "query q() { match { $s: Ship not { $s docksAt $p } optional { $s tows $t $t.tons > 25 } } return { $s.name, "
      "$t.name } order { $s.name } }");
  ASSERT_EQ(answer.rows, (std::vector<std::string>{"[\"bob\",\"cat\"]", "[\"dan\",null]"}));
  ASSERT_EQ(run.operators[0].children.size(), 1u);
  const OperatorProfile& optional = run.operators[0].children[0];
  EXPECT_EQ(optional.name, "optional");
  EXPECT_EQ(optional.rows, 2u);
  ASSERT_EQ(optional.children.size(), 2u);
  EXPECT_EQ(optional.children[1].rows, 1u) << "the block found one extension";
  const OperatorProfile& negation = optional.children[0];
  EXPECT_EQ(negation.name, "not");
  EXPECT_EQ(negation.rows, 2u);
  ASSERT_EQ(negation.children.size(), 2u);
  EXPECT_EQ(negation.children[1].represented, 2u) << "two ships dock";
  EXPECT_EQ(negation.children[0].rows, 4u);
}

TEST_F(ProfileTest, JoinsOfUnconnectedPartsShowBothSides) {
  const ReadProfile run = profile(
      "query q() { match { $a: Ship $b: Ship $a.tons = $b.tons } return { $a.name, $b.name } order { $a.name } }");
  ASSERT_EQ(answer.rows.size(), 3u);
  const OperatorProfile& filter = run.operators[0].children[0];
  EXPECT_EQ(filter.name, "filter");
  const OperatorProfile& join = filter.children.at(0);
  EXPECT_EQ(join.name, "hash join");
  EXPECT_EQ(join.detail, "($a.tons = $b.tons)");
  EXPECT_EQ(join.rows, 3u);
  ASSERT_EQ(join.children.size(), 2u);
  EXPECT_EQ(join.children[1].rows, 4u) << "the part is scanned once";
}

// Keys in a list are looked up; a list as long as the table is scanned for.
TEST_F(ProfileTest, ListsOfKeysAreLookedUp) {
  std::ostringstream more;
  for (int i = 0; i < 60; ++i) more << R"({"type":"Ship","data":{"name":"s)" << i << R"(","tons":)" << i << "}}\n";
  graph.add(more.str());
  const char* text =
      "query q($l: [String]) { match { $s: Ship $s.name in $l $s.tons > 5 } return { $s.name } order { $s.name } }";
  const ReadProfile found = profile(text, Mode::kAnalyze, R"({"l":["s9","nobody","s3","s9","ada","bob"]})");
  EXPECT_EQ(answer.rows, (std::vector<std::string>{"[\"ada\"]", "[\"s9\"]"}));
  EXPECT_EQ(found.operators[0].children[0].name, "look-up");
  EXPECT_EQ(found.operators[0].children[0].rows, 2u);
  profile(text, Mode::kAnalyze, R"({"l":["a","b","c","d","e","f","g","h","i","s11"]})");
  EXPECT_EQ(answer.rows, (std::vector<std::string>{"[\"s11\"]"}));
  const ReadProfile by_id =
      profile("query q() { match { $s: Ship $s.id in [\"cat\"] $s tows $t } return { $t.name } }");
  EXPECT_EQ(answer.rows, (std::vector<std::string>{"[\"ada\"]"}));
  EXPECT_EQ(by_id.operators[0].children[0].children[0].name, "look-up");
}

// The start is the node whose conditions keep least of its table, measured, whatever they look like.
TEST_F(ProfileTest, StartsWhereAFilterKeepsLeast) {
  std::ostringstream more;
  for (int i = 0; i < 2000; ++i) {
    more << R"({"type":"Ship","data":{"name":"s)" << i << R"(","tons":)" << (i == 1234 ? 900 : 7) << "}}\n";
  }
  for (int i = 0; i < 2000; ++i) {
    more << R"({"edge":"Tows","from":"s)" << i << R"(","to":"s)" << (i + 1) % 2000 << "\"}\n";
  }
  graph.add(more.str());
  const auto start_of = [&](std::string_view text) {
    ReadProfile plan = profile(text, Mode::kExplain);
    const OperatorProfile* at = &plan.operators[0];
    while (!at->children.empty()) at = &at->children[0];
    return at->detail.substr(0, 2);
  };
  // An equality that nearly all rows satisfy, a range that hardly any does.
  EXPECT_EQ(
      start_of("query q() { match { $a: Ship $b: Ship $a.tons = 7 $a tows $b $b.tons > 800 } return { $a.name } }"),
      "$b");
  EXPECT_EQ(
      start_of("query q() { match { $a: Ship $b: Ship $a.tons > 800 $a tows $b $b.tons = 7 } return { $a.name } }"),
      "$a");
  const ReadProfile run =
      profile("query q() { match { $a: Ship $b: Ship $a.tons = 7 $a tows $b $b.tons > 800 } return { $a.name } }");
  EXPECT_EQ(answer.rows, (std::vector<std::string>{"[\"s1233\"]"}));
  const OperatorProfile& scan = run.operators[0].children[0].children[0].children[0];
  EXPECT_EQ(scan.name, "scan");
  EXPECT_EQ(scan.rows, 1u);
  EXPECT_LT(scan.estimated_rows.value(), 20);
}

// Groups that are whole rows, ordered by a count: those that cannot be among the first are passed over.
TEST_F(ProfileTest, TopGroupsAreExact) {
  std::ostringstream more;
  for (int i = 0; i < 900; ++i) more << R"({"type":"Ship","data":{"name":"s)" << i << "\"}}\n";
  // Ship i is towed by i % 37 others.
  for (int i = 0; i < 900; ++i) {
    for (int t = 0; t < i % 37; ++t) {
      more << R"({"edge":"Tows","from":"s)" << (i + t + 1) % 900 << R"(","to":"s)" << i << "\"}\n";
    }
  }
  graph.add(more.str());
  const char* text =
      "query q($k: I64, $o: I64) { match { $a: Ship $a tows $b } return { $b.name as name, count($a) as n } "
      "order { n desc, name } offset $o limit $k }";
  profile(text, Mode::kAnalyze, R"({"k":5,"o":22})");
  // 24 ships of 36, then those of 35 in the order of their names.
  ASSERT_EQ(answer.rows.size(), 5u);
  EXPECT_EQ(answer.rows[0], "[\"s850\",36]");
  EXPECT_EQ(answer.rows[1], "[\"s887\",36]");
  EXPECT_EQ(answer.rows[2], "[\"s109\",35]");
  const ReadAnswer best = answer;
  profile(text, Mode::kAnalyze, R"({"k":5000,"o":0})");
  ASSERT_GT(answer.rows.size(), 800u);
  EXPECT_EQ(best.rows, std::vector<std::string>(answer.rows.begin() + 22, answer.rows.begin() + 27));
}

TEST_F(ProfileTest, NothingToDoIsSaid) {
  const ReadProfile never = profile("query q() { match { $s: Ship 1 > 2 } return { $s.name } }");
  EXPECT_EQ(text_of(never), "collect $s.name\n nothing a condition never holds\n");
}

TEST_F(ProfileTest, OnlyAScopeMeasures) {
  EXPECT_EQ(read(*graph.snapshot(), "query q() { match { $s: Ship } return { $s.name } }").rows.size(), 4u);
  EXPECT_EQ(ProfileScope::current(), nullptr);
  ProfileScope outer(Mode::kAnalyze);
  {
    ProfileScope inner(Mode::kExplain);
    EXPECT_EQ(ProfileScope::current(), &inner);
  }
  EXPECT_EQ(ProfileScope::current(), &outer);
  const ReadAnswer failed =
      read(*graph.snapshot(), "query q() { match { $s: Ship } return { 1 / ($s.tons - 10) as x } }");
  EXPECT_TRUE(outer.profile().operators.empty()) << "a read that failed leaves no profile";
}

}  // namespace
}  // namespace omnigraph::exec::testing
