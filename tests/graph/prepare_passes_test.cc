// Sets of rows too large for one hash table are handled in passes; here a table holds three rows.
#include <gmock/gmock.h>

#include "graph/id_table.h"
#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

class PreparePasses : public PrepareTest {
 protected:
  void SetUp() override {
    rows_max_before_ = std::exchange(pass_rows_max, 3);
    open(R"(
node Port { code: String @key  mail: String? @unique }
node Dock { name: String }
edge Route: Port -> Dock @card(0..2)
)");
    port = node("Port");
    dock = node("Dock");
    route = edge("Route");
  }
  void TearDown() override { pass_rows_max = rows_max_before_; }

  static std::vector<Row> ports(int count) {
    std::vector<Row> rows;
    for (int i = 0; i < count; ++i)
      rows.push_back({text(numbered("p", i)), text(numbered("p", i)), text(numbered("m", i))});
    return rows;
  }
  static std::vector<Row> docks(int count) {
    std::vector<Row> rows;
    for (int i = 0; i < count; ++i) rows.push_back({text(numbered("d", i)), text("D")});
    return rows;
  }
  static Row link(int i, const std::string& from, const std::string& to) {
    return {text(numbered("r", i)), text(from), text(to)};
  }
  schema::TypeRef port, dock, route;
  std::uint64_t rows_max_before_ = 0;
};

TEST_F(PreparePasses, EndpointsResolve) {
  std::vector<Row> links;
  for (int i = 0; i < 40; ++i) links.push_back(link(i, numbered("p", i % 20), numbered("d", i % 17)));
  expect_ok(append({{port, ports(20)}, {dock, docks(17)}, {route, links}}));
  const TableViewPtr view = table(route);
  const auto sources = *view->source_rows(), targets = *view->destination_rows();
  for (int i = 0; i < 40; ++i) {
    const Ordinal o = *view->find(numbered("r", i));
    const auto source = sources->locate(o), target = targets->locate(o);
    EXPECT_EQ(sources->chunk(source.chunk)->value<std::uint64_t>(source.index), row_id(port, numbered("p", i % 20)));
    EXPECT_EQ(targets->chunk(target.chunk)->value<std::uint64_t>(target.index), row_id(dock, numbered("d", i % 17)));
  }
}

TEST_F(PreparePasses, TheFirstMissingEndpointIsNamed) {
  std::vector<Row> links;
  for (int i = 0; i < 30; ++i) links.push_back(link(i, numbered("p", i % 10), "d0"));
  links[12] = link(12, "p0", "zz");
  links[20] = link(20, "yy", "d0");
  expect_refused(append({{port, ports(10)}, {dock, docks(5)}, {route, links}}), "dst 'zz' not found in Dock");
}

TEST_F(PreparePasses, DuplicatesAreFound) {
  std::vector<Row> twice = ports(20);
  twice.push_back({text("p4"), text("p4"), null()});
  twice.push_back({text("p2"), text("p2"), null()});
  expect_refused(merge({{port, twice}}), "@unique violation on Port.code: value 'p4' held by 'p4' and 'p4'");
  std::vector<Row> named = docks(20);
  named.push_back({text("d7"), text("last")});
  expect_refused(append({{dock, named}}), "node type 'Dock' already has id 'd7'", Code::kConflict);
  expect_ok(merge({{dock, named}}));
  EXPECT_EQ(rows(dock).size(), 20u);
  EXPECT_THAT(rows(dock), ::testing::Contains("d7 \"last\""));
}

TEST_F(PreparePasses, UniqueInsideAndOutside) {
  std::vector<Row> twice = ports(20);
  twice[15][2] = text("m3");
  expect_refused(append({{port, twice}}), "@unique violation on Port.mail: value 'm3' held by 'p15' and 'p3'");
  expect_ok(append({{port, ports(20)}}));
  expect_refused(append({{port,
                          {{text("x"), text("x"), text("a")},
                           {text("y"), text("y"), text("b")},
                           {text("z"), text("z"), text("c")},
                           {text("w"), text("w"), text("m11")},
                           {text("v"), text("v"), text("e")}}}}),
                 "@unique violation on Port.mail: value 'm11' held by 'p11' and 'w'");
}

TEST_F(PreparePasses, CardinalityNamesTheFirstSource) {
  std::vector<Row> links;
  for (int i = 0; i < 20; ++i) links.push_back(link(i, numbered("p", i % 10), "d0"));
  expect_ok(append({{port, ports(10)}, {dock, docks(1)}, {route, links}}));
  std::vector<Row> more;
  for (int i = 0; i < 10; ++i) more.push_back(link(100 + i, numbered("p", 9 - i), "d0"));
  expect_refused(append({{route, more}}), "@card violation on edge Route: source 'p9' has 3 edges (max 2)");
}

}  // namespace
}  // namespace omnigraph::graph
