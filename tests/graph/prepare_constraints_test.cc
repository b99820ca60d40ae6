#include <gmock/gmock.h>

#include "tests/graph/prepare_support.h"

namespace omnigraph::graph {
namespace {

using ::testing::ElementsAre;

class PrepareConstraints : public PrepareTest {
 protected:
  void SetUp() override {
    open(R"(
node Crew { mail: String? @unique  rank: I32?  kind: enum(sea, river)?  code: String?  need: String
            @range(rank, 1..5)  @check(code, "[0-9]") }
node Berth { lat: F64?  deck: I32?  @unique(lat, deck) }
node Port { code: String @key }
edge Route: Port -> Port { @unique(src, dst) }
)");
    crew = node("Crew");
    berth = node("Berth");
    port = node("Port");
    route = edge("Route");
  }
  static Row member(const std::string& id, Value mail, Value rank = null(), Value kind = null(), Value code = null(),
                    Value need = text("n")) {
    return {text(id), std::move(mail), std::move(rank), std::move(kind), std::move(code), std::move(need)};
  }
  schema::TypeRef crew, berth, port, route;
};

TEST_F(PrepareConstraints, ValuesOfNewRows) {
  expect_refused(append({{crew, {member("a", null(), number(6))}}}), "@range violation on Crew.rank: value 6 > max 5");
  expect_refused(append({{crew, {member("a", null(), number(0))}}}), "@range violation on Crew.rank: value 0 < min 1");
  expect_refused(append({{crew, {member("a", null(), null(), text("lake"))}}}),
                 "invalid enum value 'lake' for Crew.kind (expected: river, sea)");
  expect_refused(append({{crew, {member("a", null(), null(), null(), text("ab"))}}}),
                 "@check violation on Crew.code: value 'ab' does not match pattern '[0-9]'");
  expect_refused(append({{crew, {member("a", null(), null(), null(), null(), null())}}}),
                 "non-nullable property 'need' has null or invalid values");
  expect_ok(append({{crew, {member("a", null(), number(5), text("sea"), text("ab1"))}}}));
}

TEST_F(PrepareConstraints, ASupersededRecordIsNotChecked) {
  expect_ok(merge({{crew, {member("a", null(), number(9)), member("a", null(), number(2))}}}));
  EXPECT_THAT(rows(crew), ElementsAre("a null 2 null null \"n\""));
}

TEST_F(PrepareConstraints, UniqueInsideTheInput) {
  expect_refused(append({{crew, {member("b", text("m")), member("a", text("m"))}}}),
                 "@unique violation on Crew.mail: value 'm' held by 'a' and 'b'");
  // Even under one id, although the second record replaces the first.
  expect_refused(merge({{crew, {member("a", text("m")), member("a", text("m"))}}}),
                 "@unique violation on Crew.mail: value 'm' held by 'a' and 'a'");
  expect_ok(append({{crew, {member("a", null()), member("b", null())}}}));
}

TEST_F(PrepareConstraints, UniqueAgainstTheGraph) {
  expect_ok(append({{crew, {member("b", text("m")), member("c", text("k"))}}}));
  expect_refused(merge({{crew, {member("a", text("m"))}}}),
                 "@unique violation on Crew.mail: value 'm' held by 'a' and 'b'");
  expect_ok(merge({{crew, {member("b", text("m"), number(2))}}}));               // its own
  expect_ok(merge({{crew, {member("b", text("k")), member("c", text("m"))}}}));  // swapped in one write
  EXPECT_THAT(rows(crew), ElementsAre("b \"k\" null null null \"n\"", "c \"m\" null null null \"n\""));
}

TEST_F(PrepareConstraints, AValueOfARemovedRowIsFree) {
  expect_ok(append({{crew, {member("b", text("m"))}}}));
  expect_ok(write([&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const auto view, transaction.base()->table(crew));
    OG_ASSIGN_OR_RETURN(const Ordinal o, view->find("b"));
    transaction.remove(crew, std::vector<Ordinal>{o});
    transaction.put(staged(crew, {member("a", text("m"))}), PutMode::kAppend, false);
    return {};
  }));
  expect_ok(overwrite({{crew, {member("z", text("m"))}}}));
  EXPECT_THAT(rows(crew), ElementsAre("z \"m\" null null null \"n\""));
}

TEST_F(PrepareConstraints, CompositeTuplesAreTypedAndNullsExempt) {
  expect_ok(append(
      {{berth, {{text("a"), real(0.0), number(1)}, {text("b"), null(), number(1)}, {text("c"), null(), number(1)}}}}));
  expect_refused(append({{berth, {{text("d"), real(-0.0), number(1)}}}}),
                 "@unique violation on Berth.(deck, lat): value '(1, 0)' held by 'a' and 'd'");
  expect_ok(append({{berth, {{text("d"), real(-0.0), number(2)}}}}));
}

TEST_F(PrepareConstraints, EndpointsMayBeUnique) {
  expect_ok(append(
      {{port, {{text("A"), text("A")}, {text("C"), text("C")}}}, {route, {{text("r1"), text("A"), text("C")}}}}));
  expect_refused(append({{route, {{text("r2"), text("A"), text("C")}}}}),
                 "@unique violation on Route.(dst, src): value '(C, A)' held by 'r1' and 'r2'");
  expect_ok(append({{route, {{text("r2"), text("C"), text("A")}}}}));
}

// Goal: the index per fragment and the scan of the base find the same holders.
// Method: a base large against the write (index) and small against it (scan); deleted and replaced holders are free.
TEST_F(PrepareConstraints, IndexAndScanAgree) {
  std::vector<Row> many;
  for (int i = 0; i < 200; ++i) many.push_back(member(numbered("c", 1000 + i), text(numbered("m", i))));
  expect_ok(append({{crew, many}}));
  expect_refused(merge({{crew, {member("x", text("m77"))}}}),
                 "@unique violation on Crew.mail: value 'm77' held by 'c1077' and 'x'");
  expect_ok(remove({{crew, "c1077"}}));
  expect_ok(merge({{crew, {member("x", text("m77"))}}}));
  expect_refused(merge({{crew, {member("y", text("m77"))}}}),
                 "@unique violation on Crew.mail: value 'm77' held by 'x' and 'y'");
  std::vector<Row> bulk;
  for (int i = 0; i < 100; ++i) bulk.push_back(member(numbered("n", i), text(numbered("k", i))));
  bulk.push_back(member("z", text("m5")));
  expect_refused(merge({{crew, bulk}}), "@unique violation on Crew.mail: value 'm5' held by 'c1005' and 'z'");
}

TEST_F(PrepareConstraints, ViolationsComeInTheContractsOrder) {
  // Values before uniqueness, uniqueness before endpoints.
  expect_refused(append({{crew, {member("a", text("m")), member("b", text("m")), member("c", null(), number(9))}}}),
                 "@range violation on Crew.rank: value 9 > max 5");
  expect_refused(
      append({{crew, {member("a", text("m")), member("b", text("m"))}}, {route, {{text("r"), text("x"), text("y")}}}}),
      "@unique violation on Crew.mail: value 'm' held by 'a' and 'b'");
}

}  // namespace
}  // namespace omnigraph::graph
