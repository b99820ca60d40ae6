#include "exec/mutate.h"

#include <gtest/gtest.h>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

constexpr std::string_view kMutateSchema = R"(
node Ship { name: String @key  tons: I32?  rate: F32?  note: String?  kind: enum(tug, liner)?  tags: [I32]?  vec: Vector(2)?  pic: Blob? }
node Port { zone: String  size: U32? }
node Berth { port: String  number: I32  free: Bool?  @key(port, number) }
edge DocksAt: Ship -> Port { since: Date? }
edge Tows: Ship -> Ship
)";

constexpr std::string_view kRows = R"(
{"type":"Ship","data":{"name":"ada","tons":10,"note":"x"}}
{"type":"Ship","data":{"name":"bob"}}
{"type":"Ship","data":{"name":"cat","tons":30}}
{"type":"Ship","data":{"name":"dan","tons":20}}
{"type":"Port","data":{"id":"p1","zone":"north"}}
{"edge":"DocksAt","from":"ada","to":"p1","data":{"since":"2020-01-02"}}
{"edge":"DocksAt","from":"ada","to":"p1","data":{"since":"2021-01-02"}}
{"edge":"DocksAt","from":"cat","to":"p1"}
{"edge":"Tows","from":"ada","to":"bob"}
{"edge":"Tows","from":"bob","to":"cat"}
{"edge":"Tows","from":"cat","to":"ada"}
{"edge":"Tows","from":"dan","to":"dan"}
)";

struct MutateTest : ::testing::Test {
  MutateTest() : graph(kMutateSchema, 2) { graph.add(kRows); }
  MutationAnswer run(const std::string& statements, std::string_view parameters = "{}",
                     const std::string& declared = "", const MutateContext& context = {}) {
    return mutate(graph.snapshot(), "query q(" + declared + ") { " + statements + " }", parameters, context);
  }
  void expect_counts(const MutationAnswer& answer, std::uint64_t nodes, std::uint64_t edges) {
    EXPECT_EQ(answer.error, "");
    EXPECT_EQ(answer.counts.affected_nodes, nodes);
    EXPECT_EQ(answer.counts.affected_edges, edges);
  }
  // The one row of the dump that starts with `start`, or "".
  static std::string row(const MutationAnswer& answer, const std::string& type, const std::string& start) {
    for (const std::string& text : answer.dump.at(type)) {
      if (text.starts_with(start)) return text;
    }
    return "";
  }
  FakeGraph graph;
};

TEST_F(MutateTest, InsertsNodeAndEdgeInOneQuery) {
  const auto a = run(R"(insert Ship {name:"eve" tons:5} insert Tows {from:"eve" to:"ada"})");
  expect_counts(a, 1, 1);
  EXPECT_EQ(row(a, "Ship", "eve"),
            R"(eve {"name":"eve","tons":5,"rate":null,"note":null,"kind":null,"tags":null,"vec":null,"pic":null})");
  EXPECT_EQ(row(a, "Tows", "* eve"), "* eve ada {}");
  EXPECT_EQ(a.dump.at("Ship").size(), 5u);
}

TEST_F(MutateTest, KeyedInsertReplacesTheWholeNode) {
  const auto a = run(R"(insert Ship {name:"ada", rate: 1})");
  expect_counts(a, 1, 0);
  EXPECT_EQ(row(a, "Ship", "ada"),
            R"(ada {"name":"ada","tons":null,"rate":1.0,"note":null,"kind":null,"tags":null,"vec":null,"pic":null})");
  EXPECT_EQ(a.dump.at("Ship").size(), 4u);
  EXPECT_EQ(a.dump.at("DocksAt").size(), 3u);
}

TEST_F(MutateTest, CompositeKeyMakesTheId) {
  const auto a = run(R"(insert Berth {number:42 port:"eu-1"} insert Berth {number:42 port:"eu-1" free:true})");
  expect_counts(a, 2, 0);
  EXPECT_EQ(a.dump.at("Berth"), std::vector<std::string>{R"(["42","eu-1"] {"port":"eu-1","number":42,"free":true})"});
}

TEST_F(MutateTest, UnkeyedInsertDrawsAnId) {
  const auto a = run(R"(insert Port {zone:"a"} insert Port {zone:"a"})");
  expect_counts(a, 2, 0);
  EXPECT_EQ(a.dump.at("Port").size(), 3u);
}

TEST_F(MutateTest, UpdatesSeeEarlierStatements) {
  const auto a = run(R"(update Ship set {tons:99} where name="ada"  update Ship set {tons:1} where tons > 50)");
  expect_counts(a, 2, 0);
  EXPECT_EQ(row(a, "Ship", "ada"),
            R"(ada {"name":"ada","tons":1,"rate":null,"note":"x","kind":null,"tags":null,"vec":null,"pic":null})");
  EXPECT_TRUE(a.reads.contains("node:Ship"));
}

TEST_F(MutateTest, UpdateMatchesCurrentValuesOnly) {
  const auto a = run(
      R"(insert Ship {name:"new" tons:50} update Ship set {tons:0} where tons >= 30 update Ship set {note:"big"} where tons >= 30)");
  expect_counts(a, 3, 0);
  EXPECT_EQ(row(a, "Ship", "cat"),
            R"(cat {"name":"cat","tons":0,"rate":null,"note":null,"kind":null,"tags":null,"vec":null,"pic":null})");
}

TEST_F(MutateTest, WhereWithNullMatchesNothing) {
  const auto a = run("update Ship set {tons:1} where note = $n", "{}", "$n: String?");
  expect_counts(a, 0, 0);
  EXPECT_TRUE(a.untouched);
}

TEST_F(MutateTest, DeleteCascadesAndCountsOnce) {
  const auto a = run(R"(delete Ship where name="ada"  delete Ship where tons < 15)");
  expect_counts(a, 1, 4);
  EXPECT_EQ(a.dump.at("Ship").size(), 3u);
  EXPECT_EQ(a.dump.at("DocksAt").size(), 1u);
  EXPECT_EQ(a.dump.at("Tows").size(), 2u);
  EXPECT_TRUE(a.reads.contains("edge:Tows"));
}

TEST_F(MutateTest, SelfLoopIsOneEdge) { expect_counts(run(R"(delete Ship where name="dan")"), 1, 1); }

TEST_F(MutateTest, DeletesEdgesByEndAndProperty) {
  expect_counts(run(R"(delete DocksAt where from="ada")"), 0, 2);
  expect_counts(run(R"(delete DocksAt where to="p1")"), 0, 3);
  expect_counts(run(R"(delete DocksAt where since > date("2020-06-01"))"), 0, 1);
  expect_counts(run(R"(delete DocksAt where from != "ada")"), 0, 1);
  expect_counts(run(R"(delete DocksAt where from="ada" delete DocksAt where to="p1")"), 0, 3);
}

TEST_F(MutateTest, NothingMatchedTouchesNothing) {
  const auto a = run(R"(delete Ship where name="zzz")");
  expect_counts(a, 0, 0);
  EXPECT_TRUE(a.untouched);
}

TEST_F(MutateTest, RefusesValuesThatDoNotFit) {
  const auto error = [&](const std::string& set, const std::string& parameters = "{}",
                         const std::string& declared = "") {
    return run("insert Ship {name:\"n\" " + set + "}", parameters, declared).error;
  };
  EXPECT_EQ(error("tons: 3000000000").find("integer value 3000000000 exceeds Int32 range"), 0u);
  EXPECT_EQ(error("tons: 2.5").find("cannot convert"), 0u);
  EXPECT_EQ(error("rate: $r", R"({"r":1e300})", "$r: F64").find("value 1e"), 0u);
  EXPECT_EQ(error("tags: [1, 3000000000]").find("list value 3000000000 exceeds Int32 range"), 0u);
  EXPECT_EQ(error("kind: $k", R"({"k":"raft"})", "$k: String"),
            "invalid enum value 'raft' for Ship.kind (expected: liner, tug)");
  EXPECT_EQ(error("pic: $b", R"({"b":"s3://b/k"})", "$b: Blob"),
            "external blob URI 's3://b/k' is not allowed: new external Blob URI ingress is denied for this graph");
  EXPECT_EQ(run("insert Ship {name: $n}", "{}", "$n: String?").error,
            "insert @key property 'name' cannot contain null");
  EXPECT_NE(run("insert Port {zone: $n}", "{}", "$n: String?").error.find("'zone'"), std::string::npos);
}

TEST_F(MutateTest, KeepsSmallBlobsInTheRowAndLargeOnesOutside) {
  const auto small = run("insert Ship {name:\"n\" pic: $b}", R"({"b":"base64:aGk="})", "$b: Blob");
  expect_counts(small, 1, 0);
  EXPECT_NE(row(small, "Ship", "n ").find("\"pic\":blob 2"), std::string::npos);
  const std::string large = "base64:" + std::string(100'000, 'A');
  EXPECT_NE(run("insert Ship {name:\"n\" pic: $b}", R"({"b":")" + large + "\"}", "$b: Blob").error, "");
  std::string key;
  MutateContext context;
  context.put_blob = [&](std::string_view k, std::span<const std::byte> bytes) {
    key = k;
    EXPECT_EQ(bytes.size(), 75'000u);
    return Result<void>();
  };
  const auto stored = run("insert Ship {name:\"n\" pic: $b}", R"({"b":")" + large + "\"}", "$b: Blob", context);
  expect_counts(stored, 1, 0);
  EXPECT_TRUE(key.starts_with("blobs/")) << key;
}

TEST_F(MutateTest, AnUpdateKeepsWhatItDoesNotSet) {
  const auto a = run("update Ship set {rate: 2.5} where tons >= 10");
  expect_counts(a, 3, 0);
  EXPECT_EQ(row(a, "Ship", "ada"),
            R"(ada {"name":"ada","tons":10,"rate":2.5,"note":"x","kind":null,"tags":null,"vec":null,"pic":null})");
  EXPECT_EQ(a.dump.at("Ship").size(), 4u);
}

}  // namespace
}  // namespace omnigraph::exec::testing
