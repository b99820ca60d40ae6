#include <algorithm>

#include "graph/optimize.h"
#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

// Every kind of value, with nulls.
class OptimizeValuesTest : public PrepareTest {};

TEST_F(OptimizeValuesTest, EveryTypeKeepsItsValues) {
  open(
      "node N { s: String?  i: I32?  d: F64?  b: Bool?  day: Date?  l: [String]?  v: Vector(2)?  pic: Blob?  e: "
      "enum(x, y)? }\n"
      "edge E: N -> N { w: I64? }\n");
  const schema::TypeRef n = node("N"), e = edge("E");
  const Row nothing(9);
  for (int i = 0; i < 12; ++i) {
    Row row{text(numbered("n", static_cast<std::uint64_t>(i)))};
    Row rest = nothing;
    if (i % 3 == 0) rest[0] = text("text");
    if (i % 2 == 0) rest[1] = number(i);
    if (i % 4 == 1) rest[2] = real(0.5 * i);
    if (i % 5 == 0) rest[4] = day(i);
    if (i % 6 == 2) rest[8] = text("x");
    row.insert(row.end(), rest.begin(), rest.end());
    expect_ok(append({{n, {row}}}));
  }
  for (int i = 11; i > 0; --i) {
    expect_ok(append(
        {{e,
          {{text(numbered("e", static_cast<std::uint64_t>(i))), text(numbered("n", static_cast<std::uint64_t>(i))),
            text("n0"), i % 2 == 0 ? null() : number(i)}}}}));
  }
  expect_ok(remove({{e, "e3"}, {n, "n3"}}));
  auto nodes = rows(n), edges = rows(e);
  ASSERT_TRUE(optimize(graph_->parts(), "main"));
  EXPECT_EQ(table(n)->manifest().fragments.size(), 1u);
  auto nodes_after = rows(n), edges_after = rows(e);
  for (auto* lines : {&nodes, &edges, &nodes_after, &edges_after}) std::ranges::sort(*lines);
  EXPECT_EQ(nodes_after, nodes);
  EXPECT_EQ(edges_after, edges);
  // A Blob's header is there although no row has a value: other tools cannot rewrite rows without.
  std::int32_t header = -1;
  for (const lance::SchemaField& field : table(n)->manifest().fields) {
    if (field.name == "pic") header = field.id;
  }
  const auto& fields = table(n)->manifest().fragments[0].files[0].fields;
  EXPECT_NE(std::ranges::find(fields, header), fields.end());
}

}  // namespace
}  // namespace omnigraph::graph
