// Maintenance under faults, enumerated: every fault at every store operation. The content stays, whatever happens.
#include <gtest/gtest.h>

#include <functional>

#include "graph/optimize.h"
#include "graph/repair.h"
#include "objectstore/faulty_store.h"
#include "tests/graph/maintenance_support.h"

namespace omnigraph::graph::testing {
namespace {

using objectstore::Fault;

void seed_tables(const StorePtr& disk) {
  const GraphPtr graph = init_people(disk);
  for (const char* name : {"Ada", "Bo", "Cy"}) ASSERT_TRUE(insert_person(*graph, name));
  ASSERT_TRUE(insert_knows(*graph, "Ada", "Bo"));
  ASSERT_TRUE(insert_knows(*graph, "Bo", "Ada"));
  ASSERT_TRUE(birthday(*graph, "Ada"));
  graph->drain();
}

// Goal: the content is untouched whether the run ended or not, and the next run and the next write work.
// Method: as in commit_fault_test.cc; no randomness.
TEST(MaintenanceFault, OptimizeChangesNothing) {
  for (const Fault fault : {Fault::kFailBefore, Fault::kFailAfter, Fault::kCrashBefore, Fault::kCrashAfter}) {
    for (std::uint64_t at = 0;; ++at) {
      SCOPED_TRACE(::testing::Message() << "fault " << static_cast<int>(fault) << " at operation " << at);
      ASSERT_LT(at, 1'000u);
      const StorePtr disk = objectstore::make_memory_store();
      seed_tables(disk);
      const State before = read_state(disk).value();
      const auto faulty = objectstore::make_faulty_store(disk, {.fault = fault, .at_operation = at});
      bool told = false;
      if (const auto graph = GraphStore::open(faulty)) told = optimize((*graph)->parts(), "main").has_value();
      const auto after = read_state(disk);
      ASSERT_TRUE(after) << after.error().render();
      EXPECT_EQ(*after, before);
      const GraphPtr next = open_people(disk);
      const auto again = optimize(next->parts(), "main");
      ASSERT_TRUE(again) << again.error().render();
      EXPECT_EQ(manifest_of(*next->head("main").value(), kPerson).fragments.size(), 1u);
      ASSERT_TRUE(insert_person(*next, "Next", 9));
      next->drain();
      State finally = before;
      finally.people["Next"] = 9;
      EXPECT_EQ(read_state(disk).value(), finally);
      const RegularVersion newest = newest_regular(*disk, root_of(*next->head("main").value(), "node:Person")).value();
      EXPECT_EQ(newest.commit_id, next->head("main").value()->commit_id());
      if (!faulty->fired()) {
        EXPECT_TRUE(told);
        break;
      }
    }
  }
}

// Goal: another tool's change is taken over whole or not at all, and the next run finishes it.
TEST(MaintenanceFault, RepairIsAllOrNothing) {
  for (const Fault fault : {Fault::kFailBefore, Fault::kFailAfter, Fault::kCrashBefore, Fault::kCrashAfter}) {
    for (std::uint64_t at = 0;; ++at) {
      SCOPED_TRACE(::testing::Message() << "fault " << static_cast<int>(fault) << " at operation " << at);
      ASSERT_LT(at, 1'000u);
      const StorePtr disk = objectstore::make_memory_store();
      seed_tables(disk);
      ASSERT_TRUE(insert_person(*open_people(disk), "Last"));  // its fragment is the last one
      const State before = read_state(disk).value();
      State with = before;
      with.people.erase("Last");
      const GraphPtr owner = open_people(disk);
      ASSERT_TRUE(materialize(owner->parts(), "main"));
      put_foreign_version(disk, root_of(*owner->head("main").value(), "node:Person"),
                          [](lance::Manifest& manifest) { manifest.fragments.pop_back(); });
      const RepairOptions options{.confirm = true, .force = true};
      const auto faulty = objectstore::make_faulty_store(disk, {.fault = fault, .at_operation = at});
      bool told = false;
      if (const auto graph = GraphStore::open(faulty)) told = repair((*graph)->parts(), options).has_value();
      const State after = read_state(disk).value();
      EXPECT_TRUE(after == with || (!told && after == before));
      const GraphPtr next = open_people(disk);
      const auto again = repair(next->parts(), options);
      ASSERT_TRUE(again) << again.error().render();
      EXPECT_EQ(read_state(disk).value(), with);
      const RegularVersion newest = newest_regular(*disk, root_of(*next->head("main").value(), "node:Person")).value();
      EXPECT_TRUE(newest.ours);
      EXPECT_EQ(newest.manifest->live_rows(), with.people.size());
      if (!faulty->fired()) {
        EXPECT_TRUE(told);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
