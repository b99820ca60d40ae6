#include <gmock/gmock.h>

#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

using ::testing::ElementsAre;

class PrepareEdges : public PrepareTest {
 protected:
  void SetUp() override {
    open(R"(
node Port { code: String @key }
node Berth { name: String? }
edge Route: Port -> Port @card(0..2)
edge At: Berth -> Port @card(1..1)
edge Free: Port -> Berth { weight: F64? }
)");
    port = node("Port");
    berth = node("Berth");
    route = edge("Route");
    at = edge("At");
    free = edge("Free");
  }
  static Row code(const std::string& id) { return {text(id), text(id)}; }
  static Row link(const std::string& id, const std::string& from, const std::string& to) {
    return {text(id), text(from), text(to)};
  }
  std::vector<std::uint64_t> endpoint_rows(schema::TypeRef type) {
    const TableViewPtr view = table(type);
    std::vector<std::uint64_t> found;
    for (Ordinal o = 0; o < view->physical_rows(); ++o) {
      if (view->is_deleted(o)) continue;
      for (const auto& column : {*view->source_rows(), *view->destination_rows()}) {
        const auto place = column->locate(o);
        found.push_back(column->chunk(place.chunk)->value<std::uint64_t>(place.index));
      }
    }
    return found;
  }
  schema::TypeRef port, berth, route, at, free;
};

TEST_F(PrepareEdges, EndpointsComeFromTheInputOrTheGraph) {
  expect_ok(append({{port, {code("A"), code("B")}}}));
  expect_ok(append({{port, {code("C")}}, {route, {link("r1", "A", "C"), link("r2", "C", "B")}}}));
  EXPECT_THAT(endpoint_rows(route),
              ElementsAre(row_id(port, "A"), row_id(port, "C"), row_id(port, "C"), row_id(port, "B")));
}

TEST_F(PrepareEdges, EndpointRowsOfReplacedNodesStayTheirs) {
  expect_ok(append({{port, {code("A"), code("B")}}}));
  const std::uint64_t row = row_id(port, "A");
  // A is replaced, B is not, C is new, all in one merge with an edge.
  expect_ok(merge({{port, {code("C"), code("A")}}, {route, {link("r1", "A", "C"), link("r2", "B", "A")}}}));
  EXPECT_EQ(row_id(port, "A"), row);
  EXPECT_THAT(endpoint_rows(route), ElementsAre(row, row_id(port, "C"), row_id(port, "B"), row));
}

TEST_F(PrepareEdges, MissingEndpoints) {
  expect_ok(append({{port, {code("A")}}}));
  expect_refused(append({{route, {link("r", "A", "ZZ")}}}), "dst 'ZZ' not found in Port");
  expect_refused(append({{route, {link("r", "ZZ", "A")}}}), "src 'ZZ' not found in Port");
  expect_refused(append({{route, {link("r", "XX", "ZZ")}}}), "src 'XX' not found in Port");
  expect_refused(append({{route, {link("r1", "A", "A"), link("r2", "A", "Y"), link("r3", "X", "A")}}}),
                 "dst 'Y' not found in Port");
  EXPECT_TRUE(rows(route).empty());
}

TEST_F(PrepareEdges, ARemovedNodeMustNotLeaveEdges) {
  expect_ok(append({{port, {code("A"), code("B")}}, {route, {link("r", "A", "B")}}}));
  expect_refused(remove({{port, "B"}}), "dst 'B' not found in Port");
  expect_refused(remove({{port, "A"}}), "src 'A' not found in Port");
  expect_refused(remove({{port, "A"}, {port, "B"}}), "src 'A' not found in Port");
  expect_ok(remove({{port, "B"}, {route, "r"}}));
  EXPECT_TRUE(rows(route).empty());
  expect_refused(append({{route, {link("r", "A", "B")}}}), "dst 'B' not found in Port");
}

TEST_F(PrepareEdges, OverwrittenNodesMustNotLeaveEdges) {
  expect_ok(append({{port, {code("A"), code("B")}}, {route, {link("r", "A", "B")}}}));
  expect_refused(overwrite({{port, {code("A")}}}), "dst 'B' not found in Port");
  expect_ok(overwrite({{port, {code("A"), code("C")}}, {route, {link("r", "A", "C")}}}));
  EXPECT_THAT(rows(route), ElementsAre("r A>C"));
}

TEST_F(PrepareEdges, MaximumPerSource) {
  expect_ok(append({{port, {code("A"), code("B")}}, {route, {link("r1", "A", "B")}}}));
  expect_refused(append({{route, {link("r2", "A", "A"), link("r3", "A", "B")}}}),
                 "@card violation on edge Route: source 'A' has 3 edges (max 2)");
  expect_ok(append({{route, {link("r2", "A", "A"), link("r3", "B", "B")}}}));
  // Moving an edge counts for both its sources.
  expect_refused(merge({{route, {link("r3", "A", "B")}}}),
                 "@card violation on edge Route: source 'A' has 3 edges (max 2)");
  expect_ok(merge({{route, {link("r2", "A", "B")}}}));  // a change that moves nothing
  // One goes, one comes.
  expect_ok(merge({{route, {link("r1", "B", "A"), link("r4", "A", "A")}}}));
  EXPECT_EQ(rows(route).size(), 4u);
}

TEST_F(PrepareEdges, MinimumPerSource) {
  expect_ok(append({{port, {code("A")}}, {berth, {{text("b"), null()}, {text("c"), null()}}}}));  // no edge needed yet
  expect_ok(append({{at, {link("e", "b", "A")}}}));
  expect_refused(remove({{at, "e"}}), "@card violation on edge At: source 'b' has 0 edges (min 1)");
  expect_refused(merge({{at, {link("e", "c", "A")}}}), "@card violation on edge At: source 'b' has 0 edges (min 1)");
  expect_refused(overwrite({{at, {}}}), "@card violation on edge At: source 'b' has 0 edges (min 1)");
  expect_ok(remove({{at, "e"}, {berth, "b"}}));  // the source goes too
}

TEST_F(PrepareEdges, ManySourcesAreCountedApart) {
  std::vector<Row> ports, routes;
  for (int i = 0; i < 500; ++i) ports.push_back(code(numbered("p", i)));
  for (int i = 0; i < 999; ++i) {
    routes.push_back(link(numbered("r", i), numbered("p", i % 500), numbered("p", i / 2)));
  }
  expect_ok(append({{port, ports}, {route, routes}}));
  expect_ok(append({{route, {link("x", "p499", "p0")}}}));
  expect_refused(append({{route, {link("y", "p499", "p0"), link("z", "p498", "p0")}}}),
                 "@card violation on edge Route: source 'p499' has 3 edges (max 2)");
}

TEST_F(PrepareEdges, AdjacencyFollowsTheRows) {
  expect_ok(append(
      {{port, {code("A")}}, {berth, {{text("b"), null()}}}, {free, {{text("f"), text("A"), text("b"), real(2)}}}}));
  const auto adjacency = head()->adjacency(free.index, AdjacencyDirection::kOut);
  ASSERT_TRUE(adjacency) << adjacency.error().render();
  EXPECT_EQ((*adjacency)->edge_count(), 1u);
}

}  // namespace
}  // namespace omnigraph::graph
