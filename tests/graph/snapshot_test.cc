#include "graph/snapshot.h"

#include <gtest/gtest.h>

#include <random>

#include "graph/store_parts.h"
#include "lance/manifest.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

using Pairs = std::multiset<std::pair<std::string, std::string>>;

// Every edge as the adjacency of one direction shows it.
Pairs pairs_of(const Snapshot& snapshot, AdjacencyDirection direction) {
  const TableViewPtr people = snapshot.table(kPerson).value();
  const auto ids = people->ids().value();
  const auto name = [&](Ordinal o) {
    const auto place = ids->locate(o);
    return std::string(ids->chunk(place.chunk)->string_value(place.index));
  };
  const auto adjacency = snapshot.adjacency(0, direction).value();
  Pairs pairs;
  for (Ordinal o = 0; o < people->physical_rows(); ++o) {
    for (const std::uint32_t other : adjacency->neighbors(o)) {
      EXPECT_FALSE(people->is_deleted(other));
      pairs.emplace(direction == AdjacencyDirection::kOut ? name(o) : name(other),
                    direction == AdjacencyDirection::kOut ? name(other) : name(o));
    }
  }
  return pairs;
}

TEST(Snapshot, AdjacencyIsSharedWhileItIsTheSame) {
  const GraphPtr graph = init_people(objectstore::make_memory_store());
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}, {"Cy", 3}}));
  ASSERT_TRUE(insert_knows(*graph, "Ada", "Bo"));
  const auto out = [&] { return graph->head("main").value()->adjacency(0, AdjacencyDirection::kOut).value(); };
  const auto first = out();
  EXPECT_EQ(out(), first);
  ASSERT_TRUE(insert_note(*graph, "unrelated"));
  EXPECT_EQ(out(), first);
  ASSERT_TRUE(insert_person(*graph, "Di", 4));
  EXPECT_EQ(out(), first) << "new nodes have no edges yet";
  ASSERT_TRUE(birthday(*graph, "Bo"));
  EXPECT_NE(out(), first) << "Bo's row moved";
  EXPECT_EQ(pairs_of(*graph->head("main").value(), AdjacencyDirection::kOut), (Pairs{{"Ada", "Bo"}}));
}

// Goal: a schema file that lost its end is damage, not a schema of fewer types.
TEST(Snapshot, ATornSchemaIsCorrupt) {
  // In a bucket the record would hold a copy of it.
  const StorePtr store = objectstore::open_local_store(fresh_directory("torn-schema")).value();
  ASSERT_TRUE(insert_person(*init_people(store), "Ada"));
  {
    // What is settled is read from its own place only.
    const GraphPtr graph = open_people(store);
    const auto head = graph->parts().log->confirmed_head("main");
    ASSERT_TRUE(head && graph->parts().keeper->settle(*head->record));
    ASSERT_TRUE(insert_note(*graph, "without its schema attached"));
  }
  const auto keys = keys_under(store, "schema/");
  ASSERT_EQ(keys.size(), 1u);
  for (const std::string_view torn : {"", "node Person { name: String @key  age: I32? }"}) {
    ASSERT_TRUE(store->put(keys.front(), std::as_bytes(std::span(torn))));
    const auto head = open_people(store)->head("main");
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::kCorruptObject) << head.error().render();
    EXPECT_NE(head.error().message.find(keys.front()), std::string::npos);
  }
}

// Goal: whatever is shared between versions, each snapshot shows exactly its own edges, in both directions.
// Method: random writes against a plain model; every state is checked when it is new and once more at the end.
TEST(Snapshot, RandomHistoryEqualsAModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto up_to = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n)(random); };
  const GraphPtr graph = init_people(objectstore::make_memory_store());
  State model;
  std::vector<std::pair<std::string, State>> history;
  const auto someone = [&] {
    return std::next(model.people.begin(), static_cast<long>(up_to(model.people.size() - 1)))->first;
  };
  for (int step = 0; step < 120; ++step) {
    Result<WriteOutcome> written = WriteOutcome{};
    const std::size_t kind = model.people.size() < 2 ? 0 : up_to(4);
    if (kind == 0) {
      const std::string name = numbered("p", step);
      written = insert_person(*graph, name, step);
      model.people[name] = step;
    } else if (kind == 1) {
      const std::string name = someone();
      written = birthday(*graph, name);
      ++model.people[name];
    } else if (kind <= 3) {
      const std::string from = someone(), to = someone();
      written = insert_knows(*graph, from, to);
      model.knows.emplace(from, to);
    } else {
      // A node goes with its edges.
      const std::string name = someone();
      written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
        OG_ASSIGN_OR_RETURN(const TableViewPtr people, transaction.base()->table(kPerson));
        OG_ASSIGN_OR_RETURN(const TableViewPtr edges, transaction.base()->table(kKnows));
        OG_ASSIGN_OR_RETURN(const Ordinal at, people->find(name));
        std::set<Ordinal> gone;
        for (const auto direction : {AdjacencyDirection::kOut, AdjacencyDirection::kIn}) {
          OG_ASSIGN_OR_RETURN(const auto adjacency, transaction.base()->adjacency(0, direction));
          for (const std::uint32_t edge : adjacency->edges(at)) gone.insert(edge);
        }
        transaction.remove(kPerson, std::vector<Ordinal>{at});
        transaction.remove(kKnows, std::vector<Ordinal>(gone.begin(), gone.end()));
        return {};
      });
      model.people.erase(name);
      std::erase_if(model.knows, [&](const auto& pair) { return pair.first == name || pair.second == name; });
    }
    ASSERT_TRUE(written) << written.error().render();
    history.emplace_back(written->commit->id, model);
    if (up_to(2) != 0) continue;
    const SnapshotPtr head = graph->head("main").value();
    ASSERT_EQ(people_in(*head).value(), model.people);
    ASSERT_EQ(pairs_of(*head, AdjacencyDirection::kOut), model.knows);
    ASSERT_EQ(pairs_of(*head, AdjacencyDirection::kIn), model.knows);
  }
  graph->drain();
  for (const auto& [id, expected] : history) {
    const SnapshotPtr snapshot = graph->at_commit(id).value();
    ASSERT_EQ(people_in(*snapshot).value(), expected.people);
    ASSERT_EQ(pairs_of(*snapshot, AdjacencyDirection::kOut), expected.knows);
  }
}

TEST(Snapshot, RowsAreFoundByIdAndByRowId) {
  const GraphPtr graph = init_people(objectstore::make_memory_store());
  People people;
  for (int i = 0; i < 300; ++i) people[numbered("p", i)] = i;
  ASSERT_TRUE(put_people(*graph, people));
  ASSERT_TRUE(birthday(*graph, "p7"));
  ASSERT_TRUE(remove_person(*graph, "p8"));
  const TableViewPtr view = graph->head("main").value()->table(kPerson).value();
  EXPECT_EQ(view->live_rows(), 299u);
  EXPECT_EQ(view->find("p8").value(), kNoOrdinal);
  EXPECT_EQ(view->find("nobody").value(), kNoOrdinal);
  const auto ids = view->ids().value();
  for (Ordinal o = 0; o < view->physical_rows(); ++o) {
    const auto place = ids->locate(o);
    const Ordinal found = view->find(ids->chunk(place.chunk)->string_value(place.index)).value();
    if (view->is_deleted(o)) {
      EXPECT_NE(found, o);
    } else {
      EXPECT_EQ(found, o);
      EXPECT_EQ(view->ordinal_of_row(view->row_id(o)), o);
    }
  }
}

TEST(Snapshot, AnExclusiveWriterMarksItsManifests) {
  for (const bool exclusive : {false, true}) {
    const GraphPtr graph = init_people(objectstore::make_memory_store(), {.exclusive_writer = exclusive});
    ASSERT_TRUE(insert_person(*graph, "Ada"));
    EXPECT_EQ(graph->head("main").value()->table(kPerson).value()->manifest().exclusive_writer, exclusive);
    EXPECT_EQ(graph->head("main").value()->table(kNote).value()->manifest().exclusive_writer, exclusive);
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
