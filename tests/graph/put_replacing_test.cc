// Rows that replace base rows the caller knows (graph/put_replacing.h).
#include "graph/put_replacing.h"

#include <gtest/gtest.h>

#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

Result<WriteOutcome> replace_people(GraphStore& graph, const People& people) {
  return graph.write({}, [&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const TableViewPtr table, transaction.base()->table(kPerson));
    std::vector<Ordinal> replaced;
    for (const auto& [name, age] : people) {
      OG_ASSIGN_OR_RETURN(const Ordinal at, table->find(name));
      replaced.push_back(at);
    }
    put_replacing(transaction, people_rows(*transaction.base()->catalog(), people), std::move(replaced));
    return {};
  });
}

std::uint64_t row_id_of(const Snapshot& snapshot, const std::string& name) {
  const TableViewPtr table = snapshot.table(kPerson).value();
  return table->row_id(table->find(name).value());
}

// Goal: it is an update like one whose rows are looked up: row ids stay, the others stay, the commit counts it so.
TEST(PutReplacing, UpdatesTheRowsThatAreNamed) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}, {"Cy", 3}}));
  const SnapshotPtr before = graph->head("main").value();
  const auto written = replace_people(*graph, {{"Ada", 10}, {"Cy", 30}});
  ASSERT_TRUE(written) << written.error().render();
  EXPECT_EQ(written->commit->changes.at("node:Person").updated, 2u);
  EXPECT_EQ(written->commit->changes.at("node:Person").inserted, 0u);
  EXPECT_EQ(written->commit->changes.at("node:Person").deleted, 0u);
  const SnapshotPtr after = graph->head("main").value();
  EXPECT_EQ(people_in(*after).value(), (People{{"Ada", 10}, {"Bo", 2}, {"Cy", 30}}));
  for (const char* name : {"Ada", "Bo", "Cy"}) EXPECT_EQ(row_id_of(*after, name), row_id_of(*before, name)) << name;
}

// Goal: a writer that was overtaken names the rows of its new base.
TEST(PutReplacing, IsRunAgainOnALaterBase) {
  const StorePtr store = objectstore::make_memory_store();
  const GraphPtr graph = init_people(store), other = open_people(store);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
  bool overtaken = false;
  const auto written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const std::int32_t age, age_of(*transaction.base(), "Bo"));
    OG_ASSIGN_OR_RETURN(const TableViewPtr table, transaction.base()->table(kPerson));
    OG_ASSIGN_OR_RETURN(const Ordinal at, table->find("Bo"));
    transaction.note_read(kPerson);
    put_replacing(transaction, people_rows(*transaction.base()->catalog(), {{"Bo", age + 1}}), {at});
    if (!std::exchange(overtaken, true)) {
      EXPECT_TRUE(put_people(*other, {{"Ada", 5}, {"Bo", 7}}));
    }
    return {};
  });
  ASSERT_TRUE(written) << written.error().render();
  EXPECT_EQ(written->attempts, 2u);
  EXPECT_EQ(people_in(*graph->head("main").value()).value(), (People{{"Ada", 5}, {"Bo", 8}}));
}

}  // namespace
}  // namespace omnigraph::graph::testing
